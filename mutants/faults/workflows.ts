import type { Fault } from '../fault.ts';

const registration = 'src/workflows/registration.ts';
const options = 'src/workflows/options.ts';
const progress = 'src/workflows/progress.ts';
const test = 'test/workflows/registration.test.ts';
const cancellation = 'test/workflows/cancellation.test.ts';

/** What a run does after the payment: the three steps, undoing, and how long it tries. */
export const WORKFLOWS: Fault[] = [
  {
    name: 'steps: a cancelled step is not awaited',
    file: registration,
    find: 'ActivityCancellationType.WAIT_CANCELLATION_COMPLETED',
    replace: 'ActivityCancellationType.TRY_CANCEL',
    caughtBy: { [cancellation]: '' },
  },
  {
    name: 'steps: saveOrder is not awaited after a cancellation',
    file: registration,
    find: "cancellationType,\n  summary: 'Save",
    replace: "summary: 'Save",
    caughtBy: { [cancellation]: 'saveOrder' },
  },
  {
    name: 'steps: sendConfirmation is not awaited after a cancellation',
    file: registration,
    find: 'cancellationType,\n  priority: RATE_LIMITED.email',
    replace: 'priority: RATE_LIMITED.email',
    caughtBy: { [cancellation]: 'sendConfirmation' },
  },
  {
    name: 'steps: addToMailingList is not awaited after a cancellation',
    file: registration,
    find: 'cancellationType,\n  priority: RATE_LIMITED.mailingList',
    replace: 'priority: RATE_LIMITED.mailingList',
    caughtBy: { [cancellation]: 'addToMailingList' },
  },
  {
    name: 'steps: the mail waits for the order',
    file: registration,
    find: 'sendConfirmation({\n',
    replace: "condition(() => tracker.progress.steps[1]?.state === 'done').then(() => sendConfirmation)({\n",
    caughtBy: { [test]: 'at the same time' },
  },
  {
    name: 'steps: a mail or a list that fails for good fails the registration',
    file: registration,
    find: 'Promise.allSettled([\n      tracker',
    replace: 'Promise.all([\n      tracker',
    caughtBy: { [test]: 'as failed and keeps the registration' },
  },
  {
    name: 'steps: an order that cannot be saved is confirmed',
    file: registration,
    find: "if (saved.status === 'fulfilled') return",
    replace: 'if (saved.status !== undefined) return',
    caughtBy: { [test]: 'refunds at once' },
  },
  {
    name: 'steps: an order that cannot be saved waits for the mail',
    file: registration,
    find: 'if (isImpossible(error)) scope.cancel();',
    replace: '',
    caughtBy: { [test]: 'refunds at once' },
  },
  {
    name: 'steps: a cancellation during the steps is swallowed',
    file: registration,
    find: "if (CancellationScope.current().consideredCancelled) return { status: 'cancelled' };",
    replace: '',
    caughtBy: { [test]: 'gives the seat back and tells the attendee during' },
  },
  {
    name: 'steps: a person without consent is added to the list',
    file: registration,
    find: 'newsletter &&\n',
    replace: '',
    caughtBy: { [test]: 'without consent' },
  },
  {
    name: 'steps: a forged result counts as an order that cannot be saved',
    file: registration,
    find: 'if (!isImpossible(saved.reason)) throw saved.reason;',
    replace: '',
    caughtBy: { 'test/security/forged-payloads.test.ts': 'that is empty refunds nothing' },
  },
  {
    name: 'undoing: the payment is not refunded',
    file: registration,
    find: 'if (payment?.captureId != null) {',
    replace: 'if (payment?.captureId === undefined) {',
    caughtBy: { [test]: 'waits for a capture in flight' },
  },
  {
    name: 'undoing: the seat is not given back',
    file: registration,
    find: 'await giveSeatBack(id, status)',
    replace: '{ status }',
    caughtBy: { [test]: 'waits for a capture in flight' },
  },
  {
    name: 'undoing: the attendee is told that a refund is a cancellation without a charge',
    file: registration,
    find: '[tell(order, status, refunded)]',
    replace: '[tell(order, status, null)]',
    caughtBy: { [test]: 'tells the attendee how much is refunded' },
  },
  {
    name: 'undoing: a cancellation stops it',
    file: registration,
    find: 'CancellationScope.nonCancellable(async () => {\n    if (!isUndone',
    replace: 'CancellationScope.cancellable(async () => {\n    if (!isUndone',
    caughtBy: { [test]: 'completes a refund that is already in progress' },
  },
  {
    name: 'undoing: a notice that is rejected fails the run',
    file: registration,
    find: 'await Promise.allSettled([tell(',
    replace: 'await Promise.all([tell(',
    caughtBy: { [test]: 'notice is rejected permanently' },
  },
  {
    name: 'undoing: the run ends before a late notice is sent',
    file: registration,
    find: 'await Promise.allSettled(notices);',
    replace: '',
    caughtBy: { [test]: 'stays open until the late notice is sent' },
  },
  {
    name: 'patience: a payment in doubt is attempted for ever',
    file: options,
    find: "  scheduleToCloseTimeout: '10m',\n",
    replace: '',
    caughtBy: { [test]: 'after an attempt ended in doubt' },
  },
  {
    name: 'patience: PayPal is asked about a pending payment for a day',
    file: options,
    find: "retry: { initialInterval: '1m', backoffCoefficient: 2, maximumInterval: '1h' }",
    replace:
      "scheduleToCloseTimeout: '1 day', retry: { initialInterval: '1m', backoffCoefficient: 2, maximumInterval: '1h' }",
    caughtBy: { [test]: 'confirms the registration when it completes' },
  },
  {
    name: 'patience: the order is given up after an hour',
    file: options,
    find: 'export const UNTIL_DONE = {',
    replace: "export const UNTIL_DONE = { scheduleToCloseTimeout: '1h',",
    caughtBy: { [test]: 'unavailable for hours' },
  },
  {
    name: 'patience: a mail is given up after a day',
    file: options,
    find: "scheduleToCloseTimeout: '30 days'",
    replace: "scheduleToCloseTimeout: '1 day'",
    caughtBy: { [test]: 'more than 40 hours' },
  },
  {
    name: 'progress: a step that failed is shown as done',
    file: progress,
    find: "isCancellation(error) ? 'skipped' : 'failed'",
    replace: "'done'",
    caughtBy: { [test]: 'as failed and keeps the registration' },
  },
  {
    name: 'progress: the attempts of a step that failed are lost',
    file: progress,
    find: 'return (detail as { attempts?: number } | undefined)?.attempts;',
    replace: 'return detail ? undefined : undefined;',
    caughtBy: { [test]: 'how often a step that failed was tried' },
  },
  {
    name: 'progress: a declined payment is shown as expired',
    file: progress,
    find: "answer.status === 'expired' ? 'expired' : 'declined'",
    replace: "'expired'",
    caughtBy: { [test]: 'accepts another card after a decline' },
  },
  {
    name: 'resend: the mail can be sent again at once',
    file: 'src/workflows/resend.ts',
    find: 'await sleep(RESEND_PAUSE_MS);',
    replace: '',
    caughtBy: { 'test/api/attendee/status.test.ts': 'refuses a second request for a while' },
  },
];
