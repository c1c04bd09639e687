import {
  ActivityCancellationType,
  ActivityFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  proxyActivities,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { isTrusted, RATE_LIMITED, type Captured, type Order, type Progress } from '../registration.ts';
import { FOR_A_MONTH, UNTIL_DONE } from './options.ts';
import { collectPayment } from './payment.ts';
import { trackProgress, type Tracker } from './progress.ts';

// By default the run would end while a cancelled activity still goes on, and undo what is not done yet.
const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;
const { saveOrder } = proxyActivities<Activities>({
  ...UNTIL_DONE,
  cancellationType,
  summary: 'Save the order in PostgreSQL',
});
const { sendConfirmation } = proxyActivities<Activities>({
  ...FOR_A_MONTH,
  cancellationType,
  priority: RATE_LIMITED.email,
  summary: 'Send the confirmation e-mail through SendGrid',
});
const { addToMailingList } = proxyActivities<Activities>({
  ...FOR_A_MONTH,
  cancellationType,
  priority: RATE_LIMITED.mailingList,
  summary: 'Add the address to the Mailchimp audience',
});
const { sendNotice } = proxyActivities<Activities>({
  ...FOR_A_MONTH,
  priority: RATE_LIMITED.email,
  summary: 'Tell the attendee by e-mail',
});
const { refundPayment, giveSeatBack } = proxyActivities<Activities>({
  ...UNTIL_DONE,
  summary: 'Undo the registration',
});

/** One attendee's registration: collect the payment; then save the order, send the e-mail and add to the list, all at once. */
export async function registration(first: Order): Promise<Progress> {
  const tracker = trackProgress(first);
  const notices: Promise<unknown>[] = [];
  const { order, payment } = await collectPayment(first, tracker, (failed, heldUntil) =>
    notices.push(tell(failed, 'payment-failed', null, heldUntil)),
  );
  const outcome = payment.status === 'captured' ? await fulfil(order, payment, tracker) : payment.status;
  tracker.conclude(outcome);
  await CancellationScope.nonCancellable(async () => {
    if (outcome === 'refunded' || outcome === 'cancelled') {
      await undo(order, payment.status === 'captured' ? payment.captureId : null, outcome);
    }
    await Promise.allSettled(notices);
    await condition(allHandlersFinished);
  });
  return tracker.progress;
}

/** The fan-out. It ends early only when the order cannot be saved or an organizer cancels. */
async function fulfil(
  order: Order,
  payment: Captured,
  tracker: Tracker,
): Promise<'confirmed' | 'refunded' | 'cancelled'> {
  const { newsletter, paypalOrderId: _taken, confirmationToken, ...bought } = order;
  const emailConfirmed = confirmationToken !== undefined;
  const scope = new CancellationScope();
  const [saved] = await scope.run(() =>
    Promise.allSettled([
      tracker.step('order', saveOrder(order, payment)).catch((error: unknown) => {
        if (isImpossible(error)) scope.cancel();
        throw error;
      }),
      tracker.step(
        'email',
        sendConfirmation({
          ...{ ...bought, newsletter: newsletter !== null, paidAt: payment.paidAt },
          ...(emailConfirmed && { emailConfirmed }),
        }),
      ),
      newsletter &&
        tracker.step(
          'mailing-list',
          addToMailingList({
            attendee: order.attendee,
            ...(!isTrusted({ ...order, emailConfirmed }) && { untrusted: true }),
          }),
        ),
    ]),
  );
  // allSettled swallows a cancellation, so it is looked for here.
  if (CancellationScope.current().consideredCancelled) return 'cancelled';
  if (saved.status === 'fulfilled') return 'confirmed';
  // Anything else that ended the step, such as a forged result, must not move money: the task fails, visibly.
  if (!isImpossible(saved.reason)) throw saved.reason;
  return 'refunded';
}

/** Whether the activity itself said that it can never succeed. */
const isImpossible = (error: unknown): boolean => error instanceof ActivityFailure && !isCancellation(error);

/** Money first, then the seat, then the truth to the attendee. */
async function undo(order: Order, captureId: string | null, outcome: 'refunded' | 'cancelled') {
  if (captureId !== null) await refundPayment({ id: order.id, captureId });
  await giveSeatBack(order.id, outcome);
  await Promise.allSettled([tell(order, outcome, captureId === null ? null : order.amount)]);
}

const tell = (
  { id, event, attendee, language }: Order,
  kind: Parameters<typeof sendNotice>[0]['kind'],
  refunded: Order['amount'] | null,
  heldUntil: string | null = null,
) => sendNotice({ id, event, attendee, kind, refunded, heldUntil, ...(language && { language }) });
