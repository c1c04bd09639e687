import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { TEST_CARDS, TEST_WALLETS } from '../../sandbox/paypal/cards.ts';
import { credentials, startSandbox, type Sandbox } from '../../sandbox/providers.ts';
import { captureOf, connectPayPal, PayPalFault, type PayPal } from '../../src/paypal.ts';

const TIMEOUT_MS = 5000;
const { paypalClientId: clientId, paypalClientSecret: clientSecret } = credentials;
const connect = (url: string, secret = clientSecret) =>
  connectPayPal({ baseUrl: url, webUrl: url, clientId, clientSecret: secret });

let sandbox: Sandbox;
let paypal: PayPal;
beforeAll(async () => {
  sandbox = await startSandbox();
  paypal = connect(sandbox.url);
});
afterEach(() => {
  sandbox.faults.clear();
});
afterAll(() => sandbox.close());

const open = (by = paypal, amount = { minor: 12_000, currency: 'EUR' }) =>
  by.createOrder(
    { requestId: randomUUID(), registrationId: 'registration-1', amount, description: 'A ticket' },
    TIMEOUT_MS,
  );
const capture = (orderId: string, requestId: string = randomUUID()) =>
  paypal.captureOrder(orderId, requestId, TIMEOUT_MS);
const refund = (captureId: string, requestId: string = randomUUID()) =>
  paypal.refundCapture(captureId, requestId, TIMEOUT_MS);

/** An order that the payer approved with a card. */
async function approved(number?: string): Promise<string> {
  const orderId = await open();
  expect(sandbox.approve(orderId, number === undefined ? {} : { number })).toBeUndefined();
  return orderId;
}
/** A completed capture. */
async function paid(): Promise<string> {
  return captureOf(await capture(await approved()))?.id ?? '';
}
const capturesOf = (orderId: string) =>
  sandbox.ledger().captures.filter((taken) => taken.order_id === orderId);
const requests = () => sandbox.faults.requests.paypal;

/** Waits until PayPal has met another request, so that a test can act while it is answered. */
const nextRequest = (before: number) =>
  expect.poll(requests, { interval: 5, timeout: TIMEOUT_MS }).toBeGreaterThan(before);

/** Requests as the SDK would never send them. */
async function raw(path: string, body: unknown, headers: Record<string, string> = {}) {
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
  const granted = await fetch(`${sandbox.url}/v1/oauth2/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  const { access_token: token } = (await granted.json()) as { access_token: string };
  const answer = await fetch(sandbox.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  type Problem = { name: string; details?: { field?: string; issue: string }[] };
  return { status: answer.status, body: (await answer.json()) as Problem };
}

describe('an order', () => {
  it('is opened, approved, captured and refunded', async () => {
    const orderId = await open();
    const opened = await paypal.getOrder(orderId, TIMEOUT_MS);
    expect(opened).toMatchObject({ id: orderId, status: 'CREATED', intent: 'CAPTURE' });
    expect(opened.purchaseUnits?.[0]).toMatchObject({
      customId: 'registration-1',
      description: 'A ticket',
      amount: { currencyCode: 'EUR', value: '120.00' },
    });

    sandbox.approve(orderId, { name: 'Ada Example' });
    expect(await paypal.getOrder(orderId, TIMEOUT_MS)).toMatchObject({
      status: 'APPROVED',
      paymentSource: { card: { lastDigits: '1881', brand: 'VISA', expiry: '2034-12', name: 'Ada Example' } },
    });

    const taken = captureOf(await capture(orderId));
    expect(taken).toMatchObject({
      status: 'COMPLETED',
      customId: 'registration-1',
      amount: { currencyCode: 'EUR', value: '120.00' },
    });
    const captureId = taken?.id ?? '';
    expect(await paypal.getCapture(captureId, TIMEOUT_MS)).toMatchObject({
      id: captureId,
      status: 'COMPLETED',
    });

    expect(await refund(captureId)).toMatchObject({ status: 'COMPLETED', amount: { value: '120.00' } });
    expect(await paypal.getCapture(captureId, TIMEOUT_MS)).toMatchObject({ status: 'REFUNDED' });
  });

  it('keeps an amount in a currency without decimals', async () => {
    const { status } = await raw('/v2/checkout/orders', {
      intent: 'CAPTURE',
      purchase_units: [{ amount: { currency_code: 'JPY', value: '1500' } }],
    });
    expect(status).toBe(201);
    expect(sandbox.ledger().orders.at(-1)?.unit.amount).toEqual({ currency_code: 'JPY', value: '1500' });
  });

  it('can be approved again after its payment was refused', async () => {
    const orderId = await approved('4000000000000101');
    await expect(capture(orderId)).rejects.toMatchObject({ issue: 'TRANSACTION_REFUSED' });
    sandbox.approve(orderId);
    expect(captureOf(await capture(orderId))).toMatchObject({ status: 'COMPLETED' });
  });
});

describe('a refusal', () => {
  it('of a wrong key is a 401 that a retry does not hide', async () => {
    const error: unknown = await open(connect(sandbox.url, 'wrong')).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PayPalFault);
    expect(error).toMatchObject({ status: 401, issue: 'invalid_client', temporary: true });
    expect(String(error)).not.toContain('wrong');
  });

  it('of an unknown token is a 401 in the words of OAuth', async () => {
    const answer = await fetch(`${sandbox.url}/v2/checkout/orders/X`, {
      headers: { authorization: 'Bearer X' },
    });
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ error: 'invalid_token' });
  });

  const unit = { amount: { currency_code: 'EUR', value: '10.00' } };
  const order = (change: object) => ({ intent: 'CAPTURE', purchase_units: [unit], ...change });
  const priced = (amount: object) => order({ purchase_units: [{ amount: { ...unit.amount, ...amount } }] });
  it.each([
    ['/intent', 'MISSING_REQUIRED_PARAMETER', order({ intent: undefined })],
    ['/intent', 'INVALID_PARAMETER_VALUE', order({ intent: 'TAKE' })],
    ['/purchase_units', 'MISSING_REQUIRED_PARAMETER', order({ purchase_units: [] })],
    ['/purchase_units/0/amount', 'MISSING_REQUIRED_PARAMETER', order({ purchase_units: [{}] })],
    ['/purchase_units/0/amount/value', 'INVALID_PARAMETER_SYNTAX', priced({ value: 10 })],
    ['/purchase_units/0/amount/currency_code', 'INVALID_PARAMETER_SYNTAX', priced({ currency_code: 'eur' })],
    [
      '/purchase_units/0/custom_id',
      'INVALID_STRING_LENGTH',
      order({ purchase_units: [{ ...unit, custom_id: 'x'.repeat(128) }] }),
    ],
    [undefined, 'MALFORMED_REQUEST_JSON', '[]'],
  ])('of a bad field names it: %s %s', async (field, issue, body) => {
    const answer = await raw('/v2/checkout/orders', body);
    expect(answer).toMatchObject({ status: 400, body: { name: 'INVALID_REQUEST' } });
    expect(answer.body.details?.[0]?.issue).toBe(issue);
    expect(answer.body.details?.[0]?.field).toBe(field);
  });

  it.each([
    ['DECIMAL_PRECISION', { currency_code: 'JPY', value: '10.00' }],
    ['DECIMAL_PRECISION', { value: '10.001' }],
    ['CANNOT_BE_ZERO_OR_NEGATIVE', { value: '0.00' }],
    ['CANNOT_BE_ZERO_OR_NEGATIVE', { value: '-10.00' }],
    ['MAX_VALUE_EXCEEDED', { value: '10000000.00' }],
  ])('of an amount says why: %s', async (issue, amount) => {
    const answer = await raw('/v2/checkout/orders', priced(amount));
    expect(answer).toMatchObject({ status: 422, body: { details: [{ issue }] } });
  });

  it('of broken JSON or another content type has the shape of every other', async () => {
    expect(await raw('/v2/checkout/orders', '{"intent":')).toMatchObject({
      status: 400,
      body: { name: 'INVALID_REQUEST' },
    });
    expect(await raw('/v2/checkout/orders', 'x', { 'content-type': 'text/plain' })).toMatchObject({
      status: 415,
      body: { name: 'UNSUPPORTED_MEDIA_TYPE' },
    });
  });

  it('of a capture that nobody approved is ORDER_NOT_APPROVED', async () => {
    await expect(capture(await open())).rejects.toMatchObject({ status: 422, issue: 'ORDER_NOT_APPROVED' });
  });

  it('of a second capture under another request id is ORDER_ALREADY_CAPTURED', async () => {
    const orderId = await approved();
    await capture(orderId);
    await expect(capture(orderId)).rejects.toMatchObject({ status: 422, issue: 'ORDER_ALREADY_CAPTURED' });
    expect(capturesOf(orderId)).toHaveLength(1);
  });

  it('of anything unknown is a 404', async () => {
    const unknown = { status: 404, issue: 'INVALID_RESOURCE_ID', temporary: false };
    await expect(paypal.getOrder('UNKNOWN', TIMEOUT_MS)).rejects.toMatchObject(unknown);
    await expect(capture('UNKNOWN')).rejects.toMatchObject(unknown);
    await expect(paypal.getCapture('UNKNOWN', TIMEOUT_MS)).rejects.toMatchObject(unknown);
    await expect(refund('UNKNOWN')).rejects.toMatchObject(unknown);
  });

  it('of a second refund is CAPTURE_FULLY_REFUNDED', async () => {
    const captureId = await paid();
    await refund(captureId);
    await expect(refund(captureId)).rejects.toMatchObject({ status: 422, issue: 'CAPTURE_FULLY_REFUNDED' });
  });

  it('of a refund of more than is left is REFUND_AMOUNT_EXCEEDED', async () => {
    const captureId = await paid();
    const part = (value: string, currency_code = 'EUR') =>
      raw(`/v2/payments/captures/${captureId}/refund`, { amount: { currency_code, value } });
    expect(await part('100.00')).toMatchObject({ status: 201 });
    expect(await paypal.getCapture(captureId, TIMEOUT_MS)).toMatchObject({ status: 'PARTIALLY_REFUNDED' });
    expect(await part('20.01')).toMatchObject({
      status: 422,
      body: { details: [{ issue: 'REFUND_AMOUNT_EXCEEDED' }] },
    });
    expect(await part('1.00', 'USD')).toMatchObject({
      status: 422,
      body: { details: [{ issue: 'REFUND_CAPTURE_CURRENCY_MISMATCH' }] },
    });
    expect(await refund(captureId)).toMatchObject({ amount: { value: '20.00' } });
    expect(await paypal.getCapture(captureId, TIMEOUT_MS)).toMatchObject({ status: 'REFUNDED' });
  });

  it('of a refund of a declined capture is CAPTURE_STATUS_INVALID', async () => {
    const declined = captureOf(await capture(await approved('4000000000000002')))?.id ?? '';
    await expect(refund(declined)).rejects.toMatchObject({ status: 422, issue: 'CAPTURE_STATUS_INVALID' });
  });
});

describe('a PayPal-Request-Id', () => {
  it('opens one order, takes one capture and gives one refund', async () => {
    const order = {
      requestId: randomUUID(),
      registrationId: 'registration-2',
      amount: { minor: 500, currency: 'EUR' },
      description: 'A ticket',
    };
    const orderId = await paypal.createOrder(order, TIMEOUT_MS);
    expect(await paypal.createOrder(order, TIMEOUT_MS)).toBe(orderId);

    sandbox.approve(orderId);
    const first = captureOf(await capture(orderId, 'capture-1'));
    expect(captureOf(await capture(orderId, 'capture-1'))).toEqual(first);

    const given = await refund(first?.id ?? '', 'refund-1');
    expect(await refund(first?.id ?? '', 'refund-1')).toEqual(given);
    expect(sandbox.ledger().refunds.filter(({ capture_id }) => capture_id === first?.id)).toHaveLength(1);
  });

  it('counts for one call only: the same for another order is another capture', async () => {
    const requestId = randomUUID();
    const first = captureOf(await capture(await approved(), requestId));
    const second = captureOf(await capture(await approved(), requestId));
    expect(second?.id).not.toBe(first?.id);
  });

  it('does not hold on to a refusal: once approved, the same request pays', async () => {
    const orderId = await open();
    await expect(capture(orderId, 'early')).rejects.toMatchObject({ issue: 'ORDER_NOT_APPROVED' });
    sandbox.approve(orderId);
    expect(captureOf(await capture(orderId, 'early'))).toMatchObject({ status: 'COMPLETED' });
  });

  it('answers 409 while the first call with it is in progress, even when nobody waits for that any more', async () => {
    const orderId = await approved();
    sandbox.faults.set('paypal', { mode: 'slow', ms: 1000, only: '/capture', times: 1 });
    const before = requests();
    const given = paypal.captureOrder(orderId, 'slow-1', 200).catch((error: unknown) => error);
    await nextRequest(before);
    const busy = { status: 409, issue: 'PREVIOUS_REQUEST_IN_PROGRESS', temporary: true };
    await expect(capture(orderId, 'slow-1')).rejects.toMatchObject(busy);
    expect(await given).toMatchObject({ issue: 'TIMEOUT' });
    await expect(capture(orderId, 'slow-1')).rejects.toMatchObject(busy);

    await expect.poll(() => capturesOf(orderId)).toHaveLength(1);
    expect(captureOf(await capture(orderId, 'slow-1'))?.id).toBe(capturesOf(orderId)[0]?.id);
  });
});

describe('a test card', () => {
  it.each(TEST_CARDS)('$number leads to: $leadsTo', async ({ number, outcome }) => {
    const orderId = await approved(number);
    if (outcome.status === 'REFUSED') {
      await expect(capture(orderId)).rejects.toMatchObject({ status: 422, issue: outcome.issue });
      expect(capturesOf(orderId)).toEqual([]);
      return;
    }
    const order = await capture(orderId);
    expect(order.status).toBe('COMPLETED');
    expect(captureOf(order)).toMatchObject({
      status: outcome.status,
      processorResponse: { responseCode: outcome.status === 'DECLINED' ? outcome.responseCode : '0000' },
    });
  });

  it.each(['COMPLETED', 'DECLINED', 'FAILED'] as const)(
    'with a pending capture stays so until it is settled: %s',
    async (status) => {
      const taken = captureOf(await capture(await approved('4000000000000077')));
      const captureId = taken?.id ?? '';
      expect(await paypal.getCapture(captureId, TIMEOUT_MS)).toMatchObject({ status: 'PENDING' });
      await expect(refund(captureId)).rejects.toMatchObject({ issue: 'CAPTURE_STATUS_INVALID' });
      sandbox.settle(captureId, status);
      expect(await paypal.getCapture(captureId, TIMEOUT_MS)).toMatchObject({ status });
      expect(() => {
        sandbox.settle(captureId, 'COMPLETED');
      }).toThrow('CAPTURE_STATUS_INVALID');
    },
  );

  it.each([
    ['an impossible number', { number: '4012888888881882' }, /number/],
    ['a number that is too short', { number: '4012 8888' }, /number/],
    ['a month that does not exist', { expiry: '13/34' }, /expiry date/],
    ['a month that is over', { expiry: '01/20' }, /expired/],
    ['a short security code', { cvv: '12' }, /security code/],
    ['three digits where American Express has four', { number: '378282246310005' }, /security code/],
  ])('is not taken with %s', async (_what, card, message) => {
    const orderId = await open();
    expect(sandbox.approve(orderId, card)).toMatch(message);
    await expect(capture(orderId)).rejects.toMatchObject({ issue: 'ORDER_NOT_APPROVED' });
  });
});

it.each(TEST_WALLETS)('the wallet of $email leads to: $leadsTo', async ({ email, outcome }) => {
  const orderId = await open();
  const page = await (await fetch(`${sandbox.url}/checkoutnow?token=${orderId}`)).text();
  expect(page).toContain(email);
  const back = await fetch(`${sandbox.url}/checkoutnow`, {
    method: 'POST',
    body: new URLSearchParams({ token: orderId, email }),
  });
  expect(await back.text()).toContain('approved');
  if (outcome.status === 'REFUSED')
    await expect(capture(orderId)).rejects.toMatchObject({ status: 422, issue: outcome.issue });
  else expect(captureOf(await capture(orderId))).toMatchObject({ status: 'COMPLETED' });
});

describe('a fault', () => {
  it('slow: the work is done all the same', async () => {
    const orderId = await approved();
    sandbox.faults.set('paypal', { mode: 'slow', ms: 300, only: '/capture', times: 1 });
    await expect(paypal.captureOrder(orderId, 'late', 100)).rejects.toMatchObject({ issue: 'TIMEOUT' });
    await expect.poll(() => capturesOf(orderId)).toHaveLength(1);
    expect(captureOf(await capture(orderId, 'late'))?.id).toBe(capturesOf(orderId)[0]?.id);
  });

  it('failing: the status and Retry-After arrive, and nothing is done', async () => {
    const orderId = await approved();
    sandbox.faults.set('paypal', { mode: 'failing', status: 503, retryAfter: 7, times: 1 });
    await expect(capture(orderId)).rejects.toMatchObject({
      status: 503,
      issue: 'SERVICE_UNAVAILABLE',
      retryAfterMs: 7000,
      temporary: true,
    });
    expect(capturesOf(orderId)).toEqual([]);
    expect(captureOf(await capture(orderId))).toMatchObject({ status: 'COMPLETED' });
  });

  it('unreachable: no answer, and nothing is done', async () => {
    const orderId = await approved();
    sandbox.faults.set('paypal', { mode: 'unreachable' });
    await expect(capture(orderId, 'lost')).rejects.toMatchObject({ status: undefined, issue: 'ECONNRESET' });
    expect(capturesOf(orderId)).toEqual([]);
    sandbox.faults.clear();
    expect(captureOf(await capture(orderId, 'lost'))).toMatchObject({ status: 'COMPLETED' });
  });

  it('cut: the answer is lost, the work is done, and the same request finds it', async () => {
    const orderId = await approved();
    sandbox.faults.set('paypal', { mode: 'cut', only: '/capture', times: 1 });
    await expect(capture(orderId, 'cut')).rejects.toMatchObject({ status: undefined, issue: 'ECONNRESET' });
    expect(capturesOf(orderId)).toMatchObject([{ status: 'COMPLETED' }]);
    expect(captureOf(await capture(orderId, 'cut'))?.id).toBe(capturesOf(orderId)[0]?.id);
    expect(capturesOf(orderId)).toHaveLength(1);
  });

  it('meets a request for a token, too', async () => {
    const fresh = connect(sandbox.url);
    sandbox.faults.set('paypal', { mode: 'failing', status: 503 });
    await expect(open(fresh)).rejects.toMatchObject({ status: 503, temporary: true });
    sandbox.faults.set('paypal', { mode: 'unreachable' });
    await expect(open(fresh)).rejects.toMatchObject({ status: undefined, temporary: true });
    sandbox.faults.clear();
    expect(await open(fresh)).toMatch(/^[A-Z0-9]{17}$/);
  });

  it('leaves the other providers, and what the payer sees, alone', async () => {
    const orderId = await open();
    sandbox.faults.set('paypal', { mode: 'unreachable' });
    for (const path of ['/', '/web-sdk/v6/core', `/checkoutnow?token=${orderId}`])
      expect((await fetch(sandbox.url + path)).status).toBe(200);
    expect((await fetch(`${sandbox.url}/v3/mail/send`, { method: 'POST' })).status).toBe(401);
  });

  it('is switched over HTTP, and a bad one is refused', async () => {
    const put = (provider: string, fault: object) =>
      fetch(`${sandbox.url}/sandbox/faults/${provider}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(fault),
      });
    expect(await (await put('paypal', { mode: 'failing', status: 429 })).json()).toMatchObject({
      paypal: { mode: 'failing', status: 429 },
      sendgrid: { mode: 'up' },
    });
    await expect(open()).rejects.toMatchObject({ status: 429, issue: 'RATE_LIMIT_REACHED' });
    expect((await put('paypal', { mode: 'sideways' })).status).toBe(400);
    expect((await put('paypal', { mode: 'up', color: 'red' })).status).toBe(400);
    expect((await put('another', { mode: 'up' })).status).toBe(404);
    const cleared = await fetch(`${sandbox.url}/sandbox/faults`, { method: 'DELETE' });
    expect(await cleared.json()).toMatchObject({ paypal: { mode: 'up' } });
  });
});

describe('the journal', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sandbox-test-'));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('remembers all over a restart, half a last line and all, and no card', async () => {
    const dataFile = join(folder, 'deep', 'sandbox.jsonl');
    const first = await startSandbox({ dataFile });
    const client = connect(first.url);
    const orderId = await open(client);
    first.approve(orderId, { number: '5555 5555 5555 4444', expiry: '11/39', cvv: '987' });
    const taken = captureOf(await client.captureOrder(orderId, 'kept', TIMEOUT_MS));
    await client.refundCapture(taken?.id ?? '', 'refund-kept', TIMEOUT_MS);
    const remembered = first.ledger();
    await first.close();

    const written = readFileSync(dataFile, 'utf8');
    expect(written).not.toMatch(/5555[ -]?5555[ -]?5555|"987"/);
    expect(written).toContain('4444');
    appendFileSync(dataFile, '[["paypal.orders","HALF",{"descriptio');

    // On the same port: the client goes on with a token that this sandbox has never heard of.
    const second = await startSandbox({ dataFile, port: Number(new URL(first.url).port) });
    expect(second.ledger()).toEqual(remembered);
    expect(readFileSync(dataFile, 'utf8')).toBe(written);
    const again = await vi.waitFor(() => client.captureOrder(orderId, 'kept', TIMEOUT_MS));
    expect(captureOf(again)?.id).toBe(taken?.id);
    await client.refundCapture(taken?.id ?? '', 'refund-kept', TIMEOUT_MS);
    const later = await open(client);
    await second.close();

    const third = await startSandbox({ dataFile });
    expect(third.ledger().orders.map(({ id }) => id)).toEqual([orderId, later]);
    expect(third.ledger().captures).toHaveLength(1);
    expect(third.ledger().refunds).toHaveLength(1);
    await third.close();
  });

  it('loses a line that was written without its end, and goes on with a line of its own', async () => {
    const dataFile = join(folder, 'unended.jsonl');
    appendFileSync(dataFile, '[["paypal.orders","WHOLE",{"id":"WHOLE"}]]');
    const first = await startSandbox({ dataFile });
    expect(first.ledger().orders).toEqual([]);
    const orderId = await open(connect(first.url));
    await first.close();
    const second = await startSandbox({ dataFile });
    expect(second.ledger().orders.map(({ id }) => id)).toEqual([orderId]);
    await second.close();
  });
});
