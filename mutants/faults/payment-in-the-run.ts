import type { Fault } from '../fault.ts';

const file = 'src/workflows/payment.ts';
const test = 'test/workflows/registration.test.ts';

/** How a run collects the payment. */
export const PAYMENT_IN_THE_RUN: Fault[] = [
  {
    name: 'run: a cancellation stops an attempt to pay',
    file,
    find: 'CancellationScope.nonCancellable(() => attempt(next, tracker, asking))',
    replace: 'attempt(next, tracker, asking)',
    caughtBy: { [test]: 'that backs off, and then refunds it' },
  },
  {
    name: 'run: a cancellation stops the release of a hold',
    file,
    find: 'CancellationScope.nonCancellable(() => releaseHold(order.id))',
    replace: 'releaseHold(order.id)',
    caughtBy: { [test]: 'release of a hold that backs off' },
  },
  {
    name: 'run: the same PayPal order is attempted twice',
    file,
    find: 'asked.find((other) => other.paypalOrderId === paypalOrderId)',
    replace: 'asked.find((other) => other.paypalOrderId === paypalOrderId && !!other.answer)',
    caughtBy: { [test]: 'sent twice and declined' },
  },
  {
    name: 'run: the order stays as it was before it was corrected',
    file,
    find: 'order: changed ?? order',
    replace: 'order: changed && order',
    caughtBy: { [test]: 'as it was when it was paid' },
  },
  {
    name: 'run: a second card is charged after the first',
    file,
    find: 'while (!result) {',
    replace: 'while (!result || asked.some(({ answer }) => !answer)) {',
    caughtBy: { [test]: 'captures one of two cards' },
  },
  {
    name: 'run: a payment in doubt counts as expired',
    file,
    find: "return { status: 'in-doubt' as const }",
    replace: "return { status: 'expired' as const, attempts: 1 }",
    caughtBy: { [test]: 'after an attempt ended in doubt' },
  },
  {
    name: 'run: a pending payment is not settled',
    file,
    find: "taken.status === 'in-doubt' || taken.status === 'pending'",
    replace: "taken.status === 'in-doubt'",
    caughtBy: { [test]: 'waits for days while PayPal reviews' },
  },
  {
    name: 'run: a late failure is not told by mail',
    file,
    find: 'Date.now() - next.at > ANSWER_WITHIN_MS',
    replace: 'false',
    caughtBy: { [test]: 'tells by mail that nothing was captured' },
  },
  {
    name: 'run: every failure is told by mail, although the page has shown it',
    file,
    find: 'Date.now() - next.at > ANSWER_WITHIN_MS',
    replace: 'true',
    caughtBy: { [test]: 'accepts another card after a decline' },
  },
  {
    name: 'run: a hold that was renewed expires',
    file,
    find: "if (!heldUntil) result = { status: 'expired' };",
    replace: "result = { status: 'expired' };",
    caughtBy: { [test]: 'when the attendee has renewed the hold' },
  },
  {
    name: 'run: the seat is released before its hold ends',
    file,
    find: 'heldUntil ? Date.parse(heldUntil) - Date.now() : 0',
    replace: '0',
    caughtBy: { [test]: 'expires when the hold ends' },
  },
  {
    name: 'run: a cancellation while it waits for another card is not seen',
    file,
    find: 'if (isCancellation(error)) return true;',
    replace: '',
    caughtBy: { [test]: 'while the run waits for another card' },
  },
  {
    name: 'run: a run that was cancelled takes another card',
    file,
    find: 'if (CancellationScope.current().consideredCancelled) {',
    replace: 'if (CancellationScope.current().consideredCancelled && !next) {',
    caughtBy: { [test]: 'takes no other card once it is cancelled' },
  },
];
