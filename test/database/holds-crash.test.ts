/** What is left of holds when PostgreSQL crashes at the worst moment, on a server that writes to the disk as in production. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startPostgres } from '../../sandbox/servers/postgres.ts';
import { freePort } from '../../sandbox/servers/process.ts';
import { addConference } from '../../stage/conference.ts';
import { connectDatabase } from '../../src/database/connection.ts';
import { holdSeat, notePaypalOrder } from '../../src/database/seats/hold.ts';

const folder = mkdtempSync(join(tmpdir(), 'registration-crash-'));
let server: Awaited<ReturnType<typeof startPostgres>>;
let port: number;
const start = async () => {
  server = await startPostgres({
    ...{
      report: () => undefined,
      port,
      dataFolder: join(folder, 'data'),
      logFile: join(folder, 'postgresql.log'),
    },
    // What nobody waits for stays in memory for longer than the test takes.
    settings: { wal_writer_delay: '10s' },
  });
};
beforeAll(async () => {
  port = await freePort();
  await start();
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('each hold whose attendee was answered is on disk, and only one that was not may be missing', async () => {
  const database = connectDatabase(server.url);
  await database.migrate.latest();
  await addConference(database, [
    { id: 'paid', name: 'Paid', price_minor: 9000, capacity: 10 },
    { id: 'free', name: 'Free', price_minor: 0, capacity: 10 },
  ]);
  const hold = async (ticketType: string) => {
    const outcome = await holdSeat(database, randomUUID(), 'conference', ticketType);
    if (outcome.status !== 'held') throw new Error(outcome.status);
    return outcome.hold;
  };
  const [paid, free] = [await hold('paid'), await hold('free')];
  await notePaypalOrder(database, await hold('paid'), 'A');
  const noted = await database('seat_holds').pluck<string[]>('id');
  const lastFree = await hold('free');
  const unanswered = await hold('paid');

  // An immediate shutdown writes nothing more, as a crash.
  process.kill(server.pid, 'SIGQUIT');
  await server.ended;
  await database.destroy();
  await start();
  const after = connectDatabase(server.url);
  const left = await after('seat_holds').pluck<string[]>('id');
  await after.destroy();
  expect(left.toSorted()).toEqual([...noted, lastFree.id].toSorted());
  expect(noted).toEqual(expect.arrayContaining([paid.id, free.id]));
  expect(left).not.toContain(unanswered.id);
});
