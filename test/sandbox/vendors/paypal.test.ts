import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { captureOf, startPayer, TIMEOUT_MS, type Payer } from './payer.ts';

let payer: Payer;
beforeAll(async () => {
  payer = await startPayer();
});
afterEach(() => {
  payer.sandbox.faults.clear();
});
afterAll(() => payer.sandbox.close());

describe('an order', () => {
  it('can be created, approved, captured and refunded', async () => {
    const orderId = await payer.open();
    const opened = await payer.paypal.getOrder(orderId, TIMEOUT_MS);
    expect(opened).toMatchObject({ id: orderId, status: 'CREATED', intent: 'CAPTURE' });
    expect(opened.purchaseUnits?.[0]).toMatchObject({
      customId: 'registration-1',
      description: 'A ticket',
      amount: { currencyCode: 'EUR', value: '120.00' },
    });

    payer.sandbox.approve(orderId, { name: 'Ada Example' });
    expect(await payer.paypal.getOrder(orderId, TIMEOUT_MS)).toMatchObject({
      status: 'APPROVED',
      paymentSource: { card: { lastDigits: '1881', brand: 'VISA', expiry: '2034-12', name: 'Ada Example' } },
    });

    const taken = captureOf(await payer.capture(orderId));
    expect(taken).toMatchObject({
      status: 'COMPLETED',
      customId: 'registration-1',
      amount: { currencyCode: 'EUR', value: '120.00' },
    });
    const captureId = taken?.id ?? '';
    expect(await payer.getCapture(captureId)).toMatchObject({
      id: captureId,
      status: 'COMPLETED',
    });

    expect(await payer.refund(captureId)).toMatchObject({ status: 'COMPLETED', amount: { value: '120.00' } });
    expect(await payer.getCapture(captureId)).toMatchObject({ status: 'REFUNDED' });
  });

  it('stores an amount in a currency without decimals', async () => {
    const { status } = await payer.send('/v2/checkout/orders', {
      intent: 'CAPTURE',
      purchase_units: [{ amount: { currency_code: 'JPY', value: '1500' } }],
    });
    expect(status).toBe(201);
    expect(payer.sandbox.ledger().orders.at(-1)?.unit.amount).toEqual({
      currency_code: 'JPY',
      value: '1500',
    });
  });

  it('can be approved again after a refused payment', async () => {
    const orderId = await payer.approved('4000000000000101');
    await expect(payer.capture(orderId)).rejects.toMatchObject({ word: 'TRANSACTION_REFUSED' });
    payer.sandbox.approve(orderId);
    expect(captureOf(await payer.capture(orderId))).toMatchObject({ status: 'COMPLETED' });
  });
});

describe('a PayPal-Request-Id', () => {
  it('creates only one order, one capture and one refund', async () => {
    const order = {
      requestId: randomUUID(),
      registrationId: 'registration-2',
      amount: { minor: 500, currency: 'EUR' },
      description: 'A ticket',
    };
    const orderId = await payer.paypal.createOrder(order, TIMEOUT_MS);
    expect(await payer.paypal.createOrder(order, TIMEOUT_MS)).toBe(orderId);

    payer.sandbox.approve(orderId);
    const first = captureOf(await payer.capture(orderId, 'capture-1'));
    expect(captureOf(await payer.capture(orderId, 'capture-1'))).toEqual(first);

    const given = await payer.refund(first?.id ?? '', 'refund-1');
    expect(await payer.refund(first?.id ?? '', 'refund-1')).toEqual(given);
    expect(payer.sandbox.ledger().refunds.filter(({ capture_id }) => capture_id === first?.id)).toHaveLength(
      1,
    );
  });

  it('applies to one URL only: with another order it makes another capture', async () => {
    const requestId = randomUUID();
    const first = captureOf(await payer.capture(await payer.approved(), requestId));
    const second = captureOf(await payer.capture(await payer.approved(), requestId));
    expect(second?.id).not.toBe(first?.id);
  });

  it('does not store errors: after the approval, the same request succeeds', async () => {
    const orderId = await payer.open();
    await expect(payer.capture(orderId, 'early')).rejects.toMatchObject({ word: 'ORDER_NOT_APPROVED' });
    payer.sandbox.approve(orderId);
    expect(captureOf(await payer.capture(orderId, 'early'))).toMatchObject({ status: 'COMPLETED' });
  });

  it('returns 409 while the first request is in progress, even if its client has disconnected', async () => {
    const orderId = await payer.approved();
    payer.sandbox.faults.set('paypal', { mode: 'slow', ms: 1000, only: '/capture', times: 1 });
    const before = payer.sandbox.faults.requests.paypal;
    const given = payer.paypal.captureOrder(orderId, 'slow-1', 200).catch((error: unknown) => error);
    await expect.poll(() => payer.sandbox.faults.requests.paypal, { interval: 5 }).toBeGreaterThan(before);
    const busy = { status: 409, word: 'PREVIOUS_REQUEST_IN_PROGRESS', final: false };
    await expect(payer.capture(orderId, 'slow-1')).rejects.toMatchObject(busy);
    expect(await given).toMatchObject({ word: 'TIMEOUT' });
    await expect(payer.capture(orderId, 'slow-1')).rejects.toMatchObject(busy);

    await expect.poll(() => payer.capturesOf(orderId)).toHaveLength(1);
    expect(captureOf(await payer.capture(orderId, 'slow-1'))?.id).toBe(payer.capturesOf(orderId)[0]?.id);
  });
});
