/** A seat that is held while the attendee fills in the form. This file and claim.ts own the table `seat_holds`. */
import type { Database } from '../connection.ts';
import { lockAvailability } from './availability.ts';
import { locked, NOW, standing, toHold, type Hold, type HoldRow } from './lock.ts';

export const HOLD_MINUTES = 15;
export const HELD_UNTIL = `${NOW} + interval '${HOLD_MINUTES} minutes'`;
/** PayPal forgets an order that nobody approved after 3 hours (developer.paypal.com, Orders v2); ours are younger. */
const PAYPAL_ORDER_HOURS = 2;

type Refusal = 'sold-out' | 'all-held' | 'unknown-ticket-type';
export type HoldOutcome =
  | { status: 'held'; hold: Hold; renewed: boolean }
  | { status: 'in-flight'; hold: Hold }
  | { status: Refusal | 'registered' | 'over' };

/**
 * Holds a seat for {@link HOLD_MINUTES} minutes from now, or renews the hold. Another ticket type moves the hold; then,
 * and when its PayPal order is spent or old, the hold comes back without one. A payment in flight is left alone.
 */
export const holdSeat = async (
  database: Database,
  id: string,
  event: string,
  ticketType: string,
): Promise<HoldOutcome> =>
  (await holdNewSeat(database, id, event, ticketType)) ??
  (await holdSeatLocked(database, id, event, ticketType));

/**
 * The ordinary hold, which is the first of a registration: the function `hold_new_seat` of the database, in one statement.
 * @returns undefined where the registration has a hold, an order or an end already
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

/** Any hold, by a transaction that locks first and then decides. The tests hold {@link holdSeat} against it. */
export async function holdSeatLocked(
  database: Database,
  id: string,
  event: string,
  ticketType: string,
): Promise<HoldOutcome> {
  return locked(database, id, async (trx) => {
    const { ordered, over, hold: existing } = await standing(trx, id);
    if (ordered) return { status: 'registered' };
    if (over) return { status: 'over' };
    if (existing?.claimed_for) return { status: 'in-flight', hold: toHold(existing) };

    const available = await lockAvailability(trx, id, event, ticketType);
    if (!available || available.over) return { status: 'unknown-ticket-type' };
    if (!available.seat) return { status: available.soldOut ? 'sold-out' : 'all-held' };

    const held = { event_id: event, ticket_type_id: ticketType, held_until: trx.raw(HELD_UNTIL) };
    const price = { amount_minor: available.price_minor, currency: available.currency };
    if (!existing) {
      const made = await trx('seat_holds')
        .insert({ id, ...held, ...price })
        .returning<HoldRow[]>('*');
      return { status: 'held', hold: toHold(only(made)), renewed: false };
    }
    const same = existing.event_id === event && existing.ticket_type_id === ticketType;
    const repriced = !available.live && price.amount_minor !== existing.amount_minor;
    const reopen = !same || repriced || (await isPaypalOrderOld(trx, id));
    const renewed = await trx('seat_holds')
      .where({ id })
      // The price of a hold is kept while it goes on: what the attendee was shown is what is charged.
      .update({ ...held, ...(available.live ? {} : price), ...(reopen ? nextPaypalOrder(trx) : {}) })
      .returning<HoldRow[]>('*');
    return { status: 'held', hold: toHold(only(renewed)), renewed: true };
  });
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

/** Notes the PayPal order that was opened for a hold, unless another one took its place meanwhile. */
export async function notePaypalOrder(database: Database, hold: Hold, paypalOrderId: string): Promise<void> {
  await database('seat_holds')
    .where({ id: hold.id, paypal_orders: hold.paypalOrders, paypal_order_id: null })
    .update({ paypal_order_id: paypalOrderId, paypal_order_at: database.fn.now() });
}

/** The hold or claim of a registration as it stands, lapsed or not; undefined when it has none. */
export async function findHold(database: Database, id: string): Promise<Hold | undefined> {
  const found = await database<HoldRow>('seat_holds').where({ id }).first();
  return found && toHold(found);
}

/** When a hold ends (ISO 8601); null when it has lapsed, is claimed, or there is none. */
export async function findEndOfHold(trx: Database, id: string): Promise<string | null> {
  const row = await trx<HoldRow>('seat_holds').where({ id }).andWhereRaw(`held_until > ${NOW}`).first();
  return row?.held_until?.toISOString() ?? null;
}

/** Drops the hold or claim of a registration, if there is one. */
export async function dropHold(trx: Database, id: string): Promise<void> {
  await trx('seat_holds').where({ id }).delete();
}
