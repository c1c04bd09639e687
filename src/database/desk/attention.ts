/** What needs attention, counted: registrations, as the list filters them, and payments that have no order yet. */
import type { Money } from '../../money.ts';
import { reference } from '../../reference.ts';
import { FREE, UNCONFIRMED } from '../../registration.ts';
import type { Database } from '../connection.ts';
import { ATTENTION, ATTENTIONS, type Attention } from './list.ts';

/** A seat that is claimed for a payment, not for a free ticket or until an e-mail address is confirmed. */
export const PAYMENT = `h.claimed_for is not null and h.claimed_for not in ('${FREE}', '${UNCONFIRMED}')`;

/** Why something without an order needs attention, and the query that finds the registrations. */
const OPEN_ATTENTION = {
  'payment-in-doubt': `select h.id as registration_id from seat_holds h
    where ${PAYMENT} and coalesce(h.claimed_at, h.created_at) < now() - interval '10 minutes'
      and not exists (select from stopped_runs s where s.registration_id = h.id and s.kind = 'payment')`,
  'payment-stopped': `select s.registration_id from stopped_runs s
    join seat_holds h on h.id = s.registration_id and h.claimed_for is not null where s.kind = 'payment'`,
  'addition-stopped': `select s.registration_id from stopped_runs s
    join additions a on a.id = s.registration_id and a.state = 'waiting' where s.kind = 'addition'`,
} as const;
export type OpenAttention = keyof typeof OPEN_ATTENTION;
export const OPEN_ATTENTIONS = Object.keys(OPEN_ATTENTION) as OpenAttention[];

/** Everything that can need attention. What is urgent, because money is at stake and nobody looks after it, comes first. */
export type Condition = Attention | OpenAttention;
export const CONDITIONS: Condition[] = [...OPEN_ATTENTIONS, ...ATTENTIONS];
export const isOpenAttention = (condition: Condition | undefined): condition is OpenAttention =>
  OPEN_ATTENTIONS.some((open) => open === condition);

/** The registrations that a condition finds, each once, as the list shows them. */
export const registrationsOf = (condition: Condition): string =>
  isOpenAttention(condition)
    ? OPEN_ATTENTION[condition]
    : `select o.id as registration_id from orders o where o.id in (${ATTENTION[condition]})`;

/** `lookedAt`: when workers last looked for runs that were stopped; null when none ever did. */
export type AttentionCounts = { counts: Record<Condition, number>; lookedAt: Date | null };

/** Counts everything that needs attention, of all events. One statement. */
export async function countAttention(database: Database, job: string): Promise<AttentionCounts> {
  const counted = CONDITIONS.map(
    (condition) => `(select count(*)::integer from (${registrationsOf(condition)}) as x) as "${condition}"`,
  );
  const { rows } = await database.raw<{
    rows: [{ looked_at: Date | null } & Record<Condition, number>];
  }>(`select ${counted.join(', ')}, (select succeeded_at from background_jobs where name = ?) as looked_at`, [
    job,
  ]);
  const [{ looked_at: lookedAt, ...counts }] = rows;
  return { counts, lookedAt };
}

/** A registration that has no order yet. */
export type OpenRegistration = {
  id: string;
  reference: string;
  event: string;
  timeZone: string;
  ticketType: string;
  amount: Money;
  since: Date;
};
type OpenRow = {
  id: string;
  event: string;
  time_zone: string;
  ticket_type: string;
  amount_minor: number;
  currency: string;
  since: Date;
};

/** Rows of the list. There are more only while PayPal is away. */
export const MOST_OPEN = 100;

/** The registrations without an order that a condition finds, the oldest first, at most {@link MOST_OPEN}. One statement. */
export async function listOpen(database: Database, condition: OpenAttention): Promise<OpenRegistration[]> {
  const { rows } = await database.raw<{ rows: OpenRow[] }>(
    `with found as materialized (${OPEN_ATTENTION[condition]}),
     asked as (
       select id, event_id, ticket_type_id, amount_minor, currency, coalesce(claimed_at, created_at) as since
       from seat_holds where id in (select registration_id from found)
       union all
       select id, event_id, ticket_type_id, amount_minor, currency, created_at
       from additions where state = 'waiting' and id in (select registration_id from found))
     select asked.id, e.name as event, e.time_zone, t.name as ticket_type, asked.amount_minor, asked.currency, asked.since
     from asked
     join events e on e.id = asked.event_id
     join ticket_types t on t.event_id = asked.event_id and t.id = asked.ticket_type_id
     order by asked.since, asked.id limit ${MOST_OPEN}`,
  );
  return rows.map(
    ({ amount_minor: minor, currency, time_zone: timeZone, ticket_type: ticketType, ...row }) => ({
      ...row,
      ...{ reference: reference(row.id), timeZone, ticketType, amount: { minor, currency } },
    }),
  );
}
