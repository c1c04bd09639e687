/**
 * Walks all routes of the organizers' plugin with all methods, as everybody who may come: so a route that is added later is
 * covered as soon as it has its rule in the table.
 */
import { randomUUID } from 'node:crypto';
import formbody from '@fastify/formbody';
import type { FastifyInstance } from 'fastify';
import Fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACCESS, accessTo, mayOpen, requireAccess } from '../../../src/api/organizer/access.ts';
import { newCsrfSecret } from '../../../src/api/organizer/forms.ts';
import { decideOnPeople, removeOrganizer } from '../../../src/database/organizers.ts';
import { startSession } from '../../../src/database/sessions.ts';
import { hash } from '../../../src/hash.ts';
import { ROLES, type Role } from '../../../src/organizer.ts';
import { newToken } from '../../../src/token.ts';
import { startStack, type Stack } from '../../stack.ts';
import { aLink, aPerson, BROWSER, fieldIn, HERE, postForm } from './desk.ts';

let stack: Stack;
const ids: Partial<Record<Role, string>> = {};
beforeAll(async () => {
  stack = await startStack({
    settings: { ORGANIZER_PASSWORD: 'the password', TEMPORAL_UI_URL: 'http://temporal.test' },
  });
  for (const role of ROLES) ids[role] = (await aPerson(stack, role)).id;
  // A second owner, so that removing one of them is not refused for another reason.
  await aPerson(stack, 'owner');
});
afterAll(() => stack.stop());

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
type Method = (typeof METHODS)[number];

/** All routes of the app for a method. */
function routesOf(app: FastifyInstance, method: Method): string[] {
  const path: string[] = [];
  return app
    .printRoutes({ commonPrefix: false, method })
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', part] = /^([│ ]*)[├└]── (\S*) \(/.exec(line) ?? [];
      if (part === undefined) return [];
      path.splice(indent.length / 4, Infinity, part);
      return path.join('').replaceAll('//', '/');
    });
}
const isOrganizers = (url: string) => /^\/(organizer|codec)(\/|$)/.test(url);
const listed = () =>
  METHODS.flatMap((method) =>
    routesOf(stack.app, method)
      .filter(isOrganizers)
      .map((url) => ({ method, url })),
  );
const isSafe = (method: Method) => method === 'GET' || method === 'HEAD';
const isCodec = (url: string) => url.startsWith('/codec');
const isFile = (url: string) => url.endsWith('.csv');
const isPage = (url: string, method: Method) => isSafe(method) && !isCodec(url) && !isFile(url);

/** Signs somebody in, `hours` ago, without a request: the token of the cookie. */
async function session(role: Role, hours = 0): Promise<string> {
  const token = newToken();
  const link = await aLink(stack, ids[role] ?? '');
  const started = { tokenHash: hash(token), csrfSecret: newCsrfSecret(), language: 'en' as const };
  expect(await startSession(stack.database, hash(link), started)).toBe(true);
  await stack
    .database('organizer_sessions')
    .where({ token_hash: hash(token) })
    .update({ created_at: stack.database.raw(`now() - make_interval(hours => ${hours})`) });
  return token;
}

type Headers = Record<string, string | undefined>;
type How = { token?: string | undefined; csrf?: string | undefined; headers?: Headers };
/** Sends a request to a route, its parameters filled in, as a page of the site does unless it says otherwise. */
function send(method: Method, route: string, { token, csrf, headers = {} }: How) {
  const url = route.replaceAll(/:\w+/g, () => randomUUID());
  const cookies = token === undefined ? {} : { session: token };
  if (isSafe(method) || method === 'OPTIONS')
    return stack.app.inject({ method, url, cookies, headers: { accept: BROWSER, ...headers } });
  if (isCodec(route))
    return stack.app.inject({
      ...{ method, url, cookies, body: { payloads: [] } },
      headers: { origin: HERE, ...headers },
    });
  return postForm(stack, url, csrf === undefined ? {} : { _csrf: csrf }, { method, cookies, headers });
}
const csrfOf = async (token: string) =>
  fieldIn(
    (await stack.app.inject({ url: '/organizer', cookies: { session: token }, headers: { accept: BROWSER } }))
      .body,
    '_csrf',
  );

/** The rows of all tables, but for the time at which a session was last used. */
async function everything(): Promise<string> {
  const { rows: tables } = await stack.database.raw<{ rows: { name: string }[] }>(
    `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`,
  );
  const contents = [];
  for (const { name } of tables) {
    const { rows } = await stack.database.raw<{ rows: { row: object }[] }>(
      `select to_jsonb(t) - 'last_seen_at' as row from ?? t order by 1`,
      [name],
    );
    contents.push(name, rows);
  }
  return JSON.stringify(contents);
}

/** Sends a request that must do nothing. */
async function refused(method: Method, url: string, how: How) {
  const before = await everything();
  const answer = await send(method, url, how);
  expect(await everything()).toBe(before);
  return answer;
}
const toSignIn = ({ statusCode, headers }: { statusCode: number; headers: Record<string, unknown> }) =>
  statusCode === 303 && String(headers.location).startsWith('/organizer/sign-in?');

function expectRefusal(
  { method, url }: { method: Method; url: string },
  answer: Awaited<ReturnType<typeof refused>>,
) {
  if (isPage(url, method)) expect([url, toSignIn(answer)]).toEqual([url, true]);
  else expect([url, method, answer.statusCode]).toEqual([url, method, 401]);
}

it('the table has exactly the routes that there are', () => {
  const inTable = Object.entries(ACCESS).flatMap(([url, methods]) =>
    Object.keys(methods).map((method) => `${method} ${url}`),
  );
  const there = listed().filter(({ method }) => method !== 'HEAD');
  expect(there.map(({ method, url }) => `${method} ${url}`).toSorted()).toEqual(inTable.toSorted());
});

it('an app with a route that is not in the table does not start', async () => {
  const app = Fastify();
  const started = app.register(async (organizers) => {
    requireAccess(organizers);
    await organizers.register(formbody);
    organizers.get('/organizer', () => '');
    organizers.post('/organizer', () => '');
  });
  await expect(started).rejects.toThrow('POST /organizer has no rule of access');
  await app.close().catch(() => undefined);
});

it('only these pages need no session, and only owners decide about people', () => {
  const open = Object.entries(ACCESS).flatMap(([url, methods]) =>
    Object.entries(methods).flatMap(([method, access]) => (access === 'anybody' ? `${method} ${url}` : [])),
  );
  expect(open).toEqual([
    'GET /organizer/sign-in',
    'POST /organizer/sign-in',
    'GET /organizer/sign-in/:token',
    'POST /organizer/sign-in/:token',
    'OPTIONS /codec/decode',
    'OPTIONS /codec/encode',
  ]);
  expect(ROLES.filter((role) => mayOpen(role, '/organizer/people'))).toEqual(['owner']);
  expect(ROLES.filter((role) => mayOpen(role, '/codec'))).toEqual(['owner', 'organizer']);
  expect(ROLES.filter((role) => mayOpen(role, '/organizer'))).toEqual([...ROLES]);
  expect(mayOpen('owner', '/organizer/nowhere')).toBe(false);
});

/** The routes that ask for a session, with the rule of each. */
const guarded = () =>
  listed().flatMap(({ method, url }) => {
    const access = accessTo(url, method);
    return access === undefined || access === 'anybody' ? [] : [{ method, url, access }];
  });

describe('every route', { timeout: 120_000 }, () => {
  it('lets nobody in without a session, with a made-up one, or with one that is over', async () => {
    expect(guarded().length).toBeGreaterThan(5);
    for (const route of guarded()) {
      const idle = await session('owner');
      await stack
        .database('organizer_sessions')
        .where({ token_hash: hash(idle) })
        .update({ last_seen_at: stack.database.raw(`now() - interval '12 hours 1 minute'`) });
      const old = await session('owner');
      await stack
        .database('organizer_sessions')
        .where({ token_hash: hash(old) })
        .update({ expires_at: stack.database.raw(`now() - interval '1 second'`) });
      for (const token of [undefined, newToken(), idle, old])
        expectRefusal(route, await refused(route.method, route.url, { token }));
    }
  });

  it('lets nobody in who was removed since', async () => {
    for (const route of guarded()) {
      const role = route.access.roles[0] ?? 'door';
      const { id } = await aPerson(stack, role);
      const kept = ids[role];
      ids[role] = id;
      const token = await session(role);
      const csrf = await csrfOf(token);
      expect(csrf).not.toBe('');
      ids[role] = kept ?? '';
      await decideOnPeople(stack.database, (people) => removeOrganizer(people, id));
      expectRefusal(route, await refused(route.method, route.url, { token, csrf }));
    }
  });

  it.each(ROLES)('answers the role %s as the table says', async (role) => {
    for (const { method, url, access } of guarded()) {
      const token = await session(role);
      const how = { token, csrf: await csrfOf(token) };
      if (access.roles.includes(role)) {
        const answer = await send(method, url, how);
        // The id in an address is nobody's.
        const refusals = /:(id|event)\b/.test(url) ? [401, 403, 405, 415] : [401, 403, 404, 405, 415];
        expect(refusals, `${method} ${url}`).not.toContain(answer.statusCode);
        expect(toSignIn(answer)).toBe(false);
        if (!isCodec(url)) expect(answer.headers).toMatchObject({ 'cache-control': 'no-store' });
      } else {
        const answer = await refused(method, url, how);
        expect([method, url, answer.statusCode]).toEqual([method, url, 403]);
      }
    }
  });

  it('asks for a new sign-in where it must be fresh, and nowhere else', async () => {
    for (const { method, url, access } of guarded()) {
      const role = access.roles[0] ?? 'door';
      const [young, old] = [await session(role, 11), await session(role, 13)];
      expect(toSignIn(await send(method, url, { token: young, csrf: await csrfOf(young) }))).toBe(false);
      const csrf = await csrfOf(old);
      const answer = await (access.fresh ? refused : send)(method, url, { token: old, csrf });
      expect([method, url, toSignIn(answer)]).toEqual([method, url, access.fresh === true]);
      if (access.fresh) expect(answer.headers.location).toContain('why=stale');
    }
  });

  it('that takes a form takes it only with the token of its own session', async () => {
    for (const { method, url, access } of guarded()) {
      if (isSafe(method) || isCodec(url)) continue;
      const role = access.roles[0] ?? 'door';
      const token = await session(role);
      const foreign = await csrfOf(await session(role));
      for (const csrf of [undefined, '', 'x', foreign]) {
        const answer = await refused(method, url, { token, csrf });
        expect([method, url, csrf, answer.statusCode]).toEqual([method, url, csrf, 403]);
      }
    }
  });

  it('that takes a form takes it only from a page of this site, with or without a session', async () => {
    const elsewhere = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'http://registration.test.evil.example' },
      { origin: 'http://registration.test:8080' },
      { origin: 'https://registration.test' },
      { origin: undefined, 'sec-fetch-site': 'cross-site' },
      { origin: undefined, 'sec-fetch-site': 'same-site' },
      { origin: undefined, 'sec-fetch-site': 'none' },
      { origin: undefined },
      // A page whose own name leads to this machine.
      { origin: 'http://rebound.example', host: 'rebound.example' },
    ];
    const forms = listed().filter(({ method, url }) => !isSafe(method) && !isCodec(url));
    expect(forms.length).toBeGreaterThanOrEqual(4);
    for (const { method, url } of forms) {
      const token = await session('owner');
      const csrf = await csrfOf(token);
      for (const headers of elsewhere) {
        const answer = await refused(method, url, { token, csrf, headers });
        expect([url, headers, answer.statusCode]).toEqual([url, headers, 403]);
      }
      const near = { origin: undefined, 'sec-fetch-site': 'same-origin' } as unknown as Record<
        string,
        string
      >;
      expect((await send(method, url, { token, csrf, headers: near })).statusCode).not.toBe(403);
    }
  });
});
