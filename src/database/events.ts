import type { Money } from '../money.ts';
import type { EventFacts } from '../registration.ts';
import type { Question } from '../questions.ts';
import type { Database } from './connection.ts';
import { asked, questionsOf, type StoredQuestion } from './questions.ts';

/** What an organizer has made of an event. Only a live one is on sale. */
export type EventState = 'draft' | 'live' | 'cancelled';

/**
 * `available`: seats that are neither sold nor held now; null without a limit. `soldOut`: every seat is sold, so that none
 * can come back from a hold.
 */
export type TicketType = {
  id: string;
  name: string;
  price: Money;
  available: number | null;
  soldOut: boolean;
};
/** `pictureHash` changes with the picture; null when the event has none. `questions` are those that are asked now, in order. */
export type Event = EventFacts & {
  currency: string;
  /** Markdown. */
  description: string | null;
  pictureHash: string | null;
  /** What the picture shows. */
  pictureAlt: string | null;
  ticketTypes: TicketType[];
  questions: Question[];
};
/** A ticket type that is shown. `sale`: whether it is on sale now, will be from a moment (ISO 8601) on, or was. */
export type ShownTicketType = TicketType & {
  sale: { state: 'on' | 'ended' } | { state: 'upcoming'; startsAt: string };
};
export type ShownEvent = Omit<Event, 'ticketTypes'> & { ticketTypes: ShownTicketType[] };

type Row = {
  id: string;
  name: string;
  starts_at: Date;
  ends_at: Date;
  time_zone: string;
  venue: string;
  currency: string;
  seller: string;
  description: string | null;
  picture_hash: string | null;
  picture_alt: string | null;
  on_sale: boolean;
  sale_starts_at: Date | null;
  is_upcoming: boolean;
  ticket_type_id: string;
  ticket_type_name: string;
  price_minor: number;
  free: number | null;
  sold_out: boolean | null;
  questions: StoredQuestion[];
};

/** All columns but the picture itself, which is large. */
const COLUMNS = [
  ...['e.id', 'e.name', 'e.starts_at', 'e.ends_at', 'e.time_zone', 'e.venue', 'e.currency', 'e.seller'],
  ...['e.description', 'e.picture_hash', 'e.picture_alt'],
];

/** Events with the ticket types that are on sale, the next event first; with `id`, that one or none. One statement. */
export const eventsOnSale = async (database: Database, id?: string): Promise<Event[]> =>
  (await shownEvents(database, id)).flatMap((event) => {
    const ticketTypes = event.ticketTypes.flatMap(({ sale, ...type }) => (sale.state === 'on' ? [type] : []));
    return ticketTypes.length > 0 ? [{ ...event, ticketTypes }] : [];
  });

/** Live events that are not over, with all their ticket types but hidden ones; otherwise as {@link eventsOnSale}. */
export async function shownEvents(database: Database, id?: string): Promise<ShownEvent[]> {
  const query = database('events as e')
    .join('ticket_types as t', 't.event_id', 'e.id')
    .join('ticket_availability as a', (on) =>
      on.on('a.event_id', 't.event_id').andOn('a.ticket_type_id', 't.id'),
    )
    .select(COLUMNS)
    .select('t.id as ticket_type_id', 't.name as ticket_type_name', 't.price_minor', 'a.free', 'a.sold_out')
    .select('a.on_sale', 't.sale_starts_at')
    .select(database.raw(`${questionsOf('e.id')} as questions`))
    .select(database.raw('t.sale_starts_at > clock_timestamp() as is_upcoming'))
    .where({ 'e.state': 'live' satisfies EventState, 't.hidden': false })
    .andWhereRaw('e.ends_at > clock_timestamp()')
    .orderBy(['e.starts_at', 'e.id', 't.position', 't.id']);
  const rows = (await (id === undefined ? query : query.andWhere('e.id', id))) as Row[];

  const events = new Map<string, ShownEvent>();
  for (const row of rows) {
    const event = events.get(row.id) ?? toEvent(row);
    event.ticketTypes.push({
      id: row.ticket_type_id,
      name: row.ticket_type_name,
      price: { minor: row.price_minor, currency: row.currency },
      available: row.free === null ? null : Math.max(0, row.free),
      soldOut: row.sold_out ?? false,
      sale: saleOf(row),
    });
    events.set(row.id, event);
  }
  return [...events.values()];
}

function saleOf({ on_sale, is_upcoming, sale_starts_at: at }: Row): ShownTicketType['sale'] {
  if (on_sale) return { state: 'on' };
  return is_upcoming && at ? { state: 'upcoming', startsAt: at.toISOString() } : { state: 'ended' };
}

/** The columns of `events` that {@link EventFacts} are made of. */
export type EventRow = Pick<Row, 'name' | 'starts_at' | 'ends_at' | 'time_zone' | 'venue' | 'seller'>;
/** Their names, for a query that joins `events` as `e`. Its picture is left out, which may be large. */
export const FACT_COLUMNS = ['e.name', 'e.starts_at', 'e.ends_at', 'e.time_zone', 'e.venue', 'e.seller'];
export const toFacts = (id: string, row: EventRow): EventFacts => ({
  id,
  name: row.name,
  startsAt: row.starts_at.toISOString(),
  endsAt: row.ends_at.toISOString(),
  timeZone: row.time_zone,
  venue: row.venue,
  seller: row.seller,
});
const toEvent = (row: Row): ShownEvent => ({
  ...toFacts(row.id, row),
  currency: row.currency,
  description: row.description,
  pictureHash: row.picture_hash,
  pictureAlt: row.picture_alt,
  ticketTypes: [],
  questions: asked(row.questions).map(({ removedAt: _asked, ...question }) => question),
});

type KnownEvent = { name: string; state: EventState; timeZone: string };
/** What is known of an event in any state; undefined when there is no such event. */
export const findEventState = (database: Database, id: string): Promise<KnownEvent | undefined> =>
  database('events').where({ id }).first<KnownEvent | undefined>('name', 'state', { timeZone: 'time_zone' });

/** Cancels an event for good. Somebody who is editing it meanwhile is told. */
export async function endEvent(trx: Database, id: string): Promise<void> {
  await trx('events')
    .where({ id })
    .update({ state: 'cancelled' satisfies EventState, version: trx.raw('version + 1') });
}

/** The picture of an event; undefined when it has none, and for the public also while it is a draft. */
export async function findPicture(
  database: Database,
  id: string,
  { drafts = false }: { drafts?: boolean } = {},
): Promise<{ content: Buffer; type: string } | undefined> {
  return database('events')
    .where({ id })
    .whereNotNull('picture')
    .modify((query) => {
      if (!drafts) void query.whereNot({ state: 'draft' satisfies EventState });
    })
    .first<{ content: Buffer; type: string } | undefined>('picture as content', 'picture_type as type');
}

/** The price of a ticket type in minor units; undefined when there is no such ticket type. */
export async function findPrice(
  database: Database,
  event: string,
  ticketType: string,
): Promise<number | undefined> {
  const row = await database('ticket_types')
    .where({ event_id: event, id: ticketType })
    .first<{ price_minor: number } | undefined>('price_minor');
  return row?.price_minor;
}

/**
 * Adds the example conference, half a year ahead, if there is no event yet.
 * @returns whether it was added
 */
export async function seedExampleEvent(database: Database, now = new Date()): Promise<boolean> {
  return database.transaction(async (trx) => {
    // Two seeds at a time add one event: the second one waits here and then finds the first one's.
    await trx.raw("select pg_advisory_xact_lock(hashtext('seed'))");
    if (await trx('events').first('id')) return false;
    const starts = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 6, 14, 7, 0));
    await trx('events').insert({
      id: 'open-knowledge-days',
      name: `Open Knowledge Days ${starts.getUTCFullYear()}`,
      starts_at: starts,
      ends_at: new Date(starts.getTime() + (1 * 24 + 9) * 3_600_000),
      time_zone: 'Europe/Berlin',
      venue: 'Old Harbour Hall, Am Speicher 4, 20457 Hamburg, Germany',
      currency: 'EUR',
      seller: 'Open Knowledge Days e.V.\nAm Speicher 4\n20457 Hamburg\nGermany',
    });
    const tickets = [
      { id: 'early-bird', name: 'Early bird', price_minor: 9000, capacity: 50 },
      { id: 'regular', name: 'Regular', price_minor: 12_000, capacity: 300 },
      { id: 'student', name: 'Student', price_minor: 0, capacity: 40 },
    ];
    await trx('ticket_types').insert(
      tickets.map((ticket, position) => ({ ...ticket, position, event_id: 'open-knowledge-days' })),
    );
    return true;
  });
}
