/** A seat that is claimed while a payment is in flight: from then on only the run of the registration may give it up. */
import type { Money } from '../../money.ts';
import type { Database } from '../connection.ts';
import { lockAvailability } from './availability.ts';
import { HELD_UNTIL } from './hold.ts';
import { LOCK, locked, NOW, standing, type HoldRow } from './lock.ts';

/** `amount` is what is to be paid for the seat. */
export type ClaimOutcome = { status: 'claimed'; amount: Money } | { status: 'no-seat' };

/**
 * Claims the seat for one attempt to pay. A hold that has lapsed is claimed again if a seat is free.
 * @param order what is paid for, sealed: it stays beside the claim, and goes with it
 */
export const claimSeat = async (
  database: Database,
  id: string,
  paypalOrderId: string,
  order?: Buffer,
): Promise<ClaimOutcome> =>
  (await claimHeldSeat(database, id, paypalOrderId, order)) ??
  (await claimSeatLocked(database, id, paypalOrderId, order));

/** A hold so far from its end cannot lapse before the statement that claims it is over: none lasts that long. */
const CLEAR_OF_THE_END = '1 minute';

/**
 * The ordinary claim, in one statement: of a hold that goes on for a while, or of a seat that is claimed already. It changes
 * no number of seats, so it does not lock the ticket type.
 * @returns undefined where the registration has no such hold
 */
async function claimHeldSeat(
  database: Database,
  id: string,
  paypalOrderId: string,
  order: Buffer | undefined,
): Promise<ClaimOutcome | undefined> {
  const { rows } = await database.raw<{ rows: Money[] }>(
    `with ${LOCK}
     update seat_holds h set claimed_for = ?, held_until = null,
       claimed_at = case when h.claimed_for = ? then h.claimed_at else ${NOW} end,
       claimed_order = coalesce(?::bytea, case when h.claimed_for = ? then h.claimed_order end)
     from mine
     where h.id = ? and (h.claimed_for is not null or h.held_until > ${NOW} + interval '${CLEAR_OF_THE_END}')
     returning h.amount_minor as minor, h.currency`,
    [id, paypalOrderId, paypalOrderId, order ?? null, paypalOrderId, id],
  );
  const [amount] = rows;
  return amount && { status: 'claimed', amount };
}

/** Any claim, by a transaction that locks first and then decides. The tests hold {@link claimSeat} against it. */
export async function claimSeatLocked(
  database: Database,
  id: string,
  paypalOrderId: string,
  order?: Buffer,
): Promise<ClaimOutcome> {
  return locked(database, id, async (trx) => {
    // A run that was reset to before its payment: its seat is sold, and the payment will be found at PayPal.
    const paid = await trx('orders')
      .where({ id, status: 'confirmed' })
      .first<Money | undefined>('amount_minor as minor', 'currency');
    if (paid) return { status: 'claimed', amount: paid };
    const { hold, over } = await standing(trx, id);
    if (!hold || over) return { status: 'no-seat' };
    if (!hold.claimed_for) {
      const available = await lockAvailability(trx, id, hold.event_id, hold.ticket_type_id);
      // A hold that goes on keeps its seat, also of an event that has just ended.
      if (!available?.live && (!available?.seat || !available.onSale)) return { status: 'no-seat' };
      // The event has got another currency since the hold lapsed.
      if (available.currency !== hold.currency) return { status: 'no-seat' };
    }
    const goesOn = hold.claimed_for === paypalOrderId;
    const claimed = {
      ...{ claimed_for: paypalOrderId, held_until: null },
      claimed_at: trx.raw(goesOn ? 'claimed_at' : NOW),
      ...(order ? { claimed_order: order } : !goesOn && { claimed_order: null }),
    };
    await trx('seat_holds').where({ id }).update(claimed);
    return { status: 'claimed', amount: { minor: hold.amount_minor, currency: hold.currency } };
  });
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
        ...{ claimed_for: null, claimed_at: null, claimed_order: null },
        held_until: trx.raw(HELD_UNTIL),
        paypal_orders: trx.raw('paypal_orders + 1'),
      });
    await trx('seat_holds')
      .where({ id, paypal_order_id: paypalOrderId })
      .update({ paypal_order_id: null, paypal_order_at: null });
    const row = await trx<HoldRow>('seat_holds').where({ id }).first();
    return row?.held_until?.toISOString() ?? null;
  });
}

/** A seat that a payment attempt has claimed. */
export type Claim = { id: string; paypalOrderId: string };

/** Claims that are older than `minutes`: whatever their run had asked of PayPal has come to an end by then. */
export async function findClaims(database: Database, minutes: number): Promise<Claim[]> {
  const rows = await database('seat_holds')
    .whereNotNull('claimed_for')
    .andWhereRaw(`coalesce(claimed_at, created_at) < now() - make_interval(mins => ?)`, [minutes])
    .orderBy('created_at')
    .select<{ id: string; claimed_for: string }[]>('id', 'claimed_for');
  return rows.map(({ id, claimed_for }) => ({ id, paypalOrderId: claimed_for }));
}

type Claimed = { event_id: string; claimed_for: string; claimed_order: Buffer | null };

/** What was claimed with a seat, sealed, as long as it is claimed; null where the claim has kept nothing. */
export async function findClaimedOrder(
  database: Database,
  id: string,
): Promise<(Claim & { event: string; sealed: Buffer | null }) | undefined> {
  const row = await database('seat_holds')
    .where({ id })
    .whereNotNull('claimed_for')
    .first<Claimed | undefined>('event_id', 'claimed_for', 'claimed_order');
  return row && { id, event: row.event_id, paypalOrderId: row.claimed_for, sealed: row.claimed_order };
}

/** Takes the person out of a claim, whose payment nobody can finish any more then. */
export async function eraseClaimedOrder(database: Database, id: string): Promise<void> {
  await database('seat_holds').where({ id }).whereNotNull('claimed_order').update({ claimed_order: null });
}
