/** Cancelled events whose run does not go on, because it was terminated or never started. */
import type { Client } from '@temporalio/client';
import { findCancellation, findUnfinished } from '../database/cancelled-events/cancellation.ts';
import type { Database } from '../database/connection.ts';
import { startCancelEvent, statusOfCancelEvent } from '../temporal/cancelled-events.ts';

/** `run` is the run's status in Temporal's words, `GONE` where there is none (any more). */
export type StoppedCancellation = { event: string; run: string };
type Dependencies = { database: Database; temporal: Client; taskQueue?: string };

/**
 * Lists them.
 * @throws the error of the database or of Temporal when they are away: then nothing is known
 */
export async function findStoppedCancellations({
  database,
  temporal,
}: Dependencies): Promise<StoppedCancellation[]> {
  const stopped: StoppedCancellation[] = [];
  for (const { event } of await findUnfinished(database)) {
    const run = await statusOfCancelEvent(temporal, event);
    if (['RUNNING', 'CONTINUED_AS_NEW'].includes(run)) continue;
    // It may have come to its end since it was read.
    if ((await findCancellation(database, event))?.finishedAt === null) stopped.push({ event, run });
  }
  return stopped;
}

/** Starts the run again. It finds in the database what is left, and repeats nothing. */
export const restartCancellation = (
  { temporal, taskQueue }: Dependencies,
  { event }: StoppedCancellation,
): Promise<void> => startCancelEvent(temporal, event, { taskQueue });
