/** Refunds and cancellations by organizers: the ledger, the asking of PayPal, the runs. */
import type { Fault } from '../fault.ts';

const [ledger, sending, run, registration] = [
  'src/database/refunds.ts',
  'src/activities/refund.ts',
  'src/workflows/refund.ts',
  'src/workflows/registration.ts',
];
const [decided, done, repaired] = [
  'test/database/refunds.test.ts',
  'test/registrations/refunds.test.ts',
  'test/registrations/reconciliation.test.ts',
];

export const REFUNDS: Fault[] = [
  {
    name: 'refunds: two organizers decide at the same moment',
    file: ledger,
    find: 'const { registration, action, organizer, cancels, reason } = request;\n  return locked(database, registration, async (trx) => {',
    replace:
      'const { registration, action, organizer, cancels, reason } = request;\n  return database.transaction(async (trx) => {',
    caughtBy: { [decided]: 'that two organizers ask for' },
  },
  {
    name: 'refunds: a refund that was asked for and is not done yet does not count',
    file: ledger,
    find: "state <> 'refused'`",
    replace: "state = 'done'`",
    caughtBy: { [decided]: 'everything that is left without an amount' },
  },
  {
    name: 'refunds: a refund that PayPal refused counts',
    file: ledger,
    find: "and state <> 'refused'`",
    replace: '`',
    caughtBy: { [decided]: 'counts a refund that PayPal refused as not made' },
  },
  {
    name: 'refunds: a refund that is tried again keeps its number',
    file: ledger,
    find: "update({ state: 'asked', number: nextNumber(trx, registration),",
    replace: "update({ state: 'asked',",
    caughtBy: { [decided]: 'under a new number' },
  },
  {
    name: 'refunds: trying again twice counts twice',
    file: ledger,
    find: "if (await findAction(trx, registration, again)) return { status: 'asked', amount };",
    replace: '',
    caughtBy: { [decided]: 'under a new number' },
  },
  {
    name: 'refunds: a run refunds what an organizer has kept',
    file: ledger,
    find: "if (ordered && ordered.status !== 'confirmed') return undefined;",
    replace: '',
    caughtBy: { [decided]: 'that an organizer has ended' },
  },
  {
    name: 'refunds: a refund that cancels leaves the seat sold',
    file: ledger,
    find: 'cancels && (await endConfirmed(trx, { registration, action, status }))',
    replace: 'false',
    caughtBy: { [decided]: 'gives the seat back with the refund' },
  },
  {
    name: 'refunds: a refund that was made by hand is entered twice',
    file: ledger,
    find: ".onConflict('paypal_refund_id')\n        .ignore()\n        .returning('action')",
    replace: ".returning('action')",
    caughtBy: { [decided]: 'made at PayPal by hand once' },
  },
  {
    name: 'refunds: a refund is counted as ours and as made by hand',
    file: ledger,
    find: "await trx('refunds').where({ paypal_refund_id: made.refundId, number: null }).delete();",
    replace: '{}',
    caughtBy: { [decided]: 'before it was known as ours' },
  },
  {
    name: 'refunds: PayPal is not asked whether it has a refund already',
    file: sending,
    find: 'seen.refunds.find(({ name }) => name === action)',
    replace: 'seen.refunds.find(() => false)',
    caughtBy: { [done]: 'has forgotten its request id' },
  },
  {
    name: 'refunds: a refund that was made in the dashboard meanwhile is repeated',
    file: sending,
    find: 'if (same) return settle(same.refundId, amount, true);',
    replace: '',
    caughtBy: { [done]: 'in the dashboard of PayPal meanwhile' },
  },
  {
    name: 'refunds: everything is what the ledger knows, not what PayPal has left',
    file: sending,
    find: 'refund.rest ? Math.min(left, amount.minor) : amount.minor',
    replace: 'amount.minor',
    caughtBy: { [done]: 'is what the dashboard of PayPal has left' },
  },
  {
    name: 'refunds: a refund that is pending counts as done',
    file: sending,
    find: "if (status === 'pending') return { status };",
    replace: '',
    caughtBy: { [done]: 'has not completed is waited for' },
  },
  {
    name: 'refunds: a refusal is not entered',
    file: sending,
    find: 'await refuseRefund(database, refund, word);',
    replace: 'await Promise.resolve(word);',
    caughtBy: { [done]: 'that PayPal refuses with' },
  },
  {
    name: 'refunds: the run of a registration that an organizer has ended goes on',
    file: run,
    find: 'if (ended) await stopRun(request.registration, ended);',
    replace: '',
    caughtBy: { [done]: 'nobody gets its confirmation' },
  },
  {
    name: 'refunds: a run that an organizer has ended undoes the registration, too',
    file: registration,
    find: 'return { status: ended, isUndone: true };',
    replace: 'return { status: ended };',
    caughtBy: { [done]: 'and free ends with a cancellation' },
  },
  {
    name: 'refunds: a cancelled hold without a run keeps its seat',
    file: run,
    find: "giveSeatBack(request.registration, 'cancelled')",
    replace: 'undefined',
    caughtBy: { [done]: 'of a hold without a run' },
  },
  {
    name: 'refunds: a registration without an order is not cancelled',
    file: run,
    find: 'await run.cancel().catch(',
    replace: 'await Promise.resolve().catch(',
    caughtBy: { [done]: 'of a registration without an order' },
  },
  {
    name: 'refunds: nobody looks for refunds whose run was stopped',
    file: 'src/registrations/reconciliation.ts',
    find: '    ...(await refunding(dependencies, olderThanMinutes)),\n',
    replace: '',
    caughtBy: { [repaired]: 'whose run was terminated' },
  },
];
