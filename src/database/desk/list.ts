/** The list of registrations that organizers see: the orders that a filter finds, how many in each status, and a page of them. */
import { paidBy, type PaidBy, type Payment, type Source } from '../../addition.ts';
import type { Money } from '../../money.ts';
import type { Database } from '../connection.ts';
import type { OrderStatus } from '../orders.ts';
import { questionsOf, type StoredQuestion } from '../questions.ts';
import { searchFor, type Condition } from './search.ts';

/** Rows of a page. */
export const PAGE = 50;

/** Steps of confirmed registrations that failed for good, or that are being tried for more than an hour. */
const notDone = (step: string, but = 'false') => `select s.registration_id from step_outcomes s
    join orders late on late.id = s.registration_id and late.status = 'confirmed' and late.erased_at is null
    where s.step = '${step}' and (s.state = 'failed' or s.state = 'open' and s.since < now() - interval '1 hour')
      and not (${but})`;

/**
 * Why a registration needs attention, and the query that finds the ids of those that do. Each entry is a line of the dashboard, a
 * filter of the list, and something that owners are told about.
 */
export const ATTENTION = {
  'run-stopped': `select s.registration_id from stopped_runs s
    join orders late on late.id = s.registration_id
    where s.kind = 'refund' or late.status = 'confirmed' and s.kind = 'registration'`,
  'email-not-sent': notDone('email'),
  // Whoever has unsubscribed at Mailchimp stays unsubscribed.
  'newsletter-not-added': notDone('mailing-list', "s.failure is not distinct from 'MailchimpOptOut'"),
  // As long as that much could still go back: it may have gone back in another way since.
  'refund-refused': `select f.registration_id from refunds f left join orders late on late.id = f.registration_id
    where f.state = 'refused' and not f.reversed and f.amount_minor <= coalesce(late.amount_minor, f.amount_minor) -
      (select coalesce(sum(g.amount_minor), 0) from refunds g where g.registration_id = f.registration_id and g.state <> 'refused')`,
  'refund-waiting': `select registration_id from refunds
    where state = 'asked' and asked_at < now() - interval '10 minutes'`,
  disputed: 'select registration_id from disputes where closed_at is null',
  'mail-bounced': `select p.registration_id from mail_problems p join orders m on m.id = p.registration_id
    where p.cleared_at is null and m.erased_at is null and m.status = 'confirmed'`,
} as const;
export type Attention = keyof typeof ATTENTION;
export const ATTENTIONS = Object.keys(ATTENTION) as Attention[];

/** What is looked for; each is optional. `q` is what was typed, `ticket` and `event` are ids. */
export type Filter = {
  q?: string | undefined;
  status?: OrderStatus | undefined;
  ticket?: string | undefined;
  event?: string | undefined;
  attention?: Attention | undefined;
  /** An answer, as {@link answerFilter} writes it. Ids of questions are those of one event, so an event is chosen or there is only one. */
  answer?: string | undefined;
};

/** An answer to a choice or a checkbox, to look for: `diet:Vegan`, `dinner:true`. */
export const answerFilter = (question: string, answer: string): string => `${question}:${answer}`;
/** The answer that a filter means, for the questions that can be looked for; undefined for anything else. */
export function readAnswer(
  filter: string,
  questions: StoredQuestion[],
): { question: StoredQuestion; answer: string | boolean } | undefined {
  const [id = ''] = filter.split(':', 1);
  const answer = filter.slice(id.length + 1);
  const question = questions.find((other) => other.id === id && other.kind !== 'text');
  if (!question || answer === '') return undefined;
  if (question.kind === 'choice') return { question, answer };
  return answer === 'true' || answer === 'false' ? { question, answer: answer === 'true' } : undefined;
}

/** The place of a row in the list: when it was created, in microseconds since 1970, and its id. */
export type Place = { at: string; id: string };
/** Which page: the newest one, or the one right before or after a place. The list begins with the newest row. */
export type From = { way: 'newest' } | { way: 'after' | 'before'; place: Place };

/** A registration in the list. `name` and `email` are null once the person was erased. */
export type Listed = {
  id: string;
  reference: string;
  name: string | null;
  email: string | null;
  event: string;
  ticketType: string;
  paid: Money;
  paidBy: PaidBy;
  refunded: Money;
  /** What the registration needs attention for. */
  attention: Attention[];
  status: OrderStatus;
  createdAt: Date;
  timeZone: string;
  place: Place;
};
export type List = {
  rows: Listed[];
  /** How many there are in each status, whatever the status of the filter. */
  counts: Record<OrderStatus, number>;
  /** Whether there are rows before and after these ones. */
  newer: boolean;
  older: boolean;
};

type Row = {
  counts: Partial<Record<OrderStatus, number>> | null;
  id: string | null;
  reference: string;
  first_name: string | null;
  last_name: string | null;
  email: string | null;
  event: string;
  ticket_type: string;
  amount_minor: number;
  currency: string;
  refunded_minor: number;
  source: Source;
  payment: Payment;
  price_minor: number;
  status: OrderStatus;
  created_at: Date;
  time_zone: string;
  at: string;
} & Record<Attention, boolean>;

const MOMENT = `'epoch'::timestamptz + ?::bigint * interval '1 microsecond'`;
const PLACES = {
  newest: 'true',
  after: `(created_at, id) < (${MOMENT}, ?::uuid)`,
  before: `(created_at, id) > (${MOMENT}, ?::uuid)`,
};

/**
 * Reads a page, and the counts, in one statement. Rows that come meanwhile are newer than the place from which the next page goes
 * on, so that no row of before is lost or comes twice.
 */
export async function listRegistrations(database: Database, filter: Filter, from: From): Promise<List> {
  const conditions = conditionsOf(filter);
  // PostgreSQL knows how frequent each answer is, so it decides itself how to look for one.
  const isSearched = Boolean(filter.q ?? filter.attention);
  const counted = isSearched || filter.answer ? FOUND_COUNTED : countsOf(filter);
  const order = from.way === 'before' ? 'asc' : 'desc';
  const attention = ATTENTIONS.map((name) => `o.id in (${ATTENTION[name]}) as "${name}"`);
  const { rows } = await database.raw<{ rows: Row[] }>(
    // What was searched for is looked up once. Otherwise, the page is the beginning of an index.
    `with found as ${isSearched ? 'materialized' : 'not materialized'} (
       select o.id, o.created_at, o.status from orders o where ${conditions.sql}),
     counts as (select jsonb_object_agg(status, count) as counts from (${counted.sql}) as each),
     page as (select id from found where ${filter.status ? 'status = ?' : 'true'} and ${PLACES[from.way]}
       order by created_at ${order}, id ${order} limit ${PAGE + 1}),
     listed as (
       select o.id, o.reference, o.first_name, o.last_name, o.email, o.amount_minor, o.currency, o.status, o.created_at, o.source, o.payment,
         (extract(epoch from o.created_at) * 1000000)::bigint::text as at,
         e.name as event, e.time_zone, t.name as ticket_type, t.price_minor, ${attention.join(', ')},
         (select coalesce(sum(r.amount_minor), 0)::integer from refunds r
          where r.registration_id = o.id and r.state = 'done') as refunded_minor
       from page join orders o on o.id = page.id
       join events e on e.id = o.event_id
       join ticket_types t on t.event_id = o.event_id and t.id = o.ticket_type_id)
     select * from counts left join listed on true order by created_at desc, id desc`,
    [
      ...conditions.bindings,
      ...counted.bindings,
      ...(filter.status ? [filter.status] : []),
      ...(from.way === 'newest' ? [] : [from.place.at, from.place.id]),
    ],
  );
  const counts = { confirmed: 0, refunded: 0, cancelled: 0, ...rows[0]?.counts };
  const found = rows.filter(({ id }) => id !== null);
  const more = found.length > PAGE;
  if (from.way === 'before')
    return { counts, rows: found.slice(-PAGE).map(toListed), newer: more, older: true };
  return { counts, rows: found.slice(0, PAGE).map(toListed), newer: from.way === 'after', older: more };
}

const FOUND_COUNTED: Condition = {
  sql: 'select status, count(*) as count from found group by status',
  bindings: [],
};

/**
 * Counts without a search, where most orders are found. Those that are confirmed have the seats that are sold, and that number is
 * known: it is decided with each order (src/database/seats/sell.ts).
 */
function countsOf(filter: Filter): Condition {
  const [seats, orders] = [chosenIn(filter, 't.event_id', 't.id'), conditionsOf(filter)];
  return {
    sql: `select 'confirmed' as status, coalesce(sum(t.sold), 0) as count from ticket_types t where ${seats.sql}
      union all
      select o.status, count(*) from orders o where o.status <> 'confirmed' and ${orders.sql} group by o.status`,
    bindings: [...seats.bindings, ...orders.bindings],
  };
}

/** All conditions on orders `o` but the status, which only the page follows. */
export function conditionsOf(filter: Filter): Condition {
  const { q, attention, answer } = filter;
  return allOf([
    chosenIn(filter, 'o.event_id', 'o.ticket_type_id'),
    ...(q ? [searchFor(q)] : []),
    ...(answer ? [answered(answer)] : []),
    ...(attention ? [{ sql: `o.id in (${ATTENTION[attention]})`, bindings: [] }] : []),
  ]);
}

/** The index `orders_answers` finds them. A box is stored as true or false, and a choice as its text. */
function answered(filter: string): Condition {
  const [id = ''] = filter.split(':', 1);
  const text = filter.slice(id.length + 1);
  // The first one that fits ends the comparison, and boxes are more frequent than choices with such a text.
  const wanted = [...(text === 'true' || text === 'false' ? [text === 'true'] : []), text];
  return {
    sql: `(${wanted.map(() => 'o.answers @> ?').join(' or ')})`,
    bindings: wanted.map((answer) => JSON.stringify({ [id]: answer })),
  };
}

/** The event and the ticket type that were chosen, in the columns that have them. */
const chosenIn = ({ event, ticket }: Filter, eventColumn: string, ticketColumn: string): Condition =>
  allOf([
    { sql: 'true', bindings: [] },
    ...(event === undefined ? [] : [{ sql: `${eventColumn} = ?`, bindings: [event] }]),
    ...(ticket === undefined ? [] : [{ sql: `${ticketColumn} = ?`, bindings: [ticket] }]),
  ]);

const allOf = (conditions: Condition[]): Condition => ({
  sql: conditions.map(({ sql }) => sql).join(' and '),
  bindings: conditions.flatMap(({ bindings }) => bindings),
});

const toListed = (row: Row): Listed => ({
  id: row.id ?? '',
  reference: row.reference,
  name: row.first_name === null ? null : `${row.first_name} ${row.last_name ?? ''}`,
  email: row.email,
  event: row.event,
  ticketType: row.ticket_type,
  paid: { minor: row.amount_minor, currency: row.currency },
  paidBy: paidBy({ ...row, price: row.price_minor }),
  refunded: { minor: row.refunded_minor, currency: row.currency },
  attention: ATTENTIONS.filter((name) => row[name]),
  status: row.status,
  createdAt: row.created_at,
  timeZone: row.time_zone,
  place: { at: row.at, id: row.id ?? '' },
});

/** An event with its ticket types, to choose from. */
export type Choice = {
  id: string;
  name: string;
  ticketTypes: { id: string; name: string }[];
  questions: StoredQuestion[];
};

/** All events, the latest first, with their ticket types and questions in order. One statement. */
export async function listChoices(database: Database): Promise<Choice[]> {
  const { rows } = await database.raw<{ rows: Choice[] }>(
    `select e.id, e.name, coalesce(
       jsonb_agg(jsonb_build_object('id', t.id, 'name', t.name) order by t.position, t.id) filter (where t.id is not null),
       '[]') as "ticketTypes", ${questionsOf('e.id')} as questions
     from events e left join ticket_types t on t.event_id = e.id
     group by e.id order by e.starts_at desc, e.id`,
  );
  return rows;
}
