import { expect, it } from 'vitest';
import { eventsOnSale, seedExampleEvent } from '../../src/database/events.ts';
import { createDatabase } from '../store.ts';

it('migrations roll back completely and apply again, and seeding adds the example event only once', async () => {
  const { database, drop } = await createDatabase();
  await database.migrate.rollback(undefined, true);
  expect(await database.schema.hasTable('events')).toBe(false);
  await database.migrate.latest();

  expect(await Promise.all([seedExampleEvent(database), seedExampleEvent(database)])).toContain(true);
  expect(await seedExampleEvent(database)).toBe(false);
  const events = await eventsOnSale(database);
  expect(events).toHaveLength(1);
  expect(Date.parse(events[0]?.startsAt ?? '')).toBeGreaterThan(Date.now());
  expect(
    events[0]?.ticketTypes.map(({ id, price, available }) => [id, price.minor > 0, available !== null]),
  ).toEqual([
    ['early-bird', true, true],
    ['regular', true, true],
    ['student', false, true],
  ]);
  await drop();
});
