/** Orders that organizers find, written straight into the database. */
import { randomUUID } from 'node:crypto';
import type { Database } from '../../../src/database/connection.ts';
import { reference } from '../../../src/reference.ts';

/** Adds an order of Ada Example for 120.00 EUR with its seat, with other columns where given. Returns its id. */
export async function anOrder(database: Database, columns: Record<string, unknown> = {}): Promise<string> {
  const id = randomUUID();
  const order = {
    status: 'confirmed',
    ...{ id, reference: reference(id), event_id: 'conference', ticket_type_id: 'regular' },
    ...{ first_name: 'Ada', last_name: 'Example', email: 'ada@example.org', amount_minor: 12_000 },
    ...{ address_line1: 'Street 2', city: 'Hamburg', country_code: 'DE', currency: 'EUR' },
    ...{ paypal_order_id: `order-${id}`, paypal_capture_id: `capture-${id}`, paid_at: new Date() },
    ...columns,
  };
  await database.transaction(async (trx) => {
    await trx('orders').insert(order);
    if (order.status === 'confirmed')
      await trx('ticket_types')
        .where({ event_id: order.event_id, id: order.ticket_type_id })
        .increment('sold');
  });
  return id;
}

/** Adds a refund of 40.00 EUR that is done, with other columns where given. */
export const aRefund = (database: Database, registration: string, columns: Record<string, unknown> = {}) =>
  database('refunds').insert({
    ...{ action: randomUUID(), registration_id: registration, paypal_capture_id: `capture-${registration}` },
    ...{ amount_minor: 4000, currency: 'EUR', rest: false, cancels: false, state: 'done' },
    ...columns,
  });
