import { activityInfo } from '@temporalio/activity';
import { CaptureStatus, EnrollmentStatus, LiabilityShiftIndicator } from '@paypal/paypal-server-sdk';
import type { Database } from '../database/connection.ts';
import { claimSeat, unclaimSeat } from '../database/seats.ts';
import { captureOf, PayPalFault, type Capture, type PayPal, type PayPalOrder } from '../paypal.ts';
import {
  decimal,
  FREE,
  type Attempt,
  type Captured,
  type DeclineReason,
  type Money,
  type RejectReason,
} from '../registration.ts';
import { failure } from './failure.ts';

/** All of one attempt's calls to PayPal together; the activity itself has 15 s. */
const TIMEOUT_MS = 10_000;

/** A capture that was sent and not answered may still arrive at PayPal; not for longer than this. */
const CAPTURE_IN_THE_AIR_MS = 120_000;

/** Issues that say the payer's card or account was declined (PayPal, Orders v2 errors). */
const DECLINED = [
  'INSTRUMENT_DECLINED',
  'TRANSACTION_REFUSED',
  'PAYER_CANNOT_PAY',
  'CARD_BRAND_NOT_SUPPORTED',
  'CARD_EXPIRED',
  'PAYMENT_SOURCE_DECLINED_BY_PROCESSOR',
];
const NOT_APPROVED = ['ORDER_NOT_APPROVED', 'PAYER_ACTION_REQUIRED'];

/** Processor response codes (PayPal, Payments v2, processor_response) that an attendee can act on. */
const REASONS: Record<string, DeclineReason> = {
  '5120': 'insufficient-funds',
  '5400': 'expired-card',
  '00N7': 'wrong-security-code',
  '5110': 'wrong-security-code',
};

type Request = { id: string; paypalOrderId: string };
/** What is known of a PayPal order after asking PayPal. */
type Finding =
  | { status: 'captured'; captureId: string; paidAt: string }
  | { status: 'pending'; captureId: string }
  | { status: 'declined'; reason: DeclineReason }
  | { status: 'rejected'; reason: RejectReason };

export function paymentActivities({ database, paypal }: { database: Database; paypal: PayPal }) {
  /** An attempt that took nothing gives the claim back as a hold before anybody is told. */
  async function conclude(
    { id, paypalOrderId }: Request,
    finding: Exclude<Finding, { status: 'pending' }>,
  ): Promise<Attempt> {
    const { attempt: attempts } = activityInfo();
    if (finding.status === 'captured') return { ...finding, paypalOrderId, attempts };
    return { ...finding, heldUntil: await unclaimSeat(database, id, paypalOrderId), attempts };
  }

  const expired = (): Attempt => ({ status: 'expired', attempts: activityInfo().attempt });

  /** A ticket that costs nothing has no payment to wait for: the claim is all. */
  async function takeFree(request: Request, amount: Money | undefined): Promise<Attempt> {
    if (!amount) return expired();
    if (amount.minor > 0) return conclude(request, { status: 'rejected', reason: 'mismatch' });
    const free = { paypalOrderId: null, captureId: null, paidAt: new Date().toISOString() };
    return { status: 'captured', ...free, attempts: activityInfo().attempt } satisfies Captured;
  }

  /** Takes the payment, unless it was taken before: an earlier answer may have been lost. */
  async function capture({ id, paypalOrderId }: Request, amount: Money): Promise<Finding> {
    const deadline = Date.now() + TIMEOUT_MS;
    const left = () => Math.max(1, deadline - Date.now());
    try {
      const order = await paypal.getOrder(paypalOrderId, left());
      if (!belongs(order, id, amount)) return { status: 'rejected', reason: 'mismatch' };
      const earlier = captureOf(order);
      if (earlier) return interpret(earlier);
      if (!isAuthenticated(order)) return { status: 'declined', reason: 'not-authenticated' };
      const taken = await paypal.captureOrder(paypalOrderId, `${id}:${paypalOrderId}:capture`, left());
      return interpret(captureOf(taken));
    } catch (error) {
      if (!(error instanceof PayPalFault) || error.temporary) throw error;
      if (error.issue === 'ORDER_ALREADY_CAPTURED')
        return interpret(captureOf(await paypal.getOrder(paypalOrderId, left())));
      if (DECLINED.includes(error.issue)) return { status: 'declined', reason: 'declined' };
      if (NOT_APPROVED.includes(error.issue)) return { status: 'rejected', reason: 'not-approved' };
      return { status: 'rejected', reason: error.status === 404 ? 'unknown' : 'not-processed' };
    }
  }

  return {
    /**
     * Claims the seat and captures one PayPal order for it. Every way it can end is a value, but for a provider out of
     * reach, which is tried again; `pending` means that PayPal itself does not know yet.
     */
    async takePayment(request: Request): Promise<Attempt | { status: 'pending' }> {
      const amount = await claimSeat(database, request.id, request.paypalOrderId);
      if (request.paypalOrderId === FREE) return takeFree(request, amount);
      if (!amount) return expired();
      const finding =
        amount.minor > 0
          ? await capture(request, amount)
          : ({ status: 'rejected', reason: 'mismatch' } as const);
      return finding.status === 'pending' ? { status: 'pending' } : conclude(request, finding);
    },

    /**
     * Finds out what became of a payment that was left in doubt or pending. It only asks, and fails (to be tried again)
     * as long as PayPal does not know; an order without a capture counts as not taken once no capture can be in the air.
     */
    async settlePayment(request: Request): Promise<Attempt> {
      if (request.paypalOrderId === FREE)
        return takeFree(request, await claimSeat(database, request.id, FREE));
      const known = captureOf(await getOrderIfAny(paypal, request.paypalOrderId));
      if (!known?.id) {
        if (Date.now() - activityInfo().scheduledTimestampMs < CAPTURE_IN_THE_AIR_MS)
          throw failure({ type: 'PaymentInDoubt' });
        return conclude(request, { status: 'rejected', reason: 'not-processed' });
      }
      const finding = interpret(await paypal.getCapture(known.id, TIMEOUT_MS / 2));
      if (finding.status === 'pending') throw failure({ type: 'PaymentPending' });
      return conclude(request, finding);
    },

    /** Gives the whole payment back. A capture that is refunded already, by whomever, is done. */
    async refundPayment({ id, captureId }: { id: string; captureId: string }): Promise<void> {
      const failed = await paypal.refundRegistration(id, captureId, TIMEOUT_MS / 2);
      if (failed) throw failure({ type: 'RefundFailed', issue: failed });
    },
  };
}

/** Whether a PayPal order was opened for this registration and exactly this amount. */
function belongs(order: PayPalOrder, id: string, amount: Money): boolean {
  const [unit, ...others] = order.purchaseUnits ?? [];
  return (
    others.length === 0 &&
    unit?.customId === id &&
    unit.amount?.currencyCode === amount.currency &&
    unit.amount.value === decimal(amount)
  );
}

/**
 * Whether a card may be charged after 3-D Secure: the bank vouches for the payer, or takes no part in it. PayPal would
 * capture the rest as well, at our risk (developer.paypal.com, 3D Secure response parameters, recommended action).
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

/** Never the order's status: it is COMPLETED even when the card was declined. A refunded capture is no payment. */
function interpret(capture: Capture | undefined): Finding {
  if (!capture?.id) throw failure({ type: 'PayPalUnavailable', issue: 'ORDER_WITHOUT_CAPTURE' });
  const { id: captureId, createTime: paidAt = new Date().toISOString() } = capture;
  switch (capture.status) {
    case CaptureStatus.Completed:
    case CaptureStatus.PartiallyRefunded:
      return { status: 'captured', captureId, paidAt };
    case CaptureStatus.Declined:
      return {
        status: 'declined',
        reason: REASONS[capture.processorResponse?.responseCode ?? ''] ?? 'declined',
      };
    case CaptureStatus.Failed:
    case CaptureStatus.Refunded:
      return { status: 'rejected', reason: 'not-processed' };
    default:
      return { status: 'pending', captureId };
  }
}

/** A PayPal order that PayPal does not know (any more) was never captured. */
async function getOrderIfAny(paypal: PayPal, id: string): Promise<PayPalOrder> {
  try {
    return await paypal.getOrder(id, TIMEOUT_MS / 2);
  } catch (error) {
    if (error instanceof PayPalFault && error.status === 404) return {};
    throw error;
  }
}
