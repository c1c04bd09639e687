import { isLanguage } from '../messages.ts';
import { LANGUAGES, type Captured, type EventFacts, type Order } from '../registration.ts';
import { reference } from '../reference.ts';
import type { Database } from './connection.ts';
import { toFacts, type EventRow } from './events.ts';
import { sellSeat } from './seats.ts';

/** What a repeated request asks of an order that was saved. */
export type OrderRecord = {
  status: 'confirmed' | 'refunded' | 'cancelled';
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
  return sellSeat(database, {
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
    postal_code: billing.postalCode ?? null,
    country_code: billing.countryCode,
    amount_minor: order.amount.minor,
    currency: order.amount.currency,
    paypal_order_id: payment.paypalOrderId,
    paypal_capture_id: payment.captureId,
    paid_at: payment.paidAt,
    newsletter_consent_at: newsletter?.at ?? null,
    newsletter_wording: newsletter?.wording ?? null,
    language: order.language ?? LANGUAGES[0],
  });
}

type OrderRow = { status: OrderRecord['status']; paypal_order_id: string | null; paid_at: Date };

/** The order of a registration, whatever its status; undefined when it has none. */
export async function findOrder(database: Database, id: string): Promise<OrderRecord | undefined> {
  const row = await database('orders')
    .where({ id })
    .first<OrderRow | undefined>('status', 'paypal_order_id', 'paid_at');
  return row && { status: row.status, paypalOrderId: row.paypal_order_id, paidAt: row.paid_at.toISOString() };
}

/** A saved order with its event: all that its confirmation says. `paidAt` is ISO 8601. */
export type Ticket = Omit<Order, 'newsletter' | 'paypalOrderId'> & {
  status: OrderRecord['status'];
  newsletter: boolean;
  paidAt: string;
};

type TicketRow = OrderRow &
  EventRow & {
    event_id: string;
    ticket_type_id: string;
    ticket_type_name: string;
    first_name: string;
    last_name: string;
    email: string;
    organization: string | null;
    address_line1: string;
    address_line2: string | null;
    city: string;
    region: string | null;
    postal_code: string | null;
    country_code: string;
    amount_minor: number;
    currency: string;
    newsletter_consent_at: Date | null;
    language: string;
  };

const given = <K extends string>(name: K, value: string | null) =>
  (value === null ? {} : { [name]: value }) as Partial<Record<K, string>>;

/** What a registration bought, and for whom; undefined when it has no order, or its person was erased. */
export async function findTicket(database: Database, id: string): Promise<Ticket | undefined> {
  const row = await database('orders as o')
    .join('events as e', 'e.id', 'o.event_id')
    .join('ticket_types as t', (on) => on.on('t.event_id', 'o.event_id').andOn('t.id', 'o.ticket_type_id'))
    .where('o.id', id)
    .whereNull('o.erased_at')
    .first<TicketRow | undefined>(
      'o.*',
      ...['e.name', 'e.starts_at', 'e.ends_at', 'e.time_zone', 'e.venue', 'e.seller'],
      't.name as ticket_type_name',
    );
  if (!row) return undefined;
  return {
    id,
    status: row.status,
    event: toFacts(row.event_id, row),
    ticketType: { id: row.ticket_type_id, name: row.ticket_type_name },
    attendee: {
      firstName: row.first_name,
      lastName: row.last_name,
      email: row.email,
      ...given('organization', row.organization),
    },
    billing: {
      addressLine1: row.address_line1,
      ...given('addressLine2', row.address_line2),
      city: row.city,
      ...given('region', row.region),
      ...given('postalCode', row.postal_code),
      countryCode: row.country_code,
    },
    amount: { minor: row.amount_minor, currency: row.currency },
    newsletter: row.newsletter_consent_at !== null,
    ...(isLanguage(row.language) ? { language: row.language } : {}),
    paidAt: row.paid_at.toISOString(),
  };
}

/** The event that a registration without an order holds a seat for; undefined when it has none. */
export async function findHeldEvent(database: Database, id: string): Promise<EventFacts | undefined> {
  const row = await database('events as e')
    .join('seat_holds as h', 'h.event_id', 'e.id')
    .where('h.id', id)
    .first<(EventRow & { id: string }) | undefined>('e.*');
  return row && toFacts(row.id, row);
}
