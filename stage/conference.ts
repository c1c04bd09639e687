/** The event that tests and chaos runs sell tickets for. */
import type { Database } from '../src/database/connection.ts';

/** A ticket type. A `capacity` of null means unlimited. */
export type Ticket = { id: string; name: string; price_minor: number; capacity: number | null };

/** Adds the event `conference`, far in the future, with these ticket types in this order. */
export async function addConference(database: Database, tickets: Ticket[]): Promise<void> {
  await database('events').insert({
    id: 'conference',
    name: 'Conference',
    starts_at: '2099-05-14T07:00:00Z',
    ends_at: '2099-05-15T16:00:00Z',
    time_zone: 'Europe/Berlin',
    venue: 'Hall 4',
    currency: 'EUR',
    seller: 'Society e.V.\nStreet 1',
  });
  await database('ticket_types').insert(
    tickets.map((ticket, position) => ({ ...ticket, position, event_id: 'conference' })),
  );
}
