import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { connectDatabase, type Database } from '../src/database/connection.ts';

export const TEMPLATE_DATABASE = 'registration_template';

/** A database of the test's own, with all tables and one event; `pool` for tests that need many connections. */
export async function createDatabase(
  pool = { min: 0, max: 10 },
): Promise<{ database: Database; url: string; drop: () => Promise<void> }> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const postgresUrl = inject('postgresUrl');
  const admin = connectDatabase(postgresUrl);
  await admin.raw(`create database ${name} template ${TEMPLATE_DATABASE}`);
  const url = postgresUrl.replace(/[^/]+$/, name);
  const database = connectDatabase(url, pool);
  await addEvent(database);
  return {
    database,
    url,
    drop: async () => {
      await database.destroy();
      await admin.raw(`drop database ${name} with (force)`);
      await admin.destroy();
    },
  };
}

/** One event with three tickets: `limited` (2 seats), `regular` (unlimited) and `free` (10 seats). */
async function addEvent(database: Database): Promise<void> {
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
  await database('ticket_types').insert([
    { event_id: 'conference', id: 'limited', name: 'Limited', price_minor: 9000, capacity: 2, position: 0 },
    {
      event_id: 'conference',
      id: 'regular',
      name: 'Regular',
      price_minor: 12_000,
      capacity: null,
      position: 1,
    },
    { event_id: 'conference', id: 'free', name: 'Free', price_minor: 0, capacity: 10, position: 2 },
  ]);
}
