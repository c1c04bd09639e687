/** What `POST /webhooks/paypal` answers: PayPal sends everything again that is not answered with 2xx. */
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { buildApp } from '../../../src/api/app.ts';
import { MOST_IN_HAND } from '../../../src/api/webhooks/index.ts';
import { loadConfig } from '../../../src/config.ts';
import { connectDatabase } from '../../../src/database/connection.ts';
import { connectTemporal } from '../../../src/temporal/client.ts';
import type { Stack } from '../../stack.ts';
import {
  allTold,
  captureOf,
  deliver,
  deliveriesOf,
  kindsOf,
  originOf,
  registered,
  startTold,
} from '../../webhooks.ts';

/** Nothing listens there. */
const NOWHERE = '127.0.0.1:1';
let stack: Stack;
beforeAll(async () => {
  stack = await startTold();
});
afterEach(() => {
  stack.sandbox.faults.clear();
});
afterAll(() => stack.stop());

const EVENT = JSON.stringify({
  ...{ id: 'WH-1', event_type: 'PAYMENT.CAPTURE.PENDING', resource_type: 'capture' },
  resource: { id: 'CAPTURE' },
});
const post = (body = EVENT, headers: Record<string, string> = {}) => deliver(stack, 'paypal', body, headers);

it('answers 204 without a body to what PayPal has signed, also to a kind of event that is of no interest', async () => {
  const { statusCode, body } = await post();
  expect([statusCode, body]).toEqual([204, '']);
  expect(await stack.database('webhook_events').where({ id: 'WH-1' })).toEqual([]);
});

it.each([
  ['without a signature', { 'paypal-transmission-sig': '' }],
  ['with a signature for another body', { 'paypal-transmission-id': 'fb5b9ee5-0ebb-4a05-9c69-3e2a4a9e2d7c' }],
  ['with a certificate of somebody else', { 'paypal-cert-url': 'https://example.org/cert.pem' }],
  ['with another way to sign', { 'paypal-auth-algo': 'none' }],
])('answers 401 without a body to an event %s', async (_name, headers) => {
  const { statusCode, body } = await post(EVENT, headers);
  expect([statusCode, body]).toEqual([401, '']);
});

it('answers with a bare status to what cannot be read, and reads nothing else than JSON', async () => {
  expect((await post('{"id":')).statusCode).toBe(401);
  expect((await post('[]')).statusCode).toBe(401);
  expect((await post('null')).statusCode).toBe(401);
  const form = await post('a=b', { 'content-type': 'application/x-www-form-urlencoded' });
  expect([form.statusCode, form.body]).toEqual([415, '']);
  const large = await post(JSON.stringify({ id: 'x'.repeat(300_000) }));
  expect([large.statusCode, large.body]).toEqual([413, '']);
  const wrong = await stack.app.inject({ method: 'GET', url: '/webhooks/paypal' });
  expect([wrong.statusCode, wrong.body]).toEqual([404, '']);
});

it('does not exist where its setting is not given', async () => {
  const config = loadConfig({ ...stack.environment, PAYPAL_WEBHOOK_ID: '', SENDGRID_WEBHOOK_PUBLIC_KEY: '' });
  const app = await buildApp({ ...stack, config });
  for (const vendor of ['paypal', 'sendgrid'] as const) {
    const { statusCode, body } = await deliver({ ...stack, app }, vendor, EVENT);
    expect([statusCode, body]).toEqual([404, '']);
  }
  await app.close();
});

it('answers 503 while PayPal is away, and PayPal sends the event again', async () => {
  stack.sandbox.faults.set('paypal', { mode: 'unreachable' });
  const { statusCode, headers } = await post();
  expect([statusCode, headers['retry-after']]).toEqual([503, '60']);
  stack.sandbox.faults.clear();
  // Another place of PayPal fails: the check of the signature succeeds, and what is true cannot be read.
  const { id } = await registered(stack);
  await allTold(stack);
  stack.sandbox.faults.set('paypal', { mode: 'failing', status: 500, only: '/checkout/orders' });
  stack.sandbox.refundByHand(captureOf(stack, id).id);
  await vi.waitUntil(() =>
    deliveriesOf(stack, 'PAYMENT.CAPTURE.REFUNDED').some(({ status }) => status === 503),
  );
  expect(await kindsOf(stack, id)).toEqual(['registered']);
  stack.sandbox.faults.clear();
  await allTold(stack);
  expect(await kindsOf(stack, id)).toEqual(['registered', 'refunded-at-paypal']);
});

it('answers 503 while PostgreSQL is away, and catches up later', async () => {
  const { id } = await registered(stack);
  await allTold(stack);
  const database = connectDatabase(`postgres://nobody@${NOWHERE}/nothing`);
  const app = await buildApp({ ...stack, database });
  stack.sandbox.sendWebhooksTo(await app.listen({ host: '127.0.0.1', port: 0 }), 50);
  stack.sandbox.refundByHand(captureOf(stack, id).id, { currency_code: 'EUR', value: '40.00' });
  const about = captureOf(stack, id).id;
  const delivery = () =>
    deliveriesOf(stack, 'PAYMENT.CAPTURE.REFUNDED').find(({ body }) => body.includes(about));
  await vi.waitUntil(() => (delivery()?.attempts ?? 0) > 1, { timeout: 20_000 });
  expect(delivery()).toMatchObject({ status: 503, state: 'waiting' });
  stack.sandbox.sendWebhooksTo(originOf(stack), 50);
  await allTold(stack);
  expect(await kindsOf(stack, id)).toEqual(['registered', 'refunded-at-paypal']);
  await app.close();
  await database.destroy();
}, 40_000);

it('answers 503 while Temporal is away and a run would have to be told', async () => {
  const temporal = connectTemporal({
    ...stack.config,
    temporal: { connectionOptions: { address: NOWHERE } },
  });
  const app = await buildApp({ ...stack, temporal });
  const { id } = await registered(stack);
  await allTold(stack);
  const [body] = deliveriesOf(stack, 'PAYMENT.CAPTURE.COMPLETED').flatMap((each) =>
    each.body.includes(id) ? [each.body] : [],
  );
  // The payment is not recorded yet, as while it is under review, and the event was not acted on.
  await stack.database('captures').where({ registration_id: id }).delete();
  await stack.database('webhook_events').where({ registration_id: id }).delete();
  expect((await deliver({ ...stack, app }, 'paypal', body ?? '')).statusCode).toBe(503);
  expect(await stack.database('webhook_events').where({ registration_id: id })).toEqual([]);
  expect((await deliver(stack, 'paypal', body ?? '')).statusCode).toBe(204);
  await app.close();
  await temporal.connection.close();
}, 40_000);

it('takes so many deliveries at a time, and refuses what is beyond with a bare 503', async () => {
  stack.sandbox.faults.set('paypal', { mode: 'slow', ms: 1000, only: 'verify-webhook-signature' });
  const answers = await Promise.all(Array.from({ length: MOST_IN_HAND + 5 }, () => post()));
  const statuses = answers.map(({ statusCode }) => statusCode);
  expect(statuses.filter((status) => status === 204)).toHaveLength(MOST_IN_HAND);
  expect(statuses.filter((status) => status === 503)).toHaveLength(5);
  stack.sandbox.faults.clear();
  expect((await post()).statusCode).toBe(204);
});

it('has its places again after vendors have hung up before they were answered', async () => {
  const { faults, sign } = stack.sandbox;
  faults.set('paypal', { mode: 'slow', ms: 3000, only: 'verify-webhook-signature' });
  const before = faults.requests.paypal;
  const hangUp = new AbortController();
  const deliveries = Array.from({ length: MOST_IN_HAND }, () =>
    fetch(`${originOf(stack)}/webhooks/paypal`, {
      ...{ method: 'POST', body: EVENT, signal: hangUp.signal },
      headers: { 'content-type': 'application/json', ...sign.paypal(EVENT) },
    }),
  );
  await vi.waitUntil(() => faults.requests.paypal >= before + MOST_IN_HAND);
  hangUp.abort();
  for (const { status } of await Promise.allSettled(deliveries)) expect(status).toBe('rejected');
  faults.clear();
  await vi.waitUntil(async () => (await post()).statusCode === 204, { interval: 200 });
});
