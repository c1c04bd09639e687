/** The events that organizers can add registrations to. */
import type { Money } from '../../money.ts';
import type { Database } from '../connection.ts';

/** `free`: seats that are neither sold nor held; null without a limit. */
export type OpenTicketType = { id: string; name: string; price: Money; free: number | null };
export type OpenEvent = { id: string; name: string; currency: string; ticketTypes: OpenTicketType[] };

type Row = {
  id: string;
  name: string;
  currency: string;
  ticket_type_id: string;
  ticket_type_name: string;
  price_minor: number;
  free: number | null;
};

/**
 * Events that are neither over nor cancelled, the next one first, with all their ticket types: organizers may also add to those that
 * are hidden or not on sale. One statement.
 */
export async function findOpenEvents(database: Database): Promise<OpenEvent[]> {
  const rows = await database('events as e')
    .join('ticket_types as t', 't.event_id', 'e.id')
    .join('ticket_availability as a', (on) =>
      on.on('a.event_id', 't.event_id').andOn('a.ticket_type_id', 't.id'),
    )
    .whereNot('e.state', 'cancelled')
    .where('e.ends_at', '>', database.fn.now())
    .orderBy(['e.starts_at', 'e.id', 't.position', 't.id'])
    .select<Row[]>(
      ...['e.id', 'e.name', 'e.currency', 't.id as ticket_type_id', 't.name as ticket_type_name'],
      ...['t.price_minor', 'a.free'],
    );
  const events = new Map<string, OpenEvent>();
  for (const { id, name, currency, ...row } of rows) {
    const event = events.get(id) ?? { id, name, currency, ticketTypes: [] };
    event.ticketTypes.push({
      ...{ id: row.ticket_type_id, name: row.ticket_type_name },
      price: { minor: row.price_minor, currency },
      free: row.free === null ? null : Math.max(0, row.free),
    });
    events.set(id, event);
  }
  return [...events.values()];
}
