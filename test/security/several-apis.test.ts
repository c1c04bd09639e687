/** Limits count what all api processes get, so that several of them do not multiply what an attacker may try. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildApp } from '../../src/api/app.ts';
import type { App } from '../../src/api/dependencies.ts';
import { hash } from '../../src/hash.ts';
import { aForm } from '../../stage/person.ts';
import { anAttendee, CARDS, startStack, type Stack } from '../stack.ts';

let stack: Stack;
let stopWorker: () => Promise<void>;
const open = new Set<App>();
let log: string[];
beforeAll(async () => {
  stack = await startStack();
  stopWorker = await stack.startWorker();
});
afterAll(async () => {
  await stopWorker();
  await stack.stop();
});
beforeEach(async () => {
  log = [];
  await stack.database('rate_limits').delete();
});
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all([...open].map((app) => app.close()));
  open.clear();
});

/** Two apis, as two processes have them, on one database. */
async function twoApis(rateLimit = 60): Promise<[App, App]> {
  const logStream = { write: (line: string) => log.push(line) } as unknown as NodeJS.WritableStream;
  const start = async () => {
    const config = { ...stack.config, rateLimit, logLevel: 'warn' as const };
    const app = await buildApp({ ...stack, config, logStream });
    open.add(app);
    return app;
  };
  return [await start(), await start()];
}

/** Does something while the database cannot count, so that each api counts for itself. */
async function withoutSharing<T>(work: () => Promise<T>): Promise<T> {
  await stack.database.raw('alter table rate_limits rename to rate_limits_away');
  try {
    return await work();
  } finally {
    await stack.database.raw('alter table rate_limits_away rename to rate_limits');
  }
}

/** An empty form: a try counts before it is read. An api on a busy machine answers 503 before it counts, and is asked again. */
async function attempt(app: App, remoteAddress = '203.0.113.7'): Promise<number> {
  const url = `/api/checkouts/${randomUUID()}`;
  const { statusCode } = await app.inject({ method: 'PUT', url, remoteAddress, body: {} });
  return statusCode === 503 ? attempt(app, remoteAddress) : statusCode;
}
const passed = (statuses: number[]) => statuses.filter((status) => status !== 429).length;

async function inTurn(apis: App[], count: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let n = 0; n < count; n++)
    for (const app of n % 2 ? apis.toReversed() : apis) statuses.push(await attempt(app));
  return statuses;
}

/** Over real connections, because simulated requests come in one turn of the event loop. */
async function atOnce(apis: App[], count: number): Promise<number[]> {
  const origins = await Promise.all(apis.map((app) => app.listen({ host: '127.0.0.1', port: 0 })));
  const headers = { 'content-type': 'application/json' };
  const tryOnce = async (origin: string): Promise<number> => {
    const url = `${origin}/api/checkouts/${randomUUID()}`;
    const { status } = await fetch(url, { method: 'PUT', headers, body: '{}' });
    return status === 503 ? tryOnce(origin) : status;
  };
  return Promise.all(Array.from({ length: count }, () => origins.map(tryOnce)).flat());
}

describe('tries at two apis in turn', () => {
  it('are twice as many where each api counts for itself', async () => {
    const apis = await twoApis();
    expect(passed(await withoutSharing(() => inTurn(apis, 80)))).toBe(120);
  });

  it('are no more than at one', async () => {
    expect(passed(await inTurn(await twoApis(), 80))).toBe(60);
  });

  it('tell when to try again, also the api that has not counted them', async () => {
    const [one, other] = await twoApis(3);
    for (let n = 0; n < 3; n++) await attempt(one);
    const url = `/api/checkouts/${randomUUID()}`;
    const refused = await other.inject({ method: 'PUT', url, remoteAddress: '203.0.113.7', body: {} });
    expect(refused.statusCode).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(30);
    expect(await attempt(other, '203.0.113.8')).toBe(422);
  });
});

describe('tries at two apis at once', () => {
  it('are twice as many where each api counts for itself', async () => {
    const apis = await twoApis();
    expect(passed(await withoutSharing(() => atOnce(apis, 80)))).toBe(120);
  });

  it('are no more than at one, and the first four of the other', async () => {
    const count = passed(await atOnce(await twoApis(), 80));
    expect(count).toBeGreaterThanOrEqual(60);
    expect(count).toBeLessThanOrEqual(64);
  });
});

it('another api lets an address that has used up its tries make four more, and those are the last', async () => {
  const [one, other] = await twoApis();
  expect(passed(await inTurn([one], 60))).toBe(60);
  expect(passed(await inTurn([other], 60))).toBe(4);
});

describe('declined payments at two apis', () => {
  const person = (app: App, email = `${randomUUID()}@example.org`) =>
    anAttendee({ app, sandbox: stack.sandbox }, aForm({ attendee: { ...aForm().attendee, email } }));
  const decline = async (app: App, email?: string) =>
    expect((await person(app, email).register(CARDS.declined)).statusCode).toBe(402);
  const next = async (app: App, email?: string) => (await person(app, email).put()).statusCode;

  it('are too many for an address at both, and not where each api counts for itself', async () => {
    const spread = async (apis: [App, App]) => {
      for (let n = 0; n < 22; n++) await decline(apis[n % 2 ? 0 : 1]);
      return Promise.all(apis.map((app) => next(app)));
    };
    const apart = await twoApis(1000);
    await withoutSharing(async () => {
      expect(await spread(apart)).toEqual([201, 201]);
      for (let n = 11; n < 21; n++) await decline(apart[0]);
      expect(await Promise.all(apart.map((app) => next(app)))).toEqual([429, 201]);
    });
    const [one, other] = await twoApis(1000);
    for (let n = 0; n < 21; n++) await decline(n % 2 ? one : other);
    expect([await next(one), await next(other)]).toEqual([429, 429]);
  });

  it('are too many for an email address at both, and others go on', async () => {
    const apart = await twoApis(1000);
    const mallory = 'mallory@example.org';
    await withoutSharing(async () => {
      for (let n = 0; n < 12; n++) await decline(apart[n % 2 ? 0 : 1], mallory);
      expect(await next(apart[0], mallory)).toBe(201);
    });
    const [one, other] = await twoApis(1000);
    for (let n = 0; n < 11; n++) await decline(n % 2 ? one : other, mallory);
    expect([await next(one, mallory), await next(other, mallory)]).toEqual([429, 429]);
    expect(await next(other)).toBe(201);
  });
});

describe('a database that does not count in time', () => {
  const told = () => log.filter((line) => line.includes('limits: '));

  it('delays nobody for long, is told once in the log, and is asked again later', async () => {
    const [app] = await twoApis(3);
    const other = await stack.database.transaction();
    await other.raw('lock table rate_limits in access exclusive mode');
    const began = Date.now();
    expect(passed(await inTurn([app], 5))).toBe(3);
    expect(Date.now() - began).toBeLessThan(3000);
    await other.commit();
    expect(told()).toHaveLength(1);
    expect(told()[0]).toContain('"reason":"late"');

    // What waited has counted meanwhile.
    await vi.waitUntil(async () => (await stack.database('rate_limits').first('points')) !== undefined);
    await stack.database('rate_limits').delete();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11_000 });
    expect(await attempt(app, '203.0.113.9')).toBe(422);
    expect(await stack.database('rate_limits').pluck('points')).toEqual([1]);
  });

  it('refuses nobody who would have been registered', async () => {
    const [app] = await twoApis(6);
    await withoutSharing(async () => {
      const ada = anAttendee({ app, sandbox: stack.sandbox });
      expect((await ada.register()).statusCode).toBe(201);
    });
  });
});

it('takes no statement more to register, and one for each further try of an address', async () => {
  const query = vi.spyOn(pg.Client.prototype, 'query');
  const ofLimits = () =>
    query.mock.calls.filter((call) => JSON.stringify(call).includes('rate_limits')).length;
  const [app] = await twoApis();
  const ada = anAttendee({ app, sandbox: stack.sandbox });
  expect((await ada.register()).statusCode).toBe(201);
  expect(query.mock.calls.length).toBeGreaterThan(3);
  expect(ofLimits()).toBe(0);
  for (let n = 3; n <= 4; n++) await attempt(app, '127.0.0.1');
  expect(ofLimits()).toBe(0);
  for (let n = 5; n <= 7; n++) await attempt(app, '127.0.0.1');
  expect(ofLimits()).toBe(3);
  // The first of them tells those before.
  expect(await stack.database('rate_limits').pluck('points')).toEqual([7]);
  query.mockRestore();
});

it('the database cannot tell who was counted', async () => {
  const [app] = await twoApis(1000);
  for (let n = 0; n < 5; n++) await attempt(app, '203.0.113.7');
  await anAttendee({ app, sandbox: stack.sandbox }).register(CARDS.declined);
  const rows = await stack.database('rate_limits').select('*');
  expect(rows.length).toBeGreaterThan(3);
  const text = JSON.stringify(rows);
  for (const known of ['203.0.113.7', '127.0.0.1', 'example.org', hash('203.0.113.7'), hash('127.0.0.1')])
    expect(text).not.toContain(known);
  const { rows: tables } = await stack.database.raw<{ rows: { relpersistence: string }[] }>(
    `select relpersistence from pg_class where relname = 'rate_limits'`,
  );
  expect(tables).toEqual([{ relpersistence: 'u' }]);
});
