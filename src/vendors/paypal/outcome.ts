/** What PayPal's answers mean for a registration. */
import {
  CaptureStatus,
  EnrollmentStatus,
  LiabilityShiftIndicator,
  type CapturedPayment,
  type Order as PayPalOrder,
  type OrdersCapture,
} from '@paypal/paypal-server-sdk';
import type { DeclineReason } from '../../registration.ts';

/**
 * A capture: `captured` holds money, `pending` may come to hold some, the others hold none. `paidAt` is ISO 8601.
 */
export type Capture = { captureId: string } & (
  | { status: 'captured'; paidAt: string }
  | { status: 'pending' | 'refunded' | 'failed' }
  | { status: 'declined'; reason: DeclineReason }
);

/** An order as a payment needs it. */
export type CheckoutOrder = {
  /** What it was opened for: registration id, decimal amount and currency; undefined when it has several purchase units. */
  purchase: { registrationId: string | undefined; value: string; currency: string } | undefined;
  /** Whether the card may be charged after 3-D Secure. */
  authenticated: boolean;
  capture: Capture | undefined;
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
  };
}

/** The capture of an order, if there is one: our orders have one purchase unit and are captured once. */
export function captureOf(order: PayPalOrder): Capture | undefined {
  const capture = order.purchaseUnits?.[0]?.payments?.captures?.[0];
  return capture && toCapture(capture);
}

/** @returns undefined for an answer that names no capture */
export function toCapture(capture: OrdersCapture | CapturedPayment): Capture | undefined {
  const { id: captureId, createTime: paidAt = new Date().toISOString() } = capture;
  if (!captureId) return undefined;
  // Only the status of the capture counts: the order is COMPLETED even when the card was declined.
  switch (capture.status) {
    case CaptureStatus.Completed:
    case CaptureStatus.PartiallyRefunded:
      return { captureId, status: 'captured', paidAt };
    case CaptureStatus.Declined:
      return {
        captureId,
        status: 'declined',
        reason: REASONS[capture.processorResponse?.responseCode ?? ''] ?? 'declined',
      };
    case CaptureStatus.Failed:
      return { captureId, status: 'failed' };
    case CaptureStatus.Refunded:
      return { captureId, status: 'refunded' };
    default:
      return { captureId, status: 'pending' };
  }
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
