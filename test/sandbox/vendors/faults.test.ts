import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { captureOf, connect, openOrder, startPayer, type Payer } from './payer.ts';

let payer: Payer;
beforeAll(async () => {
  payer = await startPayer();
});
afterEach(() => {
  payer.sandbox.faults.clear();
});
afterAll(() => payer.sandbox.close());

describe('a fault', () => {
  it('slow: the request is processed', async () => {
    const orderId = await payer.approved();
    payer.sandbox.faults.set('paypal', { mode: 'slow', ms: 300, only: '/capture', times: 1 });
    await expect(payer.paypal.captureOrder(orderId, 'late', 100)).rejects.toMatchObject({ word: 'TIMEOUT' });
    await expect.poll(() => payer.capturesOf(orderId)).toHaveLength(1);
    expect(captureOf(await payer.capture(orderId, 'late'))?.id).toBe(payer.capturesOf(orderId)[0]?.id);
  });

  it('failing: returns the status and Retry-After, and processes nothing', async () => {
    const orderId = await payer.approved();
    payer.sandbox.faults.set('paypal', { mode: 'failing', status: 503, retryAfter: 7, times: 1 });
    await expect(payer.capture(orderId)).rejects.toMatchObject({
      status: 503,
      word: 'SERVICE_UNAVAILABLE',
      retryAfterMs: 7000,
      final: false,
    });
    expect(payer.capturesOf(orderId)).toEqual([]);
    expect(captureOf(await payer.capture(orderId))).toMatchObject({ status: 'COMPLETED' });
  });

  it('unreachable: returns no response and processes nothing', async () => {
    const orderId = await payer.approved();
    payer.sandbox.faults.set('paypal', { mode: 'unreachable' });
    await expect(payer.capture(orderId, 'lost')).rejects.toMatchObject({
      status: undefined,
      word: 'ECONNRESET',
    });
    expect(payer.capturesOf(orderId)).toEqual([]);
    payer.sandbox.faults.clear();
    expect(captureOf(await payer.capture(orderId, 'lost'))).toMatchObject({ status: 'COMPLETED' });
  });

  it('cut: processes the request but loses the response, and a retry returns the result', async () => {
    const orderId = await payer.approved();
    payer.sandbox.faults.set('paypal', { mode: 'cut', only: '/capture', times: 1 });
    await expect(payer.capture(orderId, 'cut')).rejects.toMatchObject({
      status: undefined,
      word: 'ECONNRESET',
    });
    expect(payer.capturesOf(orderId)).toMatchObject([{ status: 'COMPLETED' }]);
    expect(captureOf(await payer.capture(orderId, 'cut'))?.id).toBe(payer.capturesOf(orderId)[0]?.id);
    expect(payer.capturesOf(orderId)).toHaveLength(1);
  });

  it.each([
    ['failing', { status: 503, word: 'SERVICE_UNAVAILABLE', final: false }],
    ['unreachable', { status: undefined, word: 'ECONNRESET', final: false }],
  ] as const)('%s: a client that cannot get a token recovers when PayPal does', async (mode, fault) => {
    const client = connect(payer.sandbox.url);
    payer.sandbox.faults.set('paypal', { mode, status: 503 });
    await expect(openOrder(client)).rejects.toMatchObject(fault);
    payer.sandbox.faults.clear();
    expect(await openOrder(client)).toMatch(/^[A-Z0-9]{17}$/);
  });

  it('does not affect other vendors or the pages that the payer sees', async () => {
    const orderId = await payer.open();
    payer.sandbox.faults.set('paypal', { mode: 'unreachable' });
    for (const path of ['/', '/web-sdk/v6/core', `/checkoutnow?token=${orderId}`])
      expect((await fetch(payer.sandbox.url + path)).status).toBe(200);
    expect((await fetch(`${payer.sandbox.url}/v3/mail/send`, { method: 'POST' })).status).toBe(401);
  });

  it('can be set over HTTP, and an invalid one is refused', async () => {
    const put = (provider: string, fault: object) =>
      fetch(`${payer.sandbox.url}/sandbox/faults/${provider}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(fault),
      });
    expect(await (await put('paypal', { mode: 'failing', status: 429 })).json()).toMatchObject({
      paypal: { mode: 'failing', status: 429 },
      sendgrid: { mode: 'up' },
    });
    await expect(payer.open()).rejects.toMatchObject({ status: 429, word: 'RATE_LIMIT_REACHED' });
    expect((await put('paypal', { mode: 'sideways' })).status).toBe(400);
    expect((await put('paypal', { mode: 'up', color: 'red' })).status).toBe(400);
    expect((await put('another', { mode: 'up' })).status).toBe(404);
    const cleared = await fetch(`${payer.sandbox.url}/sandbox/faults`, { method: 'DELETE' });
    expect(await cleared.json()).toMatchObject({ paypal: { mode: 'up' } });
  });
});
