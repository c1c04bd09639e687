/** Whoever is not PayPal or SendGrid can tell us nothing, and what they tell leaves no personal data anywhere. */
import { randomUUID } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildApp } from '../../src/api/app.ts';
import { emailOf } from '../../stage/person.ts';
import { aSignedIn } from '../api/organizer/desk.ts';
import type { Stack } from '../stack.ts';
import { allTold, captureOf, deliver, registered, startTold } from '../webhooks.ts';

let stack: Stack;
let victim: string;
let bodies: string[];
beforeAll(async () => {
  stack = await startTold();
  victim = (await registered(stack)).id;
  const { dispute_id: id } = stack.sandbox.openDispute(captureOf(stack, victim).id);
  stack.sandbox.resolveDispute(id, 'CANCELED_BY_BUYER');
  await allTold(stack);
  bodies = stack.sandbox
    .ledger()
    .deliveries.flatMap(({ kind, body }) => (/^[A-Z.]+$/.test(kind) ? [body] : []));
  expect(bodies.length).toBeGreaterThan(2);
});
afterAll(() => stack.stop());

/** What the database says about registrations, money and mails. */
async function everything(): Promise<string> {
  const tables = [
    'orders',
    'refunds',
    'captures',
    'disputes',
    'mail_problems',
    'mail_deliveries',
    'webhook_events',
  ];
  const rows = await Promise.all(
    [...tables, 'registration_events'].map(async (table) => {
      const found = await stack.database.raw<{ rows: object[] }>(
        `select to_jsonb(t) as row from ?? t order by 1`,
        [table],
      );
      return [table, found.rows];
    }),
  );
  return JSON.stringify(rows);
}

/** An event about the victim's payment that would do harm if it counted. */
const forged = (kind: string) =>
  JSON.stringify({
    ...{ id: `WH-${randomUUID()}`, event_type: kind, resource_type: 'capture' },
    resource: {
      id: captureOf(stack, victim).id,
      custom_id: victim,
      amount: { currency_code: 'EUR', value: '120.00' },
    },
  });

it('believes nothing with a forged, borrowed or missing signature', async () => {
  const before = await everything();
  const [genuine = ''] = bodies;
  const borrowed = stack.sandbox.sign.paypal(genuine);
  const url = '/webhooks/paypal';
  const json = { 'content-type': 'application/json' };
  for (const kind of ['PAYMENT.CAPTURE.REFUNDED', 'PAYMENT.CAPTURE.REVERSED', 'CUSTOMER.DISPUTE.CREATED']) {
    const payload = forged(kind);
    for (const headers of [
      json,
      { ...json, ...borrowed },
      { ...json, ...borrowed, 'paypal-auth-algo': 'none' },
      { ...json, ...borrowed, 'paypal-transmission-sig': 'A'.repeat(344) },
      { ...json, ...borrowed, 'paypal-cert-url': 'https://attacker.example/cert.pem' },
      { ...json, ...stack.sandbox.sign.sendgrid(payload) },
    ])
      expect((await stack.app.inject({ method: 'POST', url, headers, payload })).statusCode).toBe(401);
  }
  expect(await everything()).toBe(before);
});

it('takes nothing from a body that is signed, but of which PayPal knows another truth', async () => {
  const before = await everything();
  // PayPal's signature does not make it true: the sandbox signs whatever it is given.
  for (const kind of ['PAYMENT.CAPTURE.REFUNDED', 'PAYMENT.CAPTURE.REVERSED'])
    expect((await deliver(stack, 'paypal', forged(kind))).statusCode).toBe(204);
  expect((await deliver(stack, 'paypal', forged('CUSTOMER.DISPUTE.CREATED'))).statusCode).toBe(503);
  const after = JSON.parse(await everything()) as [string, unknown[]][];
  const then = JSON.parse(before) as [string, unknown[]][];
  for (const [n, [table, rows]] of after.entries())
    if (table !== 'webhook_events') expect(rows, table).toEqual(then[n]?.[1]);
});

it('changes nothing when events are replayed', async () => {
  const before = await everything();
  for (const body of [...bodies, ...bodies.toReversed()])
    expect((await deliver(stack, 'paypal', body)).statusCode).toBe(204);
  for (const { kind, body } of stack.sandbox.ledger().deliveries)
    if (kind.includes('delivered')) expect((await deliver(stack, 'sendgrid', body)).statusCode).toBe(204);
  expect(await everything()).toBe(before);
});

it('does not accept what is signed for another webhook', async () => {
  const config = { ...stack.config, webhooks: { ...stack.config.webhooks, paypalId: 'ANOTHERWEBHOOK' } };
  const app = await buildApp({ ...stack, config });
  for (const body of bodies) expect((await deliver({ ...stack, app }, 'paypal', body)).statusCode).toBe(401);
  await app.close();
});

it('asks PayPal nothing about requests that cannot be from PayPal, or are too large', async () => {
  const { paypal: before } = stack.sandbox.faults.requests;
  const url = '/webhooks/paypal';
  const json = { 'content-type': 'application/json' };
  await stack.app.inject({ method: 'POST', url, headers: json, payload: forged('PAYMENT.CAPTURE.REFUNDED') });
  const huge = JSON.stringify({ id: 'WH-1', event_type: 'X', resource: { text: 'x'.repeat(2_000_000) } });
  expect((await deliver(stack, 'paypal', huge)).statusCode).toBe(413);
  expect((await deliver(stack, 'sendgrid', huge)).statusCode).toBe(413);
  expect((await deliver(stack, 'paypal', '{"a":'.repeat(10_000))).statusCode).toBe(401);
  expect(stack.sandbox.faults.requests.paypal).toBe(before);
});

it('does not count a batch of SendGrid about a registration of somebody else', async () => {
  const before = await everything();
  const event = (registrationId: string, email: string) => ({
    ...{ event: 'bounce', registrationId, email, sg_event_id: randomUUID() },
    ...{ timestamp: Math.floor(Date.now() / 1000) + 60, type: 'bounce', status: '5.1.1' },
  });
  const batch = [
    event(randomUUID(), 'eve@example.org'),
    event(victim, 'eve@example.org'),
    event(`${victim}' or true --`, emailOf(victim)),
    { ...event(victim, emailOf(victim)), sg_event_id: { toString: 'x' } },
  ];
  expect((await deliver(stack, 'sendgrid', JSON.stringify(batch))).statusCode).toBe(204);
  expect(await everything()).toBe(before);
});

it('gives a session and its token no say, and asks for neither', async () => {
  const owner = await aSignedIn(stack, 'owner');
  const answer = await stack.app.inject({
    ...{ method: 'POST', url: '/webhooks/paypal', cookies: owner.cookies },
    headers: { 'content-type': 'application/json' },
    payload: forged('PAYMENT.CAPTURE.REFUNDED'),
  });
  expect([answer.statusCode, answer.cookies]).toEqual([401, []]);
});

it('writes no personal data into the log, neither of what it believes nor of what it refuses', async () => {
  const logStream = new PassThrough();
  let log = '';
  logStream.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const config = { ...stack.config, logLevel: 'trace' as const };
  const app = await buildApp({ ...stack, config, logStream });
  const told = { ...stack, app };
  for (const body of bodies) await deliver(told, 'paypal', body);
  const bounce = {
    event: 'bounce',
    registrationId: victim,
    email: emailOf(victim),
    sg_event_id: randomUUID(),
  };
  const batch = [{ ...bounce, timestamp: 1, reason: `550 ${emailOf(victim)}` }];
  await deliver(told, 'sendgrid', JSON.stringify(batch));
  await deliver(told, 'sendgrid', JSON.stringify(batch), {
    'x-twilio-email-event-webhook-signature': 'A'.repeat(96),
  });
  // Not JSON, and signed.
  expect((await deliver(told, 'sendgrid', `[${emailOf(victim)}`)).statusCode).toBe(400);
  await deliver(told, 'paypal', `{"id":"${emailOf(victim)}"}`);
  await app.close();
  expect(log).toContain('"route":"/webhooks/paypal"');
  expect(log).toContain('"route":"/webhooks/sendgrid"');
  expect(log).not.toMatch(/@example|Ada|550 /);
  expect(log).not.toContain(victim);
});

it('does not hold up other requests while it checks the largest batch', async () => {
  const events = Array.from({ length: 4000 }, () => ({
    ...{ event: 'open', registrationId: randomUUID(), email: 'ada@example.org', timestamp: 1 },
    ...{ sg_event_id: randomUUID(), category: 'confirmation' },
  }));
  const batch = JSON.stringify(events);
  expect(batch.length).toBeGreaterThan(700_000);
  const started = performance.now();
  expect((await deliver(stack, 'sendgrid', batch)).statusCode).toBe(204);
  // Reading and checking a megabyte takes tens of milliseconds; a second would be felt by everybody.
  expect(performance.now() - started).toBeLessThan(1000);
});
