/** A download of many lines: of one moment, with as much memory as a short one, and never cut off without the reader's notice. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import knex from 'knex';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startPostgres } from '../../../sandbox/servers/postgres.ts';
import { freePort } from '../../../sandbox/servers/process.ts';
import { addConference } from '../../../stage/conference.ts';
import { downloads } from '../../../src/api/organizer/download.ts';
import { buildApp } from '../../../src/api/app.ts';
import { connectDatabase, type Database } from '../../../src/database/connection.ts';
import { registrationLines } from '../../../src/database/desk/registration-lines.ts';
import { openSnapshot } from '../../../src/database/desk/snapshot.ts';
import { migrate } from '../../../src/database/migrations.ts';
import { REGISTRATIONS } from '../../../src/web/organizer/exports/registrations.ts';
import { startStack, type Stack } from '../../stack.ts';
import { aSignedIn, type SignedIn } from './desk.ts';
import { anOrder } from './orders.ts';

/** Together they are larger than what the sockets of a connection hold. */
const MANY = 20_000;
const PATH = '/organizer/export/registrations.csv';

/** Adds orders of about two kilobytes each. */
async function addMany(database: Database, count: number): Promise<void> {
  for (let from = 1; from <= count; from += 2500)
    await database.raw(
      `insert into orders (id, reference, event_id, ticket_type_id, first_name, last_name, email, address_line1, city,
         country_code, amount_minor, currency, paypal_order_id, paypal_capture_id, paid_at, created_at, status)
       select gen_random_uuid(), upper(substr(md5(n::text), 1, 10)), 'conference', 'regular', 'Ada', 'Example', 'ada@example.org',
         repeat('Street ', 280), 'Hamburg', 'DE', 12000, 'EUR', 'order-' || n, 'capture-' || n, now(),
         '2027-01-01'::timestamptz + n * interval '1 second', 'cancelled'
       from generate_series(?::integer, ?::integer) n`,
      [from, Math.min(count, from + 2499)],
    );
}

let stack: Stack;
let url: string;
let owner: SignedIn & { id: string };
beforeAll(async () => {
  stack = await startStack();
  url = await stack.app.listen({ host: '127.0.0.1', port: 0 });
  owner = await aSignedIn(stack, 'owner');
  await addMany(stack.database, MANY);
});
afterAll(() => stack.stop());

const cookieOf = ({ cookies }: SignedIn) =>
  Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ');
/** Asks for a file, and reads nothing yet. */
const ask = (address: string, who: SignedIn, encoding = 'identity') =>
  new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { cookie: cookieOf(who), 'accept-encoding': encoding };
    get(address, { headers, agent: false }, resolve).on('error', reject);
  });

type Got = { text: string; failed: boolean };
/** Reads what is sent. `failed`: as a browser sees it, which does not get the end of the answer. */
async function readAll(answer: IncomingMessage): Promise<Got> {
  const parts: Buffer[] = [];
  const keep = async (source: AsyncIterable<Buffer>) => {
    for await (const part of source) parts.push(part);
  };
  const encoding = answer.headers['content-encoding'];
  const read =
    encoding === 'br'
      ? pipeline(answer, createBrotliDecompress(), keep)
      : encoding === 'gzip'
        ? pipeline(answer, createGunzip(), keep)
        : pipeline(answer, keep);
  const failed = await read.then(
    () => false,
    () => true,
  );
  return { text: Buffer.concat(parts).toString(), failed };
}
const lastLineOf = ({ text }: Got) => text.trimEnd().split('\r\n').at(-1) ?? '';
const lastDownload = async (database: Database) =>
  (
    await database('organizer_events')
      .where({ kind: 'exported' })
      .orderBy('position', 'desc')
      .limit(1)
      .pluck<{ lines: number; complete: boolean }[]>('facts')
  )[0];
/** Transactions that are open in the database. */
const waiting = async (database: Database) => {
  const { rows } = await database.raw<{ rows: { count: number }[] }>(
    `select count(*)::integer as count from pg_stat_activity
     where datname = current_database() and xact_start is not null and pid <> pg_backend_pid() and backend_type = 'client backend'`,
  );
  return rows[0]?.count;
};

describe('a download', () => {
  it.each(['identity', 'gzip', 'br'])(
    'of many lines is whole, and says so in its last one (%s)',
    async (encoding) => {
      const got = await readAll(await ask(url + PATH, owner, encoding));
      expect(got.failed).toBe(false);
      expect(lastLineOf(got)).toMatch(new RegExp(`^# end of file: ${MANY} lines,+$`));
      expect(got.text.split('\r\n')).toHaveLength(MANY + 3);
      await vi.waitUntil(async () => (await waiting(stack.database)) === 0);
    },
  );

  it('reads no more from the database than its reader takes', async () => {
    let parts = 0;
    const count = ({ sql }: { sql: string }) => {
      if (sql.startsWith('fetch')) parts++;
    };
    stack.database.on('query', count);
    const answer = await ask(url + PATH, owner);
    answer.pause();
    let before = -1;
    await vi.waitUntil(
      () => {
        const still = parts === before;
        before = parts;
        return still;
      },
      { interval: 500, timeout: 20_000 },
    );
    // The rest of the 80 parts waits in the database.
    expect(parts).toBeGreaterThan(0);
    expect(parts).toBeLessThan(60);
    const got = await readAll(answer);
    stack.database.off('query', count);
    expect([got.failed, parts]).toEqual([false, MANY / 250 + 1]);
  });

  it('ends when its reader goes away, is noted as broken off, and gives its connection back', async () => {
    for (let n = 0; n < 5; n++) {
      const answer = await ask(url + PATH, owner);
      await new Promise((resolve) => answer.once('data', resolve));
      expect(await waiting(stack.database)).toBe(1);
      answer.destroy();
      await vi.waitUntil(async () => (await waiting(stack.database)) === 0);
    }
    await vi.waitUntil(async () => (await lastDownload(stack.database))?.complete === false);
    expect((await lastDownload(stack.database))?.lines).toBeLessThan(MANY);
  });

  it('is one of two at a time; a third gets an answer that says so, and pages are served meanwhile', async () => {
    const two = await Promise.all([ask(url + PATH, owner), ask(url + PATH, owner)]);
    for (const answer of two) answer.pause();
    const third = await ask(url + PATH, owner);
    expect(third.statusCode).toBe(503);
    expect(third.headers['retry-after']).toBe('30');
    expect(third.headers['content-disposition']).toBeUndefined();
    expect((await readAll(third)).text).toContain('too-many-exports');
    const pages = await Promise.all(Array.from({ length: 20 }, () => owner.get('/organizer/registrations')));
    expect(pages.map(({ statusCode }) => statusCode)).toEqual(Array(20).fill(200));
    for (const got of await Promise.all(two.map(readAll))) expect(got.failed).toBe(false);
    const after = async () => {
      const answer = await ask(url + PATH, owner);
      answer.destroy();
      return answer.statusCode;
    };
    await vi.waitUntil(async () => (await after()) === 200);
  });

  it('that takes too long is broken off', async () => {
    const send = downloads(stack.database, { longestMs: 200 });
    const app = await buildApp({
      ...{ config: stack.config, database: stack.database, paypal: stack.paypal, temporal: stack.temporal },
    });
    const session = { organizer: { id: owner.id } };
    app.get('/slow', (request, reply) =>
      send(Object.assign(request, { session: session as never }), reply, {
        ...{ file: 'registrations', event: undefined, filters: [], statement: registrationLines({}) },
        content: REGISTRATIONS,
      }),
    );
    const answer = await ask(`${await app.listen({ host: '127.0.0.1', port: 0 })}/slow`, owner);
    answer.pause();
    await vi.waitUntil(async () => (await waiting(stack.database)) === 0);
    const got = await readAll(answer);
    expect([got.failed, got.text.includes('end of file')]).toEqual([true, false]);
    await app.close();
  });
});

describe('what is read', () => {
  it('is one moment’s truth, which pages by number are not', async () => {
    const { database } = stack;
    const { sql, bindings } = registrationLines({});
    const page = async (n: number) =>
      (await database.raw<{ rows: { id: string }[] }>(`${sql} limit 250 offset ${250 * n}`, bindings)).rows;
    const snapshot = await openSnapshot<{ id: string; status: string }>(database, { sql, bindings });
    const [first, pages] = [await snapshot.next(), [await page(0)]];
    // Somebody registers, and a former registration, which has been read, is gone.
    const newer = await anOrder(database, { created_at: new Date('2026-12-31T23:00:00Z') });
    const [one, two] = first;
    await database('orders').where({ id: one?.id }).update({ status: 'refunded' });
    pages.push(await page(1));
    const repeated = pages[1]?.filter(({ id }) => pages[0]?.some((before) => before.id === id));
    expect(repeated).toHaveLength(1);
    await database('orders')
      .whereIn('id', [newer, two?.id ?? ''])
      .delete();

    const rest: { id: string; status: string }[] = [];
    for (let rows = await snapshot.next(); rows.length > 0; rows = await snapshot.next()) rest.push(...rows);
    await snapshot.close();
    const all = [...first, ...rest];
    expect([all.length, new Set(all.map(({ id }) => id)).size]).toEqual([MANY, MANY]);
    expect(all.some(({ id }) => id === newer)).toBe(false);
    expect(all.every(({ status }) => status === 'cancelled')).toBe(true);
  });

  it('may be read as slowly as the reader wants: the limit of a statement counts for each part', async () => {
    const connection = { connectionString: stack.store.url, statement_timeout: 300 };
    const impatient = knex({ client: 'pg', connection });
    await expect(impatient.raw('select pg_sleep(1)')).rejects.toMatchObject({ code: '57014' });
    const snapshot = await openSnapshot<object>(impatient, registrationLines({}));
    expect(await snapshot.next()).toHaveLength(250);
    await sleep(600);
    expect(await snapshot.next()).toHaveLength(250);
    await snapshot.close();
    await impatient.destroy();
  });
});

describe('while PostgreSQL is killed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'registration-download-'));
  chmodSync(folder, 0o755);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(['identity', 'br'])(
    'a download fails, and does not end as if it were whole (%s)',
    async (encoding) => {
      const postgres = await startPostgres({
        ...{ report: () => undefined, port: await freePort(), volatile: true },
        ...{ dataFolder: join(folder, encoding), logFile: join(folder, `${encoding}.log`) },
      });
      const database = connectDatabase(postgres.url);
      await migrate(database);
      await addConference(database, [
        { id: 'regular', name: 'Regular', price_minor: 12_000, capacity: null },
      ]);
      await addMany(database, MANY);
      const logged: string[] = [];
      const app = await buildApp({
        ...{
          config: { ...stack.config, logLevel: 'warn' },
          database,
          paypal: stack.paypal,
          temporal: stack.temporal,
        },
        logStream: { write: (line: string) => logged.push(line) } as never,
      });
      const someone = await aSignedIn({ app, database }, 'owner');
      const address = await app.listen({ host: '127.0.0.1', port: 0 });
      const answer = await ask(address + PATH, someone, encoding);
      expect(answer.statusCode).toBe(200);
      await new Promise((resolve) => answer.once('readable', resolve));
      process.kill(postgres.pid, 'SIGKILL');
      await postgres.ended;
      const got = await readAll(answer);
      expect(got.failed).toBe(true);
      expect(got.text).not.toContain('end of file');
      expect(logged.join('')).toContain('a download is broken off');
      expect(logged.join('')).not.toMatch(/ada@example|Street/);
      // Nothing is sent any more where nothing can be noted.
      expect((await ask(address + PATH, someone)).statusCode).toBe(503);
      await app.close();
      await database.destroy();
    },
  );
});
