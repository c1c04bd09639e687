/** The numbers that Prometheus gets from the database. Nothing is counted for them when something happens: the tables know it. */
import type { Database } from './connection.ts';
import { CONDITIONS, PAYMENT, registrationsOf } from './desk/attention.ts';

/** Ticket types with metrics of their own, so that the number of time series stays bounded. */
export const MOST_TICKET_TYPES = 100;

const OUTCOMES = ['confirmed', 'cancelled', 'refunded', 'expired'] as const;
const REFUND_STATES = ['asked', 'done', 'refused'] as const;
const STEPS = ['email', 'mailing-list'] as const;
const STOPPED = ['payment', 'registration', 'addition', 'refund'] as const;

type Metric = {
  help: string;
  kind: 'gauge' | 'counter';
  labels: string[];
  /** Values of the labels, in their order, that are zero when the database has nothing of them. */
  known: string[][];
  /** A query of the values of the labels, as an array of text, and the value. `job` is bound to the name of the job that looks. */
  sql: string;
};
const each = (values: readonly string[]) => values.map((value) => [value]);

/** All metrics of the business by their names. Amounts are in the smallest unit of their currency. */
export const METRICS = {
  registration_outcomes: {
    help: 'Registrations that have ended, and those that are confirmed, by what became of them',
    kind: 'gauge',
    labels: ['outcome'],
    known: each(OUTCOMES),
    // Every confirmed order has a seat that is sold, and everything else that is over is noted as ended.
    sql: `select array['confirmed'], coalesce(sum(sold), 0) from ticket_types
      union all select array[status], count(*) from ended_registrations group by status`,
  },
  registration_captures_total: {
    help: 'Payments that PayPal has captured',
    kind: 'counter',
    labels: ['currency'],
    known: [],
    sql: 'select array[currency::text], payments from captured',
  },
  registration_captured_minor_total: {
    help: "What these payments amount to, in the currency's smallest unit",
    kind: 'counter',
    labels: ['currency'],
    known: [],
    sql: 'select array[currency::text], minor from captured',
  },
  registration_refunds: {
    help: 'Refunds by their state: asked for, done, or refused by PayPal',
    kind: 'gauge',
    labels: ['state'],
    known: each(REFUND_STATES),
    sql: 'select array[state], count(*) from refunds group by state',
  },
  registration_refunded_minor: {
    help: "What went back, in the currency's smallest unit",
    kind: 'gauge',
    labels: ['currency'],
    known: [],
    sql: `select array[currency::text], sum(amount_minor) from refunds where state = 'done' group by currency`,
  },
  registration_holds: {
    help: 'Seats that are held while a form is filled in, or claimed while a payment is in flight, of events that are not over',
    kind: 'gauge',
    labels: ['event', 'ticket_type', 'state'],
    known: [],
    sql: `select array[t.event_id, t.id, each.state],
        (select count(*) from live_holds h where h.event_id = t.event_id and h.ticket_type_id = t.id
           and (h.claimed_for is not null) = (each.state = 'claimed'))
      from (
        select t.event_id, t.id from ticket_types t join events e on e.id = t.event_id
        where e.state = 'live' and e.ends_at > now()
        order by e.starts_at, e.id, t.position, t.id limit ${MOST_TICKET_TYPES}) as t
      cross join (values ('held'), ('claimed')) as each (state)`,
  },
  registration_steps: {
    help: 'Confirmation emails and newsletter entries that are not done: open, or failed for good',
    kind: 'gauge',
    labels: ['step', 'state'],
    known: STEPS.flatMap((step) => [
      [step, 'open'],
      [step, 'failed'],
    ]),
    sql: `select array[step, state], count(*) from step_outcomes where state <> 'done' group by step, state`,
  },
  registration_payment_in_doubt_seconds: {
    help: 'Age of the oldest payment whose outcome is not known; zero when there is none',
    kind: 'gauge',
    labels: [],
    known: [],
    sql: `select array[]::text[], greatest(0, coalesce(
        extract(epoch from clock_timestamp() - min(coalesce(h.claimed_at, h.created_at))), 0))
      from seat_holds h where ${PAYMENT}`,
  },
  registration_attention: {
    help: 'Registrations that need attention, as the dashboard of organizers counts them',
    kind: 'gauge',
    labels: ['condition'],
    known: each(CONDITIONS),
    sql: CONDITIONS.map(
      (condition) => `select array['${condition}'], count(*) from (${registrationsOf(condition)}) as x`,
    ).join(' union all '),
  },
  registration_stopped_runs: {
    help: 'What a run was stopped in the middle of, as it was found at the last look',
    kind: 'gauge',
    labels: ['kind'],
    known: each(STOPPED),
    sql: 'select array[kind], count(*) from stopped_runs group by kind',
  },
  registration_last_look_timestamp_seconds: {
    help: 'When workers last looked for stopped runs and missing outcomes, all of it; missing when they never did',
    kind: 'gauge',
    labels: [],
    known: [],
    sql: `select array[]::text[], extract(epoch from succeeded_at) from background_jobs
      where name = :job and succeeded_at is not null`,
  },
} as const satisfies Record<string, Metric>;
export type MetricName = keyof typeof METRICS;

/** A value of a metric, with the values of its labels in their order. */
export type Sample = { metric: MetricName; labels: string[]; value: number };

/** Captures are the largest table that is read as a whole: once. */
const CAPTURED = `with captured as materialized (
  select currency, count(*) as payments, sum(amount_minor) as minor from captures group by currency)`;

const SAMPLES = Object.entries(METRICS)
  .map(
    ([name, { sql }]) =>
      `select '${name}' as metric, labels, value::float8 from (${sql}) as x (labels, value)`,
  )
  .join('\nunion all ');

/** Reads the samples of all metrics, as they are at one moment. One statement. `job` is the job that looks for stopped runs. */
export async function readSamples(database: Database, job: string): Promise<Sample[]> {
  const { rows } = await database.raw<{ rows: Sample[] }>(`${CAPTURED} ${SAMPLES}`, { job });
  return rows;
}
