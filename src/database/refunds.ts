/**
 * The ledger of refunds. This file owns the table `refunds`. The sum of what is asked for and what is done never exceeds what
 * was captured: that is decided while holding the registration's lock.
 */
import type { Money } from '../money.ts';
import type { EndedStatus, RefundDecision, RefundOutcome, RefundRequest } from '../refund.ts';
import { noteCapture, type Taken } from './captures.ts';
import type { Database } from './connection.ts';
import { findAction, note } from './history.ts';
import { findPayment, isPaidElsewhere, type OrderStatus, type Payment } from './orders.ts';
import { endConfirmed } from './registrations.ts';
import { locked } from './seats/lock.ts';

/** A refund of the ledger. */
export type Refund = {
  /** Names it, here and at PayPal. It is the registration's own id where its run undoes the registration. */
  action: string;
  registration: string;
  /** Makes each PayPal-Request-Id new. */
  number: number;
  captureId: string;
  paypalOrderId: string | null;
  amount: Money;
  /** Whether it was meant to be everything that was left. */
  rest: boolean;
  cancels: boolean;
  state: 'asked' | 'done' | 'refused';
  /** PayPal's word for why it refused the last time, such as `REFUND_FAILED_INSUFFICIENT_FUNDS`. */
  word: string | null;
  askedAt: Date;
};
type Row = {
  action: string;
  registration_id: string;
  number: number | null;
  paypal_capture_id: string;
  paypal_order_id: string | null;
  amount_minor: number;
  currency: string;
  rest: boolean;
  cancels: boolean;
  state: Refund['state'];
  word: string | null;
  asked_at: Date;
};
const toRefund = (row: Row): Refund => ({
  action: row.action,
  registration: row.registration_id,
  number: row.number ?? 0,
  captureId: row.paypal_capture_id,
  paypalOrderId: row.paypal_order_id,
  amount: { minor: row.amount_minor, currency: row.currency },
  rest: row.rest,
  cancels: row.cancels,
  state: row.state,
  word: row.word,
  askedAt: row.asked_at,
});
const find = async (trx: Database, action: string): Promise<Refund | undefined> => {
  const row = await trx<Row>('refunds').where({ action }).first();
  return row && toRefund(row);
};
const NOW = 'happened_at()';

/** What is neither refunded nor about to be. A refund that PayPal refused does not count. */
async function leftOf(trx: Database, registration: string, { minor, currency }: Money): Promise<Money> {
  const { rows } = await trx.raw<{ rows: [{ sum: number }] }>(
    `select coalesce(sum(amount_minor), 0)::integer as sum from refunds
     where registration_id = ? and state <> 'refused'`,
    [registration],
  );
  return { minor: minor - rows[0].sum, currency };
}

/** The number that no refund of the registration has had yet. */
const nextNumber = (trx: Database, registration: string) =>
  trx.raw('(select coalesce(max(number), 0) + 1 from refunds where registration_id = ?)', [registration]);

type New = Pick<Refund, 'action' | 'registration' | 'amount' | 'rest' | 'cancels'>;

async function add(trx: Database, payment: Omit<Payment, 'amount'>, refund: New): Promise<Refund> {
  const [row] = await trx('refunds')
    .insert({
      action: refund.action,
      registration_id: refund.registration,
      number: nextNumber(trx, refund.registration),
      paypal_capture_id: payment.captureId,
      paypal_order_id: payment.paypalOrderId,
      amount_minor: refund.amount.minor,
      currency: refund.amount.currency,
      rest: refund.rest,
      cancels: refund.cancels,
    })
    .returning<Row[]>('*');
  if (!row) throw new Error('An insert returns its row');
  await lowerRefused(trx, refund.registration);
  return toRefund(row);
}

/** A refund of everything that was left, which PayPal refused, is one of what is left now. Nothing left: it stays as it was. */
async function lowerRefused(trx: Database, registration: string): Promise<void> {
  const payment = await findPayment(trx, registration);
  const left = payment && (await leftOf(trx, registration, payment.amount));
  if (!left || left.minor <= 0) return;
  await trx('refunds')
    .where({ registration_id: registration, state: 'refused', rest: true, reversed: false })
    .where('amount_minor', '>', left.minor)
    .update({ amount_minor: left.minor });
}

/** Enters a refund that an organizer asks for, if that much is left. The same action again is the same refund. */
export async function askRefund(database: Database, request: RefundRequest): Promise<RefundDecision> {
  const { registration, action, organizer, cancels, reason } = request;
  return locked(database, registration, async (trx) => {
    const before = await find(trx, action);
    if (before && before.registration !== registration) return { status: 'no-order' };
    if (before) return { status: 'asked', amount: before.amount };
    const payment = await findPayment(trx, registration);
    if (payment === undefined) return { status: 'no-order' };
    if (!payment)
      return { status: (await isPaidElsewhere(trx, registration)) ? 'paid-elsewhere' : 'nothing-paid' };
    const left = await leftOf(trx, registration, payment.amount);
    const amount = request.amount ?? left;
    if (left.minor <= 0) return { status: 'nothing-left' };
    if (amount.minor > left.minor || amount.minor <= 0 || amount.currency !== left.currency)
      return { status: 'too-much', left };
    await add(trx, payment, { action, registration, amount, rest: amount.minor === left.minor, cancels });
    const facts = { amount, cancels };
    await note(trx, { registration, kind: 'refund-asked', organizer, action, facts, text: reason });
    return { status: 'asked', amount };
  });
}

/** Enters a refund that PayPal refused once more, if that much is still left. The same `again` twice counts once. */
export async function askAgain(
  database: Database,
  { registration, action, organizer }: RefundRequest,
  again: string,
): Promise<RefundDecision> {
  return locked(database, registration, async (trx) => {
    const refund = await find(trx, action);
    if (refund?.registration !== registration) return { status: 'no-order' };
    const { amount } = refund;
    if (await findAction(trx, registration, again)) return { status: 'asked', amount };
    if (refund.state !== 'refused') return { status: 'not-refused' };
    const payment = await findPayment(trx, registration);
    const left = payment && (await leftOf(trx, registration, payment.amount));
    if (left && amount.minor > left.minor) return { status: 'too-much', left };
    await renew(trx, refund);
    const facts = { amount, refund: action };
    await note(trx, { registration, kind: 'refund-asked-again', organizer, action: again, facts });
    return { status: 'asked', amount };
  });
}

/** A refusal may be the stored answer to its request id, so that the next try needs a new one. */
async function renew(trx: Database, { action, registration }: Refund): Promise<void> {
  await trx('refunds')
    .where({ action })
    .update({ state: 'asked', number: nextNumber(trx, registration), asked_at: trx.raw(NOW) });
}

/**
 * Enters the refund with which a run undoes its own registration: of everything that is left. `payment` is what the run knows,
 * which counts where there is no order.
 * @returns undefined when nothing is left, or an organizer has ended the registration, and with it has decided about the money;
 *   `unknown-payment` when there is no order and no `payment` is given
 */
export async function askOwnRefund(
  database: Database,
  registration: string,
  payment?: Taken,
): Promise<Refund | undefined | 'unknown-payment'> {
  return locked(database, registration, async (trx) => {
    const before = await find(trx, registration);
    if (before?.state === 'refused') await renew(trx, before);
    if (before) return find(trx, registration);
    const ordered = await findPayment(trx, registration);
    if (ordered && ordered.status !== 'confirmed') return undefined;
    const paid = ordered ?? payment;
    if (!paid) return 'unknown-payment';
    await noteCapture(trx, registration, paid);
    const amount = await leftOf(trx, registration, paid.amount);
    if (amount.minor <= 0) return undefined;
    return add(trx, paid, { action: registration, registration, amount, rest: true, cancels: false });
  });
}

/** A refund by its action; undefined when there is none. */
export const findRefund = find;

/**
 * Enters that a refund is done, and ends the registration where it was meant to. Repeating it changes nothing. `at` is PayPal's time
 * (ISO 8601), and `feeMinor` what PayPal gave back of its fee, where it says so.
 */
export async function settleRefund(
  database: Database,
  { action, registration }: Refund,
  made: { refundId: string | null; amount: Money; byHand: boolean; at?: string; feeMinor?: number },
): Promise<RefundOutcome & { status: 'done' }> {
  return locked(database, registration, async (trx) => {
    const refund = await find(trx, action);
    if (!refund) throw new Error('A refund is never deleted');
    const { cancels } = refund;
    if (refund.state === 'done') {
      const status = cancels && (await findPayment(trx, registration))?.status;
      return {
        status: 'done',
        amount: refund.amount,
        ended: status && status !== 'confirmed' ? status : null,
      };
    }
    // PayPal may have told of it before, in another way.
    if (made.refundId !== null)
      await trx('refunds').where({ paypal_refund_id: made.refundId, number: null }).delete();
    const { amount, byHand } = made;
    await trx('refunds')
      .where({ action })
      .update({
        ...{ state: 'done', amount_minor: amount.minor },
        paypal_refund_id: made.refundId,
        settled_at: trx.raw(NOW),
        ...{ made_at: made.at ?? null, fee_minor: made.feeMinor ?? null },
      });
    const facts = { amount, ...(byHand && { byHand }) };
    if (amount.minor > 0) await note(trx, { registration, kind: 'refunded', action, facts });
    const status = await endingOf(trx, refund);
    const ended = cancels && (await endConfirmed(trx, { registration, action, status }));
    return { status: 'done', amount, ended: ended ? status : null };
  });
}

/** A registration that ends is refunded when nothing of its payment is left, and cancelled otherwise. */
async function endingOf(trx: Database, { registration }: Refund): Promise<EndedStatus> {
  const payment = await findPayment(trx, registration);
  const left = payment && (await leftOf(trx, registration, payment.amount));
  return left?.minor === 0 ? 'refunded' : 'cancelled';
}

/** A refund that was asked for, and what its run is about. */
export type OpenRefund = Refund & { event: string; ticketType: string; status: OrderStatus };

/**
 * Refunds of orders that are neither done nor refused, asked for more than `minutes` ago: those of organizers, and those with which a run
 * undoes its own registration.
 */
export async function findOpenRefunds(database: Database, minutes: number): Promise<OpenRefund[]> {
  const rows = await database('refunds as r')
    .join('orders as o', 'o.id', 'r.registration_id')
    .where('r.state', 'asked')
    .whereRaw('r.asked_at < now() - make_interval(mins => ?)', [minutes])
    .orderBy('r.asked_at')
    .select<(Row & { event_id: string; ticket_type_id: string; status: OrderStatus })[]>(
      ...['r.*', 'o.event_id', 'o.ticket_type_id', 'o.status'],
    );
  return rows.map((row) => ({
    ...toRefund(row),
    event: row.event_id,
    ticketType: row.ticket_type_id,
    status: row.status,
  }));
}

/** Enters that PayPal refused a refund. */
export async function refuseRefund(database: Database, refund: Refund, word: string): Promise<void> {
  const { action, registration, amount } = refund;
  await locked(database, registration, async (trx) => {
    const changed = await trx('refunds')
      .where({ action, state: 'asked' })
      .update({ state: 'refused', word, settled_at: trx.raw(NOW) });
    // The run of a registration tries for ever. Its history tells each reason once.
    if (changed && word !== refund.word)
      await note(trx, { registration, kind: 'refund-refused', action, facts: { amount, word } });
  });
}

/**
 * Those of some refunds at PayPal that may be the answer to a refund that was asked for: they were not made by us, and neither PayPal
 * nor a bank took the money back. One that is entered as made by hand already is among them.
 */
export async function withoutSettled<T extends { refundId: string }>(
  database: Database,
  made: T[],
): Promise<T[]> {
  if (made.length === 0) return [];
  const known = await database('refunds')
    .whereIn(
      'paypal_refund_id',
      made.map(({ refundId }) => refundId),
    )
    .whereRaw('(number is not null or reversed)')
    .pluck<string[]>('paypal_refund_id');
  return made.filter(({ refundId }) => !known.includes(refundId));
}

/** A payment whose money went back without us. */
type Paid = Pick<Refund, 'registration' | 'captureId' | 'paypalOrderId'>;
/** What went back at PayPal. `at` is ISO 8601. */
export type GoneBack = { refundId: string; amount: Money; at: string };

/** Enters refunds that were made in PayPal's dashboard. What is known already stays as it is. */
export async function noteRefundsByHand(database: Database, paid: Paid, made: GoneBack[]): Promise<void> {
  if (made.length === 0) return;
  const { registration } = paid;
  await locked(database, registration, async (trx) => {
    for (const refund of made) {
      const { amount, at } = refund;
      if (await enterGoneBack(trx, paid, refund))
        await note(trx, { registration, kind: 'refunded-at-paypal', facts: { amount, at } });
    }
  });
}

/** @returns whether it was not known before */
async function enterGoneBack(
  trx: Database,
  paid: Paid,
  { refundId, amount, at }: GoneBack,
): Promise<boolean> {
  const entered = await trx('refunds')
    .insert({
      action: trx.fn.uuid(),
      registration_id: paid.registration,
      paypal_capture_id: paid.captureId,
      paypal_order_id: paid.paypalOrderId,
      amount_minor: amount.minor,
      currency: amount.currency,
      ...{ rest: false, cancels: false, state: 'done' },
      paypal_refund_id: refundId,
      asked_at: at,
      settled_at: at,
    })
    .onConflict('paypal_refund_id')
    .ignore()
    .returning('action');
  if (entered.length > 0) await lowerRefused(trx, paid.registration);
  return entered.length > 0;
}

/** Enters money that PayPal or a bank took back. It may have been entered as a refund made by hand before, and is one entry then. */
export async function noteReversal(database: Database, paid: Paid, reversal: GoneBack): Promise<void> {
  const { registration } = paid;
  await locked(database, registration, async (trx) => {
    await enterGoneBack(trx, paid, reversal);
    const changed = await trx('refunds')
      .where({ paypal_refund_id: reversal.refundId, reversed: false })
      .update({ reversed: true });
    const { amount, at } = reversal;
    if (changed) await note(trx, { registration, kind: 'payment-reversed', facts: { amount, at } });
  });
}

/** PayPal's numbers of what was taken back from a payment, and has not been given again. */
export const findReversals = (database: Database, captureId: string): Promise<string[]> =>
  database('refunds')
    .where({ paypal_capture_id: captureId, reversed: true, state: 'done' })
    .pluck<string[]>('paypal_refund_id');

/** Enters that what was taken back is ours again, because the dispute was decided for us. */
export async function cancelReversal(trx: Database, registration: string, refundId: string): Promise<void> {
  const [cancelled] = await trx('refunds')
    .where({ paypal_refund_id: refundId, reversed: true, state: 'done' })
    .update({ state: 'refused', word: 'REVERSAL_CANCELLED' })
    .returning<{ amount_minor: number; currency: string }[]>(['amount_minor', 'currency']);
  if (!cancelled) return;
  const amount = { minor: cancelled.amount_minor, currency: cancelled.currency };
  await note(trx, { registration, kind: 'reversal-cancelled', facts: { amount } });
}

/** Those of some refunds at PayPal that we have not made: ours carry an action of the ledger as their name. */
export async function withoutOwn<T extends { name: string | undefined }>(
  database: Database,
  registration: string,
  made: T[],
): Promise<T[]> {
  const own = await database('refunds').where({ registration_id: registration }).pluck<string[]>('action');
  return made.filter(({ name }) => name === undefined || !own.includes(name));
}
