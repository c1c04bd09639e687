import {
  ActivityCancellationType,
  ActivityFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  defineSignal,
  isCancellation,
  patched,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { ENDED, type EndedStatus } from '../refund.ts';
import {
  isTrusted,
  RATE_LIMITED,
  type Captured,
  type FoundOut,
  type Order,
  type Progress,
  type Status,
} from '../registration.ts';
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

export const endedSignal = defineSignal<[EndedStatus]>(ENDED);

/** One attendee's registration: collect the payment; then save the order, send the e-mail and add to the list, all at once. */
export async function registration(first: Order, known: FoundOut = {}): Promise<Progress> {
  const tracker = trackProgress(first);
  const notices: Promise<unknown>[] = [];
  const { order, payment } = await collectPayment(first, known, tracker, (failed, heldUntil) =>
    notices.push(tell(failed, 'payment-failed', null, heldUntil)),
  );
  const paid = payment.status === 'captured' ? payment : null;
  const { status, isUndone }: Outcome =
    payment.status === 'captured' ? await fulfil(order, payment, tracker) : { status: payment.status };
  tracker.conclude(status);
  await CancellationScope.nonCancellable(async () => {
    if (!isUndone && (status === 'refunded' || status === 'cancelled')) await undo(order, paid, status);
    await Promise.allSettled(notices);
    await condition(allHandlersFinished);
  });
  return tracker.progress;
}

/** `isUndone`: an organizer has ended the registration at the desk, and with it has decided about money and seat. */
type Outcome = { status: Status; isUndone?: true };

/** The fan-out. It ends early only when the order cannot be saved or an organizer cancels. */
async function fulfil(order: Order, payment: Captured, tracker: Tracker): Promise<Outcome> {
  const { newsletter, paypalOrderId: _taken, confirmationToken, ...bought } = order;
  const emailConfirmed = confirmationToken !== undefined;
  const scope = new CancellationScope();
  let ended: EndedStatus | undefined;
  setHandler(endedSignal, (status) => {
    ended = status;
    scope.cancel();
  });
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
  if (ended) return { status: ended, isUndone: true };
  // allSettled swallows a cancellation, so it is looked for here.
  if (CancellationScope.current().consideredCancelled) return { status: 'cancelled' };
  if (saved.status === 'fulfilled') return { status: 'confirmed' };
  // Anything else that ended the step, such as a forged result, must not move money: the task fails, visibly.
  if (!isImpossible(saved.reason)) throw saved.reason;
  return { status: 'refunded' };
}

/** Whether the activity itself said that it can never succeed. */
const isImpossible = (error: unknown): boolean => error instanceof ActivityFailure && !isCancellation(error);

/** Money first, then the seat, then the truth to the attendee. */
async function undo(order: Order, payment: Captured | null, status: 'refunded' | 'cancelled') {
  const { id, amount } = order;
  const hasResults = patched('undoing-has-results');
  let refunded = payment?.captureId == null ? null : amount;
  if (payment?.captureId != null) {
    const { captureId, paypalOrderId } = payment;
    const result = await refundPayment({ id, captureId, paypalOrderId });
    // Somebody without the key can forge an empty result, and nothing else.
    if (hasResults) ({ refunded } = result);
    if (refunded === null) return;
  }
  const given = await giveSeatBack(id, status);
  if (hasResults && given.status !== status) throw new Error('The seat was not given back');
  await Promise.allSettled([tell(order, status, refunded)]);
}

const tell = (
  { id, event, attendee, language }: Order,
  kind: Parameters<typeof sendNotice>[0]['kind'],
  refunded: Order['amount'] | null,
  heldUntil: string | null = null,
) => sendNotice({ id, event, attendee, kind, refunded, heldUntil, ...(language && { language }) });
