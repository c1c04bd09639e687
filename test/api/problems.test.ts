/** Errors are shown in the form that was asked for, and leave a trace that tells nothing about a person. */
import { PassThrough } from 'node:stream';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildApp } from '../../src/api/app.ts';
import type { App, Dependencies } from '../../src/api/dependencies.ts';
import { connectDatabase } from '../../src/database/connection.ts';
import { workflowId } from '../../src/registration.ts';
import { anAttendee, startStack, type Stack } from '../stack.ts';

/** What Chromium sends when somebody opens an address. */
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
  const { config, database, paypal, temporal } = stack;
  const app = await buildApp({ config, database, paypal, temporal, ...changes });
  apps.push(app);
  return app;
}

describe('a browser that asks for a page', () => {
  const open = (app: App, url: string, accept = BROWSER) => app.inject({ url, headers: { accept } });

  it.each([
    ['/nothing-here', 404],
    ['/api/events/nothing', 404],
    ['/?event=Not%20a%20slug', 422],
    ['/registrations/%FF', 400],
    ['/api/registrations/not-an-id', 404],
    ['/codec/nothing', 404],
  ])('gets one for %s: %i', async (url, status) => {
    const { statusCode, headers, body } = await open(stack.app, url);
    expect(statusCode).toBe(status);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(body).toMatch(/<html lang="en">[^]*<h1>[^<]+<\/h1>/);
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'/);
  });

  it('gets one while PostgreSQL is away, in its own language, and is told when to come back', async () => {
    const { statusCode, headers, body } = await away.inject({
      url: '/',
      headers: { accept: BROWSER, 'accept-language': 'de' },
    });
    expect(statusCode).toBe(503);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['retry-after']).toBe('10');
    expect(body).toContain('<html lang="de">');
  });
});

describe('any other client', () => {
  it.each(['application/json', 'application/problem+json', '*/*', undefined])(
    'gets problem+json when it accepts %s',
    async (accept) => {
      for (const [app, url] of [
        [stack.app, '/nothing-here'],
        [away, '/'],
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
  /** An api whose log can be read, line by line. */
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
  /** A client of Temporal with a bug in one call. */
  const withBug = (bug: () => never) =>
    Object.assign(Object.create(stack.temporal) as Client, {
      workflow: Object.assign(Object.create(stack.temporal.workflow) as Client['workflow'], {
        executeUpdateWithStart: bug,
      }),
    });

  it('says where a payment request failed for a reason that nobody foresaw, and quotes nothing', async () => {
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
        frames: expect.arrayContaining([expect.stringMatching(/problems\.test\.ts/)]),
      },
    });
    expect(text()).not.toMatch(/Ada|ada@|Example/);
  });

  it('says where a request failed that was answered with 500', async () => {
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
      error: { name: 'RangeError', frames: expect.arrayContaining([expect.stringMatching(/^at /)]) },
    });
    expect(text()).not.toMatch(/Ada|Example/);
  });
});
