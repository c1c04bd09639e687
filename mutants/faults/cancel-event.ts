/** An event that is cancelled: what is left to do, and the run that does it. */
import type { Fault } from '../fault.ts';

const [list, next, cancellation, run, api] = [
  'src/database/cancelled-events/registrations.ts',
  'src/database/cancelled-events/next.ts',
  'src/database/registrations.ts',
  'src/workflows/cancel-event.ts',
  'src/api/organizer/cancel-event.ts',
];
const [decided, ran, done] = [
  'test/database/cancelled-events.test.ts',
  'test/workflows/cancel-event.test.ts',
  'test/api/organizer/cancel-event.test.ts',
];

export const CANCEL_EVENT: Fault[] = [
  {
    name: 'cancel-event: a payment that became an order meanwhile is cancelled without a refund',
    file: cancellation,
    find: "if (unlessPaid && (await hasRefundable(trx, registration))) return { status: 'paid' };",
    replace: '',
    caughtBy: { [decided]: 'somebody who is paying meanwhile' },
  },
  {
    name: 'cancel-event: holds that come late are not looked for',
    file: next,
    find: '    await endHolds(trx, event);\n',
    replace: '',
    caughtBy: { [decided]: 'has no seat after the end' },
  },
  {
    name: 'cancel-event: it ends while statements may still be on their way',
    file: next,
    find: 'const STRAGGLERS_MS = 15_000;',
    replace: 'const STRAGGLERS_MS = -15_000;',
    caughtBy: { [decided]: 'stops the sale' },
  },
  {
    name: 'cancel-event: what was taken and lost is not taken again',
    file: list,
    find: 'else ${UNSEEN} end',
    replace: "else interval '1 year' end",
    caughtBy: { [decided]: 'begins the same again' },
  },
  {
    name: 'cancel-event: a refund without funds is not asked for again under another id',
    file: list,
    find: 'case when s.lacks_funds then cancellation_action(s.event_id, s.registration_id, :round) end as again',
    replace: 'case when s.lacks_funds then cancellation_action(s.event_id, s.registration_id) end as again',
    caughtBy: { [decided]: 'for want of money pauses once' },
  },
  {
    name: 'cancel-event: the end of the run ends the refunds that it has begun',
    file: run,
    find: 'parentClosePolicy: ParentClosePolicy.ABANDON,\n    // What was begun',
    replace: 'parentClosePolicy: ParentClosePolicy.TERMINATE,\n    // What was begun',
    // The time-skipping server does nothing to a run whose parent is over.
    caughtBy: { [done]: 'over before the mails' },
  },
  {
    name: 'cancel-event: a refused refund is not begun anew',
    file: run,
    find: ': WorkflowIdReusePolicy.ALLOW_DUPLICATE,',
    replace: ': WorkflowIdReusePolicy.REJECT_DUPLICATE,',
    caughtBy: { [ran]: 'begins a refused refund anew' },
  },
  {
    name: 'cancel-event: the event is cancelled before it is known that Temporal is there',
    file: api,
    find: '    await probe();\n    if (!(await cancel()))',
    replace: '    if (!(await cancel()))',
    caughtBy: { [done]: 'answers 503, changes nothing' },
  },
];
