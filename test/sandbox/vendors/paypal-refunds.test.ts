/** Refunds at the sandbox's PayPal: in part, refused, pending, by hand; as the organizers of an event meet them. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startPayer, TIMEOUT_MS, type Payer } from './payer.ts';

let payer: Payer;
beforeAll(async () => {
  payer = await startPayer();
});
afterEach(() => {
  payer.sandbox.setAccount({ funds: null, refunds: 'COMPLETED' });
});
afterAll(() => payer.sandbox.close());

const part = (captureId: string, value: string, more: object = {}, headers: Record<string, string> = {}) =>
  payer.send(
    `/v2/payments/captures/${captureId}/refund`,
    { amount: { currency_code: 'EUR', value }, ...more },
    headers,
  );
const post = (path: string, fields: Record<string, string> = {}) =>
  fetch(payer.sandbox.url + path, {
    method: 'POST',
    body: new URLSearchParams(fields),
    redirect: 'manual',
  });
const issueOf = ({ body }: Awaited<ReturnType<typeof part>>) => body.details?.[0]?.issue;
async function paidOrder() {
  const orderId = await payer.approved();
  const order = await payer.capture(orderId);
  return { orderId, captureId: order.purchaseUnits?.[0]?.payments?.captures?.[0]?.id ?? '' };
}

it('come back with the order, with the name that the merchant gave them', async () => {
  const { orderId, captureId } = await paidOrder();
  await part(captureId, '20.00', { custom_id: 'ours' });
  payer.sandbox.refundByHand(captureId, { currency_code: 'EUR', value: '30.00' });
  const order = await payer.paypal.getOrder(orderId, TIMEOUT_MS);
  const refunds = order.purchaseUnits?.[0]?.payments?.refunds ?? [];
  expect(refunds.map(({ customId, amount }) => [customId, amount?.value])).toEqual([
    ['ours', '20.00'],
    [undefined, '30.00'],
  ]);
  expect(refunds[1]?.sellerPayableBreakdown?.totalRefundedAmount?.value).toBe('50.00');
});

it('answer with the least unless the whole is asked for, as PayPal does', async () => {
  const { captureId } = await paidOrder();
  expect(Object.keys((await part(captureId, '1.00')).body)).toEqual(['id', 'status', 'links']);
  const whole = await part(captureId, '1.00', {}, { prefer: 'return=representation' });
  expect(Object.keys(whole.body)).toContain('seller_payable_breakdown');
});

it('are refused when the account has too little money, and take it from there', async () => {
  const { captureId } = await paidOrder();
  payer.sandbox.setAccount({ funds: 5000 });
  expect((await part(captureId, '40.00')).status).toBe(201);
  const refused = await part(captureId, '10.01');
  expect([refused.status, issueOf(refused)]).toEqual([422, 'REFUND_FAILED_INSUFFICIENT_FUNDS']);
  expect((await part(captureId, '10.00')).status).toBe(201);
});

it('are refused after 180 days', async () => {
  const { captureId } = await paidOrder();
  payer.sandbox.age(captureId, 179);
  expect((await part(captureId, '1.00')).status).toBe(201);
  payer.sandbox.age(captureId, 2);
  expect(issueOf(await part(captureId, '1.00'))).toBe('REFUND_TIME_LIMIT_EXCEEDED');
});

it('that are pending can fail, and the money is back in the capture', async () => {
  const { captureId } = await paidOrder();
  payer.sandbox.setAccount({ funds: 12_000, refunds: 'PENDING' });
  await part(captureId, '120.00');
  expect(await payer.getCapture(captureId)).toMatchObject({ status: 'REFUNDED' });
  const refund = payer.sandbox.ledger().refunds.at(-1);
  payer.sandbox.settleRefund(refund?.id ?? '', 'FAILED');
  expect(await payer.getCapture(captureId)).toMatchObject({ status: 'COMPLETED' });
  expect((await part(captureId, '120.00')).status).toBe(201);
});

it.each(['a:b', '', 'ü', 'x'.repeat(128)])('take no name that PayPal cannot return: "%s"', async (name) => {
  const { captureId } = await paidOrder();
  expect((await part(captureId, '1.00', { custom_id: name })).status).toBe(400);
});

it('are made by hand on the page of the sandbox, as in the dashboard of PayPal', async () => {
  const { captureId } = await paidOrder();
  expect((await post(`/captures/${captureId}/refund`, { value: '20' })).status).toBe(303);
  // More than is left: nothing happens.
  expect((await post(`/captures/${captureId}/refund`, { value: '101' })).status).toBe(303);
  expect(await payer.getCapture(captureId)).toMatchObject({ status: 'PARTIALLY_REFUNDED' });
  await post('/account', { funds: '10', refunds: 'PENDING' });
  const page = await (await fetch(payer.sandbox.url)).text();
  expect(page).toContain('refunded 20.00');
  expect(page).toContain('<small>by hand</small>');
  expect(page).toMatch(/name="funds"[^>]* value="10"/);
  await post(`/captures/${captureId}/refund`, { value: '10' });
  const [pending] = payer.sandbox.ledger().refunds.filter(({ status }) => status === 'PENDING');
  await post(`/refunds/${pending?.id ?? ''}`, { status: 'FAILED' });
  await post(`/captures/${captureId}/age`);
  expect(issueOf(await part(captureId, '1.00'))).toBe('REFUND_TIME_LIMIT_EXCEEDED');
  await post('/account', { funds: '' });
});
