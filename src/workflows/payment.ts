import {
  ActivityFailure,
  CancellationScope,
  condition,
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
  type Attempt,
  type Captured,
  type Order,
  type PaymentAnswer,
} from '../registration.ts';
import type { Tracker } from './progress.ts';

const { takePayment } = proxyActivities<Activities>({
  startToCloseTimeout: '15s',
  scheduleToCloseTimeout: '10m',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '10s' },
  summary: 'Claim the seat and capture the payment',
});
const { settlePayment } = proxyActivities<Activities>({
  startToCloseTimeout: '15s',
  retry: { initialInterval: '1m', backoffCoefficient: 2, maximumInterval: '1h' },
  summary: 'Ask PayPal what became of the payment',
});
const { releaseHold } = proxyActivities<Activities>({
  startToCloseTimeout: '15s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
  summary: 'Release the seat unless its hold was renewed',
});

export const pay = defineUpdate<PaymentAnswer, [paypalOrderId: string]>(PAY);

/** How a run ends that took no payment. */
type Unpaid = { status: 'expired' | 'cancelled'; captureId?: undefined };
/** A PayPal order that was asked to be taken, when (epoch ms), and what came of it. */
type Asked = { paypalOrderId: string; at: number; answer?: Attempt };

/**
 * Takes the run's own PayPal order, and those that `pay` brings, one after the other, until one is captured, the hold
 * runs out or an organizer cancels. A PayPal order is attempted once: whoever asks again joins that attempt.
 *
 * @param onLateFailure called when nothing was taken, but so late that the attendee had been told "not known yet".
 */
export async function collectPayment(
  order: Order,
  tracker: Tracker,
  onLateFailure: () => void,
): Promise<Captured | Unpaid> {
  // The run makes the first attempt by itself: a restarting server may lose the update that came with it.
  const first = { paypalOrderId: order.paypalOrderId ?? FREE, at: workflowInfo().startTime.getTime() };
  const asked: Asked[] = [first];
  let result: Captured | Unpaid | undefined;

  setHandler(pay, async (paypalOrderId) => {
    let mine = asked.find((other) => other.paypalOrderId === paypalOrderId);
    if (!mine) asked.push((mine = { paypalOrderId, at: Date.now() }));
    await CancellationScope.nonCancellable(() => condition(() => !!(mine.answer ?? result)));
    return mine.answer ?? { status: result && result.status !== 'captured' ? result.status : 'already-paid' };
  });

  let heldUntil: string | null = null;
  while (!result) {
    const next = asked.find(({ answer }) => !answer);
    if (CancellationScope.current().consideredCancelled) {
      result = { status: 'cancelled' };
    } else if (next) {
      const answer = await CancellationScope.nonCancellable(() =>
        attempt(order.id, next.paypalOrderId, tracker),
      );
      next.answer = answer;
      if (answer.status === 'captured') result = answer;
      else if (Date.now() - next.at > ANSWER_WITHIN_MS) onLateFailure();
      heldUntil = 'heldUntil' in answer ? answer.heldUntil : null;
    } else if (!(await changed(() => asked.some(({ answer }) => !answer), heldUntil))) {
      heldUntil = await CancellationScope.nonCancellable(() => releaseHold(order.id));
      if (!heldUntil) result = { status: 'expired' };
    }
  }
  return result;
}

/** One PayPal order, until it is known what became of it. */
async function attempt(id: string, paypalOrderId: string, tracker: Tracker): Promise<Attempt> {
  tracker.attempting();
  const taken = await takePayment({ id, paypalOrderId }).catch((error: unknown) => {
    if (error instanceof ActivityFailure) return { status: 'in-doubt' as const };
    throw error;
  });
  const unknown = taken.status === 'in-doubt' || taken.status === 'pending';
  const answer = unknown ? await settlePayment({ id, paypalOrderId }) : taken;
  tracker.attempted(answer);
  return answer;
}

/** Waits for a change, a cancellation (both true) or the end of the hold (false), at least a second away. */
async function changed(change: () => boolean, heldUntil: string | null): Promise<boolean> {
  const untilHoldEnds = Math.max(1000, heldUntil ? Date.parse(heldUntil) - Date.now() : 0);
  return condition(change, untilHoldEnds).catch((error: unknown) => {
    if (isCancellation(error)) return true;
    throw error;
  });
}
