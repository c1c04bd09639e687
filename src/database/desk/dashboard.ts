/** What the dashboard tells about one event: who registered when and for what, the money, and the seats that are left. */
import type { Money } from '../../money.ts';
import { findUnfinishedCheckouts } from '../checkouts.ts';
import type { Database } from '../connection.ts';
import type { OrderStatus } from '../orders.ts';

/** An event to look at. Times are ISO 8601. */
export type ShownEvent = {
  id: string;
  name: string;
  state: 'draft' | 'live' | 'cancelled';
  startsAt: string;
  endsAt: string;
  timeZone: string;
  isOver: boolean;
};
/** What came in and went back, in one currency. `elsewhere` was paid in another way than through PayPal. */
export type Sums = { currency: string; paypal: number; refunded: number; elsewhere: number };
/** A ticket type; `id` is null for payments whose ticket type is not known. `left` is null without a limit. */
export type TypeFigures = {
  id: string | null;
  name: string | null;
  registered: number;
  left: number | null;
  /** One entry for each currency; none where the money was not asked for. */
  sums: Sums[];
};
/**
 * `registered`: everybody who was registered on that day. `finished`: of these, those who used the form. `began`: they, and those whose
 * checkout began then and was not finished.
 */
export type Day = { day: string; registered: number; finished: number; began: number };
export type Figures = {
  types: TypeFigures[];
  /** The days of the chart, the first one first, and what was before. */
  days: Day[];
  before: Omit<Day, 'day'>;
};

/** Days of the chart: at most, and at least as soon as somebody is registered. */
export const DAYS = 60;
const LEAST_DAYS = 14;

type EventRow = Omit<ShownEvent, 'startsAt' | 'endsAt' | 'timeZone'> & {
  starts_at: Date;
  ends_at: Date;
  time_zone: string;
};

/** All events, the next one first, then those after it, then those that are over, the last one first. One statement. */
export async function listShownEvents(database: Database): Promise<ShownEvent[]> {
  const { rows } = await database.raw<{ rows: (EventRow & { isOver: boolean })[] }>(
    `select id, name, state, starts_at, ends_at, time_zone, ends_at <= now() as "isOver" from events
     order by (ends_at > now() and state <> 'cancelled') desc, (ends_at > now()) desc,
       case when ends_at > now() then starts_at end, starts_at desc, id`,
  );
  return rows.map(({ starts_at: startsAt, ends_at: endsAt, time_zone: timeZone, ...event }) => ({
    ...event,
    ...{ startsAt: startsAt.toISOString(), endsAt: endsAt.toISOString(), timeZone },
  }));
}

/**
 * Reads the figures of an event, in as many statements whatever the number of orders: four, and one more for the money.
 * @param now for tests
 */
export async function readFigures(
  database: Database,
  event: ShownEvent,
  { money }: { money: boolean },
  now = new Date(),
): Promise<Figures> {
  const ends = new Date(event.endsAt);
  const today = dayOf(now, event.timeZone);
  const last = ends < now ? dayOf(ends, event.timeZone) : today;
  const first = addDays(last, 1 - DAYS);
  const [sold, perDay, types, unfinished, sums] = await Promise.all([
    findSold(database, event.id),
    findPerDay(database, event, first, today),
    findTypes(database, event.id),
    findUnfinishedCheckouts(database, event.id),
    money ? findSums(database, event.id) : [],
  ]);
  return {
    types: figuresOf(types, sold, sums, money),
    ...daysOf(perDay, unfinished, first, last),
  };
}

/** The calendar day of a moment in a time zone, as ISO 8601. */
const dayOf = (at: Date, timeZone: string): string =>
  new Intl.DateTimeFormat('sv-SE', { timeZone }).format(at);

export function addDays(day: string, days: number): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}

type Sold = { ticket_type_id: string; currency: string; status: OrderStatus; orders: number; minor: number };

async function findSold(database: Database, event: string): Promise<Sold[]> {
  const { rows } = await database.raw<{ rows: Sold[] }>(
    `select ticket_type_id, currency, status, count(*)::integer as orders, sum(amount_minor)::float8 as minor
     from orders where event_id = ? group by ticket_type_id, currency, status`,
    [event],
  );
  return rows;
}

/** `checkouts`: those who came through the form, and not from an organizer. The day is null before the first day of the chart. */
type PerDay = { day: string | null; orders: number; checkouts: number };

/** Each day is a range of an index that has all of it. To group by the day instead would sort all orders of the event. */
async function findPerDay(
  database: Database,
  { id, timeZone }: ShownEvent,
  first: string,
  today: string,
): Promise<PerDay[]> {
  const counts = `select count(*)::integer as orders, (count(*) filter (where source = 'form'))::integer as checkouts
    from orders where event_id = :id and created_at`;
  const { rows } = await database.raw<{ rows: PerDay[] }>(
    `select d::date::text as day, counts.* from generate_series(:first::timestamp, :today::timestamp, '1 day') as d
     cross join lateral (
       ${counts} >= d at time zone :timeZone and created_at < (d + interval '1 day') at time zone :timeZone) as counts
     where orders > 0
     union all
     select null, counts.* from (${counts} < :first::timestamp at time zone :timeZone) as counts where orders > 0`,
    { id, timeZone, first, today },
  );
  return rows;
}

type Type = { id: string; name: string; free: number | null };

async function findTypes(database: Database, event: string): Promise<Type[]> {
  const { rows } = await database.raw<{ rows: Type[] }>(
    `select t.id, t.name, a.free from ticket_types t
     join ticket_availability a on a.event_id = t.event_id and a.ticket_type_id = t.id
     where t.event_id = ? order by t.position, t.id`,
    [event],
  );
  return rows;
}

type Sum = { kind: 'captured' | 'elsewhere' | 'refunded'; ticket_type_id: string | null } & {
  currency: string;
  minor: number;
};

/**
 * What the orders alone do not tell: payments in another way, payments without an order, because a registration was undone, and
 * all that went back.
 */
async function findSums(database: Database, event: string): Promise<Sum[]> {
  const { rows } = await database.raw<{ rows: Sum[] }>(
    `with undone as (
       select id, ticket_type_id from ended_registrations where event_id = ?
       union all
       select id, ticket_type_id from seat_holds where event_id = ? and claimed_for is not null)
     select kind, ticket_type_id, currency, sum(amount_minor)::float8 as minor from (
       select 'elsewhere' as kind, ticket_type_id, currency, amount_minor
       from orders where event_id = ? and paypal_capture_id is null and amount_minor > 0
       union all
       select 'captured', u.ticket_type_id, c.currency, c.amount_minor
       from undone u join captures c on c.registration_id = u.id
       union all
       select 'refunded', o.ticket_type_id, r.currency, r.amount_minor
       from refunds r join orders o on o.id = r.registration_id where r.state = 'done' and o.event_id = ?
       union all
       select 'refunded', u.ticket_type_id, r.currency, r.amount_minor
       from undone u join refunds r on r.registration_id = u.id where r.state = 'done') as each
     group by kind, ticket_type_id, currency`,
    [event, event, event, event],
  );
  return rows;
}

/** The figures of each ticket type in its order, then of those payments whose ticket type is not known. */
function figuresOf(types: Type[], sold: Sold[], sums: Sum[], money: boolean): TypeFigures[] {
  const others = sums.some(({ ticket_type_id: id }) => !types.some((type) => type.id === id));
  const of = (id: string | null) => {
    const known = (other: string | null) => types.some((type) => type.id === other);
    const mine = <T extends { ticket_type_id: string | null }>(rows: T[]) =>
      rows.filter((row) => (id === null ? !known(row.ticket_type_id) : row.ticket_type_id === id));
    return { orders: mine(sold), sums: mine(sums) };
  };
  return [...types, ...(others ? [{ id: null, name: null, free: null }] : [])].map(({ id, name, free }) => {
    const own = of(id);
    const confirmed = own.orders.filter(({ status }) => status === 'confirmed');
    return {
      ...{ id, name, left: free === null ? null : Math.max(0, free) },
      registered: confirmed.reduce((sum, { orders }) => sum + orders, 0),
      sums: money ? sumsOf(own.orders, own.sums) : [],
    };
  });
}

/** All orders that were not paid elsewhere were paid through PayPal, also those that were cancelled since. */
function sumsOf(orders: Sold[], sums: Sum[]): Sums[] {
  const found = new Map<string, Sums>();
  const at = (currency: string): Sums => {
    const known = found.get(currency) ?? { currency, paypal: 0, refunded: 0, elsewhere: 0 };
    found.set(currency, known);
    return known;
  };
  for (const { currency, minor } of orders) if (minor > 0) at(currency).paypal += minor;
  for (const { kind, currency, minor } of sums) {
    const sum = at(currency);
    if (kind === 'captured') sum.paypal += minor;
    if (kind === 'refunded') sum.refunded += minor;
    if (kind === 'elsewhere') {
      sum.elsewhere += minor;
      sum.paypal -= minor;
    }
  }
  return [...found.values()].filter(({ paypal, refunded, elsewhere }) => paypal || refunded || elsewhere);
}

/** All ticket types together, one entry for each currency. */
export function totalsOf(types: TypeFigures[]): Sums[] {
  const found = new Map<string, Sums>();
  for (const { sums } of types)
    for (const { currency, paypal, refunded, elsewhere } of sums) {
      const sum = found.get(currency) ?? { currency, paypal: 0, refunded: 0, elsewhere: 0 };
      sum.paypal += paypal;
      sum.refunded += refunded;
      sum.elsewhere += elsewhere;
      found.set(currency, sum);
    }
  return [...found.values()];
}

/** From the first day on which something happened, at least {@link LEAST_DAYS} and at most {@link DAYS} days. */
function daysOf(
  perDay: PerDay[],
  unfinished: { day: string; checkouts: number }[],
  first: string,
  last: string,
): Pick<Figures, 'days' | 'before'> {
  const registered = new Map<string | null, number>();
  const finished = new Map<string | null, number>();
  const began = new Map<string | null, number>();
  const add = (counts: typeof registered, day: string | null, count: number) =>
    counts.set(day, (counts.get(day) ?? 0) + count);
  for (const { day, orders, checkouts } of perDay) {
    add(registered, day, orders);
    for (const counts of [finished, began]) add(counts, day, checkouts);
  }
  for (const { day, checkouts } of unfinished) add(began, day < first ? null : day, checkouts);
  const known = [...new Set([...registered.keys(), ...began.keys()])]
    .filter((day) => day !== null)
    .toSorted();
  const end = [last, known.at(-1) ?? last].toSorted().at(-1) ?? last;
  const countsOf = (day: string | null) => ({
    ...{ registered: registered.get(day) ?? 0, finished: finished.get(day) ?? 0, began: began.get(day) ?? 0 },
  });
  const days: Day[] = [];
  const hasBefore = registered.has(null) || began.has(null);
  const [earliest = last] = [...known, addDays(end, 1 - LEAST_DAYS)].toSorted();
  if (hasBefore || known.length > 0)
    for (let day = hasBefore ? first : earliest; day <= end; day = addDays(day, 1))
      days.push({ day, ...countsOf(day) });
  return { days, before: countsOf(null) };
}

/** A sum as money. */
export const inCurrency = ({ currency }: Sums, minor: number): Money => ({ minor, currency });
