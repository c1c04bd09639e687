import type { Fault } from '../fault.ts';

const payment = 'src/workflows/payment.ts';
const registration = 'src/workflows/registration.ts';
const test = 'test/workflows/registration.test.ts';
const cancellation = 'test/workflows/cancellation.test.ts';

/** The orchestration of a registration. */
export const WORKFLOWS: Fault[] = [
  {
    name: 'workflow: a cancellation stops an attempt to pay',
    file: payment,
    find: 'CancellationScope.nonCancellable(() => attempt(next, tracker))',
    replace: 'attempt(next, tracker)',
    caughtBy: { [test]: 'that backs off' },
  },
  {
    name: 'workflow: a cancellation stops the release of a hold',
    file: payment,
    find: 'CancellationScope.nonCancellable(() => releaseHold(order.id))',
    replace: 'releaseHold(order.id)',
    caughtBy: { [test]: 'release of a hold that backs off' },
  },
  {
    name: 'workflow: a cancelled step is not awaited',
    file: registration,
    find: 'ActivityCancellationType.WAIT_CANCELLATION_COMPLETED',
    replace: 'ActivityCancellationType.TRY_CANCEL',
    caughtBy: { [cancellation]: '' },
  },
  {
    name: 'workflow: saveOrder is not awaited after a cancellation',
    file: registration,
    find: "cancellationType,\n  summary: 'Save",
    replace: "summary: 'Save",
    caughtBy: { [cancellation]: 'saveOrder' },
  },
];
