/**
 * Seats: held while the attendee fills in the form, claimed while a payment is in flight, sold once the order is saved.
 *
 * `sold + live holds <= capacity` is decided here, under a row lock on the ticket type. Every change to one registration
 * takes that registration's lock first and the ticket type's second, so no two changes can wait for each other.
 */
import { FREE, type Money } from '../registration.ts';
import type { Database } from './connection.ts';

export const HOLD_MINUTES = 15;
/** PayPal forgets an order that nobody approved after 3 hours (developer.paypal.com, Orders v2); ours are younger. */
const PAYPAL_ORDER_HOURS = 2;

export type Hold = {
  id: string;
  event: string;
  ticketType: string;
  amount: Money;
  /** ISO 8601; null while a payment is in flight, which never expires. */
  heldUntil: string | null;
  /** The PayPal order that is open for approval, or that a payment in flight is taking; null for a free ticket. */
  paypalOrderId: string | null;
  /** Counts the PayPal orders of this registration: the next one is opened under this number. */
  paypalOrders: number;
};

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
};

export const toHold = (row: HoldRow): Hold => ({
  id: row.id,
  event: row.event_id,
  ticketType: row.ticket_type_id,
  amount: { minor: row.amount_minor, currency: row.currency },
  heldUntil: row.held_until?.toISOString() ?? null,
  paypalOrderId: row.claimed_for === FREE ? null : (row.claimed_for ?? row.paypal_order_id),
  paypalOrders: row.paypal_orders,
});

/** The clock of the database after any waiting for locks; `now()` would be the start of the transaction. */
const NOW = 'clock_timestamp()';
const HELD_UNTIL = `${NOW} + interval '${HOLD_MINUTES} minutes'`;

/** Everything that is decided about one registration is decided while holding its lock. */
async function locked<T>(database: Database, id: string, decide: (trx: Database) => Promise<T>): Promise<T> {
  return database.transaction(async (trx) => {
    await trx.raw('select pg_advisory_xact_lock(hashtextextended(?, 0))', [id]);
    return decide(trx);
  });
}

/** Takes a registration's lock within a statement that does all there is to do; what it reads may be from before the lock. */
const LOCK = 'mine as materialized (select pg_advisory_xact_lock(hashtextextended(?, 0)))';

const row = (trx: Database, id: string) => trx<HoldRow>('seat_holds').where({ id }).first();

/** Where a registration stands: its hold or claim, whether there is an order of it, whether it is over. */
async function standing(trx: Database, id: string) {
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
const isLive = async (trx: Database, id: string): Promise<boolean> =>
  !!(await trx<HoldRow>('seat_holds').where({ id }).andWhereRaw(`held_until > ${NOW}`).first('id'));
export type Ending = 'expired' | 'refunded' | 'cancelled';

/** How a registration ended that is over; undefined when it goes on, or is confirmed. */
export async function findEnd(database: Database, id: string): Promise<Ending | undefined> {
  const row = await database('ended_registrations')
    .where({ id })
    .first<{ status: Ending } | undefined>('status');
  return row?.status;
}

/** Locks the ticket type and says its price and whether it has a seat for this registration; undefined if unknown. */
async function lockTicketType(trx: Database, id: string, event: string, ticketType: string) {
  const { rows } = await trx.raw<{
    rows: { price_minor: number; currency: string; capacity: number | null; sold: number }[];
  }>(
    `select t.price_minor, t.capacity, t.sold, e.currency from ticket_types t join events e on e.id = t.event_id
     where t.event_id = ? and t.id = ? and e.ends_at > ${NOW} for update of t`,
    [event, ticketType],
  );
  const [type] = rows;
  if (!type) return undefined;
  if (type.capacity === null) return { ...type, free: true, soldOut: false };
  // Counted in a statement of its own: one that waited for the lock still sees the holds as they were before.
  const held = await trx('seat_holds')
    .where({ event_id: event, ticket_type_id: ticketType })
    .whereNot({ id })
    .andWhereRaw(`(held_until is null or held_until > ${NOW})`)
    .count({ count: '*' });
  return {
    ...type,
    free: type.sold + Number(held[0]?.count) < type.capacity,
    soldOut: type.sold >= type.capacity,
  };
}

type Refusal = 'sold-out' | 'all-held' | 'unknown-ticket-type';
export type HoldOutcome =
  | { status: 'held'; hold: Hold; renewed: boolean }
  | { status: 'in-flight'; hold: Hold }
  | { status: Refusal | 'registered' | 'over' };

/**
 * Holds a seat for {@link HOLD_MINUTES} minutes from now, or renews the hold. Another ticket type moves the hold; then,
 * and when its PayPal order is spent or old, the hold comes back without one. A payment in flight is left alone.
 */
export async function holdSeat(
  database: Database,
  id: string,
  event: string,
  ticketType: string,
): Promise<HoldOutcome> {
  const first = await holdNewSeat(database, id, event, ticketType);
  if (first) return first;
  return locked(database, id, async (trx) => {
    const { ordered, over, hold: existing } = await standing(trx, id);
    if (ordered) return { status: 'registered' };
    if (over) return { status: 'over' };
    if (!existing) throw new Error('A registration that was there is gone');
    if (existing.claimed_for) return { status: 'in-flight', hold: toHold(existing) };

    const type = await lockTicketType(trx, id, event, ticketType);
    if (!type) return { status: 'unknown-ticket-type' };
    const same = existing.event_id === event && existing.ticket_type_id === ticketType;
    const live = same && (await isLive(trx, id));
    if (!live && !type.free) return { status: type.soldOut ? 'sold-out' : 'all-held' };

    const held = { event_id: event, ticket_type_id: ticketType, held_until: trx.raw(HELD_UNTIL) };
    const price = { amount_minor: type.price_minor, currency: type.currency };
    const repriced = !live && price.amount_minor !== existing.amount_minor;
    const reopen = !same || repriced || (await isPaypalOrderOld(trx, id));
    const renewed = await trx('seat_holds')
      .where({ id })
      // The price of a hold is kept while it goes on: what the attendee was shown is what is charged.
      .update({ ...held, ...(live ? {} : price), ...(reopen ? nextPaypalOrder(trx) : {}) })
      .returning<HoldRow[]>('*');
    return { status: 'held', hold: toHold(only(renewed)), renewed: true };
  });
}

/**
 * The ordinary hold, in one statement: the first of a registration.
 * @returns undefined where the registration has a hold, an order or an end already, and it takes a closer look
 */
async function holdNewSeat(
  database: Database,
  id: string,
  event: string,
  ticketType: string,
): Promise<HoldOutcome | undefined> {
  type Answer = Pick<HoldRow, 'amount_minor' | 'currency' | 'held_until'> & { outcome: Refusal | 'held' };
  const { rows } = await database.raw<{ rows: Answer[] }>('select * from hold_new_seat(?, ?, ?, ?)', [
    id,
    event,
    ticketType,
    HOLD_MINUTES,
  ]);
  const [answer] = rows;
  if (answer?.outcome !== 'held') return answer && { status: answer.outcome };
  const amount = { minor: answer.amount_minor, currency: answer.currency };
  const heldUntil = answer.held_until?.toISOString() ?? null;
  const hold = { id, event, ticketType, amount, heldUntil, paypalOrderId: null, paypalOrders: 1 };
  return { status: 'held', hold, renewed: false };
}

const isPaypalOrderOld = async (trx: Database, id: string): Promise<boolean> =>
  !!(await trx<HoldRow>('seat_holds')
    .where({ id })
    .andWhereRaw(`paypal_order_at < ${NOW} - interval '${PAYPAL_ORDER_HOURS} hours'`)
    .first('id'));

function only<T>([row]: T[]): T {
  if (row === undefined) throw new Error('A row that is locked is gone');
  return row;
}

const nextPaypalOrder = (trx: Database) => ({
  paypal_order_id: null,
  paypal_order_at: null,
  paypal_orders: trx.raw('paypal_orders + 1'),
});

/** Notes the PayPal order opened for a hold, unless another one took its place meanwhile. */
export async function notePaypalOrder(database: Database, hold: Hold, paypalOrderId: string): Promise<void> {
  await database('seat_holds')
    .where({ id: hold.id, paypal_orders: hold.paypalOrders, paypal_order_id: null })
    .update({ paypal_order_id: paypalOrderId, paypal_order_at: database.fn.now() });
}

/** The hold or claim of a registration as it stands, lapsed or not; undefined when it never had one or is over. */
export async function findHold(database: Database, id: string): Promise<Hold | undefined> {
  const found = await row(database, id);
  return found && toHold(found);
}

/**
 * Claims the seat for one attempt to pay: from now on only the run may give it up. A hold that has lapsed is claimed
 * again if a seat is free.
 * @returns what is to be paid, or undefined when there is no seat (any more)
 */
export async function claimSeat(
  database: Database,
  id: string,
  paypalOrderId: string,
): Promise<Money | undefined> {
  const claimed = await claimHeldSeat(database, id, paypalOrderId);
  if (claimed) return claimed;
  return locked(database, id, async (trx) => {
    const order = await trx('orders')
      .where({ id, status: 'confirmed' })
      .first<{ amount_minor: number; currency: string } | undefined>();
    // A run that was reset to before its payment: the seat is sold to it, and the payment will be found at PayPal.
    if (order) return { minor: order.amount_minor, currency: order.currency };
    const { hold, over } = await standing(trx, id);
    if (!hold || over) return undefined;
    if (!hold.claimed_for) {
      const type = await lockTicketType(trx, id, hold.event_id, hold.ticket_type_id);
      const live = await isLive(trx, id);
      if (!live && !type?.free) return undefined;
    }
    await trx('seat_holds').where({ id }).update({ claimed_for: paypalOrderId, held_until: null });
    return { minor: hold.amount_minor, currency: hold.currency };
  });
}

/** Nobody counts a hold as lapsed before a statement is over that found it so far from its end: none lasts that long. */
const CLEAR_OF_THE_END = '1 minute';

/**
 * The ordinary claim, in one statement: of a hold that goes on for a while, or of one that is claimed already. It changes
 * no number of seats, so the ticket type need not be locked.
 * @returns undefined where it takes a closer look
 */
async function claimHeldSeat(
  database: Database,
  id: string,
  paypalOrderId: string,
): Promise<Money | undefined> {
  const { rows } = await database.raw<{ rows: { minor: number; currency: string }[] }>(
    `with ${LOCK}
     update seat_holds h set claimed_for = ?, held_until = null from mine
     where h.id = ? and (h.claimed_for is not null or h.held_until > ${NOW} + interval '${CLEAR_OF_THE_END}')
     returning h.amount_minor as minor, h.currency`,
    [id, paypalOrderId, id],
  );
  return rows[0];
}

/**
 * Turns the claim of one attempt that took nothing into a hold again; its PayPal order is spent.
 * @returns until when the seat is held now (ISO 8601), null when there is no hold
 */
export async function unclaimSeat(
  database: Database,
  id: string,
  paypalOrderId: string,
): Promise<string | null> {
  return locked(database, id, async (trx) => {
    await trx('seat_holds')
      .where({ id, claimed_for: paypalOrderId })
      .update({
        claimed_for: null,
        held_until: trx.raw(HELD_UNTIL),
        paypal_orders: trx.raw('paypal_orders + 1'),
      });
    await trx('seat_holds')
      .where({ id, paypal_order_id: paypalOrderId })
      .update({ paypal_order_id: null, paypal_order_at: null });
    return (await row(trx, id))?.held_until?.toISOString() ?? null;
  });
}

/**
 * Releases a hold that has run out, and with it the registration.
 * @returns null when released, else the later end (ISO 8601) of a hold that the attendee renewed
 */
export async function releaseHold(database: Database, id: string): Promise<string | null> {
  return locked(database, id, async (trx) => {
    const renewed = await trx<HoldRow>('seat_holds').where({ id }).andWhereRaw(`held_until > ${NOW}`).first();
    if (renewed?.held_until) return renewed.held_until.toISOString();
    await end(trx, id, 'expired');
    return null;
  });
}

/** Gives a seat back for good, held or sold; an order stays as a record of what was paid, in its new status. */
export async function giveSeatBack(
  database: Database,
  id: string,
  status: 'refunded' | 'cancelled',
): Promise<void> {
  await locked(database, id, async (trx) => {
    const [order] = await trx('orders')
      .where({ id, status: 'confirmed' })
      .update({ status, updated_at: trx.fn.now() })
      .returning<{ event_id: string; ticket_type_id: string }[]>(['event_id', 'ticket_type_id']);
    if (order)
      await trx('ticket_types')
        .where({ event_id: order.event_id, id: order.ticket_type_id })
        .decrement('sold', 1);
    await end(trx, id, status);
  });
}

async function end(trx: Database, id: string, status: Ending): Promise<void> {
  await trx('seat_holds').where({ id }).delete();
  await trx('ended_registrations').insert({ id, status }).onConflict('id').ignore();
}

type OrderRow = { id: string; event_id: string; ticket_type_id: string } & Record<string, unknown>;

/**
 * Turns the claim of a registration into a sold seat, together with the row that records it. Done once: when the order is
 * there already, nothing happens. A claim that went missing is made good while there is a seat left.
 * @returns false when the registration is over or no seat is left
 */
export async function sellSeat(database: Database, order: OrderRow): Promise<boolean> {
  if (await sellClaimedSeat(database, order)) return true;
  const { id, event_id, ticket_type_id } = order;
  return locked(database, id, async (trx) => {
    const { hold, ordered, over } = await standing(trx, id);
    if (ordered) return true;
    if (over) return false;
    const claimed =
      !!hold?.claimed_for && hold.event_id === event_id && hold.ticket_type_id === ticket_type_id;
    const type = await lockTicketType(trx, id, event_id, ticket_type_id);
    if (!claimed && !type?.free) return false;
    await trx('orders').insert(order);
    await trx('ticket_types').where({ event_id, id: ticket_type_id }).increment('sold', 1);
    await trx('seat_holds').where({ id }).delete();
    return true;
  });
}

/**
 * The ordinary sale, in one statement, so that the row of the ticket type, for which all others wait, is locked for as
 * short as can be.
 * @returns false where there is no such claim, and it takes a closer look
 */
async function sellClaimedSeat(database: Database, order: OrderRow): Promise<boolean> {
  const columns = Object.keys(order);
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
     insert into orders (${columns.map(() => '??').join(', ')})
     select ${columns.map(() => '?').join(', ')} from counted returning id`,
    [
      order.id,
      order.id,
      order.event_id,
      order.ticket_type_id,
      ...columns,
      ...(Object.values(order) as string[]),
    ],
  );
  return rows.length > 0;
}
