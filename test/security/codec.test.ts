/** The codec endpoint decrypts payloads for organizers in Temporal's Web UI, and for nobody else. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildApp } from '../../src/api/app.ts';
import type { App } from '../../src/api/dependencies.ts';
import { connectDatabase } from '../../src/database/connection.ts';
import { createCodec } from '../../src/temporal/codec.ts';
import type { Config } from '../../src/config.ts';
import { ROLES, type Role } from '../../src/organizer.ts';
import { aSignedIn } from '../api/organizer/desk.ts';
import { startStack, type Stack } from '../stack.ts';

const UI = 'http://temporal.example.org';
const PASSWORD = 'correct horse battery staple';
let stack: Stack;
const apps: App[] = [];
beforeAll(async () => {
  stack = await startStack();
});
afterAll(async () => {
  await Promise.all(apps.map((app) => app.close()));
  await stack.stop();
});

async function start(changes: Partial<Config>): Promise<App> {
  // The apis of the tests before have counted the guesses of the same address in the database.
  await stack.database('rate_limits').delete();
  const app = await buildApp({ ...stack, config: { ...stack.config, ...changes } });
  apps.push(app);
  return app;
}
const organizers = { organizerPassword: PASSWORD, temporalUiUrl: UI };
const basic = (password: string) => `Basic ${Buffer.from(`organizer:${password}`).toString('base64')}`;

/** Creates the request body of the Web UI: an encrypted payload as JSON. */
async function webUiRequest() {
  const data = Buffer.from('"Ada Example"');
  const [payload] = await createCodec(stack.config.encryptionKeys).encode([
    { metadata: { encoding: Buffer.from('json/plain') }, data },
  ]);
  const metadata = Object.entries(payload?.metadata ?? {}).map(([key, bytes]) => [
    key,
    Buffer.from(bytes).toString('base64'),
  ]);
  return {
    payloads: [
      {
        metadata: Object.fromEntries(metadata) as Record<string, string>,
        data: Buffer.from(payload?.data ?? []).toString('base64'),
      },
    ],
  };
}
const decode = async (app: App, headers: Record<string, string>, remoteAddress = '203.0.113.7') =>
  app.inject({ method: 'POST', url: '/codec/decode', headers, remoteAddress, body: await webUiRequest() });
const read = ({ body }: { body: string }) =>
  (JSON.parse(body) as { payloads: { data: string }[] }).payloads.map(({ data }) =>
    Buffer.from(data, 'base64').toString(),
  );

describe('the codec endpoint on a server', () => {
  it('decrypts for a request with the password, and allows only the Web UI as its origin', async () => {
    const app = await start(organizers);
    const response = await decode(app, { authorization: basic(PASSWORD), origin: UI });
    expect(response.statusCode).toBe(200);
    expect(read(response)).toEqual(['"Ada Example"']);
    expect(response.headers).toMatchObject({
      'access-control-allow-origin': UI,
      'access-control-allow-credentials': 'true',
    });
    const elsewhere = await decode(app, {
      authorization: basic(PASSWORD),
      origin: 'http://evil.example.org',
    });
    expect(elsewhere.headers['access-control-allow-origin']).toBeUndefined();
    const preflight = await app.inject({
      method: 'OPTIONS',
      url: '/codec/decode',
      headers: { origin: UI, 'access-control-request-method': 'POST' },
    });
    expect([preflight.statusCode, preflight.headers['access-control-allow-origin']]).toEqual([204, UI]);
  });

  it.each([
    ['no credentials', {}],
    ['a wrong password', { authorization: basic('wrong') }],
    ['only the origin of the Web UI', { origin: UI }],
  ])('decrypts nothing for a request with %s', async (_what, headers) => {
    const response = await decode(await start(organizers), headers);
    expect(response.statusCode).toBe(401);
    expect(response.headers['www-authenticate']).toMatch(/^Basic realm=/);
    expect(response.body).not.toContain('Ada');
  });

  it('answers 429 to an address after ten wrong passwords, and still answers other addresses', async () => {
    const app = await start(organizers);
    for (let n = 0; n < 10; n++) await decode(app, { authorization: basic(`guess ${n}`) });
    for (const password of ['one more', PASSWORD]) {
      const response = await decode(app, { authorization: basic(password) });
      expect(response.statusCode).toBe(429);
      expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
    }
    expect((await decode(app, { authorization: basic(PASSWORD) }, '203.0.113.8')).statusCode).toBe(200);
  });

  it('counts no request without a password as a guess', async () => {
    const app = await start(organizers);
    for (let n = 0; n < 20; n++) expect((await decode(app, {})).statusCode).toBe(401);
    for (let n = 0; n < 9; n++) await decode(app, { authorization: basic(`guess ${n}`) });
    expect((await decode(app, { authorization: basic(PASSWORD) })).statusCode).toBe(200);
  });

  it('does not exist without an encryption key', async () => {
    const app = await start({ ...organizers, encryptionKeys: [] });
    expect((await decode(app, { authorization: basic(PASSWORD) })).statusCode).toBe(404);
  });

  it('is opened by no password where none is set', async () => {
    const app = await start({ ...organizers, organizerPassword: '' });
    for (const password of ['', PASSWORD, 'undefined'])
      expect((await decode(app, { authorization: basic(password) })).statusCode).toBe(401);
    expect((await decode(app, {})).statusCode).toBe(401);
  });

  describe.each([PASSWORD, ''])('with the organizer password "%s"', (organizerPassword) => {
    const opened = async (role: Role, headers: Record<string, string>) => {
      const app = await start({ ...organizers, organizerPassword });
      const { cookies } = await aSignedIn({ app, database: stack.database }, role);
      return decode(app, { ...headers, cookie: `session=${cookies.session}` });
    };

    it.each(ROLES)('answers a session of the role %s', async (role) => {
      const may = role === 'owner' || role === 'organizer';
      const response = await opened(role, { origin: UI });
      expect(response.statusCode).toBe(may ? 200 : 403);
      if (may) expect(read(response)).toEqual(['"Ada Example"']);
      else expect(response.body).not.toContain('Ada');
    });

    it('answers no session to a page of another site', async () => {
      for (const headers of [{ origin: 'http://evil.example.org' }, {}]) {
        const response = await opened('owner', headers);
        expect([response.statusCode, response.headers['access-control-allow-origin']]).toEqual([
          401,
          undefined,
        ]);
      }
    });
  });

  it('needs no database for the password', async () => {
    const database = connectDatabase('postgres://nobody@127.0.0.1:1/none');
    const app = await buildApp({ ...stack, config: { ...stack.config, ...organizers }, database });
    apps.push(app);
    const headers = { authorization: basic(PASSWORD), cookie: 'session=x' };
    expect((await decode(app, headers)).statusCode).toBe(200);
  });

  it('answers 422 to a malformed request and to a payload that it cannot decrypt', async () => {
    const app = await start(organizers);
    const send = (payload: object) =>
      app.inject({
        method: 'POST',
        url: '/codec/decode',
        headers: { authorization: basic(PASSWORD) },
        payload,
      });
    expect((await send({ payloads: 'all' })).statusCode).toBe(422);
    const stranger = createCodec([{ id: 'other', key: randomBytes(32) }]);
    const [payload] = await stranger.encode([{ metadata: {}, data: Buffer.from('x') }]);
    const metadata = { encoding: Buffer.from(payload?.metadata?.encoding ?? []).toString('base64') };
    const response = await send({ payloads: [{ metadata, data: '' }] });
    expect(response.statusCode).toBe(422);
    expect(response.json()).toMatchObject({ type: '/problems/unreadable-payload' });
  });
});

describe('the codec endpoint on one machine', () => {
  const local = {
    ...{ host: '127.0.0.1', publicUrl: 'http://localhost:3000' },
    ...{ organizerPassword: PASSWORD, temporalUiUrl: 'http://localhost:8233' },
  };
  const ui = { origin: 'http://localhost:8233' };

  it('decrypts without a password for the Web UI on the same machine', async () => {
    for (const host of ['localhost:3000', '127.0.0.1:3000', '[::1]:3000']) {
      const response = await decode(await start(local), { ...ui, host }, '127.0.0.1');
      expect(read(response)).toEqual(['"Ada Example"']);
    }
  });

  it.each([
    ['a page of another site', local, { origin: 'http://evil.example.org' }, '127.0.0.1'],
    ['a client that sends no origin', local, {}, '127.0.0.1'],
    ['a client on another machine', { ...local, host: '0.0.0.0' }, ui, '203.0.113.7'],
    [
      'a page whose own name leads to this machine',
      local,
      { ...ui, host: 'rebound.example.org:3000' },
      '127.0.0.1',
    ],
    ['a client behind a proxy', local, { ...ui, 'x-forwarded-for': '203.0.113.7' }, '127.0.0.1'],
    [
      'the Web UI of a service with a public address',
      { ...local, publicUrl: 'https://tickets.example.org' },
      ui,
      '127.0.0.1',
    ],
  ])('requires the password from %s', async (_who, changes, headers, address) => {
    expect((await decode(await start(changes), headers, address)).statusCode).toBe(401);
  });
});
