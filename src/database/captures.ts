/** All money that PayPal has captured, also for registrations that were undone. This file owns the table `captures`. */
import type { Money } from '../money.ts';
import type { Captured, Order } from '../registration.ts';
import type { Database } from './connection.ts';

/** The common table expression that records the payment of an order beside the order `ordered`; nothing for a free ticket. */
export function captureInsert(
  { id, amount }: Pick<Order, 'id' | 'amount'>,
  { captureId, paypalOrderId, paidAt }: Captured,
): { sql: string; bindings: (string | number | null)[] } {
  if (captureId === null) return { sql: '', bindings: [] };
  return {
    sql: `, captured as (
      insert into captures (paypal_capture_id, registration_id, paypal_order_id, amount_minor, currency, captured_at)
      select ?, ?::uuid, ?, ?::integer, ?, ?::timestamptz from ordered on conflict do nothing)`,
    bindings: [captureId, id, paypalOrderId, amount.minor, amount.currency, paidAt],
  };
}

/** Records the payment of a registration that has no order. Repeating it changes nothing. `at` is ISO 8601. */
export async function noteCapture(
  trx: Database,
  registration: string,
  capture: { captureId: string; paypalOrderId: string | null; amount: Money; at?: string },
): Promise<void> {
  await trx('captures')
    .insert({
      paypal_capture_id: capture.captureId,
      registration_id: registration,
      paypal_order_id: capture.paypalOrderId,
      amount_minor: capture.amount.minor,
      currency: capture.amount.currency,
      captured_at: capture.at ?? trx.fn.now(),
    })
    .onConflict('paypal_capture_id')
    .ignore();
}
