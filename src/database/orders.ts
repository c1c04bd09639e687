/** Orders: what was bought, by whom, and what was paid. This file owns the table `orders`. */
import { paidBy, type PaidBy, type Payment as PaymentKind, type Source } from '../addition.ts';
import type { Answers } from '../form.ts';
import { isLanguage } from '../messages/index.ts';
import type { Money } from '../money.ts';
import { reference } from '../reference.ts';
import { LANGUAGES, type Captured, type Order } from '../registration.ts';
import { captureInsert } from './captures.ts';
import type { Database } from './connection.ts';
import { FACT_COLUMNS, toFacts, type EventRow } from './events.ts';
import type { EventKind } from './history.ts';
import { stepsInsert } from './steps.ts';
import { sellSeat, type SaleRecord, type SaleOutcome, type Seat } from './seats/sell.ts';

export const ORDER_STATUSES = ['confirmed', 'cancelled', 'refunded'] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** Columns that tell something about a person; they are null once the person was erased. */
type Personal = {
  first_name: string | null;
  last_name: string | null;
  email: string | null;
  organization: string | null;
  address_line1: string | null;
  address_line2: string | null;
  city: string | null;
  region: string | null;
  postal_code: string | null;
  newsletter_consent_at: Date | null;
  newsletter_wording: string | null;
  answers: Answers | null;
};
/** A row of `orders`; its id is the registration's. */
export type OrderRow = Personal & {
  id: string;
  reference: string;
  status: OrderStatus;
  event_id: string;
  ticket_type_id: string;
  country_code: string | null;
  amount_minor: number;
  currency: string;
  paypal_order_id: string | null;
  paypal_capture_id: string | null;
  paid_at: Date;
  source: Source;
  /** Follows from the other columns. */
  payment: PaymentKind;
  language: string;
  /** Whether the attendee has opened a link that was mailed to the address. */
  email_confirmed: boolean;
  erased_at: Date | null;
};

const ERASED: Personal = {
  first_name: null,
  last_name: null,
  email: null,
  organization: null,
  address_line1: null,
  address_line2: null,
  city: null,
  region: null,
  postal_code: null,
  newsletter_consent_at: null,
  newsletter_wording: null,
  answers: null,
};

/** What is sold: of the event and the ticket type, the ids are enough. */
export type Sold = Pick<
  Order,
  'id' | 'attendee' | 'billing' | 'answers' | 'newsletter' | 'amount' | 'language' | 'confirmationToken'
> & { event: { id: string }; ticketType: { id: string } };
/** Who has added an order. `text` is a note for organizers. */
export type AddedBy = {
  source: Exclude<Source, 'form'>;
  organizer: string;
  action: string;
  text: string | null;
};

/** The order as a sale records it, with the beginning of its history. Without `added`, the attendee has used the form. */
export function toSale(order: Sold, payment: Captured, added?: AddedBy): { seat: Seat; record: SaleRecord } {
  const { id, attendee, billing, newsletter } = order;
  const row = {
    id,
    reference: reference(id),
    event_id: order.event.id,
    ticket_type_id: order.ticketType.id,
    first_name: attendee.firstName,
    last_name: attendee.lastName,
    email: attendee.email,
    organization: attendee.organization ?? null,
    address_line1: billing?.addressLine1 ?? null,
    address_line2: billing?.addressLine2 ?? null,
    city: billing?.city ?? null,
    region: billing?.region ?? null,
    postal_code: billing?.postalCode ?? null,
    country_code: billing?.countryCode ?? null,
    amount_minor: order.amount.minor,
    currency: order.amount.currency,
    paypal_order_id: payment.paypalOrderId,
    paypal_capture_id: payment.captureId,
    paid_at: payment.paidAt,
    source: added?.source ?? 'form',
    newsletter_consent_at: newsletter?.at ?? null,
    newsletter_wording: newsletter?.wording ?? null,
    answers: order.answers ? JSON.stringify(order.answers) : null,
    language: order.language ?? LANGUAGES[0],
    email_confirmed: order.confirmationToken !== undefined,
  } satisfies { [column in keyof OrderRow]?: unknown };
  const columns = Object.keys(row);
  const values = columns.map(() => '?').join(', ');
  const kind: EventKind = 'registered';
  const captured = captureInsert(order, payment);
  return {
    seat: { id, event: row.event_id, ticketType: row.ticket_type_id },
    record: {
      insert: `, ordered as (insert into orders (${columns.join(', ')}) select ${values} from counted returning id)${captured.sql}${stepsInsert(newsletter !== null)}
        insert into registration_events (registration_id, kind, organizer_id, action, text)
        select id, ?, ?::uuid, ?::uuid, ? from ordered returning registration_id`,
      bindings: [
        ...Object.values(row),
        ...captured.bindings,
        ...[kind, added?.organizer ?? null, added?.action ?? null, added?.text ?? null],
      ],
    },
  };
}

/** Saves a paid order and turns its seat from claimed into sold, at once. Repeating it changes nothing. */
export async function saveOrder(database: Database, order: Order, payment: Captured): Promise<SaleOutcome> {
  const { seat, record } = toSale(order, payment);
  return sellSeat(database, seat, record);
}

/**
 * Gives a confirmed order another status.
 * @returns the seat that it had; undefined when there is no order that was confirmed
 */
export async function endOrder(
  trx: Database,
  id: string,
  status: Exclude<OrderStatus, 'confirmed'>,
): Promise<Seat | undefined> {
  const [order] = await trx('orders')
    .where({ id, status: 'confirmed' })
    .update({ status, updated_at: trx.fn.now() })
    .returning<Seat[]>(['id', 'event_id as event', 'ticket_type_id as ticketType']);
  return order;
}

/** What PayPal captured for an order, and where. */
export type Payment = { captureId: string; paypalOrderId: string | null; amount: Money };

/**
 * The payment of an order through PayPal, and the order's status; null where PayPal has nothing to do with it, undefined where
 * there is no order.
 */
export async function findPayment(
  trx: Database,
  id: string,
): Promise<(Payment & { status: OrderStatus }) | null | undefined> {
  const row = await trx<OrderRow>('orders')
    .where({ id })
    .first('status', 'amount_minor', 'currency', 'paypal_capture_id', 'paypal_order_id');
  if (!row) return undefined;
  if (row.paypal_capture_id === null) return null;
  return {
    status: row.status,
    captureId: row.paypal_capture_id,
    paypalOrderId: row.paypal_order_id,
    amount: { minor: row.amount_minor, currency: row.currency },
  };
}

/** Whether an order was paid outside of this service, which cannot refund it. */
export const isPaidElsewhere = async (trx: Database, id: string): Promise<boolean> =>
  !!(await trx('orders').where({ id, payment: 'elsewhere' }).first('id'));

/** Whether an order is confirmed, and something of its payment is neither refunded nor about to be. */
export async function hasRefundable(trx: Database, id: string): Promise<boolean> {
  const { rows } = await trx.raw<{ rows: unknown[] }>(
    `select from orders o where o.id = ? and o.status = 'confirmed' and o.paypal_capture_id is not null
       and o.amount_minor > (select coalesce(sum(r.amount_minor), 0) from refunds r
         where r.registration_id = o.id and r.state <> 'refused')`,
    [id],
  );
  return rows.length > 0;
}

/** A saved order with its event: everything that its confirmation says. `paidAt` is ISO 8601. */
export type Ticket = Omit<Order, 'newsletter' | 'paypalOrderId' | 'confirmationToken'> & {
  status: OrderStatus;
  newsletter: boolean;
  emailConfirmed: boolean;
  source: Source;
  paidBy: PaidBy;
  paidAt: string;
  /** What of the amount went back. */
  refunded: Money;
  /** Whether the whole event was cancelled. */
  eventCancelled: boolean;
};

/** The person in an order is whole until they are erased (constraint `orders_whole_or_erased`). */
type Whole = { first_name: string; last_name: string; email: string };
type TicketRow = OrderRow &
  Whole &
  EventRow & {
    ticket_type_name: string;
    price_minor: number;
    refunded_minor: number;
    event_cancelled: boolean;
  };

const given = <K extends string>(name: K, value: string | null) =>
  (value === null ? {} : { [name]: value }) as Partial<Record<K, string>>;

/** Orders of free tickets may have no address. */
function billingOf(row: TicketRow): Pick<Order, 'billing'> {
  if (row.address_line1 === null || row.city === null || row.country_code === null) return {};
  return {
    billing: {
      addressLine1: row.address_line1,
      ...given('addressLine2', row.address_line2),
      city: row.city,
      ...given('region', row.region),
      ...given('postalCode', row.postal_code),
      countryCode: row.country_code,
    },
  };
}

/** What of the payment of an order `o` went back. */
const REFUNDED = `(select coalesce(sum(r.amount_minor), 0)::integer from refunds r
  where r.registration_id = o.id and r.state = 'done') as refunded_minor`;

const EVENT_CANCELLED = "e.state = 'cancelled' as event_cancelled";

/** What a registration bought, and for whom; undefined when it has no order, or its person was erased. */
export async function findTicket(database: Database, id: string): Promise<Ticket | undefined> {
  const row = await database('orders as o')
    .join('events as e', 'e.id', 'o.event_id')
    .join('ticket_types as t', (on) => on.on('t.event_id', 'o.event_id').andOn('t.id', 'o.ticket_type_id'))
    .where('o.id', id)
    .whereNull('o.erased_at')
    .first<TicketRow | undefined>(
      ...['o.*', ...FACT_COLUMNS, 't.name as ticket_type_name', 't.price_minor'],
      ...[database.raw(REFUNDED), database.raw(EVENT_CANCELLED)],
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
    ...billingOf(row),
    ...(row.answers && { answers: row.answers }),
    amount: { minor: row.amount_minor, currency: row.currency },
    newsletter: row.newsletter_consent_at !== null,
    emailConfirmed: row.email_confirmed,
    source: row.source,
    paidBy: paidBy({ ...row, price: row.price_minor }),
    ...(isLanguage(row.language) ? { language: row.language } : {}),
    paidAt: row.paid_at.toISOString(),
    refunded: { minor: row.refunded_minor, currency: row.currency },
    eventCancelled: row.event_cancelled,
  };
}

/** Whether there is an order whose person was erased. */
export const isErased = async (trx: Database, id: string): Promise<boolean> =>
  !!(await trx('orders').where({ id }).whereNotNull('erased_at').first('id'));

/**
 * Takes the person out of an order. What accounting needs stays: what was bought, for how much, when, from which country,
 * and PayPal's numbers of the payment.
 * @returns false when there was no person in it
 */
export async function eraseFromOrder(database: Database, id: string): Promise<boolean> {
  const erased = await database('orders')
    .where({ id, erased_at: null })
    .update({
      ...ERASED,
      former_addresses: '[]',
      erased_at: database.fn.now(),
      updated_at: database.fn.now(),
    });
  return erased > 0;
}
