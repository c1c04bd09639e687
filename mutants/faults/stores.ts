/** A restored database, and a Temporal server that was lost. */
import type { Fault } from '../fault.ts';

const [enter, rebuilt, lost] = [
  'src/registrations/rebuild/enter.ts',
  'test/registrations/rebuild.test.ts',
  'test/registrations/temporal-lost.test.ts',
];

const [claim, finishing, payment, activities] = [
  'src/database/seats/claim.ts',
  'src/registrations/claimed-payment.ts',
  'src/activities/payment.ts',
  'test/activities/activities.test.ts',
];

export const STORES: Fault[] = [
  {
    name: 'kept order: a claim does not keep what is paid for',
    file: claim,
    find: 'claimed_order = coalesce(?::bytea, case',
    replace: 'claimed_order = coalesce(case when false then ?::bytea end, case',
    caughtBy: { [activities]: 'keeps the order beside the claim' },
  },
  {
    name: 'kept order: it is stored in plain text',
    file: payment,
    find: 'sealClaimed(payloadCodecs,',
    replace: 'sealClaimed([],',
    caughtBy: { [activities]: 'keeps the order beside the claim' },
  },
  {
    name: 'kept order: it outlives the claim',
    file: claim,
    find: '...{ claimed_for: null, claimed_at: null, claimed_order: null },',
    replace: '...{ claimed_for: null, claimed_at: null },',
    caughtBy: { [activities]: 'keeps the order beside the claim' },
  },
  {
    name: 'kept order: an erasure leaves it',
    file: 'src/registrations/erasure.ts',
    find: 'await eraseClaimedOrder(database, id);',
    replace: '',
    caughtBy: { [lost]: 'refunds a payment whose order was erased' },
  },
  {
    name: 'lost runs: a cancelled registration is finished',
    file: finishing,
    find: '(await isCancelAsked(database, id)) ||',
    replace: '',
    caughtBy: { [lost]: 'finishes what the lost runs were to do' },
  },
  {
    name: 'lost runs: a confirmed address is to be confirmed again',
    file: 'src/temporal/runs.ts',
    find: '{ emailConfirmed: true }',
    replace: '{}',
    caughtBy: { [lost]: 'finishes what the lost runs were to do' },
  },
  {
    name: 'rebuild: an order without a free seat is lost',
    file: 'src/database/seats/rebuilt.ts',
    find: 'and capacity <= sold for update',
    replace: 'and capacity < sold for update',
    caughtBy: { [rebuilt]: 'sold again after the restore' },
  },
  {
    name: 'rebuild: the history says that everything happened at the repair',
    file: enter,
    find: 'await atTheTime(trx, effect.at, () => add(effect))',
    replace: 'await atTheTime(trx, new Date(Math.max(Date.now(), effect.at.getTime())), () => add(effect))',
    caughtBy: { [rebuilt]: 'in every state as they were' },
  },
  {
    name: 'rebuild: a list without a repair enters everything',
    file: 'src/registrations/rebuild/rebuild.ts',
    find: '(repairs ? enter : tryToEnter)',
    replace: '(repairs ? enter : enter)',
    caughtBy: { [rebuilt]: 'in every state as they were' },
  },
  {
    name: 'rebuild: a payment under way has no seat',
    file: enter,
    find: 'if (begun && taken) await takeSeatBack(trx, begun, taken);',
    replace: '',
    caughtBy: { [rebuilt]: 'in every state as they were' },
  },
  {
    name: 'rebuild: a refund is entered without its number at PayPal',
    file: enter,
    find: 'refundId: there?.refundId ?? null',
    replace: 'refundId: null',
    caughtBy: { [rebuilt]: 'in every state as they were' },
  },
  {
    name: 'lost runs: an order whose mail is open is undone',
    file: 'src/registrations/reconciliation.ts',
    find: 'if (!refund && (orphan.ordered || orphan.added)) {',
    replace: 'if (orphan.added) {',
    caughtBy: { [lost]: 'finishes what the lost runs were to do' },
  },
  {
    name: 'lost runs: an open mail is not looked for',
    file: 'src/registrations/stopped-runs.ts',
    find: '...open.slice(0, most)',
    replace: '...open.slice(0, 0)',
    caughtBy: { [lost]: 'finishes what the lost runs were to do' },
  },
];
