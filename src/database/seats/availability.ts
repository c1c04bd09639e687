/**
 * How many seats are left. The rule itself, `sold + live holds <= capacity`, is written once, in the database: the views
 * `live_holds` and `ticket_availability` (migrations/20261125120000_availability.ts), and what is on sale
 * (migrations/20261128100000_events_on_sale.ts).
 */
import type { Database } from '../connection.ts';
import { NOW } from './lock.ts';

export type Availability = {
  price_minor: number;
  currency: string;
  /** Seats that are neither sold nor held; null without a limit. */
  free: number | null;
  /** Whether this registration has a live hold or claim of this ticket type already. */
  live: boolean;
  /** Whether there is a seat for this registration: its own, or a free one. */
  seat: boolean;
  /** Whether every seat is sold, so that none can come back from a hold. */
  soldOut: boolean;
  /** Whether it is on sale now: shown, within its sale window, and of a live event. */
  onSale: boolean;
  /** Whether the event is over or cancelled, and nobody can be registered for it any more. */
  over: boolean;
};

/**
 * Locks the ticket type until the end of the transaction and says whether it has a seat for this registration.
 * @returns undefined for an unknown ticket type
 */
export async function lockAvailability(
  trx: Database,
  id: string,
  event: string,
  ticketType: string,
): Promise<Availability | undefined> {
  await trx.raw('select from ticket_types where event_id = ? and id = ? for update', [event, ticketType]);
  // This statement comes after the lock: the one that waits for the lock still sees the holds as they were before.
  const { rows } = await trx.raw<{ rows: Availability[] }>(
    `select t.price_minor, e.currency, a.free, own.live, own.live or coalesce(a.free > 0, true) as seat,
       coalesce(a.sold_out, false) as "soldOut",
       a.on_sale as "onSale", e.state = 'cancelled' or e.ends_at <= ${NOW} as over
     from ticket_types t
     join events e on e.id = t.event_id
     join ticket_availability a on a.event_id = t.event_id and a.ticket_type_id = t.id
     cross join lateral (select exists (
       select from live_holds h
       where h.id = ? and h.event_id = t.event_id and h.ticket_type_id = t.id) as live) own
     where t.event_id = ? and t.id = ?`,
    [id, event, ticketType],
  );
  return rows[0];
}
