/** A restored database, and a Temporal server that was lost. */
import type { Fault } from '../fault.ts';

const [enter, rebuilt, lost] = [
  'src/registrations/rebuild/enter.ts',
  'test/registrations/rebuild.test.ts',
  'test/registrations/temporal-lost.test.ts',
];

export const STORES: Fault[] = [
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
