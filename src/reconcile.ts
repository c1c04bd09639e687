/** `npm run reconcile`: lists what no run looks after any more; `npm run reconcile -- --repair` mends it. */
import { loadConfig, orExit } from './config.ts';
import { connectDatabase } from './database/connection.ts';
import { connectPayPal } from './paypal.ts';
import { findStrays, repair } from './reconciliation.ts';
import { connectTemporal } from './temporal.ts';

/** A run is started within seconds after its seat was held; a claim this old that has none will not get one. */
const OLDER_THAN_MINUTES = 5;

const config = orExit(loadConfig);
const mend = process.argv.includes('--repair');
const dependencies = {
  database: connectDatabase(config.databaseUrl),
  temporal: connectTemporal(config),
  paypal: connectPayPal(config.paypal),
};
try {
  const strays = await findStrays(dependencies, OLDER_THAN_MINUTES);
  for (const stray of strays) {
    const { id, reference, run, ordered, capture } = stray;
    const state = ordered
      ? 'order saved'
      : capture
        ? `capture ${capture.id} ${capture.status}`
        : 'nothing paid';
    const mended = mend ? await repair(dependencies, stray) : undefined;
    if (!mended) process.exitCode = 1;
    console.log([reference, id, `run ${run.toLowerCase()}`, state, mended ?? 'not mended'].join('  '));
  }
  if (strays.length === 0) console.log('Every registration has a run that looks after it');
} finally {
  await dependencies.temporal.connection.close();
  await dependencies.database.destroy();
}
