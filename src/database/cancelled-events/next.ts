/** One look of the run of a cancelled event at what there is to do. */
import { AT_ONCE, type NextCancellations } from '../../cancel-event.ts';
import { reference } from '../../reference.ts';
import type { Database } from '../connection.ts';
import { endHolds } from '../seats/hold.ts';
import { findCancellation, finishCancellation, lockCancellation, pauseForFunds } from './cancellation.ts';
import { lacksFunds, readProgress } from './progress.ts';
import { enlist, takeNext } from './registrations.ts';

/**
 * A statement that began before the cancellation may still commit a hold until then: `statement_timeout` ends it after 10 s
 * (database/connection.ts).
 */
const STRAGGLERS_MS = 15_000;

/**
 * Lists what has come since the last look, pauses where money is missing, and takes what is to be begun now. It is finished when
 * nothing is confirmed, held or claimed any more, except what PayPal has refused to refund.
 * @returns undefined for an event that is not cancelled
 */
export async function nextCancellations(
  database: Database,
  event: string,
): Promise<NextCancellations | undefined> {
  return lockCancellation(database, event, async (trx) => {
    const before = await findCancellation(trx, event);
    if (!before) return undefined;
    await enlist(trx, event);
    await endHolds(trx, event);
    if (!before.paused && (await lacksFunds(trx, event, before.round))) await pauseForFunds(trx, event);
    const { paused, pauses, round, organizer, askedAt, finishedAt } =
      (await findCancellation(trx, event)) ?? before;
    const taken = paused ? [] : await takeNext(trx, { event, round, atOnce: AT_ONCE });
    const { counts, isOpen } = await readProgress(trx, event);
    const isOver = !paused && !isOpen && isPast(askedAt, STRAGGLERS_MS);
    if (isOver && !finishedAt) await finishCancellation(trx, event);
    const begin = taken.map((item) => ({ ...item, organizer, reference: reference(item.registration) }));
    return { begin, paused, pauses, finished: isOver, counts };
  });
}

const isPast = (since: Date, ms: number): boolean => Date.now() - since.getTime() > ms;
