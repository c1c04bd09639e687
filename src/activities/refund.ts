import type { Database } from '../database/connection.ts';
import { findTimeOf } from '../database/history.ts';
import { cancelRegistration } from '../database/registrations.ts';
import {
  askAgain,
  askOwnRefund,
  askRefund,
  findRefund,
  noteRefundsByHand,
  refuseRefund,
  settleRefund,
  withoutSettled,
  type Refund,
} from '../database/refunds.ts';
import type { Money } from '../money.ts';
import type {
  CancelDecision,
  CancelRequest,
  RefundDecision,
  RefundOutcome,
  RefundRequest,
} from '../refund.ts';
import type { PayPal } from '../vendors/paypal/client.ts';
import type { Refund as PayPalRefund } from '../vendors/paypal/outcome.ts';
import { VendorError } from '../vendors/vendor-error.ts';
import { failure, stillAsking } from './failure.ts';

/** All calls to PayPal of one attempt together; the activity itself has 15 s. */
const TIMEOUT_MS = 10_000;
/** A refund that PayPal has not completed yet, such as an eCheck, takes days. */
const PENDING_MS = 600_000;

type Dependencies = { database: Database; paypal: PayPal };
/** The payment of a run; runs of earlier versions leave the PayPal order out. */
type Paid = { id: string; captureId: string; paypalOrderId?: string | null };
type Answer = RefundOutcome | { status: 'pending' } | { status: 'in-doubt' };

export function refundActivities(dependencies: Dependencies) {
  const { database } = dependencies;
  const ended = (answer: Answer): RefundOutcome => {
    if (answer.status === 'pending') throw failure({ type: 'RefundPending', retryAfterMs: PENDING_MS });
    if (answer.status === 'in-doubt') throw failure({ type: 'RefundInDoubt' });
    return answer;
  };

  return {
    /** Decides whether a refund is possible, and enters it in the ledger. The same action again is the same refund. */
    askRefund: (request: RefundRequest): Promise<RefundDecision> =>
      request.again === undefined ? askRefund(database, request) : askAgain(database, request, request.again),

    /**
     * Refunds what was asked for, once, and ends the registration where that was asked for. A refusal by PayPal is a value;
     * only a vendor or a database that cannot be reached, and a refund that PayPal has not completed, is tried again.
     */
    async sendRefund(action: string): Promise<RefundOutcome> {
      const refund = await findRefund(database, action);
      if (!refund) throw failure({ type: 'UnknownRefund', final: true });
      return ended(await stillAsking(sendRefund(dependencies, refund)));
    },

    /**
     * Refunds what is left of the payment of a run that undoes its registration. Answers what went back; null when an organizer
     * had ended the registration before, and with it had decided about the money.
     */
    async refundPayment(paid: Paid): Promise<{ refunded: Money | null }> {
      const outcome = await stillAsking(refundOwn(dependencies, paid));
      if (!outcome) return { refunded: null };
      const settled = ended(outcome);
      if (settled.status === 'refused') throw failure({ type: 'RefundFailed', word: settled.word });
      return { refunded: settled.amount };
    },

    /** Cancels a registration without a refund, where it has an order. */
    cancelOrder: (request: CancelRequest): Promise<CancelDecision> => cancelRegistration(database, request),
  };
}

export type Left = () => number;
/** The time that is left of {@link TIMEOUT_MS}, in milliseconds. */
export function startClock(): Left {
  const deadline = Date.now() + TIMEOUT_MS;
  return () => Math.max(1, deadline - Date.now());
}

/** What PayPal knows of a payment: its capture and its refunds. */
export async function look(
  paypal: PayPal,
  { captureId, paypalOrderId }: Pick<Refund, 'captureId' | 'paypalOrderId'>,
  left: Left,
) {
  const order = paypalOrderId === null ? undefined : await paypal.findOrder(paypalOrderId, left());
  const capture = order?.capture ?? (await paypal.getCapture(captureId, left()));
  const all = order?.refunds ?? [];
  return {
    capture,
    refunds: all.filter(({ status }) => status !== 'failed'),
    failed: all.filter(({ status }) => status === 'failed'),
  };
}

/**
 * Sends a refund of the ledger to PayPal, unless PayPal has it already: an answer may have been lost, and PayPal forgets request
 * ids after 45 days. A refund that was made in PayPal's dashboard meanwhile counts as this one when it has the same amount.
 */
export async function sendRefund(
  { database, paypal }: Dependencies,
  refund: Refund,
  time = startClock(),
): Promise<Answer> {
  if (refund.state === 'refused') return { status: 'refused', word: refund.word ?? 'UNKNOWN' };
  const { action, registration, captureId, number, amount } = refund;
  const settle = (given: Money, made?: PayPalRefund, byHand = false) =>
    settleRefund(database, refund, {
      ...{ refundId: made?.refundId ?? null, amount: given, byHand },
      ...(made && { at: made.at }),
      ...(made?.fee && { feeMinor: made.fee.minor }),
    });
  const refuse = async (word: string) => {
    await refuseRefund(database, refund, word);
    return { status: 'refused', word } as const;
  };
  if (refund.state === 'done') return settle(amount);

  const seen = await look(paypal, refund, time);
  const mine = seen.refunds.find(({ name }) => name === action);
  if (mine) return mine.status === 'done' ? settle(mine.amount ?? amount, mine) : { status: 'pending' };
  if (seen.failed.some(({ name, at }) => name === action && Date.parse(at) > refund.askedAt.getTime()))
    return refuse('FAILED');

  const byHand = await withoutSettled(
    database,
    seen.refunds.filter(({ name }) => name === undefined),
  );
  // PayPal may have refused it since it was asked for first, and somebody then made it by hand.
  const askedFirst = (await findTimeOf(database, registration, action)) ?? refund.askedAt;
  const same = byHand.find(
    (other) => other.amount?.minor === amount.minor && Date.parse(other.at) > askedFirst.getTime(),
  );
  const others = byHand.filter((other) => other !== same && other.status === 'done');
  await noteRefundsByHand(database, refund, others.map(withAmount));
  if (same) return same.status === 'done' ? settle(amount, same, true) : { status: 'pending' };

  const captured = seen.capture.amount;
  const gone = seen.refunds.reduce((sum, other) => sum + (other.amount?.minor ?? 0), 0);
  const left = seen.capture.status === 'refunded' ? 0 : (captured?.minor ?? Infinity) - gone;
  const given = refund.rest ? Math.min(left, amount.minor) : amount.minor;
  if (left === 0 && refund.rest) return settle({ ...amount, minor: 0 });
  if (given > left) return refuse(left === 0 ? 'CAPTURE_FULLY_REFUNDED' : 'REFUND_AMOUNT_EXCEEDED');

  const answer = await paypal.refundCapture(
    {
      captureId,
      requestId: `${registration}:refund:${number}`,
      name: action,
      amount: { ...amount, minor: given },
    },
    time(),
  );
  if (answer.status === 'refused') {
    // Somebody refunds in PayPal's dashboard at this moment: look again.
    const changed = ['CAPTURE_FULLY_REFUNDED', 'REFUND_AMOUNT_EXCEEDED'].includes(answer.word);
    return changed && refund.rest ? { status: 'in-doubt' } : refuse(answer.word);
  }
  const { status } = answer.refund;
  if (status === 'pending') return { status };
  return status === 'failed' ? refuse('FAILED') : settle({ ...amount, minor: given }, answer.refund);
}

const unclear = (word: string) => new VendorError({ vendor: 'PayPal', meaning: 'Unavailable', word });

type Amounted<Amount> = { refundId: string; amount: Amount; at: string };
function withAmount({ refundId, amount, at }: Amounted<Money | undefined>): Amounted<Money> {
  if (!amount) throw unclear('REFUND_WITHOUT_AMOUNT');
  return { refundId, amount, at };
}

/**
 * Refunds what is left of a payment whose registration is undone: by its run, or because that is gone.
 * @returns undefined when nothing is left, or an organizer had ended the registration before
 */
export async function refundOwn(
  dependencies: Dependencies,
  { id, captureId, paypalOrderId = null }: Paid,
): Promise<Answer | undefined> {
  const { database, paypal } = dependencies;
  const time = startClock();
  let refund = await askOwnRefund(database, id);
  if (refund === 'unknown-payment') {
    const { capture } = await look(paypal, { captureId, paypalOrderId }, time);
    const { amount } = capture;
    if (!amount) throw unclear('CAPTURE_WITHOUT_AMOUNT');
    refund = await askOwnRefund(database, id, {
      ...{ captureId, paypalOrderId, amount, feeMinor: capture.fee?.minor },
      at: capture.status === 'captured' ? capture.paidAt : undefined,
    });
  }
  return refund === undefined || refund === 'unknown-payment'
    ? undefined
    : sendRefund(dependencies, refund, time);
}
