/** What PayPal's answers mean for a registration. */
import {
  CaptureStatus,
  EnrollmentStatus,
  LiabilityShiftIndicator,
  RefundStatus,
  type CapturedPayment,
  type Order as PayPalOrder,
  type OrdersCapture,
  type Refund as PayPalRefund,
} from '@paypal/paypal-server-sdk';
import { parseMoney, type Money } from '../../money.ts';
import type { DeclineReason } from '../../registration.ts';

/**
 * A capture: `captured` holds money, `pending` may come to hold some, the others hold none. `paidAt` is ISO 8601. `amount` is
 * what was captured, whatever was refunded since, and `fee` what PayPal kept of it; undefined where PayPal does not say.
 */
export type Capture = { captureId: string; amount: Money | undefined; fee?: Money } & (
  | { status: 'captured'; paidAt: string }
  | { status: 'pending' | 'refunded' | 'failed' }
  | { status: 'declined'; reason: DeclineReason }
);

/** Money that went back. `name` is ours; undefined for a refund that was made in PayPal's dashboard. `at` is ISO 8601. */
export type Refund = {
  refundId: string;
  status: 'done' | 'pending' | 'failed';
  name: string | undefined;
  /** Undefined where PayPal does not say. */
  amount: Money | undefined;
  /** What PayPal gave back of its fee. */
  fee?: Money;
  at: string;
};

/** An order as a payment needs it. */
export type CheckoutOrder = {
  /** What it was opened for: registration id, decimal amount and currency; undefined when it has several purchase units. */
  purchase: { registrationId: string | undefined; value: string; currency: string } | undefined;
  /** Whether the card may be charged after 3-D Secure. */
  authenticated: boolean;
  capture: Capture | undefined;
  refunds: Refund[];
};

/** Processor response codes (PayPal, Payments v2, processor_response) that an attendee can act on. */
const REASONS: Record<string, DeclineReason> = {
  '5120': 'insufficient-funds',
  '5400': 'expired-card',
  '00N7': 'wrong-security-code',
  '5110': 'wrong-security-code',
};

/** Issues that say that the payer's card or account was declined (PayPal, Orders v2 errors). */
export const DECLINED = [
  'INSTRUMENT_DECLINED',
  'TRANSACTION_REFUSED',
  'PAYER_CANNOT_PAY',
  'CARD_BRAND_NOT_SUPPORTED',
  'CARD_EXPIRED',
  'PAYMENT_SOURCE_DECLINED_BY_PROCESSOR',
];
export const NOT_APPROVED = ['ORDER_NOT_APPROVED', 'PAYER_ACTION_REQUIRED'];

export function toCheckoutOrder(order: PayPalOrder): CheckoutOrder {
  const [unit, ...others] = order.purchaseUnits ?? [];
  const amount = others.length === 0 ? unit?.amount : undefined;
  return {
    purchase: amount && {
      registrationId: unit?.customId,
      value: amount.value,
      currency: amount.currencyCode,
    },
    authenticated: isAuthenticated(order),
    capture: captureOf(order),
    refunds: (unit?.payments?.refunds ?? []).flatMap((refund) => toRefund(refund) ?? []),
  };
}

/** The capture of an order, if there is one: our orders have one purchase unit and are captured once. */
export function captureOf(order: PayPalOrder): Capture | undefined {
  const capture = order.purchaseUnits?.[0]?.payments?.captures?.[0];
  return capture && toCapture(capture);
}

const toMoney = (amount: { currencyCode: string; value: string } | undefined): Money | undefined =>
  amount && parseMoney(amount.value, amount.currencyCode);

type Breakdown = { paypalFee?: { currencyCode: string; value: string } };
/** The fee in a breakdown, in the currency of the amount. PayPal gives none before a payment is completed. */
function feeIn(breakdown: Breakdown | undefined, amount: Money | undefined): { fee?: Money } {
  const fee = toMoney(breakdown?.paypalFee);
  return fee && fee.currency === amount?.currency ? { fee } : {};
}

/** @returns undefined for an answer that names no capture */
export function toCapture(capture: OrdersCapture | CapturedPayment): Capture | undefined {
  const known = toOutcome(capture);
  return known && { ...known, ...feeIn(capture.sellerReceivableBreakdown, known.amount) };
}

function toOutcome(capture: OrdersCapture | CapturedPayment): Capture | undefined {
  const { id: captureId, createTime: paidAt = new Date().toISOString() } = capture;
  if (!captureId) return undefined;
  const amount = toMoney(capture.amount);
  // Only the status of the capture counts: the order is COMPLETED even when the card was declined.
  switch (capture.status) {
    case CaptureStatus.Completed:
    case CaptureStatus.PartiallyRefunded:
      return { captureId, amount, status: 'captured', paidAt };
    case CaptureStatus.Declined:
      return {
        captureId,
        amount,
        status: 'declined',
        reason: REASONS[capture.processorResponse?.responseCode ?? ''] ?? 'declined',
      };
    case CaptureStatus.Failed:
      return { captureId, amount, status: 'failed' };
    case CaptureStatus.Refunded:
      return { captureId, amount, status: 'refunded' };
    default:
      return { captureId, amount, status: 'pending' };
  }
}

/** @returns undefined for an answer that names no refund */
export function toRefund(refund: PayPalRefund): Refund | undefined {
  const { id: refundId, status, customId: name, createTime: at = new Date().toISOString() } = refund;
  if (!refundId) return undefined;
  const failed = status === RefundStatus.Failed || status === RefundStatus.Cancelled;
  const done = status === RefundStatus.Completed;
  const amount = toMoney(refund.amount);
  return {
    refundId,
    status: failed ? 'failed' : done ? 'done' : 'pending',
    name,
    amount,
    ...feeIn(refund.sellerPayableBreakdown, amount),
    at,
  };
}

/**
 * Whether a card may be charged after 3-D Secure: the bank vouches for the payer, or takes no part in 3-D Secure. PayPal
 * would capture other payments as well, at the seller's risk (developer.paypal.com, 3D Secure response parameters).
 */
function isAuthenticated(order: PayPalOrder): boolean {
  const result = order.paymentSource?.card?.authenticationResult;
  if (!result || result.liabilityShift === LiabilityShiftIndicator.Possible) return true;
  const enrolled = result.threeDSecure?.enrollmentStatus;
  return (
    result.liabilityShift === LiabilityShiftIndicator.No &&
    enrolled !== undefined &&
    enrolled !== EnrollmentStatus.Enrolled
  );
}
