/** The cancellation of an event: that it was decided, and whether its run pauses. This folder owns `event_cancellations`. */
import type { Pause } from '../../cancel-event.ts';
import type { Database } from '../connection.ts';
import { noteDesk } from '../desk-history.ts';
import { endEvent } from '../events.ts';
import { locked } from '../seats/lock.ts';
import { endHolds } from '../seats/hold.ts';
import { enlist } from './registrations.ts';

/** `round` counts how often the run was begun or resumed; `pauses`, how often money was missing. */
export type EventCancellation = {
  event: string;
  organizer: string;
  askedAt: Date;
  round: number;
  paused: Pause | null;
  pauses: number;
  finishedAt: Date | null;
};
type Row = {
  event_id: string;
  organizer_id: string;
  asked_at: Date;
  round: number;
  paused: Pause | null;
  pauses: number;
  finished_at: Date | null;
};
const toCancellation = (row: Row): EventCancellation => ({
  event: row.event_id,
  organizer: row.organizer_id,
  askedAt: row.asked_at,
  round: row.round,
  paused: row.paused,
  pauses: row.pauses,
  finishedAt: row.finished_at,
});

/** Everything about the cancellation of one event is decided one after the other. */
export const lockCancellation = <T>(
  database: Database,
  event: string,
  decide: (trx: Database) => Promise<T>,
): Promise<T> => locked(database, `cancel-event ${event}`, decide);

/** The cancellation of an event; undefined while it is not cancelled. */
export async function findCancellation(
  database: Database,
  event: string,
): Promise<EventCancellation | undefined> {
  const row = await database<Row>('event_cancellations').where({ event_id: event }).first();
  return row && toCancellation(row);
}

/** The events whose cancellation is not finished, the first one first. */
export async function findUnfinished(database: Database): Promise<EventCancellation[]> {
  const rows = await database<Row>('event_cancellations').whereNull('finished_at').orderBy('asked_at');
  return rows.map(toCancellation);
}

type Asked = { event: string; organizer: string; action: string };

/**
 * Cancels an event: nothing is sold any more, holds without a payment lapse, and every registration is listed that has to end.
 * An event that is cancelled already stays as it is.
 */
export async function cancelEvent(
  database: Database,
  { event, organizer, action }: Asked,
): Promise<EventCancellation> {
  return lockCancellation(database, event, async (trx) => {
    const before = await findCancellation(trx, event);
    if (before) return before;
    await endEvent(trx, event);
    const [row] = await trx('event_cancellations')
      .insert({ event_id: event, organizer_id: organizer })
      .returning<Row[]>('*');
    if (!row) throw new Error('An insert returns its row');
    await noteDesk(trx, { kind: 'event-cancelled', organizer, event, action });
    await enlist(trx, event);
    await endHolds(trx, event);
    return toCancellation(row);
  });
}

/**
 * Pauses the cancellation of an event: what has begun goes on, and nothing new is begun.
 * @returns false when it pauses already, or is finished
 */
export const pauseCancellation = (database: Database, { event, organizer, action }: Asked) =>
  lockCancellation(database, event, async (trx) => {
    const changed = await trx('event_cancellations')
      .where({ event_id: event, paused: null, finished_at: null })
      .update({ paused: 'organizer' satisfies Pause });
    if (changed) await noteDesk(trx, { kind: 'event-cancellation-paused', organizer, event, action });
    return changed > 0;
  });

/** Goes on with it, also with the refunds that failed for want of money. @returns false when it does not pause */
export const resumeCancellation = (database: Database, { event, organizer, action }: Asked) =>
  lockCancellation(database, event, async (trx) => {
    const changed = await trx('event_cancellations')
      .where({ event_id: event })
      .whereNotNull('paused')
      .update({ paused: null, round: trx.raw('round + 1') });
    if (changed) await noteDesk(trx, { kind: 'event-cancellation-resumed', organizer, event, action });
    return changed > 0;
  });

/** Pauses by itself, because PayPal has refused a refund for want of money. */
export async function pauseForFunds(trx: Database, event: string): Promise<void> {
  await trx('event_cancellations')
    .where({ event_id: event })
    .update({ paused: 'funds' satisfies Pause, pauses: trx.raw('pauses + 1') });
  await noteDesk(trx, { kind: 'event-cancellation-without-funds', event });
}

/** Enters that nothing is left to do. */
export async function finishCancellation(trx: Database, event: string): Promise<void> {
  await trx('event_cancellations').where({ event_id: event }).update({ finished_at: trx.fn.now() });
  await noteDesk(trx, { kind: 'event-cancellation-finished', event });
}
