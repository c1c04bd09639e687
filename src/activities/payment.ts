import { activityInfo } from '@temporalio/activity';
import type { Config } from '../config.ts';
import type { Database } from '../database/connection.ts';
import { claimSeat, unclaimSeat } from '../database/seats/claim.ts';
import { decimal, type Money } from '../money.ts';
import {
  FREE,
  type Attempt,
  type Captured,
  type DeclineReason,
  type Order,
  type RejectReason,
} from '../registration.ts';
import { dataConverter } from '../temporal/client.ts';
import { sealClaimed } from '../temporal/claimed-order.ts';
import type { CaptureAnswer, PayPal } from '../vendors/paypal/client.ts';
import type { CheckoutOrder } from '../vendors/paypal/outcome.ts';
import { VendorError } from '../vendors/vendor-error.ts';
import { failure, stillAsking } from './failure.ts';

/** All of one attempt's calls to PayPal together; the activity itself has 15 s. */
const TIMEOUT_MS = 10_000;

/** The longest time after which a capture that was sent and not answered may still arrive at PayPal. */
const CAPTURE_MAY_ARRIVE_MS = 120_000;

type Request = { id: string; paypalOrderId: string };
/** `order`: what is paid for. Runs of earlier versions do not say. */
type TakeRequest = Request & { order?: Order };
/** What is known of a PayPal order after asking PayPal. */
type Finding =
  | { status: 'captured'; captureId: string; paidAt: string; feeMinor?: number }
  | { status: 'declined'; reason: DeclineReason }
  | { status: 'rejected'; reason: RejectReason };
type Pending = { status: 'pending' };

type Dependencies = { config: Pick<Config, 'encryptionKeys'>; database: Database; paypal: PayPal };

export function paymentActivities({ config, database, paypal }: Dependencies) {
  const { payloadCodecs = [] } = dataConverter(config);

  /** Claims the seat, and keeps beside the claim what is paid for. */
  async function claim({ id, paypalOrderId, order }: TakeRequest) {
    const sealed = order && (await sealClaimed(payloadCodecs, { paypalOrderId, order }));
    return claimSeat(database, id, paypalOrderId, sealed);
  }

  /** An attempt that took nothing turns its claim into a hold again, before anybody is told. */
  async function conclude({ id, paypalOrderId }: Request, finding: Finding): Promise<Attempt> {
    const { attempt: attempts } = activityInfo();
    if (finding.status === 'captured') return { ...finding, paypalOrderId, attempts };
    return { ...finding, heldUntil: await unclaimSeat(database, id, paypalOrderId), attempts };
  }

  /** A free ticket has no payment to wait for: to claim the seat is all there is to do. */
  async function takeFree(request: TakeRequest): Promise<Attempt> {
    const claimed = await claim(request);
    const { attempt: attempts } = activityInfo();
    if (claimed.status !== 'claimed') return { status: 'expired', attempts };
    if (claimed.amount.minor > 0) return conclude(request, { status: 'rejected', reason: 'mismatch' });
    const free = { paypalOrderId: null, captureId: null, paidAt: new Date().toISOString() };
    return { status: 'captured', ...free, attempts } satisfies Captured;
  }

  /** Takes the payment, unless it was taken before: an earlier answer may have been lost. */
  async function capture({ id, paypalOrderId }: Request, amount: Money): Promise<Finding | Pending> {
    const deadline = Date.now() + TIMEOUT_MS;
    const left = () => Math.max(1, deadline - Date.now());
    try {
      const order = await paypal.findOrder(paypalOrderId, left());
      if (!order) return { status: 'rejected', reason: 'unknown' };
      if (!isFor(order, id, amount)) return { status: 'rejected', reason: 'mismatch' };
      if (order.capture) return toFinding(order.capture);
      if (!order.authenticated) return { status: 'declined', reason: 'not-authenticated' };
      return toFinding(await paypal.captureOrder(paypalOrderId, `${id}:${paypalOrderId}:capture`, left()));
    } catch (error) {
      if (!(error instanceof VendorError) || !error.final) throw error;
      return { status: 'rejected', reason: error.status === 404 ? 'unknown' : 'not-processed' };
    }
  }

  return {
    /**
     * Claims the seat and captures one PayPal order for it. Every outcome is a value; only a vendor or a database that cannot
     * be reached is a failure, and is tried again. `pending` means that PayPal itself does not know yet.
     */
    async takePayment(request: TakeRequest): Promise<Attempt | Pending> {
      if (request.paypalOrderId === FREE) return takeFree(request);
      const claimed = await claim(request);
      if (claimed.status !== 'claimed') return { status: 'expired', attempts: activityInfo().attempt };
      const free = claimed.amount.minor === 0;
      const finding = free
        ? ({ status: 'rejected', reason: 'mismatch' } as const)
        : await capture(request, claimed.amount);
      return finding.status === 'pending' ? finding : conclude(request, finding);
    },

    /**
     * Finds out what became of a payment that was left in doubt or pending. It only asks, and fails (to be tried again)
     * as long as PayPal does not know. An order without a capture counts as not taken once no capture can arrive any more.
     */
    async settlePayment(request: Request): Promise<Attempt> {
      if (request.paypalOrderId === FREE) return takeFree(request);
      const order = await stillAsking(paypal.findOrder(request.paypalOrderId, TIMEOUT_MS / 2));
      if (!order?.capture) {
        if (Date.now() - activityInfo().scheduledTimestampMs < CAPTURE_MAY_ARRIVE_MS)
          throw failure({ type: 'PaymentInDoubt' });
        return conclude(request, { status: 'rejected', reason: 'not-processed' });
      }
      const known = await stillAsking(paypal.getCapture(order.capture.captureId, TIMEOUT_MS / 2));
      const finding = toFinding(known);
      if (finding.status === 'pending') throw failure({ type: 'PaymentPending' });
      return conclude(request, finding);
    },
  };
}

/** Whether a PayPal order was opened for this registration and exactly this amount. */
const isFor = ({ purchase }: CheckoutOrder, id: string, amount: Money): boolean =>
  purchase?.registrationId === id &&
  purchase.currency === amount.currency &&
  purchase.value === decimal(amount);

/** A capture that failed, or was refunded, is no payment. */
function toFinding(answer: CaptureAnswer): Finding | Pending {
  switch (answer.status) {
    case 'captured':
      return {
        ...{ status: 'captured', captureId: answer.captureId, paidAt: answer.paidAt },
        ...(answer.fee && { feeMinor: answer.fee.minor }),
      };
    case 'pending':
      return { status: 'pending' };
    case 'declined':
      return { status: 'declined', reason: answer.reason };
    case 'not-approved':
      return { status: 'rejected', reason: 'not-approved' };
    case 'failed':
    case 'refunded':
      return { status: 'rejected', reason: 'not-processed' };
  }
}
