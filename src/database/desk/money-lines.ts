/** All money that moved at PayPal: payments, refunds, and PayPal's fees. Money that was paid elsewhere is none of it. */
import type { Condition } from './search.ts';

export const MONEY_KINDS = ['capture', 'fee', 'refund', 'reversal', 'refund-fee'] as const;
export type MoneyKind = (typeof MONEY_KINDS)[number];

/** A movement. What goes out is negative; null where PayPal has not told yet. */
export type MoneyLine = {
  kind: MoneyKind;
  at: Date;
  amount_minor: number | null;
  currency: string;
  registration_id: string;
  paypal_id: string | null;
  paypal_capture_id: string;
  paypal_order_id: string | null;
  /** Null where the registration ended before this was recorded. */
  event_id: string | null;
  event: string | null;
  time_zone: string | null;
};

/** The id of an event, and the first and the last day (`2027-05-14`) in the time zone of each event; each is optional. */
export type MoneyFilter = { event?: string | undefined; from?: string | undefined; to?: string | undefined };

const DAY = `(l.at at time zone coalesce(e.time_zone, 'UTC'))::date`;

/** A fee of a refund that is zero is left out, because PayPal usually keeps its fee; one that is not known is not. */
const LINES = `
  select 'capture' as kind, 1 as place, c.captured_at as at, c.amount_minor, c.currency, c.registration_id,
    c.paypal_capture_id as paypal_id, c.paypal_capture_id, c.paypal_order_id, coalesce(c.event_id, o.event_id) as event_id
  from captures c left join orders o on o.id = c.registration_id
  union all
  select 'fee', 2, c.captured_at, -c.fee_minor, c.currency, c.registration_id,
    c.paypal_capture_id, c.paypal_capture_id, c.paypal_order_id, coalesce(c.event_id, o.event_id)
  from captures c left join orders o on o.id = c.registration_id
  union all
  select case when r.reversed and each.kind = 'refund' then 'reversal' else each.kind end, each.place, coalesce(r.made_at, r.settled_at, r.asked_at), each.amount_minor, r.currency, r.registration_id,
    r.paypal_refund_id, r.paypal_capture_id, r.paypal_order_id, coalesce(c.event_id, o.event_id)
  from refunds r
  left join captures c on c.paypal_capture_id = r.paypal_capture_id
  left join orders o on o.id = r.registration_id
  cross join lateral (values ('refund', 3, -r.amount_minor), ('refund-fee', 4, r.fee_minor)) as each (kind, place, amount_minor)
  where r.state = 'done' and r.amount_minor > 0 and (each.kind = 'refund' or r.fee_minor is distinct from 0)`;

/** The statement that reads {@link MoneyLine}s, the oldest first. */
export function moneyLines({ event, from, to }: MoneyFilter): Condition {
  const conditions = [
    ...(event === undefined ? [] : [{ sql: 'l.event_id = ?', bindings: [event] }]),
    ...(from === undefined ? [] : [{ sql: `${DAY} >= ?::date`, bindings: [from] }]),
    ...(to === undefined ? [] : [{ sql: `${DAY} <= ?::date`, bindings: [to] }]),
  ];
  return {
    sql: `select l.*, e.name as event, e.time_zone
      from (${LINES}) as l left join events e on e.id = l.event_id
      where ${['true', ...conditions.map(({ sql }) => sql)].join(' and ')}
      order by l.at, l.paypal_capture_id, l.paypal_id, l.place`,
    bindings: conditions.flatMap(({ bindings }) => bindings),
  };
}
