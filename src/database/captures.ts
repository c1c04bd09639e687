/** All money that PayPal has captured, also for registrations that were undone. This file owns the table `captures`. */
import type { Money } from '../money.ts';
import type { Captured, Order } from '../registration.ts';
import type { Database } from './connection.ts';

/** The common table expression that records the payment of an order beside the order `ordered`; nothing for a free ticket. */
export function captureInsert(
  { id, amount, event }: Pick<Order, 'id' | 'amount'> & { event: { id: string } },
  { captureId, paypalOrderId, paidAt, feeMinor }: Captured,
): { sql: string; bindings: (string | number | null)[] } {
  if (captureId === null) return { sql: '', bindings: [] };
  return {
    sql: `, captured as (
      insert into captures (paypal_capture_id, registration_id, paypal_order_id, amount_minor, currency, captured_at,
        fee_minor, event_id)
      select ?, ?::uuid, ?, ?::integer, ?, ?::timestamptz, ?::integer, ? from ordered on conflict do nothing)`,
    bindings: [
      ...[captureId, id, paypalOrderId, amount.minor, amount.currency, paidAt],
      ...[feeMinor ?? null, event.id],
    ],
  };
}

/** The registration that a payment belongs to, and its PayPal order; undefined for a payment that was never recorded. */
export async function findCaptured(
  database: Database,
  captureId: string,
): Promise<{ registration: string; paypalOrderId: string | null } | undefined> {
  const row = await database('captures')
    .where({ paypal_capture_id: captureId })
    .first<{ registration_id: string; paypal_order_id: string | null } | undefined>(
      ...['registration_id', 'paypal_order_id'],
    );
  return row && { registration: row.registration_id, paypalOrderId: row.paypal_order_id };
}

/** What PayPal says of a capture. `at` is ISO 8601; `feeMinor` is PayPal's fee, in the currency of the amount. */
export type Taken = {
  captureId: string;
  paypalOrderId: string | null;
  amount: Money;
  at?: string | undefined;
  feeMinor?: number | undefined;
};

/** Records the payment of a registration that has no order, and still has its seat. Repeating it changes nothing. */
export async function noteCapture(trx: Database, registration: string, capture: Taken): Promise<void> {
  await trx('captures')
    .insert({
      paypal_capture_id: capture.captureId,
      registration_id: registration,
      paypal_order_id: capture.paypalOrderId,
      amount_minor: capture.amount.minor,
      currency: capture.amount.currency,
      captured_at: capture.at ?? trx.fn.now(),
      fee_minor: capture.feeMinor ?? null,
      event_id: trx('seat_holds').where({ id: registration }).select('event_id'),
    })
    .onConflict('paypal_capture_id')
    .ignore();
}
