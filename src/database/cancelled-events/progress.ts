/** How far the cancellation of an event is, and what it would mean: read from orders, refunds and holds. */
import type { CancellationCounts } from '../../cancel-event.ts';
import type { Money } from '../../money.ts';
import type { Database } from '../connection.ts';

/** What cancelling an event would do now. `inPayment`: payments in flight, and addresses to be confirmed. */
export type CancellationPreview = {
  paid: number;
  /** What would go back, by currency. */
  sums: Money[];
  /** Confirmed registrations of which nothing would go back, because they are free, or were refunded before. */
  free: number;
  /** Confirmed registrations that were not paid through this service. */
  elsewhere: number;
  inPayment: number;
  held: number;
};

/** Counts what would be cancelled. */
export async function previewCancellation(database: Database, event: string): Promise<CancellationPreview> {
  const [orders, holds] = await Promise.all([
    database.raw<{ rows: (Money & Record<'paid' | 'free' | 'elsewhere', number>)[] }>(
      `select o.currency, count(*) filter (where left_minor > 0)::integer as paid,
         count(*) filter (where left_minor = 0 and (amount_minor = 0 or paypal_capture_id is not null))::integer as free,
         count(*) filter (where amount_minor > 0 and paypal_capture_id is null)::integer as elsewhere,
         sum(left_minor)::integer as minor
       from (
         select o.*, case when o.paypal_capture_id is null then 0 else o.amount_minor - (
           select coalesce(sum(r.amount_minor), 0) from refunds r
           where r.registration_id = o.id and r.state <> 'refused') end as left_minor
         from orders o where o.event_id = ? and o.status = 'confirmed') o
       group by o.currency order by o.currency`,
      [event],
    ),
    database.raw<{ rows: [{ inPayment: number; held: number }] }>(
      `select count(*) filter (where claimed_for is not null)::integer as "inPayment",
         count(*) filter (where held_until > clock_timestamp())::integer as held
       from seat_holds where event_id = ?`,
      [event],
    ),
  ]);
  const total = (name: 'paid' | 'free' | 'elsewhere') => orders.rows.reduce((sum, row) => sum + row[name], 0);
  return {
    ...{ paid: total('paid'), free: total('free'), elsewhere: total('elsewhere') },
    sums: orders.rows.filter(({ minor }) => minor > 0).map(({ minor, currency }) => ({ minor, currency })),
    ...holds.rows[0],
  };
}

/** Counts the registrations that are cancelled, those whose refund PayPal has refused, and those that are left. */
export const countCancelled = async (database: Database, event: string): Promise<CancellationCounts> =>
  (await readProgress(database, event)).counts;

/**
 * The counts, and whether anything may still come: a registration, a hold or a claim, or a refund that is tried again when there is
 * money. One statement reads all of it, because a refund may begin anew between two.
 */
export async function readProgress(
  database: Database,
  event: string,
): Promise<{ counts: CancellationCounts; isOpen: boolean }> {
  const { rows } = await database.raw<{ rows: [CancellationCounts & { isOpen: boolean }] }>(
    `select count(*) filter (where state = 'done')::integer as done,
       count(*) filter (where state = 'refused')::integer as refused,
       count(*) filter (where state = 'left')::integer as left,
       coalesce(bool_or(state = 'left' or lacks_funds), false)
         or exists (select from live_holds where event_id = :event) as "isOpen"
     from cancellation_states where event_id = :event`,
    { event },
  );
  const { isOpen, ...counts } = rows[0];
  return { counts, isOpen };
}

/** Whether a refund of this round has failed for want of money. */
export async function lacksFunds(database: Database, event: string, round: number): Promise<boolean> {
  const row = await database('cancellation_states')
    .where({ event_id: event, lacks_funds: true, is_answered: true, round })
    .first<object | undefined>('registration_id');
  return row !== undefined;
}

/** A registration whose refund PayPal has refused. `word` is PayPal's. */
export type RefusedCancellation = { registration: string; reference: string; left: Money; word: string };

/** Those whose refund PayPal has refused, by reference: up to `most`. */
export async function listRefused(
  database: Database,
  event: string,
  most: number,
): Promise<RefusedCancellation[]> {
  type Row = Omit<RefusedCancellation, 'left'> & { left_minor: number; currency: string };
  const rows = await database('cancellation_states')
    .where({ event_id: event, state: 'refused' })
    .orderBy('reference')
    .limit(most)
    .select<Row[]>('registration_id as registration', 'reference', 'left_minor', 'currency', 'word');
  return rows.map(({ left_minor: minor, currency, ...row }) => ({ ...row, left: { minor, currency } }));
}

/** What went back because the event was cancelled, by currency. */
export async function sumRefunded(database: Database, event: string): Promise<Money[]> {
  return database('cancelled_registrations as c')
    .join('refunds as r', (on) =>
      on
        .on('r.registration_id', 'c.registration_id')
        .andOn((own) => own.on('r.action', 'c.action').orOn('r.action', 'c.registration_id')),
    )
    .where({ 'c.event_id': event, 'r.state': 'done' })
    .where('r.amount_minor', '>', 0)
    .groupBy('r.currency')
    .orderBy('r.currency')
    .select<Money[]>('r.currency', database.raw('sum(r.amount_minor)::integer as minor'));
}
