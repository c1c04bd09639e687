/** The search of registrations in the database: who may set it up, what it costs, and what an erasure leaves of it. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { connectDatabase, type Database } from '../../src/database/connection.ts';
import { listRegistrations } from '../../src/database/desk/list.ts';
import { migrate } from '../../src/database/migrations.ts';
import { eraseFromOrder } from '../../src/database/orders.ts';
import { rewriteErased } from '../../src/database/rewrite.ts';
import { addConference } from '../../stage/conference.ts';
import { anOrder } from '../api/organizer/orders.ts';
import { createDatabase } from '../store.ts';

let store: Awaited<ReturnType<typeof createDatabase>>;
beforeAll(async () => {
  store = await createDatabase();
});
afterAll(() => store.drop());

const find = async (database: Database, q: string) =>
  (await listRegistrations(database, { q }, { way: 'newest' })).rows.map(({ id }) => id);
const hasIndex = async (database: Database) =>
  (await database('pg_indexes').where({ indexname: 'orders_searched' })).length === 1;

/** Migrates an empty database as a user who is no superuser. `grant` says what the user may do there. */
async function asGuest(grant: string, work: (database: Database) => Promise<void>): Promise<void> {
  const name = `guest_${randomBytes(4).toString('hex')}`;
  const admin = connectDatabase(inject('postgresUrl'));
  await admin.raw(`create role ${name} login password 'guest'`);
  await admin.raw(`create database ${name}`);
  const url = new URL(inject('postgresUrl').replace(/[^/]+$/, name));
  const owner = connectDatabase(url.href);
  await owner.raw(grant.replaceAll('guest', name));
  Object.assign(url, { username: name, password: 'guest' });
  const database = connectDatabase(url.href);
  try {
    await migrate(database);
    await addConference(database, [{ id: 'regular', name: 'Regular', price_minor: 12_000, capacity: null }]);
    await work(database);
  } finally {
    await database.destroy();
    await owner.destroy();
    await admin.raw(`drop database ${name} with (force)`);
    await admin.raw(`drop role ${name}`);
    await admin.destroy();
  }
}

it('needs no superuser: who may create objects in the database gets the index', async () => {
  await asGuest(
    'grant create on database guest to guest; grant create on schema public to guest',
    async (database) => {
      expect(await hasIndex(database)).toBe(true);
      const id = await anOrder(database, { last_name: 'Müller' });
      expect(await find(database, 'mull')).toEqual([id]);
      await database.migrate.rollback(undefined, true);
      await migrate(database);
      expect(await hasIndex(database)).toBe(true);
    },
  );
});

it('finds the same without the index, where the extension is not allowed', async () => {
  await asGuest('grant create on schema public to guest', async (database) => {
    expect(await hasIndex(database)).toBe(false);
    const id = await anOrder(database, { last_name: 'Müller' });
    expect(await find(database, 'mull')).toEqual([id]);
  });
});

it('uses an extension that is there already in another schema', async () => {
  const grant = `create schema extensions; create extension pg_trgm schema extensions;
    grant usage on schema extensions to guest; grant create on schema public to guest`;
  await asGuest(grant, async (database) => {
    expect(await hasIndex(database)).toBe(true);
    const id = await anOrder(database, { last_name: 'Müller' });
    expect(await find(database, 'mull')).toEqual([id]);
  });
});

it('can be restored from a dump, where no schema is searched', async () => {
  const { database } = store;
  await database.transaction(async (trx) => {
    await trx.raw("set local search_path = ''");
    await trx.raw(`insert into public.orders (id, reference, event_id, ticket_type_id, first_name, last_name, email, amount_minor,
      currency, paid_at) values (gen_random_uuid(), 'X', 'conference', 'free', 'Ada', 'Straße', 'a@example.org', 0, 'EUR', now())`);
  });
  expect(await database('orders').pluck('searched')).toEqual([' ada strasse a@example.org']);
  await database('orders').delete();
});

it('leaves nothing of an erased person in the column and in the file of the index', async () => {
  const { database } = store;
  const id = await anOrder(database, { last_name: 'Qxzvwk' });
  /** Whether three letters of the name are in the file: the index has them in this or the other order. */
  const isThere = async () => {
    await database.raw('checkpoint');
    const { rows } = await database.raw<{ rows: { bytes: Buffer }[] }>(
      `select pg_read_binary_file(pg_relation_filepath('orders_searched')) as bytes`,
    );
    return ['xzv', 'vzx'].some((letters) => rows[0]?.bytes.includes(letters));
  };
  expect([await isThere(), await find(database, 'xzv')]).toEqual([true, [id]]);
  await eraseFromOrder(database, id);
  expect(await database('orders').pluck('searched')).toEqual([null]);
  expect([await isThere(), await find(database, 'xzv')]).toEqual([true, []]);
  expect([await rewriteErased(database), await isThere()]).toEqual([true, false]);
});

it('uses the indexes with many orders', async () => {
  const { database } = store;
  await database('orders').delete();
  await database.raw(`
    insert into orders (id, reference, event_id, ticket_type_id, first_name, last_name, email, amount_minor, currency, paid_at)
    select gen_random_uuid(), n, 'conference', 'free', md5(n::text), md5((n + 1)::text), n || '@example.org', 0, 'EUR', now()
    from generate_series(1, 4000) n`);
  await database.raw('vacuum analyze orders');
  const plan = async (sql: string) => {
    const { rows } = await database.raw<{ rows: { 'QUERY PLAN': string }[] }>(`explain ${sql}`);
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  };
  expect(
    await plan(`select id from orders o where o.searched like search_pattern('c4ca4', false)`),
  ).toContain('orders_searched');
  expect(
    await plan(`select id from orders where status = 'refunded' order by created_at desc, id desc limit 51`),
  ).toContain('orders_over');
});
