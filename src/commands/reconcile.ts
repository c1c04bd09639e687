/** `npm run reconcile`: lists what a store has lost, and what no run looks after any more; with `-- --repair`, it repairs both. */
import { loadConfig, orExit } from '../config.ts';
import { connectDatabase } from '../database/connection.ts';
import { rebuild, type Lost } from '../registrations/rebuild/rebuild.ts';
import { findOrphans, repair, type Orphan, type Repair } from '../registrations/reconciliation.ts';
import { cancelEventWorkflowId } from '../cancel-event.ts';
import { findStoppedCancellations, restartCancellation } from '../registrations/stopped-cancellations.ts';
import { connectTemporal } from '../temporal/client.ts';
import { connectPayPal } from '../vendors/paypal/client.ts';

/** A run is started within seconds after its seat was held. A claim this old that has no run will not get one. */
const OLDER_THAN_MINUTES = 5;

const stateOf = ({ ordered, capture, refund }: Orphan) => {
  if (refund) return `refund ${refund.action} asked for`;
  if (ordered) return 'order saved';
  return capture ? `capture ${capture.id} ${capture.status}` : 'nothing paid';
};
const told = (repaired: Repair | undefined) => {
  switch (repaired?.outcome) {
    case undefined:
      return 'not repaired';
    case 'payment-pending':
      return 'not repaired: PayPal still reviews the payment';
    case 'unreadable':
      return 'not repaired: the order is encrypted with a key that is not in ENCRYPTION_KEY';
    case 'refund-failed':
      return `not repaired: PayPal refused the refund (${repaired.word})`;
    case 'resumed':
    case 'undone':
      return repaired.outcome;
  }
};
const rebuilt = ({ missing }: Lost) => {
  if (missing.length > 0) return `${repairs ? 'not rebuilt' : 'cannot be rebuilt'}: ${missing.join(', ')}`;
  return repairs ? 'rebuilt' : 'not repaired';
};

const config = orExit(loadConfig);
const repairs = process.argv.includes('--repair');
const dependencies = {
  database: connectDatabase(config.databaseUrl),
  temporal: connectTemporal(config),
  paypal: connectPayPal(config.paypal),
};
const say = (...columns: string[]) => {
  console.log(columns.join('  '));
};
try {
  const { lost, oversold, events } = await rebuild(dependencies, repairs);
  for (const one of lost) {
    if (!repairs || one.missing.length > 0) process.exitCode = 1;
    say(one.reference, one.id, `lost: ${one.lost.join(', ') || 'not known'}`, rebuilt(one));
  }
  for (const { event, ticketType, capacity, sold } of oversold) {
    process.exitCode = 1;
    say(`${event} ${ticketType}`, `${String(sold)} sold of ${String(capacity)}`, 'oversold');
  }
  for (const event of events) {
    process.exitCode = 1;
    say(cancelEventWorkflowId(event), 'lost: the cancellation of the event', 'not rebuilt: cancel it again');
  }
  const orphans = await findOrphans(dependencies, OLDER_THAN_MINUTES);
  for (const orphan of orphans) {
    const { id, reference, run } = orphan;
    const repaired = repairs ? await repair(dependencies, orphan) : undefined;
    if (repaired?.outcome !== 'resumed' && repaired?.outcome !== 'undone') process.exitCode = 1;
    say(reference, id, `run ${run.toLowerCase()}`, stateOf(orphan), told(repaired));
  }
  const stopped = await findStoppedCancellations(dependencies);
  for (const cancellation of stopped) {
    if (repairs) await restartCancellation(dependencies, cancellation);
    else process.exitCode = 1;
    const { event, run } = cancellation;
    const told = repairs ? 'resumed' : 'not repaired';
    say(cancelEventWorkflowId(event), `run ${run.toLowerCase()}`, 'event cancelled', told);
  }
  if (lost.length + events.length === 0) console.log('The database has everything that Temporal has');
  if (orphans.length + stopped.length === 0) console.log('Every registration has a run that looks after it');
} finally {
  await dependencies.temporal.connection.close();
  await dependencies.database.destroy();
}
