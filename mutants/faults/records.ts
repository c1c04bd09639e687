import type { Fault } from '../fault.ts';

const status = 'src/registrations/status.ts';
const reconciliation = 'src/registrations/reconciliation.ts';
const stopped = 'src/registrations/stopped-runs.ts';
const erasure = 'src/registrations/erasure.ts';
const orders = 'src/database/orders.ts';
const registrations = 'src/database/registrations.ts';
const truth = 'test/registrations/one-truth.test.ts';
const repaired = 'test/registrations/reconciliation.test.ts';
const erased = 'test/registrations/erasure.test.ts';
const interventions = 'test/interventions.test.ts';
const seats = 'test/database/seats.test.ts';

/** What the database says of a registration; reconciliation and erasure. */
export const RECORDS: Fault[] = [
  {
    name: 'status: the run counts and not the order',
    file: status,
    find: "case 'order':\n      return { status: outcome.status,",
    replace: "case 'order':\n      return { status: run?.status ?? outcome.status,",
    caughtBy: { [truth]: 'reports an order as' },
  },
  {
    name: 'status: the run counts and not its end',
    file: status,
    find: "case 'end':\n      return { status: outcome.status,",
    replace: "case 'end':\n      return { status: run ? 'confirmed' : outcome.status,",
    caughtBy: { [truth]: 'without an order as refunded' },
  },
  {
    name: 'status: an order is unknown once its run is gone',
    file: status,
    find: 'run?.steps ?? stepsOf(outcome)',
    replace: 'run!.steps',
    caughtBy: { [truth]: 'after Temporal has deleted the run' },
  },
  {
    name: 'status: while nobody can be asked, a registration does not exist',
    file: status,
    find: "complete ? 'none' : 'unavailable'",
    replace: "complete ? 'none' : 'none'",
    caughtBy: { 'test/api/outages.test.ts': 'while Temporal is down' },
  },
  {
    name: 'status: a declined registration cannot change any more',
    file: status,
    find: ", 'declined'].includes(status)",
    replace: '].includes(status)',
    caughtBy: { 'test/registrations/status.test.ts': '' },
  },
  {
    name: 'end: a seat that is given back is still sold',
    file: registrations,
    find: 'await unsellSeat(trx, seat);',
    replace: '',
    caughtBy: { [seats]: 'gives its seat back once' },
  },
  {
    name: 'end: a registration that has ended can begin again',
    file: registrations,
    find: 'return ended.length > 0;',
    replace: "await trx('ended_registrations').where({ id }).delete();\n  return ended.length > 0;",
    caughtBy: { [seats]: 'ends the registration when it is released' },
  },
  {
    name: 'end: an order gives its seat back twice',
    file: orders,
    find: ".where({ id, status: 'confirmed' })",
    replace: '.where({ id })',
    caughtBy: { [seats]: 'gives its seat back once' },
  },
  {
    name: 'end: a hold that was renewed is released',
    file: registrations,
    find: 'if (renewedUntil === null) await end',
    replace: 'await end',
    caughtBy: { [seats]: 'is not released while it is live' },
  },
  {
    name: 'reconciliation: a payment is refunded while its run goes on',
    file: stopped,
    find: "if (run === 'RUNNING') continue;",
    replace: '',
    caughtBy: { [repaired]: 'only when its run is gone' },
  },
  {
    name: 'reconciliation: a run that ended during the search is an orphan',
    file: stopped,
    find: 'if (left?.heldUntil !== null) continue;',
    replace: '',
    caughtBy: { [repaired]: 'completes during the search' },
  },
  {
    name: 'reconciliation: a payment that PayPal reviews is given up',
    file: reconciliation,
    find: "if (capture?.status === 'pending') return { outcome: 'payment-pending' };",
    replace: '',
    caughtBy: { [repaired]: 'PayPal has decided' },
  },
  {
    name: 'reconciliation: the seat is given back and the payment kept',
    file: reconciliation,
    find: 'if (paid) {',
    replace: 'if (!paid) {',
    caughtBy: { [repaired]: 'refunds a payment once' },
  },
  {
    name: 'reconciliation: a stopped run is resumed twice',
    file: reconciliation,
    find: '`${runId}:reconcile`',
    replace: 'crypto.randomUUID()',
    caughtBy: { [repaired]: 'resumes a stopped run once' },
  },
  {
    name: 'reconciliation: an order whose mail was never sent is no orphan',
    file: 'src/database/steps.ts',
    find: "count(*) filter (where s.state = 'done')",
    replace: 'count(*) + 2',
    caughtBy: { [interventions]: "in 'sendConfirmation' is found" },
  },
  {
    name: 'erasure: the person of an open run is erased',
    file: erasure,
    find: "if (found?.status.name === 'RUNNING') return { outcome: 'run-open' };",
    replace: '',
    caughtBy: { [erased]: 'refuses while the run is open' },
  },
  {
    name: 'erasure: the newsletter of another registration ends',
    file: erasure,
    find: "if (await leaveToAnother(database, id, subscription)) audience = 'kept-for-another';\n    else",
    replace: '',
    caughtBy: { [erased]: 'another registration with the same address' },
  },
  {
    name: 'erasure: a corrected address stays in the audience',
    file: erasure,
    find: 'added.push({ email: attendee.email, since: new Date(tsToMs(eventTime)) });',
    replace: '',
    caughtBy: { [erased]: 'corrected e-mail address' },
  },
  {
    name: 'erasure: a subscription from before the registration is deleted',
    file: 'src/vendors/mailchimp.ts',
    find: 'first < since.getTime() - CLOCKS_DIFFER_MS',
    replace: 'first < 0',
    caughtBy: { 'test/security/erasure.test.ts': 'older than the registration' },
  },
  {
    name: 'erasure: the history of a mail that was sent again stays',
    file: erasure,
    find: '[resendWorkflowId(id), ...own]',
    replace: 'own',
    caughtBy: { [erased]: 'erases a person from the database' },
  },
  {
    name: 'erasure: the organization stays in the order',
    file: orders,
    find: 'organization: null,\n  address_line1: null,',
    replace: 'address_line1: null,',
    caughtBy: { [erased]: 'erases a person from the database' },
  },
  {
    name: 'erasure: an address in capitals is another one',
    file: 'src/database/subscriptions.ts',
    find: 'lower(email) = lower(?)',
    replace: 'email = ?',
    caughtBy: { [erased]: 'another registration with the same address' },
  },
  {
    name: 'order: a row that violates a constraint is tried for ever',
    file: 'src/database/connection.ts',
    find: '/^2[23]/',
    replace: '/^99/',
    caughtBy: { 'test/activities/activities.test.ts': 'when the database rejects the row' },
  },
];
