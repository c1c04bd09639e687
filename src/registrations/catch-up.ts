/** Enters what became of steps whose outcome was not stored, because the database was away, or because Temporal gave them up. */
import type { Client } from '@temporalio/client';
import type { Database } from '../database/connection.ts';
import { noteAttempt, takeOpenSteps } from '../database/steps.ts';
import { readFailures } from '../temporal/failures.ts';
import { readProgress } from '../temporal/progress.ts';

/** A step that is open for longer has failed a few times, or its outcome is missing. */
const OPEN_MINUTES = 10;
/** Steps that are asked about in one go: each takes Temporal a few milliseconds, or a second where no worker answers. */
const MOST = 50;

/**
 * Asks Temporal about steps that are open for a while, and enters what it says. Those it has not asked about for longest come first.
 * @throws Error when Temporal cannot be reached
 */
export async function catchUp(
  { database, temporal }: { database: Database; temporal: Client },
  {
    most = MOST,
    minutes = OPEN_MINUTES,
    signal,
  }: { most?: number; minutes?: number; signal?: AbortSignal } = {},
): Promise<void> {
  for (const { registration, step } of await takeOpenSteps(database, { minutes, most })) {
    signal?.throwIfAborted();
    const run = await readProgress(temporal, registration);
    if (run.found === 'unreachable') throw new Error('Temporal cannot be reached');
    const known = run.found === 'run' && run.progress.steps.find(({ name }) => name === step);
    if (!known) continue;
    const { state, attempts } = known;
    if (state === 'done') await noteAttempt(database, registration, step, { state, attempts });
    if (state !== 'failed' && state !== 'retrying') continue;
    const failure = (await readFailures(temporal, registration, [known]))[step] ?? { type: 'Timeout' };
    const attempted = { state: state === 'failed' ? 'failed' : 'tried', attempts, failure } as const;
    await noteAttempt(database, registration, step, attempted);
  }
}
