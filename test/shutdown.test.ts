/** Restarts the api and the workers while people register, as a deployment does. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { aForm, emailOf } from '../stage/person.ts';
import { startWorld, type World } from '../stage/world.ts';
import type { Progress } from '../src/registration.ts';

const PEOPLE = 60;
const AT_ONCE = 10;

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.stop(false));

type Answer<T> = { status: number; body: T };
/**
 * Sends one request on a connection of its own. Returns undefined when nothing listens, or when Node closed
 * the connection before a request began. The log of the api shows whether one had begun.
 */
async function send<T>(method: string, path: string, body?: object): Promise<Answer<T> | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(world.url + path, {
      method,
      agent: false,
      headers: { 'content-type': 'application/json' },
    });
    const fails = ({ code = '' }: NodeJS.ErrnoException) => {
      if (['ECONNREFUSED', 'ECONNRESET'].includes(code)) resolve(undefined);
      else reject(new Error(`${method} ${code}`));
    };
    sent.on('error', fails).on('response', (response) => {
      let text = '';
      response
        .setEncoding('utf8')
        .on('data', (chunk: string) => (text += chunk))
        .on('error', fails)
        .on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as T }));
    });
    sent.end(body && JSON.stringify(body));
  });
}

/** Repeats a request until the api answers it with another status than 503. */
async function insist<T>(method: string, path: string, body?: object): Promise<Answer<T>> {
  for (;;) {
    const answer = await send<T>(method, path, body);
    if (answer && answer.status !== 503) return answer;
    await sleep(100);
  }
}

/** Returns the requests that the api began and those that it answered, according to its log. */
function requests() {
  const named = (told: string) =>
    new Set(
      readFileSync(join(world.folder, 'logs', 'api.log'), 'utf8')
        .split('\n')
        .filter((line) => line.includes(`"msg":"${told}"`))
        .map((line) => JSON.parse(line) as { pid: number; reqId: string })
        .map(({ pid, reqId }) => `${pid} ${reqId}`),
    );
  return { begun: named('incoming request'), answered: named('request completed') };
}

async function registers(id: string): Promise<number> {
  const form = aForm({ attendee: { ...aForm().attendee, email: emailOf(id) } });
  const held = await insist<{ paypalOrderId: string }>('PUT', `/api/checkouts/${id}`, form);
  const { paypalOrderId } = held.body;
  world.sandbox.approve(paypalOrderId, {});
  return (await insist('POST', '/api/registrations', { ...form, id, paypalOrderId })).status;
}

it('answers every request and charges everyone once during restarts', { timeout: 240_000 }, async () => {
  // Captures take long enough that every stop happens while payments are in flight.
  world.sandbox.faults.set('paypal', { mode: 'slow', ms: 300, only: '/capture' });
  const ids = Array.from({ length: PEOPLE }, () => randomUUID());
  const waiting = [...ids];
  const answers: number[] = [];
  const stops = new Map([
    [PEOPLE * 0.2, 'worker 1'],
    [PEOPLE * 0.4, 'api'],
    [PEOPLE * 0.6, 'worker 2'],
  ]);
  const ends: Record<string, string | undefined> = {};
  const releases: Promise<void>[] = [];
  const release = async (name: string) => {
    ends[name] = await world.retire(name);
    await world.revive([name]);
  };
  const oneAfterTheOther = async () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      answers.push(await registers(id));
      const name = stops.get(answers.length);
      if (name) releases.push(release(name));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, oneAfterTheOther));
  await Promise.all(releases);

  expect(ends).toEqual({ 'worker 1': 'exit code 0', api: 'exit code 0', 'worker 2': 'exit code 0' });
  // The api logs through a pipe, so the log may arrive after the last answer.
  await vi.waitFor(() => {
    const { begun, answered } = requests();
    expect(begun.size).toBeGreaterThanOrEqual(2 * PEOPLE);
    expect([...begun].filter((name) => !answered.has(name))).toEqual([]);
  });
  expect(answers).toEqual(Array.from({ length: PEOPLE }, () => 201));
  const { captures } = world.sandbox.ledger();
  expect(captures.filter(({ status }) => status === 'COMPLETED')).toHaveLength(PEOPLE);
  // A task that is dispatched at the moment of a stop is lost, and Temporal retries it after its timeout.
  for (const id of ids) {
    const { body } = await insist<Progress>('GET', `/api/registrations/${id}`);
    const payment = body.steps.find(({ name }) => name === 'payment');
    expect(payment?.state).toBe('done');
    expect(payment?.attempts).toBeLessThanOrEqual(2);
  }
});
