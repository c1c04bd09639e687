/** What the product asks of PostgreSQL goes through a pooler that gives each transaction another connection. */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../sandbox/servers/process.ts';
import { areStatementsLimited, connectDatabase } from '../../src/database/connection.ts';
import { openSnapshot } from '../../src/database/desk/snapshot.ts';
import { countRate } from '../../src/database/rate-limits.ts';
import { holdSeat } from '../../src/database/seats/hold.ts';
import { findPgbouncer, startPgbouncer } from '../../stage/pgbouncer.ts';
import { emptyFolder } from '../../stage/world.ts';
import { createDatabase } from '../store.ts';

let store: Awaited<ReturnType<typeof createDatabase>>;
beforeEach(async () => {
  store = await createDatabase();
});
afterEach(() => store.drop());

it('counts tries without statements that a connection has to remember', async () => {
  const database = connectDatabase(store.url, { min: 1, max: 1 });
  try {
    const rate = countRate(database, 'tries', { max: 2, seconds: 60 });
    expect((await rate.add('somebody')).count).toBe(1);
    expect((await rate.look('somebody')).count).toBe(1);
    await rate.block('somebody', 60_000);
    const { rows } = await database.raw<{ rows: unknown[] }>('select name from pg_prepared_statements');
    expect(rows).toEqual([]);
  } finally {
    await database.destroy();
  }
});

it('tells whether statements end after some time', async () => {
  expect(await areStatementsLimited(store.database)).toBe(true);
  await store.database.transaction(async (trx) => {
    await trx.raw('set local statement_timeout = 0');
    expect(await areStatementsLimited(trx)).toBe(false);
  });
});

const isInstalled = (() => {
  try {
    return findPgbouncer() !== '';
  } catch {
    return false;
  }
})();

describe.skipIf(!isInstalled)('behind pgbouncer with pooled transactions (needs pgbouncer)', () => {
  it('sells no seat twice, counts each try once, reads one moment and limits statements', async () => {
    const folder = emptyFolder('registration-pooler');
    const pooler = await startPgbouncer({
      ...{ databaseUrl: store.url, port: await freePort() },
      ...{ folder: join(folder, 'pgbouncer'), logFile: join(folder, 'pgbouncer.log') },
    });
    const database = connectDatabase(pooler.url, { min: 0, max: 20 });
    try {
      const people = Array.from({ length: 20 }, () => randomUUID());
      const held = await Promise.all(people.map((id) => holdSeat(database, id, 'conference', 'limited')));
      expect(held.filter(({ status }) => status === 'held')).toHaveLength(2);
      // Two seats are held: these wait for the lock of their registration and decide in a transaction.
      const again = await Promise.all(people.map((id) => holdSeat(database, id, 'conference', 'limited')));
      expect(again.map(({ status }) => status)).toEqual(held.map(({ status }) => status));

      const rate = countRate(database, 'tries', { max: 100, seconds: 600 });
      await Promise.all(people.map(() => rate.add('somebody')));
      expect((await rate.look('somebody')).count).toBe(20);

      const snapshot = await openSnapshot<{ id: string }>(database, {
        ...{ sql: 'select id from seat_holds', bindings: [] },
      });
      await store.database('seat_holds').delete();
      expect(await snapshot.next()).toHaveLength(2);
      await snapshot.close();
      expect(await areStatementsLimited(database)).toBe(true);
    } finally {
      await database.destroy();
      await pooler.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
