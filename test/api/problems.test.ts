/** The api shows errors in the requested format and logs them without personal data. */
import { PassThrough } from 'node:stream';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildApp } from '../../src/api/app.ts';
import type { App, Dependencies } from '../../src/api/dependencies.ts';
import { connectDatabase } from '../../src/database/connection.ts';
import { workflowId } from '../../src/registration.ts';
import { anAttendee, startStack, type Stack } from '../stack.ts';

/** The `Accept` header that Chromium sends when it opens a page. */
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';
const NOWHERE = 'postgres://nobody@127.0.0.1:1/none';

let stack: Stack;
let away: App;
const apps: App[] = [];
beforeAll(async () => {
  stack = await startStack();
  away = await start({ database: connectDatabase(NOWHERE) });
});
afterAll(async () => {
  await Promise.all(apps.map((app) => app.close()));
  await stack.stop();
});

async function start(changes: Partial<Dependencies>): Promise<App> {
  const app = await buildApp({ ...stack, ...changes });
  apps.push(app);
  return app;
}

describe('a browser that asks for a page', () => {
  const open = (app: App, url: string, accept = BROWSER) => app.inject({ url, headers: { accept } });

  it.each([
    ['/nothing-here', 404],
    ['/api/events/nothing', 404],
    ['/?event=Not%20a%20slug', 404],
    ['/registrations/%FF', 400],
    ['/api/registrations/not-an-id', 404],
    ['/codec/nothing', 404],
  ])('gets an error page for %s with status %i', async (url, status) => {
    const { statusCode, headers, body } = await open(stack.app, url);
    expect(statusCode).toBe(status);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(body).toMatch(/<html lang="en">[^]*<h1>[^<]+<\/h1>/);
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'.*img-src 'self'/);
  });

  it('gets an error page in its language, with Retry-After, while PostgreSQL is down', async () => {
    const { statusCode, headers, body } = await away.inject({
      url: '/',
      headers: { accept: BROWSER, 'accept-language': 'de' },
    });
    expect(statusCode).toBe(503);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['retry-after']).toBe('10');
    expect(body).toContain('<html lang="de">');
  });

  it('gets one on the routes of organizers', async () => {
    const app = await start({ config: { ...stack.config, organizerPassword: 'secret' } });
    const { statusCode, headers } = await open(app, '/codec');
    expect([statusCode, headers['content-type']]).toEqual([401, 'text/html; charset=utf-8']);
    expect(headers['www-authenticate']).toMatch(/^Basic /);
  });
});

describe('any other client', () => {
  it.each(['application/json', 'application/problem+json', '*/*', undefined])(
    'gets problem+json when it accepts %s',
    async (accept) => {
      for (const [app, url] of [
        [stack.app, '/nothing-here'],
        [away, '/'],
        [stack.app, '/?event=nothing'],
        [stack.app, '/registrations/%FF/event.ics'],
      ] as const) {
        const response = await app.inject({ url, headers: accept === undefined ? {} : { accept } });
        expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
        expect(response.json()).toMatchObject({ status: response.statusCode });
      }
    },
  );

  it('gets problem+json for the page of a registration when it asks for JSON', async () => {
    const { id } = anAttendee(stack);
    const response = await stack.app.inject({
      url: `/registrations/${id}`,
      headers: { accept: 'application/json' },
    });
    expect(response.json()).toMatchObject({ type: '/problems/unknown-registration', status: 404 });
  });
});

describe('the log', () => {
  /** Starts an api whose log the test can read line by line. */
  async function logged(changes: Partial<Dependencies>) {
    const logStream = new PassThrough();
    let text = '';
    logStream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const app = await start({ ...changes, logStream, config: { ...stack.config, logLevel: 'info' } });
    const lines = () =>
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    return { app, lines, text: () => text };
  }
  /** Creates a Temporal client with a bug in one call. */
  const withBug = (bug: () => never) =>
    Object.assign(Object.create(stack.temporal) as Client, {
      workflow: Object.assign(Object.create(stack.temporal.workflow) as Client['workflow'], {
        executeUpdateWithStart: bug,
      }),
    });

  it('shows where a payment request failed unexpectedly, without the message of the error', async () => {
    const { app, lines, text } = await logged({
      temporal: withBug(() => {
        throw new TypeError('cannot read Ada Example <ada@example.org>');
      }),
    });
    const ada = anAttendee({ ...stack, app });
    expect((await ada.post(await ada.approve())).statusCode).toBe(202);
    const entry = lines().find(({ msg }) => msg === 'payment not known');
    expect(entry).toMatchObject({
      level: 'error',
      name: 'api',
      reqId: expect.any(String) as string,
      workflowId: workflowId(ada.id),
      error: {
        name: 'TypeError',
        frames: expect.arrayContaining([expect.stringMatching(/problems\.test\.ts/)]) as string[],
      },
    });
    expect(text()).not.toMatch(/Ada|ada@|Example/);
  });

  it('shows where a request failed that was answered with 500', async () => {
    const broken = Object.assign(
      () => {
        throw new RangeError('a row of Ada Example');
      },
      { fn: {} },
    ) as unknown as Dependencies['database'];
    const { app, lines, text } = await logged({ database: broken });
    expect((await app.inject('/api/events')).statusCode).toBe(500);
    expect(lines().find(({ msg }) => msg === 'unexpected error')).toMatchObject({
      level: 'error',
      error: {
        name: 'RangeError',
        frames: expect.arrayContaining([expect.stringMatching(/^at /)]) as string[],
      },
    });
    expect(text()).not.toMatch(/Ada|Example/);
  });
});
