/**
 * `npm run bench:desk -- [orders] [part of a name]`: measures the organizers' pages with 100,000 orders, or those whose name has the
 * part: how long each kind of request takes, one at a time and ten at a time, and what PostgreSQL does for it.
 */
import { Agent, request } from 'node:http';
import pg from 'pg';
import { settingsFor } from '../sandbox/vendors/server.ts';
import { buildApp } from '../src/api/app.ts';
import { sessionCookie } from '../src/api/organizer/session.ts';
import { loadConfig } from '../src/config.ts';
import { connectDatabase, type Database } from '../src/database/connection.ts';
import { addOrganizer, decideOnPeople } from '../src/database/organizers.ts';
import { addLink, startSession } from '../src/database/sessions.ts';
import { hash } from '../src/hash.ts';
import { connectTemporal } from '../src/temporal/client.ts';
import { newToken } from '../src/token.ts';
import { connectPayPal } from '../src/vendors/paypal/client.ts';
import { listAddress } from '../src/web/organizer/list.ts';
import { addCrowd, TYPES } from './crowd.ts';
import { cpuMs, each, onMachine, percentile } from './measure.ts';
import { startMeasured } from './product.ts';

/** `only`: a part of the names of the requests that are measured. */
export type Options = { orders: number; warmUp: number; requests: number; only?: string };
const USUAL = { orders: 100_000, warmUp: 20, requests: 200 };
const AT_ONCE = [1, 10];

/** An order, to be asked for. */
type Known = { id: string; reference: string; email: string; at: string };
/** The requests that are measured: each asks for another order than the one before. */
const KINDS: Record<string, (order: Known) => string> = {
  'the dashboard': () => '/organizer',
  'one registration': ({ id }) => `/organizer/registrations/${id}`,
  'the newest page': () => listAddress({}),
  'a page further back': ({ at, id }) => listAddress({}, { after: { at, id } }),
  'a page before another': ({ at, id }) => listAddress({}, { before: { at, id } }),
  'one status': () => listAddress({ status: 'refunded' }),
  'one ticket type and status': () => listAddress({ ticket: 'student', status: 'cancelled' }),
  'needs attention': () => listAddress({ attention: 'refund-refused' }),
  'a frequent answer': () => listAddress({ answer: 'dinner:true' }),
  'a rare answer and status': () => listAddress({ answer: 'diet:Kosher', status: 'confirmed' }),
  'counts of all answers': () => '/organizer/events/conference/answers',
  'search: two halves of a name': () => listAddress({ q: 'mül ann' }),
  'search: a frequent name': () => listAddress({ q: 'Åsa' }),
  'search: one letter': () => listAddress({ q: 'm' }),
  'search: letters that no index knows': () => listAddress({ q: '%' }),
  'search: one e-mail address': ({ email }) => listAddress({ q: email }),
  'search: a frequent domain': () => listAddress({ q: '@mail.example' }),
  'search: a reference': ({ reference }) => listAddress({ q: reference }),
  'search: nothing': () => listAddress({ q: 'zzzz' }),
};

/** Milliseconds; `cpu` is the processor time of the api and of PostgreSQL for one request, which others on the machine change less. */
export type Measured = { kind: string; atOnce: number; p50: number; p99: number; cpu: number };
type Explained = { sql: string; plan: string };

/** Fills a new database, and measures. `say` gets what is known so far. */
export async function measureDesk(
  { orders, warmUp, requests, only = '' }: Options,
  say: (line: string) => void,
) {
  const product = await startMeasured({ workers: 0, tickets: TYPES });
  const agent = new Agent({ keepAlive: true });
  try {
    const { database, url } = product;
    await addCrowd(database, orders);
    const cookie = await aSession(database, url);
    const known = await someOrders(database, requests + warmUp);
    const ask = (path: string) =>
      new Promise<void>((resolve, reject) => {
        request(
          url + path,
          { agent, headers: { cookie, accept: 'text/html', 'accept-encoding': 'gzip' } },
          (answer) => {
            answer
              .resume()
              .on('end', () =>
                answer.statusCode === 200
                  ? resolve()
                  : reject(new Error(`${path} returned ${answer.statusCode ?? 0}`)),
              );
          },
        )
          .on('error', reject)
          .end();
      });

    const { api, PostgreSQL } = product.parts();
    const used = () => [...api, ...PostgreSQL].reduce((sum, pid) => sum + cpuMs(pid), 0);
    const measured: Measured[] = [];
    const kinds = Object.entries(KINDS).filter(([kind]) => kind.includes(only));
    for (const [kind, path] of kinds)
      for (const atOnce of AT_ONCE) {
        await each(known.slice(0, warmUp), atOnce, (order) => ask(path(order)));
        const before = used();
        const times = await each(known.slice(warmUp), atOnce, (order) => ask(path(order)));
        const cpu = (used() - before) / requests;
        const figures = { kind, atOnce, p50: percentile(times, 0.5), p99: percentile(times, 0.99), cpu };
        measured.push(figures);
        say(lineOf(figures));
      }
    return { measured, explained: await explain(product, cookie, known, kinds) };
  } finally {
    agent.destroy();
    await product.stop();
  }
}

const columns = (kind: string, atOnce: string, ...figures: string[]) =>
  kind.padEnd(36) + atOnce.padStart(8) + figures.map((figure) => figure.padStart(9)).join('');
const lineOf = ({ kind, atOnce, p50, p99, cpu }: Measured) =>
  columns(kind, String(atOnce), ...[p50, p99, cpu].map((figure) => figure.toFixed(1)));

/** A session of an owner, as the cookie of a browser. */
export async function aSession(database: Database, publicUrl: string): Promise<string> {
  const [link, token] = [newToken(), newToken()];
  const owner = { email: 'owner@example.org', name: undefined, role: 'owner', language: 'en' } as const;
  const { id = '' } = await decideOnPeople(database, (people) => addOrganizer(people, owner));
  await addLink(database, id, hash(link));
  await startSession(database, hash(link), { tokenHash: hash(token), csrfSecret: 'secret', language: 'en' });
  return `${sessionCookie({ publicUrl })}=${token}`;
}

/** Orders from the middle of the list, so that there are pages before and after each of them. */
async function someOrders(database: Database, count: number): Promise<Known[]> {
  const { rows } = await database.raw<{ rows: Known[] }>(
    `select id, reference, email, (extract(epoch from created_at) * 1000000)::bigint::text as at from orders
     order by created_at offset (select count(*) / 2 from orders) limit ?`,
    [count],
  );
  return rows;
}

/** The plans of all statements for one request of each kind, as an api in this process sends them. */
async function explain(
  { databaseUrl, temporalAddress }: Awaited<ReturnType<typeof startMeasured>>,
  cookie: string,
  [order]: Known[],
  kinds: [string, (order: Known) => string][],
): Promise<Record<string, Explained[]>> {
  const config = loadConfig({
    ...settingsFor('http://127.0.0.1:1'),
    ...{ DATABASE_URL: databaseUrl, TEMPORAL_ADDRESS: temporalAddress, RATE_LIMIT: '0', LOG_LEVEL: 'silent' },
    EMAIL_FROM: 'Conference <registration@example.org>',
  });
  const [database, temporal] = [connectDatabase(databaseUrl), connectTemporal(config)];
  const app = await buildApp({ config, database, temporal, paypal: connectPayPal(config.paypal) });
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    const explained: Record<string, Explained[]> = {};
    for (const [kind, path] of kinds) {
      const sent: { sql: string; bindings: unknown[] }[] = [];
      const note = (query: (typeof sent)[number]) => sent.push(query);
      database.on('query', note);
      if (order) await app.inject({ url: path(order), headers: { cookie, accept: 'text/html' } });
      database.off('query', note);
      explained[kind] = [];
      for (const { sql, bindings } of sent) {
        const { rows } = await client.query<{ 'QUERY PLAN': string }>(
          `explain (analyze, buffers) ${sql}`,
          bindings,
        );
        explained[kind].push({ sql, plan: rows.map((row) => row['QUERY PLAN']).join('\n') });
      }
    }
    return explained;
  } finally {
    await client.end();
    await app.close();
    await Promise.all([database.destroy(), temporal.connection.close()]);
  }
}

if (import.meta.filename === process.argv[1]) {
  const [orders = USUAL.orders, only = ''] = process.argv.slice(2);
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  say(`${onMachine()}; ${orders} orders; milliseconds`);
  say(columns('', 'at once', 'p50', 'p99', 'cpu'));
  const { explained } = await measureDesk({ ...USUAL, orders: Number(orders), only }, say);
  for (const [kind, statements] of Object.entries(explained))
    for (const { sql, plan } of statements) say(`\n-- ${kind}\n${sql}\n\n${plan}`);
}
