/** No request makes the api compute for long: patterns take linear time, and bodies are about as long as a form can be. */
import diagnostics from 'node:diagnostics_channel';
import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FastifyInstance } from 'fastify';
import type { App } from '../../src/api/dependencies.ts';
import { BODY_LIMIT, buildApp } from '../../src/api/app.ts';
import { COUNTRY_CODES } from '../../src/countries.ts';
import { AnswerText, Attendee, Billing } from '../../src/form.ts';
import { MOST_QUESTIONS } from '../../src/questions.ts';
import { aForm } from '../../stage/person.ts';
import { startStack, type Stack } from '../stack.ts';

const PASSWORD = 'correct horse battery staple';
let stack: Stack;
let app: App;
/** Every pattern in a schema of any route, hidden routes too. */
const patterns = new Set<string>();
beforeAll(async () => {
  const watch = (message: unknown) =>
    (message as { fastify: FastifyInstance }).fastify.addHook('onRoute', ({ schema }) => {
      for (const pattern of patternsIn(schema)) patterns.add(pattern);
    });
  stack = await startStack();
  diagnostics.subscribe('fastify.initialization', watch);
  app = await buildApp({ ...stack, config: { ...stack.config, organizerPassword: PASSWORD } });
  diagnostics.unsubscribe('fastify.initialization', watch);
});
afterAll(async () => {
  await app.close();
  await stack.stop();
});

function patternsIn(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) =>
    key === 'pattern' && typeof value === 'string' ? [value] : patternsIn(value),
  );
}

/** The shortest of several times (ms), because other work on the machine only makes a time longer. */
async function shortest(work: () => unknown, tries = 5): Promise<number> {
  const times = [];
  for (let n = 0; n < tries; n++) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
    // Work without a pause would make the api refuse requests.
    await setImmediate();
  }
  return Math.min(...times);
}

const LONGEST = 2 ** 16;
const MEASURABLE_MS = 2;
const TOO_MUCH = 8;
/** How many times as long a pattern takes for four times the text: 4 where the time is linear, 16 where it is quadratic. */
async function growth(pattern: string, hostile: (length: number) => string): Promise<number> {
  const expression = new RegExp(pattern, 'u');
  const time = (length: number) => {
    const text = hostile(length);
    return shortest(() => expression.test(text));
  };
  for (let length = 512; length <= LONGEST; length *= 2)
    if ((await time(length)) > MEASURABLE_MS) return (await time(4 * length)) / (await time(length));
  return 1;
}

/** Texts that almost match: a beginning, a part that repeats, and an end that does not fit. */
const BEGINNINGS = ['', 'a', 'a@a.', ' '];
const PARTS = [
  'a',
  '0',
  ' ',
  '\u00a0',
  '.',
  '-',
  'a.',
  'a-',
  'a ',
  '@',
  'a@',
  ':',
  '/',
  'w',
  'w.',
  'é',
  '😀',
];
const ENDS = ['', '\u0000', '!'];
const hostileTexts = BEGINNINGS.flatMap((beginning) =>
  PARTS.flatMap((part) =>
    ENDS.map((end) => ({
      name: JSON.stringify([beginning, part, end]),
      make: (length: number) => beginning + part.repeat(length / part.length) + end,
    })),
  ),
);

describe('patterns', () => {
  it('take linear time in every schema of every route', { timeout: 120_000 }, async () => {
    expect(patterns.size).toBeGreaterThanOrEqual(5);
    const slow = [];
    for (const pattern of patterns)
      for (const { name, make } of hostileTexts)
        if ((await growth(pattern, make)) > TOO_MUCH) slow.push(`${pattern} for ${name}`);
    expect(slow).toEqual([]);
  });

  it('are measured well enough to notice quadratic time', async () => {
    expect(await growth('^[^\\n]*[^\\n\\s][^\\n]*$', (length) => `${'a'.repeat(length)}\n`)).toBeGreaterThan(
      3,
    );
  });

  it('are valid in the `pattern` attribute of HTML', () => {
    for (const pattern of patterns) expect(() => new RegExp(pattern, 'v')).not.toThrow();
  });
});

describe('a request at the limit of bodies', () => {
  const put = (payload: string) =>
    stack.app.inject({
      method: 'PUT',
      url: `/api/checkouts/${randomUUID()}`,
      headers: { 'content-type': 'application/json' },
      payload,
    });
  const form = aForm();
  const attendee = (change: object) => JSON.stringify({ ...form, attendee: { ...form.attendee, ...change } });
  const rest = BODY_LIMIT - attendee({ firstName: '' }).length;

  it.each([
    ['a long name', attendee({ firstName: 'a'.repeat(rest) }), 422],
    ['a long name with an invalid end', attendee({ firstName: `${'a'.repeat(rest - 10)}\n` }), 422],
    ['a long blank name', attendee({ firstName: ' '.repeat(rest) }), 422],
    ['a long e-mail address', attendee({ email: `a@${'a.'.repeat(rest / 2 - 20)}` }), 422],
    [
      'thousands of unknown fields',
      `{${Array.from({ length: 2300 }, (_, n) => `"${n.toString(36)}":0`).join()}}`,
      422,
    ],
    ['deep nesting', '['.repeat(9000) + ']'.repeat(9000), 422],
    ['a long text of poison', JSON.stringify({ x: '"__proto__":'.repeat(1000) }), 422],
  ])('takes a few milliseconds: %s', async (_what, body, status) => {
    expect(body.length).toBeLessThanOrEqual(BODY_LIMIT);
    expect((await put(body)).statusCode).toBe(status);
    expect(await shortest(() => put(body), 10)).toBeLessThan(50);
  });

  it('leaves room for the largest valid form, with each character escaped', async () => {
    const escaped = (text: string) =>
      [...Array(text.length).keys()]
        .map((i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`)
        .join('');
    const longest = (schema: object) => {
      const { maxLength = 0, pattern = '' } = schema as { maxLength?: number; pattern?: string };
      return pattern.includes('@') ? `a@${'a.'.repeat(125)}de` : '\u{1f600}'.repeat(maxLength);
    };
    const filled = ({ properties }: { properties: Record<string, object> }) =>
      Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, longest(schema)]));
    const write = (value: unknown): string => {
      if (typeof value === 'string') return `"${escaped(value)}"`;
      if (typeof value !== 'object' || value === null) return JSON.stringify(value);
      return `{${Object.entries(value)
        .map(([key, child]) => `${write(key)}: ${write(child)}`)
        .join()}}`;
    };
    const asked = Array.from({ length: MOST_QUESTIONS }, (_, n) => String(n).repeat(64));
    const [event, ticketType] = ['e'.repeat(64), 't'.repeat(64)];
    const { picture_hash: _generated, ...copied } = await stack
      .database('events')
      .first<Record<string, unknown>>();
    await stack.database('events').insert({ ...copied, id: event });
    await stack
      .database('questions')
      .insert(asked.map((id, position) => ({ event_id: event, id, position, kind: 'text', label: id })));
    const largest = write({
      ...{ event, ticketType, newsletter: false },
      answers: Object.fromEntries(asked.map((id) => [id, longest(AnswerText)])),
      ...{ attendee: filled(Attendee), billing: { ...filled(Billing), countryCode: COUNTRY_CODES[0] } },
      ...{ id: randomUUID(), paypalOrderId: 'A'.repeat(64) },
    });
    const post = (payload: string) =>
      stack.app.inject({
        ...{ method: 'POST', url: '/api/registrations', payload },
        headers: { 'content-type': 'application/json' },
      });
    // The form is valid: only the hold is missing.
    expect((await post(largest)).json()).toMatchObject({ type: '/problems/hold-expired' });
    expect(BODY_LIMIT).toBeLessThan(1.25 * largest.length);
    expect((await post(largest.padEnd(BODY_LIMIT + 1))).statusCode).toBe(413);
  });
});

it('a request of organizers with thousands of faults takes milliseconds, too', async () => {
  const ask = () =>
    app.inject({
      ...{
        method: 'POST',
        url: '/codec/decode',
        body: { payloads: Array.from({ length: 20_000 }, () => 0) },
      },
      headers: { authorization: `Basic ${Buffer.from(`:${PASSWORD}`).toString('base64')}` },
    });
  expect((await ask()).statusCode).toBe(422);
  expect(await shortest(ask)).toBeLessThan(300);
});

it('a long Accept header takes a few milliseconds, and does not decide what the answer is', async () => {
  const accept = `text/html;a="${';a="\\"'.repeat(2500)}`;
  const ask = () => stack.app.inject({ url: '/nothing', headers: { accept } });
  expect(await shortest(ask)).toBeLessThan(20);
  expect((await ask()).headers['content-type']).toMatch(/^application\/problem\+json/);
});
