import type { Captured, Order } from '../registration.ts';
import { reference } from '../reference.ts';
import type { Database } from './connection.ts';
import { sellSeat } from './seats.ts';

/** What is asked of an order after it was saved. */
export type OrderRecord = {
  status: 'confirmed' | 'refunded' | 'cancelled';
  event: string;
  email: string;
  paypalOrderId: string | null;
  /** ISO 8601 */
  paidAt: string;
};

/**
 * Saves a paid order and turns its seat from claimed into sold, in one transaction. Repeating it changes nothing.
 * @returns false when there is no seat for it (any more): the order is impossible
 */
export async function saveOrder(database: Database, order: Order, payment: Captured): Promise<boolean> {
  const { id, attendee, billing, newsletter } = order;
  return sellSeat(database, id, { event: order.event.id, ticketType: order.ticketType.id }, async (trx) => {
    await trx('orders').insert({
      id,
      reference: reference(id),
      event_id: order.event.id,
      ticket_type_id: order.ticketType.id,
      first_name: attendee.firstName,
      last_name: attendee.lastName,
      email: attendee.email,
      organization: attendee.organization ?? null,
      address_line1: billing.addressLine1,
      address_line2: billing.addressLine2 ?? null,
      city: billing.city,
      region: billing.region ?? null,
      postal_code: billing.postalCode,
      country_code: billing.countryCode,
      amount_minor: order.amount.minor,
      currency: order.amount.currency,
      paypal_order_id: payment.paypalOrderId,
      paypal_capture_id: payment.captureId,
      paid_at: payment.paidAt,
      newsletter_consent_at: newsletter?.at ?? null,
      newsletter_wording: newsletter?.wording ?? null,
    });
  });
}

/** The order of a registration, whatever its status; undefined when it has none. */
export async function findOrder(database: Database, id: string): Promise<OrderRecord | undefined> {
  const row = await database('orders').where({ id }).first<
    | {
        status: OrderRecord['status'];
        event_id: string;
        email: string;
        paypal_order_id: string | null;
        paid_at: Date;
      }
    | undefined
  >();
  return (
    row && {
      status: row.status,
      event: row.event_id,
      email: row.email,
      paypalOrderId: row.paypal_order_id,
      paidAt: row.paid_at.toISOString(),
    }
  );
}
