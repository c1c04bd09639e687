/** Everything that the database knows of one registration, for the organizers' desk. */
import { paidBy, type PaidBy } from '../../addition.ts';
import type { Answers } from '../../form.ts';
import type { Money } from '../../money.ts';
import { reference } from '../../reference.ts';
import type { EventFacts } from '../../registration.ts';
import type { Database } from '../connection.ts';
import { FACT_COLUMNS, toFacts, type EventRow } from '../events.ts';
import type { Dispute } from '../disputes.ts';
import type { EventKind } from '../history.ts';
import type { MailProblem } from '../mail-events.ts';
import type { OrderRow, OrderStatus } from '../orders.ts';
import { questionsOf, type StoredQuestion } from '../questions.ts';

/** A refund of the ledger. `number` is null for one that was made in PayPal's dashboard. */
export type ListedRefund = {
  action: string;
  number: number | null;
  amount: Money;
  state: 'asked' | 'done' | 'refused';
  word: string | null;
  cancels: boolean;
  /** Whether PayPal or a bank took the money back. */
  reversed: boolean;
  askedAt: Date;
};
/** A dispute. `openedAt` and `closedAt` as in {@link Dispute}. */
export type ListedDispute = Pick<Dispute, 'id' | 'reason' | 'amount' | 'status' | 'outcome'> & {
  openedAt: Date;
  closedAt: Date | null;
};
/** An entry of the history. `who` is an organizer's name or e-mail address; null for the service itself. */
export type ListedEvent = {
  at: Date;
  kind: EventKind;
  who: string | null;
  action: string | null;
  facts: {
    amount?: Money;
    word?: string;
    fields?: string[];
    from?: string;
    to?: string;
    byHand?: boolean;
    category?: string;
    former?: string;
  };
  text: string | null;
};
/** What was bought. `person` is null once it was erased. */
export type Bought = {
  status: OrderStatus;
  event: EventFacts;
  ticketType: { id: string; name: string };
  person: { firstName: string; lastName: string; email: string; organization: string | null } | null;
  amount: Money;
  paidBy: PaidBy;
  /** PayPal's numbers of the payment; null where PayPal has nothing to do with it. */
  paypal: { orderId: string | null; captureId: string } | null;
  registeredAt: Date;
  newsletter: boolean;
  /** What was answered; none once the person was erased. */
  answers: Answers | undefined;
  /** All questions of the event, also those that are not asked any more. */
  questions: StoredQuestion[];
};
export type Details = {
  id: string;
  reference: string;
  /** Undefined as long as there is no order. */
  bought: Bought | undefined;
  refunds: ListedRefund[];
  disputes: ListedDispute[];
  /** Mails that did not arrive, the newest first, and of the kinds of mails the ones that did. */
  mails: { problems: MailProblem[]; delivered: string[] };
  history: ListedEvent[];
  /** Other ticket types of the same price; `free` is null without a limit. */
  alternatives: { id: string; name: string; free: number | null }[];
};

type BoughtRow = OrderRow &
  EventRow & { ticket_type_name: string; price_minor: number; created_at: Date; questions: StoredQuestion[] };
type RefundRow = {
  action: string;
  number: number | null;
  amount_minor: number;
  currency: string;
  state: ListedRefund['state'];
  word: string | null;
  cancels: boolean;
  reversed: boolean;
  asked_at: Date;
};
type DisputeRow = {
  id: string;
  reason: string;
  amount_minor: number;
  currency: string;
  status: string;
  outcome: string | null;
  opened_at: Date;
  closed_at: Date | null;
};
/** What another ticket type has to cost to be moved to (src/database/changes.ts). */
const PRICE = `case when o.source = 'form' then o.amount_minor else
  (select own.price_minor from ticket_types own where own.event_id = o.event_id and own.id = o.ticket_type_id) end`;
type HistoryRow = Omit<ListedEvent, 'who'> & { name: string | null; email: string | null };

/** Reads a registration in seven statements. One that nobody has heard of has neither an order nor a history. */
export async function findDetails(database: Database, id: string): Promise<Details> {
  const [row, refunds, history, alternatives, disputes, problems, delivered] = await Promise.all([
    database('orders as o')
      .join('events as e', 'e.id', 'o.event_id')
      .join('ticket_types as t', (on) => on.on('t.event_id', 'o.event_id').andOn('t.id', 'o.ticket_type_id'))
      .where('o.id', id)
      .first<BoughtRow | undefined>(
        ...['o.*', ...FACT_COLUMNS, 't.name as ticket_type_name', 't.price_minor'],
        database.raw(`${questionsOf('o.event_id')} as questions`),
      ),
    database('refunds').where({ registration_id: id }).orderBy('asked_at').select<RefundRow[]>('*'),
    database('registration_events as h')
      .leftJoin('organizers as o', 'o.id', 'h.organizer_id')
      .where('h.registration_id', id)
      .orderBy('h.position')
      .select<HistoryRow[]>('h.at', 'h.kind', 'h.action', 'h.facts', 'h.text', 'o.name', 'o.email'),
    database('orders as o')
      .join('ticket_types as t', (on) =>
        on
          .on('t.event_id', 'o.event_id')
          .andOn(database.raw(`t.price_minor = ${PRICE}`))
          .andOn('t.id', '<>', 'o.ticket_type_id'),
      )
      .join('ticket_availability as a', (on) =>
        on.on('a.event_id', 't.event_id').andOn('a.ticket_type_id', 't.id'),
      )
      .where('o.id', id)
      .orderBy(['t.position', 't.id'])
      .select<Details['alternatives']>('t.id', 't.name', 'a.free'),
    database('disputes').where({ registration_id: id }).orderBy('opened_at').select<DisputeRow[]>('*'),
    database('mail_problems')
      .where({ registration_id: id, cleared_at: null })
      .orderBy('at', 'desc')
      .select<MailProblem[]>('kind', 'category', 'code', 'at'),
    database('mail_deliveries').where({ registration_id: id }).pluck<string[]>('category'),
  ]);
  return {
    ...{ id, reference: reference(id) },
    bought: row && toBought(row),
    alternatives,
    disputes: disputes.map(
      ({ amount_minor: minor, currency, opened_at: openedAt, closed_at: closedAt, ...dispute }) => ({
        ...dispute,
        ...{ amount: { minor, currency }, openedAt, closedAt },
      }),
    ),
    mails: { problems, delivered },
    refunds: refunds.map(({ amount_minor: minor, currency, asked_at: askedAt, ...refund }) => ({
      ...refund,
      amount: { minor, currency },
      askedAt,
    })),
    history: history.map(({ name, email, ...entry }) => ({ ...entry, who: name ?? email })),
  };
}

const toBought = (row: BoughtRow): Bought => ({
  status: row.status,
  event: toFacts(row.event_id, row),
  ticketType: { id: row.ticket_type_id, name: row.ticket_type_name },
  person:
    row.first_name === null || row.last_name === null || row.email === null
      ? null
      : {
          firstName: row.first_name,
          lastName: row.last_name,
          email: row.email,
          organization: row.organization,
        },
  amount: { minor: row.amount_minor, currency: row.currency },
  paidBy: paidBy({ ...row, price: row.price_minor }),
  paypal:
    row.paypal_capture_id === null
      ? null
      : { orderId: row.paypal_order_id, captureId: row.paypal_capture_id },
  registeredAt: row.created_at,
  newsletter: row.newsletter_consent_at !== null,
  answers: row.answers ?? undefined,
  questions: row.questions,
});

/** What became of a payment: what was paid, what was refunded, what PayPal or a bank took back, what is about to go back, and what can still be refunded. */
export function moneyOf({ bought, refunds }: Pick<Details, 'bought' | 'refunds'>) {
  const currency = bought?.amount.currency ?? 'EUR';
  const sumOf = (some: ListedRefund[]): Money => ({
    minor: some.reduce((total, { amount }) => total + amount.minor, 0),
    currency,
  });
  const done = refunds.filter(({ state }) => state === 'done');
  const asked = refunds.filter(({ state }) => state === 'asked');
  const paid: Money = { minor: bought?.amount.minor ?? 0, currency };
  return {
    paid,
    refunded: sumOf(done.filter(({ reversed }) => !reversed)),
    takenBack: sumOf(done.filter(({ reversed }) => reversed)),
    underWay: sumOf(asked),
    // PayPal has nothing to give back of what was paid elsewhere.
    available: {
      minor: bought?.paypal ? Math.max(0, paid.minor - sumOf([...done, ...asked]).minor) : 0,
      currency,
    },
  };
}
