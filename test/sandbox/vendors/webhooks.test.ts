/** The sandbox's webhooks are as strict as the vendors': signatures, retries, and no event without an address. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { rawValueOf } from '../../../sandbox/vendors/paypal/webhooks.ts';
import { credentials, startSandbox, type Sandbox } from '../../../sandbox/vendors/server.ts';
import { connectPayPal } from '../../../src/vendors/paypal/client.ts';
import type { Transmission } from '../../../src/vendors/paypal/news.ts';
import { signedBySendGrid } from '../../../src/vendors/sendgrid-events.ts';
import { connectSendGrid } from '../../../src/vendors/sendgrid.ts';

type Told = { path: string; headers: IncomingHttpHeaders; body: string };
let sandbox: Sandbox;
let told: Told[];
let answers: number[];
const listener = createServer((request, response) => {
  text(request).then(
    (body) => {
      told.push({ path: request.url ?? '', headers: request.headers, body });
      response.writeHead(answers.shift() ?? 204).end();
    },
    () => response.destroy(),
  );
});
const TIMEOUT_MS = 5000;
const webhookId = credentials.paypalWebhookId;
const paypal = () =>
  connectPayPal({
    baseUrl: sandbox.url,
    webUrl: sandbox.url,
    clientId: credentials.paypalClientId,
    clientSecret: credentials.paypalClientSecret,
  });

beforeEach(async () => {
  [told, answers] = [[], []];
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  sandbox = await startSandbox();
});
afterEach(async () => {
  await sandbox.close();
  listener.closeAllConnections();
  await new Promise((resolve) => listener.close(resolve));
});
const listen = () => {
  sandbox.sendWebhooksTo(`http://127.0.0.1:${(listener.address() as AddressInfo).port}`, 20);
};

/** Takes a payment of 120 euros, and returns its capture. */
async function paid(): Promise<string> {
  const client = paypal();
  const order = await client.createOrder(
    {
      ...{ requestId: crypto.randomUUID(), registrationId: 'somebody', description: 'A ticket' },
      amount: { minor: 12_000, currency: 'EUR' },
    },
    TIMEOUT_MS,
  );
  sandbox.approve(order);
  const answer = await client.captureOrder(order, crypto.randomUUID(), TIMEOUT_MS);
  if (!('captureId' in answer) || answer.captureId === null) throw new Error('It was not captured');
  return answer.captureId;
}
const transmissionOf = ({ headers }: Told): Transmission => ({
  id: String(headers['paypal-transmission-id']),
  time: String(headers['paypal-transmission-time']),
  signature: String(headers['paypal-transmission-sig']),
  certUrl: String(headers['paypal-cert-url']),
  algorithm: String(headers['paypal-auth-algo']),
});
const first = async (): Promise<Told> => {
  await vi.waitUntil(() => told.length > 0);
  const [event] = told;
  if (!event) throw new Error('Nothing was told');
  return event;
};

it('sends no event where no address is configured', async () => {
  const captureId = await paid();
  sandbox.refundByHand(captureId);
  expect(sandbox.ledger().deliveries).toEqual([]);
});

it('signs each event of PayPal, and PayPal knows its signature for this webhook and this body only', async () => {
  listen();
  await paid();
  const event = await first();
  expect(event.path).toBe('/webhooks/paypal');
  expect(JSON.parse(event.body)).toMatchObject({
    event_type: 'PAYMENT.CAPTURE.COMPLETED',
    resource_type: 'capture',
    resource: { custom_id: 'somebody', amount: { value: '120.00' } },
  });
  const transmission = transmissionOf(event);
  const verify = (changes: Partial<Transmission> = {}, body = event.body, webhook = webhookId) =>
    paypal().verifyWebhook(
      { webhookId: webhook, transmission: { ...transmission, ...changes }, body },
      TIMEOUT_MS,
    );
  expect(await verify()).toBe(true);
  expect(await verify({}, event.body.replace('120.00', '999.00'))).toBe(false);
  // A space changes the bytes, and nothing of the meaning.
  expect(await verify({}, event.body.replace('{', '{ '))).toBe(false);
  expect(await verify({}, event.body, 'ANOTHER')).toBe(false);
  expect(await verify({ id: crypto.randomUUID() })).toBe(false);
  expect(await verify({ time: '2026-01-01T00:00:00Z' })).toBe(false);
  expect(await verify({ certUrl: 'https://api.paypal.example/cert' })).toBe(false);
  expect(await verify({ algorithm: 'none' })).toBe(false);
  expect(
    await verify({ signature: transmission.signature.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')) }),
  ).toBe(false);
  // PayPal answers 400 to what cannot be a signature.
  expect(await verify({ signature: '1' })).toBe(false);
});

it('sends an event again, signed anew, until it is accepted', async () => {
  listen();
  answers = [500, 404];
  await paid();
  await vi.waitUntil(() => sandbox.ledger().deliveries[0]?.state === 'accepted');
  expect(sandbox.ledger().deliveries).toMatchObject([{ attempts: 3, status: 204 }]);
  expect(new Set(told.map(({ body }) => body)).size).toBe(1);
  expect(new Set(told.map(({ headers }) => headers['paypal-transmission-id'])).size).toBe(3);
});

it('gives an event of PayPal up after 25 attempts', async () => {
  listen();
  answers = Array<number>(30).fill(500);
  await paid();
  await vi.waitUntil(() => sandbox.ledger().deliveries[0]?.state === 'given-up', { timeout: 10_000 });
  expect(sandbox.ledger().deliveries).toMatchObject([{ attempts: 25 }]);
});

it('tells of refunds, chargebacks and disputes, as PayPal does', async () => {
  listen();
  const [refunded, reversed, disputed] = [await paid(), await paid(), await paid()];
  sandbox.refundByHand(refunded, { currency_code: 'EUR', value: '40.00' });
  sandbox.reverse(reversed);
  const { dispute_id: id } = sandbox.openDispute(disputed);
  expect(() => sandbox.refundByHand(disputed, { currency_code: 'EUR', value: '1.00' })).toThrow(
    'TRANSACTION_DISPUTED',
  );
  sandbox.reviewDispute(id);
  sandbox.resolveDispute(id, 'RESOLVED_BUYER_FAVOUR');
  expect(() => sandbox.refundByHand(disputed)).toThrow('REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK');
  await vi.waitUntil(() => told.length === 9);
  const kinds = told.map(({ body }) => (JSON.parse(body) as { event_type: string }).event_type);
  expect(kinds.toSorted()).toEqual([
    ...['CUSTOMER.DISPUTE.CREATED', 'CUSTOMER.DISPUTE.RESOLVED', 'CUSTOMER.DISPUTE.UPDATED'],
    ...Array<string>(3).fill('PAYMENT.CAPTURE.COMPLETED'),
    ...['PAYMENT.CAPTURE.REFUNDED', 'PAYMENT.CAPTURE.REVERSED', 'PAYMENT.CAPTURE.REVERSED'],
  ]);
  expect(await paypal().findDispute(id, TIMEOUT_MS)).toMatchObject({
    captureIds: [disputed],
    status: 'RESOLVED',
    outcome: 'RESOLVED_BUYER_FAVOUR',
    amount: { minor: 12_000, currency: 'EUR' },
  });
  expect(await paypal().findDispute('PP-D-UNKNOWN', TIMEOUT_MS)).toBeUndefined();
});

it('signs the batches of SendGrid: delivered, bounced, dropped, reported as spam', async () => {
  listen();
  const mail = connectSendGrid({
    apiKey: credentials.sendgridApiKey,
    baseUrl: sandbox.url,
    from: { email: 'registration@example.org' },
  });
  const send = (email: string) =>
    mail.send({
      ...{ registrationId: 'somebody', to: { email }, category: 'confirmation', subject: 'Subject' },
      ...{ text: 'Text', html: '<p>Text</p>' },
    });
  for (const email of ['ada@example.org', 'bounce@example.org', 'bounce@example.org']) await send(email);
  await vi.waitUntil(() => told.length === 3);
  sandbox.reportSpam(sandbox.ledger().mails.find(({ to }) => to[0]?.email === 'ada@example.org')?.id ?? '');
  await vi.waitUntil(() => told.length === 4);
  const events = told.flatMap(({ body }) => JSON.parse(body) as object[]);
  expect(events).toHaveLength(6);
  for (const expected of [
    { event: 'delivered', email: 'ada@example.org', registrationId: 'somebody', category: 'confirmation' },
    { event: 'bounce', status: '5.1.1', type: 'bounce' },
    { event: 'dropped', reason: 'Bounced Address' },
    { event: 'spamreport', email: 'ada@example.org' },
  ])
    expect(events).toContainEqual(expect.objectContaining(expected));
  const isSigned = signedBySendGrid(sandbox.settings.SENDGRID_WEBHOOK_PUBLIC_KEY);
  for (const { body, headers } of told) {
    const signature = String(headers['x-twilio-email-event-webhook-signature']);
    const timestamp = String(headers['x-twilio-email-event-webhook-timestamp']);
    expect(isSigned(body, signature, timestamp)).toBe(true);
    expect(isSigned(`${body} `, signature, timestamp)).toBe(false);
    expect(isSigned(body, signature, String(Number(timestamp) + 1))).toBe(false);
  }
});

it('finds the bytes of one property in the text of an object', () => {
  expect(rawValueOf('{"a":"\\"b\\":1","x":{"b":2},"b" : {"c": [1, "}"]} }', 'b')).toBe('{"c": [1, "}"]}');
  expect(rawValueOf('{"a":{"b":2}}', 'b')).toBeUndefined();
});
