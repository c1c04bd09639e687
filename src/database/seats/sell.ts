/** A seat that is sold: the column `sold` of `ticket_types`, which this file owns, counts it. */
import type { Database } from '../connection.ts';
import { lockAvailability } from './availability.ts';
import { LOCK, locked, standing } from './lock.ts';

/** The seat of one registration. */
export type Seat = { id: string; event: string; ticketType: string };
/** Rest of a statement that records a sale: it inserts one row for each row of the common table expression `counted`. */
export type SaleRecord = { insert: string; bindings: (string | number | boolean | Date | null)[] };
export type SaleOutcome = { status: 'saved' } | { status: 'no-seat' };

/**
 * Turns the claim of a registration into a sold seat, together with the row that records it. It happens once: when there is an
 * order already, nothing changes. A claim that went missing is replaced while there is a seat left.
 */
export const sellSeat = async (database: Database, seat: Seat, record: SaleRecord): Promise<SaleOutcome> =>
  (await sellClaimedSeat(database, seat, record)) ?? (await sellSeatLocked(database, seat, record));

/**
 * The ordinary sale, in one statement, so that the row of the ticket type, for which all others wait, is locked for as
 * short a time as possible.
 * @returns undefined where the registration has no such claim
 */
async function sellClaimedSeat(
  database: Database,
  { id, event, ticketType }: Seat,
  { insert, bindings }: SaleRecord,
): Promise<SaleOutcome | undefined> {
  const { rows } = await database.raw<{ rows: unknown[] }>(
    `with ${LOCK},
     claim as (
       delete from seat_holds h using mine
       where h.id = ? and h.event_id = ? and h.ticket_type_id = ? and h.claimed_for is not null
       returning h.event_id, h.ticket_type_id),
     counted as (
       update ticket_types t set sold = t.sold + 1 from claim
       where t.event_id = claim.event_id and t.id = claim.ticket_type_id
       returning t.id)
     ${insert}`,
    [id, id, event, ticketType, ...bindings],
  );
  return rows.length > 0 ? { status: 'saved' } : undefined;
}

/** Any sale, by a transaction that locks first and then decides. The tests hold {@link sellSeat} against it. */
export async function sellSeatLocked(
  database: Database,
  { id, event, ticketType }: Seat,
  { insert, bindings }: SaleRecord,
): Promise<SaleOutcome> {
  return locked(database, id, async (trx) => {
    const { hold, ordered, over } = await standing(trx, id);
    if (ordered) return { status: 'saved' };
    if (over) return { status: 'no-seat' };
    const claimed = !!hold?.claimed_for && hold.event_id === event && hold.ticket_type_id === ticketType;
    const available = await lockAvailability(trx, id, event, ticketType);
    if (!claimed && (!available?.seat || available.over)) return { status: 'no-seat' };
    // The hold goes first: with it the seat would be counted twice for a moment.
    await trx('seat_holds').where({ id }).delete();
    await trx.raw(
      `with counted as (
         update ticket_types set sold = sold + 1 where event_id = ? and id = ? returning id)
       ${insert}`,
      [event, ticketType, ...bindings],
    );
    return { status: 'saved' };
  });
}

/** Takes one seat off the count, because it is no longer sold. */
export async function unsellSeat(
  trx: Database,
  { event, ticketType }: Pick<Seat, 'event' | 'ticketType'>,
): Promise<void> {
  await trx('ticket_types').where({ event_id: event, id: ticketType }).decrement('sold', 1);
}

/** Counts a sold seat for another ticket type. Whoever calls it has locked both and has found a free seat. */
export async function moveSeat(
  trx: Database,
  { event, from, to }: { event: string; from: string; to: string },
): Promise<void> {
  await trx('ticket_types').where({ event_id: event, id: from }).decrement('sold', 1);
  await trx('ticket_types').where({ event_id: event, id: to }).increment('sold', 1);
}
