import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TEST_CARDS, TEST_WALLETS } from '../../../sandbox/vendors/paypal/cards.ts';
import { captureOf, startPayer, type Payer } from './payer.ts';

let payer: Payer;
beforeAll(async () => {
  payer = await startPayer();
});
afterAll(() => payer.sandbox.close());

describe('a test card', () => {
  it.each(TEST_CARDS)('$number leads to: $leadsTo', async ({ number, outcome }) => {
    const orderId = await payer.approved(number);
    if (outcome.status === 'REFUSED') {
      await expect(payer.capture(orderId)).rejects.toMatchObject({ status: 422, word: outcome.issue });
      expect(payer.capturesOf(orderId)).toEqual([]);
      return;
    }
    const order = await payer.capture(orderId);
    expect(order.status).toBe('COMPLETED');
    expect(captureOf(order)).toMatchObject({
      status: outcome.status,
      processorResponse: { responseCode: outcome.status === 'DECLINED' ? outcome.responseCode : '0000' },
    });
  });

  it.each(['COMPLETED', 'DECLINED', 'FAILED'] as const)(
    'with a pending capture stays pending until the capture is settled: %s',
    async (status) => {
      const taken = captureOf(await payer.capture(await payer.approved('4000000000000077')));
      const captureId = taken?.id ?? '';
      expect(await payer.getCapture(captureId)).toMatchObject({ status: 'PENDING' });
      await expect(payer.refund(captureId)).rejects.toMatchObject({ word: 'CAPTURE_STATUS_INVALID' });
      payer.sandbox.settle(captureId, status);
      expect(await payer.getCapture(captureId)).toMatchObject({ status });
      expect(() => {
        payer.sandbox.settle(captureId, 'COMPLETED');
      }).toThrow('CAPTURE_STATUS_INVALID');
    },
  );

  it.each([
    ['an invalid number', { number: '4012888888881882' }, /number/],
    ['a number that is too short', { number: '4012 8888' }, /number/],
    ['a month that does not exist', { expiry: '13/34' }, /expiry date/],
    ['an expired month', { expiry: '01/20' }, /expired/],
    ['a short security code', { cvv: '12' }, /security code/],
    ['three digits instead of the four of American Express', { number: '378282246310005' }, /security code/],
  ])('is refused with %s', async (_what, card, message) => {
    const orderId = await payer.open();
    expect(payer.sandbox.approve(orderId, card)).toMatch(message);
    await expect(payer.capture(orderId)).rejects.toMatchObject({ word: 'ORDER_NOT_APPROVED' });
  });
});

it.each(TEST_WALLETS)('the wallet of $email leads to: $leadsTo', async ({ email, outcome }) => {
  const orderId = await payer.open();
  const page = await (await fetch(`${payer.sandbox.url}/checkoutnow?token=${orderId}`)).text();
  expect(page).toContain(email);
  const back = await fetch(`${payer.sandbox.url}/checkoutnow`, {
    method: 'POST',
    body: new URLSearchParams({ token: orderId, email }),
  });
  expect(await back.text()).toContain('approved');
  if (outcome.status === 'REFUSED')
    await expect(payer.capture(orderId)).rejects.toMatchObject({ status: 422, word: outcome.issue });
  else expect(captureOf(await payer.capture(orderId))).toMatchObject({ status: 'COMPLETED' });
});
