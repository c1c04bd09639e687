/**
 * Every decision about one registration is made while holding its lock. A decision that counts seats locks the ticket type
 * as well, always second, so that no two decisions can wait for each other.
 */
import { FREE, UNCONFIRMED } from '../../registration.ts';
import type { Money } from '../../money.ts';
import type { Database } from '../connection.ts';

/** The clock of the database after any waiting for locks; `now()` would be the start of the transaction. */
export const NOW = 'clock_timestamp()';

/**
 * Takes a registration's lock (its id is the binding) within a statement that does everything else, too. What the statement
 * reads may be from before the lock.
 */
export const LOCK = 'mine as materialized (select pg_advisory_xact_lock(hashtextextended(?, 0)))';

/** Runs a transaction that holds the lock of one registration, or of whatever else is decided about one at a time. */
export async function locked<T>(
  database: Database,
  id: string,
  decide: (trx: Database) => Promise<T>,
): Promise<T> {
  return database.transaction(async (trx) => {
    await trx.raw('select pg_advisory_xact_lock(hashtextextended(?, 0))', [id]);
    return decide(trx);
  });
}

/** A row of `seat_holds`. Exactly one of `held_until` and `claimed_for` is null. */
export type HoldRow = {
  id: string;
  event_id: string;
  ticket_type_id: string;
  amount_minor: number;
  currency: string;
  held_until: Date | null;
  claimed_for: string | null;
  paypal_order_id: string | null;
  paypal_orders: number;
  secret_hash: string | null;
  email_hash: string | null;
  confirmation_token: string;
  /** The answers that were accepted with the hold; null for none. */
  answers_hash: string | null;
};

export type Hold = {
  id: string;
  event: string;
  ticketType: string;
  amount: Money;
  /** ISO 8601; null while a payment is in flight, when the seat does not expire. */
  heldUntil: string | null;
  /** The PayPal order that is open for approval, or that a payment in flight is taking; null for a free ticket. */
  paypalOrderId: string | null;
  /** Counts the PayPal orders of this registration; the next one is opened under this number. */
  paypalOrders: number;
};

/** Whether a seat is claimed for a payment, and not for a free ticket or until an e-mail address is confirmed. */
export const isPaypalOrder = (claimedFor: string | null): claimedFor is string =>
  claimedFor !== null && claimedFor !== FREE && claimedFor !== UNCONFIRMED;

export const toHold = (row: HoldRow): Hold => ({
  id: row.id,
  event: row.event_id,
  ticketType: row.ticket_type_id,
  amount: { minor: row.amount_minor, currency: row.currency },
  heldUntil: row.held_until?.toISOString() ?? null,
  paypalOrderId: isPaypalOrder(row.claimed_for) ? row.claimed_for : row.paypal_order_id,
  paypalOrders: row.paypal_orders,
});

/** Where a registration stands: its hold or claim, whether it has an order, whether it is over. One statement. */
export async function standing(trx: Database, id: string) {
  const { rows } = await trx.raw<{ rows: [HoldRow & { ordered: boolean; over: boolean }] }>(
    `select h.*, o.id is not null as ordered, e.id is not null as over
     from (values (?::uuid)) as r (id)
     left join seat_holds h on h.id = r.id
     left join orders o on o.id = r.id
     left join ended_registrations e on e.id = r.id`,
    [id],
  );
  const [{ ordered, over, ...hold }] = rows;
  return { ordered, over, hold: (hold.id as string | null) === null ? undefined : hold };
}
