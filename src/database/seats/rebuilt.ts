/** The seat of a registration that is rebuilt: it was taken before, so that it is taken again, whatever is free by now. */
import type { Order } from '../../registration.ts';
import type { Database } from '../connection.ts';
import { isPaypalOrder, standing } from './lock.ts';

/** A registration that was begun. `paypalOrders` counts its PayPal orders so far; `sealed` is the order as its claim keeps it. */
export type Begun = { order: Order; begunAt: Date; paypalOrders: number; sealed?: Buffer };
/** What a seat is taken for: a payment (a PayPal order, or a word in its place), or a hold (ISO 8601). */
export type Taken = { claimedFor: string; heldUntil: null } | { claimedFor: null; heldUntil: string };

/**
 * Holds or claims the seat of a registration that has neither an order nor an end, and whose own seat is not kept (any more). The
 * caller has the registration's lock.
 * @returns whether anything was changed
 */
export async function takeSeatBack(
  trx: Database,
  { order, begunAt, paypalOrders, sealed }: Begun,
  { claimedFor, heldUntil }: Taken,
): Promise<boolean> {
  const { hold, ordered, over } = await standing(trx, order.id);
  if (ordered || over) return false;
  const place = { event_id: order.event.id, ticket_type_id: order.ticketType.id };
  const isThere = hold?.event_id === place.event_id && hold.ticket_type_id === place.ticket_type_id;
  if (isThere && hold.claimed_for !== null) return false;
  if (heldUntil !== null && Date.parse(heldUntil) < Date.now()) return false;
  const row = {
    ...place,
    ...{ amount_minor: order.amount.minor, currency: order.amount.currency },
    ...{ claimed_for: claimedFor, held_until: heldUntil, paypal_orders: paypalOrders + 1 },
    claimed_at: claimedFor === null ? null : begunAt,
    claimed_order: claimedFor === null ? null : (sealed ?? null),
    paypal_order_id: isPaypalOrder(claimedFor) ? claimedFor : null,
    ...(order.confirmationToken !== undefined && { confirmation_token: order.confirmationToken }),
  };
  await trx('seat_holds')
    .insert({ id: order.id, ...row, created_at: begunAt })
    .onConflict('id')
    .merge(row);
  return true;
}

/** A ticket type of which more is sold than there was to sell. */
export type Oversold = { event: string; ticketType: string; capacity: number; sold: number };

/**
 * Raises the capacity of a ticket type to what is sold with one more seat, where that is more: the seats were sold twice, which
 * nobody can undo here. Locks the ticket type.
 * @returns the capacity of before; undefined where there is room
 */
export async function makeRoom(
  trx: Database,
  { event, ticketType }: { event: string; ticketType: string },
): Promise<Oversold | undefined> {
  const { rows } = await trx.raw<{ rows: { capacity: number; sold: number }[] }>(
    `with full_one as (
       select event_id, id, capacity from ticket_types where event_id = ? and id = ? and capacity <= sold for update)
     update ticket_types t set capacity = t.sold + 1 from full_one f where t.event_id = f.event_id and t.id = f.id
     returning f.capacity, t.sold + 1 as sold`,
    [event, ticketType],
  );
  const [full] = rows;
  return full && { event, ticketType, ...full };
}

/** Whether the ticket type of an order is in the database. */
export const hasTicketType = async (trx: Database, { event, ticketType }: Order): Promise<boolean> =>
  !!(await trx('ticket_types').where({ event_id: event.id, id: ticketType.id }).first('id'));
