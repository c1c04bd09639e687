/** A seat that is held while the attendee fills in the form. This file and claim.ts own the table `seat_holds`. */
import { countLapsed } from '../checkouts.ts';
import type { Database } from '../connection.ts';
import { lockAvailability } from './availability.ts';
import { noteFree, ownerJson, refusedByLimits, type LimitReached } from './limits.ts';
import { locked, NOW, standing, toHold, type Hold, type HoldRow } from './lock.ts';
import { isOwner, ownerColumns, type Owner } from './owner.ts';

export const HOLD_MINUTES = 15;
export const HELD_UNTIL = `${NOW} + interval '${HOLD_MINUTES} minutes'`;
/** How long one hold can be renewed, so that nobody keeps a seat, or an old price, for ever. */
const LONGEST_MINUTES = 60;
/** Renewing never shortens a hold: after a declined payment it may go on for longer. */
const RENEWED_UNTIL = `greatest(held_until, least(${HELD_UNTIL}, held_since + interval '${LONGEST_MINUTES} minutes'))`;
/** Each one may be declined once, and a declined payment makes the seat a new hold. */
const MOST_PAYPAL_ORDERS = 10;
/** PayPal forgets an order that nobody approved after 3 hours (developer.paypal.com, Orders v2); ours are younger. */
const PAYPAL_ORDER_HOURS = 2;

type Refusal = 'sold-out' | 'all-held' | 'unknown-ticket-type' | LimitReached;
/** `secretTaken`: the secret that came with this request is the hold's from now on. */
export type HoldOutcome =
  | { status: 'held'; hold: Hold; renewed: boolean; secretTaken: boolean }
  | { status: 'in-flight'; hold: Hold }
  | { status: Refusal | 'too-many-orders' | 'not-owner' | 'registered' | 'over' };

/**
 * Holds a seat for {@link HOLD_MINUTES} minutes from now, or renews the hold. Another ticket type moves the hold; then,
 * and when its PayPal order is spent or old, the hold comes back without one. A payment in flight is left alone. Only the owner
 * may change a hold, and limits bound how many seats one owner gets.
 */
export const holdSeat = async (
  database: Database,
  id: string,
  event: string,
  ticketType: string,
  owner: Owner = {},
): Promise<HoldOutcome> =>
  (await holdNewSeat(database, id, event, ticketType, owner)) ??
  (await holdSeatLocked(database, id, event, ticketType, owner));

/**
 * The ordinary hold, which is the first of a registration: the function `hold_new_seat` of the database, in one statement.
 * @returns undefined where the registration has a hold, an order or an end already
 */
async function holdNewSeat(
  database: Database,
  id: string,
  event: string,
  ticketType: string,
  owner: Owner,
): Promise<HoldOutcome | undefined> {
  type Answer = Pick<HoldRow, 'amount_minor' | 'currency' | 'held_until'> & { outcome: Refusal | 'held' };
  const { rows } = await database.raw<{ rows: Answer[] }>('select * from hold_new_seat(?, ?, ?, ?, ?)', [
    id,
    event,
    ticketType,
    HOLD_MINUTES,
    ownerJson(owner),
  ]);
  const [answer] = rows;
  if (answer?.outcome !== 'held') return answer && { status: answer.outcome };
  const amount = { minor: answer.amount_minor, currency: answer.currency };
  const heldUntil = answer.held_until?.toISOString() ?? null;
  const hold = { id, event, ticketType, amount, heldUntil, paypalOrderId: null, paypalOrders: 1 };
  return { status: 'held', hold, renewed: false, secretTaken: owner.secretHash !== undefined };
}

/** Any hold, by a transaction that locks first and then decides. The tests hold {@link holdSeat} against it. */
export async function holdSeatLocked(
  database: Database,
  id: string,
  event: string,
  ticketType: string,
  owner: Owner = {},
): Promise<HoldOutcome> {
  return locked(database, id, async (trx) => {
    const { ordered, over, hold: existing } = await standing(trx, id);
    if (ordered) return { status: 'registered' };
    if (over) return { status: 'over' };
    if (existing && !isOwner(existing, owner)) return { status: 'not-owner' };
    if (existing?.claimed_for) return { status: 'in-flight', hold: toHold(existing) };

    const available = await lockAvailability(trx, id, event, ticketType);
    // A hold that goes on can be renewed after the sale of its ticket type has ended.
    if (!available || available.over || !(available.onSale || available.live))
      return { status: 'unknown-ticket-type' };
    if (!available.seat) return { status: available.soldOut ? 'sold-out' : 'all-held' };
    const { live, price_minor, currency, free } = available;
    const asked = { id, event, ticketType, price: price_minor, free };
    const refusal = live ? null : await refusedByLimits(trx, asked, owner);
    if (refusal) return { status: refusal };

    const hasSecret = owner.secretHash !== undefined;
    const price = { amount_minor: price_minor, currency };
    const place = { event_id: event, ticket_type_id: ticketType };
    if (price_minor === 0) await noteFree(trx, asked, owner);
    if (!existing) {
      const made = await trx('seat_holds')
        .insert({
          ...{ id, ...place, ...price, held_until: trx.raw(HELD_UNTIL) },
          ...{ ...ownerColumns(owner), secret_hash: owner.secretHash ?? null },
        })
        .returning<HoldRow[]>('*');
      return { status: 'held', hold: toHold(only(made)), renewed: false, secretTaken: hasSecret };
    }
    const same = existing.event_id === event && existing.ticket_type_id === ticketType;
    const repriced = !live && (price_minor !== existing.amount_minor || currency !== existing.currency);
    const reopen = !same || repriced || (await isPaypalOrderOld(trx, id));
    const opens = price_minor > 0 && (reopen || existing.paypal_order_id === null);
    if (opens && existing.paypal_orders + Number(reopen) > MOST_PAYPAL_ORDERS)
      return { status: 'too-many-orders' };
    const secretTaken = existing.secret_hash === null && hasSecret;
    // A hold that has lapsed begins anew. One that moves goes on.
    const goesOn = (then: string, otherwise: string) =>
      trx.raw(`case when held_until > ${NOW} then ${then} else ${otherwise} end`);
    const renewed = await trx('seat_holds')
      .where({ id })
      .update({
        ...place,
        held_until: goesOn(RENEWED_UNTIL, HELD_UNTIL),
        held_since: goesOn('held_since', NOW),
        // The price of a hold is kept while it goes on: what the attendee was shown is what is charged.
        ...(live ? {} : price),
        ...(reopen ? nextPaypalOrder(trx) : {}),
        ...ownerColumns(owner),
        ...(secretTaken && { secret_hash: owner.secretHash }),
        // The link that was mailed to another address must not confirm this one.
        ...(existing.email_hash === (owner.emailHash ?? null)
          ? {}
          : { confirmation_token: trx.raw('gen_random_uuid()') }),
      })
      .returning<HoldRow[]>('*');
    return { status: 'held', hold: toHold(only(renewed)), renewed: true, secretTaken };
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

/** Notes the answers that were accepted with a hold, as a hash; null for none. */
export async function noteAnswers(database: Database, id: string, answersHash: string | null): Promise<void> {
  await database('seat_holds').where({ id }).update({ answers_hash: answersHash });
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

/** How long PayPal answers a repeated request id with the order of the first one (developer.paypal.com, idempotency). */
const PAYPAL_REPEATS_HOURS = 6;

/**
 * Drops the lapsed holds of a ticket type that is to be removed: those that nobody decides about now, and whose PayPal orders would
 * not be found again by the request ids of a new hold. Whoever calls it has locked the ticket type.
 * @returns whether none is left
 */
export async function dropLapsedHolds(trx: Database, event: string, ticketType: string): Promise<boolean> {
  const place = { event_id: event, ticket_type_id: ticketType };
  const lapsed = await trx('seat_holds')
    .where({ ...place, claimed_for: null })
    .andWhereRaw(
      `held_until < ${NOW} - make_interval(hours => case when amount_minor = 0 then 0 else ${PAYPAL_REPEATS_HOURS} end)`,
    )
    .pluck<string[]>('id');
  for (const id of lapsed) {
    // Whoever has this lock may wait for the ticket type, so nobody waits for it here.
    const { rows } = await trx.raw<{ rows: [{ locked: boolean }] }>(
      'select pg_try_advisory_xact_lock(hashtextextended(?, 0)) as locked',
      [id],
    );
    const dropped = rows[0].locked ? await dropHold(trx, id) : undefined;
    if (dropped) await countLapsed(trx, dropped);
  }
  return !(await trx('seat_holds').where(place).first('id'));
}

/** Lets all holds of an event lapse. A payment in flight is left alone. */
export async function endHolds(trx: Database, event: string): Promise<void> {
  await trx('seat_holds')
    .where({ event_id: event, claimed_for: null })
    .andWhereRaw(`held_until > ${NOW}`)
    .update({ held_until: trx.raw(NOW) });
}

/** What a seat was held for, and since when. */
export type DroppedHold = { event_id: string; ticket_type_id: string; begun_at: Date };

/** Drops the hold or claim of a registration. @returns what it was for; undefined when there was none */
export async function dropHold(trx: Database, id: string): Promise<DroppedHold | undefined> {
  const [dropped] = await trx('seat_holds')
    .where({ id })
    .delete()
    .returning<DroppedHold[]>(['event_id', 'ticket_type_id', 'created_at as begun_at']);
  return dropped;
}
