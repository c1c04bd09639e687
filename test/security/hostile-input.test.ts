/** Invalid input gets a clear answer, never a 5xx. It starts no run, and no personal data reaches the log. */
import { randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildApp } from '../../src/api/app.ts';
import type { App } from '../../src/api/dependencies.ts';
import { aForm } from '../../stage/person.ts';
import { anAttendee, CARDS, startStack, type Stack } from '../stack.ts';

type ProblemBody = {
  type: string;
  title: string;
  status: number;
  detail: string;
  errors?: { pointer: string; detail: string }[];
};

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const put = (body: unknown, id: string = randomUUID()) =>
  stack.app.inject({
    method: 'PUT',
    url: `/api/checkouts/${id}`,
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify(body),
  });
const faults = (response: { statusCode: number; headers: Record<string, unknown>; json: () => unknown }) => {
  expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
  const body = response.json() as ProblemBody;
  expect(body).toMatchObject({
    status: response.statusCode,
    title: expect.any(String) as string,
    detail: expect.any(String) as string,
  });
  return [response.statusCode, body.errors?.map(({ pointer }) => pointer)];
};
const form = aForm();
const attendee = (change: object) => ({ ...form, attendee: { ...form.attendee, ...change } });
const billing = (change: object) => ({ ...form, billing: { ...form.billing, ...change } });

describe('fields', () => {
  it.each([
    ['an empty form', {}, ['/event', '/ticketType', '/attendee', '/newsletter']],
    ['no billing address for a paid ticket', { ...form, billing: undefined }, ['/billing']],
    ['an unknown property', { ...form, admin: true }, ['/admin']],
    ['an unknown nested property', attendee({ title: 'Dr' }), ['/attendee/title']],
    ['a newsletter choice that is not a boolean', { ...form, newsletter: 'yes' }, ['/newsletter']],
    ['an empty name', attendee({ firstName: '' }), ['/attendee/firstName']],
    ['a blank name', attendee({ firstName: '   ' }), ['/attendee/firstName']],
    ['a name that is too long', attendee({ lastName: 'x'.repeat(101) }), ['/attendee/lastName']],
    ['a number as a name', attendee({ lastName: 7 }), ['/attendee/lastName']],
    ['an invalid e-mail address', attendee({ email: 'ada@example' }), ['/attendee/email']],
    ['two e-mail addresses', attendee({ email: 'a@example.org,b@example.org' }), ['/attendee/email']],
    [
      'a header in an e-mail address',
      attendee({ email: 'a@example.org\r\nBcc: b@example.org' }),
      ['/attendee/email'],
    ],
    ['a line break in a name', attendee({ firstName: 'Ada\nBcc' }), ['/attendee/firstName']],
    ['a null character', attendee({ firstName: 'Ada\u0000' }), ['/attendee/firstName']],
    ['an unpaired surrogate', attendee({ firstName: 'Ada\ud800' }), ['/attendee/firstName']],
    ['a country that does not exist', billing({ countryCode: 'XX' }), ['/billing/countryCode']],
    ['a country code in lower case', billing({ countryCode: 'de' }), ['/billing/countryCode']],
    [
      'an address without the fields that its country requires',
      billing({ countryCode: 'US', postalCode: undefined }),
      ['/billing/postalCode', '/billing/region'],
    ],
    ['a ticket type that does not exist', { ...form, ticketType: 'backstage' }, ['/ticketType']],
    ['an event that does not exist', { ...form, event: 'elsewhere' }, ['/ticketType']],
    ['a card number', billing({ addressLine2: '4012 8888-8888 1881' }), ['/billing/addressLine2']],
    [
      'a card number in full-width digits',
      attendee({ organization: '４０１２８８８８８８８８１８８１' }),
      ['/attendee/organization'],
    ],
    ['answers where nothing is asked', { ...form, answers: { diet: 'Vegan' } }, ['/answers/diet']],
    [
      'answers with prototype properties',
      { ...form, answers: { ['__proto__x']: 'a', constructor: 'b', tostring: 'c' } },
      ['/answers/__proto__x'],
    ],
    ['answers nested in answers', { ...form, answers: { diet: { more: 'x' } } }, ['/answers/diet']],
    ['prototype properties', { ...form, ['__proto__x']: 1, constructor: 2 }, ['/__proto__x', '/constructor']],
  ])('answers 422 and points to the invalid field: %s', async (_what, body, pointers) => {
    expect(faults(await put(body))).toEqual([422, pointers]);
  });

  it('accepts names with accents, apostrophes, emoji and angle brackets', async () => {
    const names = {
      firstName: 'Zoë-Marie',
      lastName: "O'Brien 山田 👩‍🚀",
      organization: 'Straße & Söhne <gGmbH>',
    };
    const response = await put({ ...form, ticketType: 'free', attendee: { ...form.attendee, ...names } });
    expect(response.statusCode).toBe(201);
  });

  it('accepts an address without a postal code where the country has none', async () => {
    const { postalCode: _none, ...address } = form.billing;
    const response = await put({ ...form, ticketType: 'free', billing: { ...address, countryCode: 'HK' } });
    expect(response.statusCode).toBe(201);
  });

  it('accepts an id that looks like a card number', async () => {
    const response = await put({ ...form, ticketType: 'free' }, '40128888-8888-4881-8000-000000000000');
    expect(response.statusCode).toBe(201);
  });
});

describe('requests', () => {
  const send = (payload: string, contentType = 'application/json', url = '/api/registrations') =>
    stack.app.inject({ method: 'POST', url, headers: { 'content-type': contentType }, payload });

  it.each([
    ['malformed JSON', '{"id":', 'application/json', 400],
    ['an empty body', '', 'application/json', 400],
    ['a poisoned prototype', '{"__proto__": {"admin": true}}', 'application/json', 400],
    ['a body that is too large', JSON.stringify({ x: 'x'.repeat(70_000) }), 'application/json', 413],
    ['another content type', 'id=1', 'application/x-www-form-urlencoded', 415],
    ['an array', '[]', 'application/json', 422],
    ['null', 'null', 'application/json', 422],
  ])('rejects %s with the matching status', async (_what, payload, contentType, status) => {
    expect(faults(await send(payload, contentType))[0]).toBe(status);
  });

  it('rejects an invalid id', async () => {
    expect(faults(await put(form, 'x'))[0]).toBe(422);
    expect(faults(await put(form, randomUUID().toUpperCase()))[0]).toBe(422);
    expect((await stack.app.inject(`/registrations/${encodeURIComponent('<script>')}`)).statusCode).toBe(404);
  });

  it.each([
    '/nothing',
    '/api/events/%00',
    '/api/events/..%2f..',
    '/registrations/%FF',
    '/?event[]=x',
    `/${'x'.repeat(5000)}`,
  ])('answers GET %s without a server error', async (url) => {
    const { statusCode } = await stack.app.inject(url);
    expect(statusCode).toBeLessThan(500);
  });

  it('starts no run for a rejected request', async () => {
    const ada = anAttendee(stack);
    expect(faults(await ada.post('ABC'))[0]).toBe(409);
    expect((await ada.status()).statusCode).toBe(404);
  });
});

describe('limits and logs', () => {
  const logged: string[] = [];
  let app: App;
  beforeAll(async () => {
    const { database, paypal, temporal, taskQueue, config } = stack;
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        logged.push(chunk.toString());
        done();
      },
    });
    app = await buildApp({
      config: { ...config, rateLimit: 3, logLevel: 'trace' },
      database,
      paypal,
      temporal,
      taskQueue,
      logStream: stream,
    });
  });
  afterAll(() => app.close());

  it('limits the tries of an IP address over both routes together, and answers 429 with Retry-After', async () => {
    const ada = anAttendee({ app, sandbox: stack.sandbox }, aForm({ ticketType: 'free' }));
    await ada.put();
    await ada.put();
    await ada.post('ABC');
    const response = await ada.put();
    expect(faults(response)[0]).toBe(429);
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
    expect((await app.inject('/api/events')).statusCode).toBe(200);
  });

  it('blocks a client after too many declined payments, which suggest that it tests stolen cards', async () => {
    const { database, paypal, temporal, taskQueue, config } = stack;
    const patient = await buildApp({
      config: { ...config, rateLimit: 1000 },
      ...{ database, paypal, temporal, taskQueue },
    });
    const stopWorker = await stack.startWorker();
    const mallory = () => {
      const email = `${randomUUID()}@example.org`;
      return anAttendee(
        { app: patient, sandbox: stack.sandbox },
        aForm({ attendee: { ...aForm().attendee, email } }),
      );
    };
    for (let n = 1; n <= 21; n++) expect((await mallory().register(CARDS.declined)).statusCode).toBe(402);
    const response = await mallory().put();
    expect(faults(response)[0]).toBe(429);
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(60);
    await stopWorker();
    await patient.close();
  });

  it('logs no personal data', () => {
    expect(logged.length).toBeGreaterThan(4);
    expect(logged.join('')).not.toMatch(/ada|example\.org|Street|Hamburg|4012/i);
  });
});
