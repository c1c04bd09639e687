import {
  ActivityCancellationType,
  ActivityFailure,
  CancellationScope,
  condition,
  defineSignal,
  defineUpdate,
  isCancellation,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import {
  ANSWER_WITHIN_MS,
  FREE,
  PAY,
  PAYMENT_NEWS,
  type Attempt,
  type Captured,
  type FoundOut,
  type Order,
  type PayArguments,
  type PaymentAnswer,
} from '../registration.ts';
import { awaitConfirmations } from './email-address.ts';
import { UNTIL_DONE, UNTIL_PAYPAL_KNOWS, WHILE_ATTENDEE_WAITS } from './options.ts';
import type { Tracker } from './progress.ts';

const { takePayment } = proxyActivities<Activities>({
  ...WHILE_ATTENDEE_WAITS,
  summary: 'Claim the seat and capture the payment',
});
const { settlePayment } = proxyActivities<Activities>({
  ...UNTIL_PAYPAL_KNOWS,
  // What it finds out in this very moment counts, although it is asked to stop.
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  summary: 'Ask PayPal what became of the payment',
});
const { releaseHold } = proxyActivities<Activities>({
  ...UNTIL_DONE,
  summary: 'Release the seat unless its hold was renewed',
});

export const pay = defineUpdate<PaymentAnswer, PayArguments>(PAY);
export const paymentNews = defineSignal(PAYMENT_NEWS);

/** A PayPal order that is to be taken: for which order, since when (epoch ms), and its outcome. */
type Asked = { paypalOrderId: string; order: Order; at: number; answer?: Attempt };
/** The order as it stood when it was paid, or when the run ended without a payment. */
type Collected = { order: Order; payment: Captured | { status: 'expired' | 'cancelled' } };

/**
 * Takes the run's own PayPal order, and those that `pay` brings, one after the other, until one is captured, the hold
 * runs out or an organizer cancels. A PayPal order is attempted once: a repeated request joins that attempt. Where the ticket
 * type asks for it, nothing is attempted before the e-mail address is confirmed.
 *
 * @param known what an earlier run, which was lost, had found out
 * @param onLateFailure called when nothing was taken, but the attendee had been told "not known yet" by then
 */
export async function collectPayment(
  first: Order,
  known: FoundOut,
  tracker: Tracker,
  onLateFailure: (order: Order, heldUntil: string | null) => void,
): Promise<Collected> {
  // The run makes the first attempt itself, because a server that restarts may lose the update that came with it.
  const startedAt = workflowInfo().startTime.getTime();
  const asked: Asked[] = [{ paypalOrderId: first.paypalOrderId ?? FREE, order: first, at: startedAt }];
  let order = first;
  let result: Collected['payment'] | undefined;
  const confirmations = awaitConfirmations(
    tracker,
    known.emailConfirmed ? first.confirmationToken : undefined,
  );
  const asking = askPayPal();

  setHandler(pay, async (paypalOrderId, changed) => {
    let mine = asked.find((other) => other.paypalOrderId === paypalOrderId);
    if (!mine) asked.push((mine = { paypalOrderId, order: changed ?? order, at: Date.now() }));
    const isKnown = () => !!(mine.answer ?? result) || confirmations.isAwaited();
    await CancellationScope.nonCancellable(() => condition(isKnown));
    if (!mine.answer && !result) return { status: 'unconfirmed' };
    return mine.answer ?? { status: result && result.status !== 'captured' ? result.status : 'already-paid' };
  });

  let heldUntil: string | null = null;
  while (!result) {
    const next = asked.find(({ answer }) => !answer);
    if (CancellationScope.current().consideredCancelled) {
      result = { status: 'cancelled' };
    } else if (next && confirmations.isNeeded(next.order)) {
      order = next.order;
      if (!(await confirmations.ask(order))) result = { status: 'expired' };
    } else if (next) {
      // Between two attempts the attendee may have corrected an address, or chosen another ticket.
      order = next.order;
      const answer = await CancellationScope.nonCancellable(() => attempt(next, tracker, asking));
      next.answer = answer;
      if (answer.status === 'captured') result = answer;
      heldUntil = 'heldUntil' in answer ? answer.heldUntil : null;
      if (answer.status !== 'captured' && Date.now() - next.at > ANSWER_WITHIN_MS)
        onLateFailure(order, heldUntil);
    } else if (!(await changeBefore(() => asked.some(({ answer }) => !answer), heldUntil))) {
      heldUntil = await CancellationScope.nonCancellable(() => releaseHold(order.id));
      if (!heldUntil) result = { status: 'expired' };
    }
  }
  return { order, payment: result };
}

/** Takes one PayPal order, and waits until its outcome is known. */
async function attempt({ order, paypalOrderId }: Asked, tracker: Tracker, asking: Asking): Promise<Attempt> {
  const { id } = order;
  tracker.attempting(order);
  const taken = await takePayment({ id, paypalOrderId, order }).catch((error: unknown) => {
    if (error instanceof ActivityFailure) return { status: 'in-doubt' as const };
    throw error;
  });
  const notKnown = taken.status === 'in-doubt' || taken.status === 'pending';
  const answer = notKnown ? await asking.untilKnown({ id, paypalOrderId }) : taken;
  tracker.attempted(answer);
  return answer;
}

type Asking = ReturnType<typeof askPayPal>;

/** Asks PayPal what became of a payment, at growing intervals; at once when PayPal has told that it knows. */
function askPayPal() {
  let wait: CancellationScope | undefined;
  setHandler(paymentNews, () => wait?.cancel());

  return {
    async untilKnown(request: Parameters<typeof settlePayment>[0]): Promise<Attempt> {
      for (;;) {
        const mine = (wait = new CancellationScope());
        try {
          return await mine.run(() => settlePayment(request));
        } catch (error) {
          if (!mine.consideredCancelled) throw error;
        } finally {
          wait = undefined;
        }
      }
    },
  };
}

/** Waits for a change, a cancellation (both true) or the end of the hold (false), at least a second away. */
async function changeBefore(change: () => boolean, heldUntil: string | null): Promise<boolean> {
  const untilHoldEnds = Math.max(1000, heldUntil ? Date.parse(heldUntil) - Date.now() : 0);
  return condition(change, untilHoldEnds).catch((error: unknown) => {
    if (isCancellation(error)) return true;
    throw error;
  });
}
