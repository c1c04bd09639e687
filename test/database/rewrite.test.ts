/** What was erased from an order is gone from the files of the database, too. */
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectDatabase } from '../../src/database/connection.ts';
import { eraseFromOrder } from '../../src/database/orders.ts';
import { rewriteErased } from '../../src/database/rewrite.ts';
import { createDatabase } from '../store.ts';

let store: Awaited<ReturnType<typeof createDatabase>>;
beforeAll(async () => {
  store = await createDatabase();
});
afterAll(() => store.drop());

const LONG = 'Somerville Lane '.repeat(12);
/** Saves an order, and erases its person again. */
async function aPersonWhoWasErased(): Promise<void> {
  const id = randomUUID();
  await store.database('orders').insert({
    ...{ id, reference: id.slice(0, 10), event_id: 'conference', ticket_type_id: 'free' },
    ...{ first_name: 'Mary', last_name: 'Somerville', email: 'mary@example.org', organization: LONG },
    ...{ amount_minor: 0, currency: 'EUR', paid_at: new Date() },
  });
  expect(await eraseFromOrder(store.database, id)).toBe(true);
}

/** Says whether any file of the database's tables and indexes contains the person. */
async function isInFiles(): Promise<boolean> {
  await store.database.raw('checkpoint');
  const { rows } = await store.database.raw<{ rows: { bytes: Buffer | null }[] }>(
    `select pg_read_binary_file(pg_relation_filepath(oid)) as bytes
     from pg_class where relkind in ('r', 'i', 't') and pg_relation_filepath(oid) is not null`,
  );
  return rows.some(({ bytes }) => bytes?.includes('Somerville') === true);
}

it('leaves no byte of an erased person, where an ordinary vacuum does', async () => {
  await aPersonWhoWasErased();
  expect(await isInFiles()).toBe(true);
  await store.database.raw('vacuum orders');
  expect(await isInFiles()).toBe(true);
  expect(await rewriteErased(store.database)).toBe(true);
  expect(await isInFiles()).toBe(false);
});

it('says so when the user of the database does not own the table', async () => {
  const role = `guest_${randomBytes(4).toString('hex')}`;
  await store.database.raw(`create role ${role} login password 'guest'`);
  await store.database.raw(`grant select, update on orders to ${role}`);
  const url = new URL(store.url);
  Object.assign(url, { username: role, password: 'guest' });
  const guest = connectDatabase(url.href);
  expect(await rewriteErased(guest)).toBe(false);
  await guest.destroy();
  await store.database.raw(`revoke all on orders from ${role}`);
  await store.database.raw(`drop role ${role}`);
});

it('gives way to people who register: it does not wait long for a table in use', async () => {
  await store.database.transaction(async (busy) => {
    await busy.raw('lock table orders in row exclusive mode');
    expect(await rewriteErased(store.database)).toBe(false);
  });
  expect(await rewriteErased(store.database)).toBe(true);
});

it('says so while a transaction is open that began before the erasure, and is done after it', async () => {
  const backup = await store.database.transaction(null, { isolationLevel: 'repeatable read' });
  await backup.raw('select from orders');
  await aPersonWhoWasErased();
  expect(await rewriteErased(store.database)).toBe(false);
  await backup.rollback();
  expect(await rewriteErased(store.database)).toBe(true);
  expect(await isInFiles()).toBe(false);
}, 30_000);

it('waits for a later transaction, too, that saw one from before the erasure still open', async () => {
  const before = await store.database.transaction();
  await before.raw('select pg_current_xact_id()');
  await aPersonWhoWasErased();
  let isDone = false;
  const rewritten = rewriteErased(store.database).finally(() => {
    isDone = true;
  });
  await sleep(500);
  const later = await store.database.transaction(null, { isolationLevel: 'repeatable read' });
  // It keeps a snapshot only, and no lock of the table.
  await later.raw('select');
  await before.rollback();
  await sleep(500);
  expect(isDone).toBe(false);
  await later.rollback();
  expect(await rewritten).toBe(true);
  expect(await isInFiles()).toBe(false);
}, 30_000);
