import { VendorError } from '../../../src/vendors/vendor-error.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { captureOf, connect, openOrder, startPayer, TIMEOUT_MS, type Payer } from './payer.ts';

let payer: Payer;
beforeAll(async () => {
  payer = await startPayer();
});
afterAll(() => payer.sandbox.close());

describe('PayPal refuses', () => {
  it('a wrong key with a 401 that a retry does not hide', async () => {
    const error: unknown = await openOrder(connect(payer.sandbox.url, 'wrong')).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(VendorError);
    expect(error).toMatchObject({ status: 401, word: 'invalid_client', final: false });
    expect(String(error)).not.toContain('wrong');
  });

  it('an unknown token with an OAuth error and status 401', async () => {
    const answer = await fetch(`${payer.sandbox.url}/v2/checkout/orders/X`, {
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
  ])('an invalid field and names it: %s %s', async (field, issue, body) => {
    const answer = await payer.send('/v2/checkout/orders', body);
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
  ])('an invalid amount and names the issue: %s', async (issue, amount) => {
    const answer = await payer.send('/v2/checkout/orders', priced(amount));
    expect(answer).toMatchObject({ status: 422, body: { details: [{ issue }] } });
  });

  it('malformed JSON or another content type with its usual error format', async () => {
    expect(await payer.send('/v2/checkout/orders', '{"intent":')).toMatchObject({
      status: 400,
      body: { name: 'INVALID_REQUEST' },
    });
    expect(await payer.send('/v2/checkout/orders', 'x', { 'content-type': 'text/plain' })).toMatchObject({
      status: 415,
      body: { name: 'UNSUPPORTED_MEDIA_TYPE' },
    });
  });

  it('a capture without approval with ORDER_NOT_APPROVED', async () => {
    await expect(payer.capture(await payer.open())).rejects.toMatchObject({
      status: 422,
      word: 'ORDER_NOT_APPROVED',
    });
  });

  it('a second capture under another request id with ORDER_ALREADY_CAPTURED', async () => {
    const orderId = await payer.approved();
    await payer.capture(orderId);
    await expect(payer.capture(orderId)).rejects.toMatchObject({
      status: 422,
      word: 'ORDER_ALREADY_CAPTURED',
    });
    expect(payer.capturesOf(orderId)).toHaveLength(1);
  });

  it('unknown ids with a 404', async () => {
    const unknown = { status: 404, word: 'INVALID_RESOURCE_ID', final: true };
    await expect(payer.paypal.getOrder('UNKNOWN', TIMEOUT_MS)).rejects.toMatchObject(unknown);
    await expect(payer.capture('UNKNOWN')).rejects.toMatchObject(unknown);
    await expect(payer.getCapture('UNKNOWN')).rejects.toMatchObject(unknown);
    await expect(payer.refund('UNKNOWN')).rejects.toMatchObject(unknown);
  });

  it('a second refund with CAPTURE_FULLY_REFUNDED', async () => {
    const captureId = await payer.paid();
    await payer.refund(captureId);
    await expect(payer.refund(captureId)).rejects.toMatchObject({
      status: 422,
      word: 'CAPTURE_FULLY_REFUNDED',
    });
  });

  it('a refund above the remaining amount with REFUND_AMOUNT_EXCEEDED', async () => {
    const captureId = await payer.paid();
    const part = (value: string, currency_code = 'EUR') =>
      payer.send(`/v2/payments/captures/${captureId}/refund`, { amount: { currency_code, value } });
    expect(await part('100.00')).toMatchObject({ status: 201 });
    expect(await payer.getCapture(captureId)).toMatchObject({ status: 'PARTIALLY_REFUNDED' });
    expect(await part('20.01')).toMatchObject({
      status: 422,
      body: { details: [{ issue: 'REFUND_AMOUNT_EXCEEDED' }] },
    });
    expect(await part('1.00', 'USD')).toMatchObject({
      status: 422,
      body: { details: [{ issue: 'REFUND_CAPTURE_CURRENCY_MISMATCH' }] },
    });
    expect(await payer.refund(captureId)).toMatchObject({ amount: { value: '20.00' } });
    expect(await payer.getCapture(captureId)).toMatchObject({ status: 'REFUNDED' });
  });

  it('a refund of a declined capture with CAPTURE_STATUS_INVALID', async () => {
    const declined = captureOf(await payer.capture(await payer.approved('4000000000000002')))?.id ?? '';
    await expect(payer.refund(declined)).rejects.toMatchObject({
      status: 422,
      word: 'CAPTURE_STATUS_INVALID',
    });
  });
});
