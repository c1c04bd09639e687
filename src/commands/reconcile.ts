/** `npm run reconcile`: lists what no run looks after any more; `npm run reconcile -- --repair` repairs it. */
import { loadConfig, orExit } from '../config.ts';
import { connectDatabase } from '../database/connection.ts';
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
    case 'refund-failed':
      return `not repaired: PayPal refused the refund (${repaired.word})`;
    case 'resumed':
    case 'undone':
      return repaired.outcome;
  }
};

const config = orExit(loadConfig);
const repairs = process.argv.includes('--repair');
const dependencies = {
  database: connectDatabase(config.databaseUrl),
  temporal: connectTemporal(config),
  paypal: connectPayPal(config.paypal),
};
try {
  const orphans = await findOrphans(dependencies, OLDER_THAN_MINUTES);
  for (const orphan of orphans) {
    const { id, reference, run } = orphan;
    const repaired = repairs ? await repair(dependencies, orphan) : undefined;
    if (repaired?.outcome !== 'resumed' && repaired?.outcome !== 'undone') process.exitCode = 1;
    console.log([reference, id, `run ${run.toLowerCase()}`, stateOf(orphan), told(repaired)].join('  '));
  }
  const stopped = await findStoppedCancellations(dependencies);
  for (const cancellation of stopped) {
    if (repairs) await restartCancellation(dependencies, cancellation);
    else process.exitCode = 1;
    const { event, run } = cancellation;
    const told = repairs ? 'resumed' : 'not repaired';
    console.log(
      [cancelEventWorkflowId(event), `run ${run.toLowerCase()}`, 'event cancelled', told].join('  '),
    );
  }
  if (orphans.length + stopped.length === 0) console.log('Every registration has a run that looks after it');
} finally {
  await dependencies.temporal.connection.close();
  await dependencies.database.destroy();
}
