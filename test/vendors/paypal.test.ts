/** What PayPal's answers mean, and how long anybody waits for them. */
import {
  CaptureStatus,
  EnrollmentStatus,
  LiabilityShiftIndicator,
  type Order,
} from '@paypal/paypal-server-sdk';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startSandbox } from '../../sandbox/vendors/server.ts';
import { connectPayPal } from '../../src/vendors/paypal/client.ts';
import { toCapture, toCheckoutOrder } from '../../src/vendors/paypal/outcome.ts';

const unit = { customId: 'ID', amount: { currencyCode: 'EUR', value: '120.00' } };

it('an order was opened for what its only purchase unit says', () => {
  const { purchase } = toCheckoutOrder({ purchaseUnits: [unit] });
  expect(purchase).toEqual({ registrationId: 'ID', value: '120.00', currency: 'EUR' });
});

it('an order of two purchase units, which costs more than its first one says, is for nothing', () => {
  expect(toCheckoutOrder({ purchaseUnits: [unit, unit] }).purchase).toBeUndefined();
});

it.each([
  [CaptureStatus.Completed, 'captured'],
  [CaptureStatus.PartiallyRefunded, 'captured'],
  [CaptureStatus.Pending, 'pending'],
  [CaptureStatus.Declined, 'declined'],
  [CaptureStatus.Failed, 'failed'],
  [CaptureStatus.Refunded, 'refunded'],
  [undefined, 'pending'],
])('a capture that is %s counts as %s', (told, status) => {
  expect(toCapture({ id: 'CAPTURE', ...(told && { status: told }) })).toMatchObject({ status });
});

it.each([
  [LiabilityShiftIndicator.Possible, EnrollmentStatus.Enrolled, true],
  [LiabilityShiftIndicator.No, EnrollmentStatus.NotEnrolled, true],
  [LiabilityShiftIndicator.No, EnrollmentStatus.Bypass, true],
  [LiabilityShiftIndicator.No, EnrollmentStatus.Enrolled, false],
  [LiabilityShiftIndicator.No, undefined, false],
  [LiabilityShiftIndicator.Unknown, EnrollmentStatus.NotEnrolled, false],
])('a card with liability shift %s and enrollment %s may be charged: %s', (liabilityShift, enrolled, may) => {
  const threeDSecure = enrolled && { enrollmentStatus: enrolled };
  const authenticationResult = { liabilityShift, ...(threeDSecure && { threeDSecure }) };
  const order: Order = { paymentSource: { card: { authenticationResult } } };
  expect(toCheckoutOrder(order).authenticated).toBe(may);
});

let sandbox: Awaited<ReturnType<typeof startSandbox>>;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

it('nobody waits for a token longer than for an answer, and the next call asks for another one', async () => {
  const paypal = connectPayPal({
    ...{ baseUrl: sandbox.url, webUrl: sandbox.url },
    clientId: sandbox.settings.PAYPAL_CLIENT_ID,
    clientSecret: sandbox.settings.PAYPAL_CLIENT_SECRET,
  });
  const startedAt = Date.now();
  sandbox.faults.set('paypal', { mode: 'slow', ms: 60_000, only: '/oauth2/token' });
  const calls = [paypal.findOrder('ORDER', 300), paypal.findOrder('ORDER', 300)];
  for (const call of calls) await expect(call).rejects.toMatchObject({ word: 'TIMEOUT' });
  await expect(paypal.findOrder('ORDER', 300)).rejects.toMatchObject({ word: 'TIMEOUT' });
  expect(Date.now() - startedAt).toBeLessThan(30_000);
  sandbox.faults.clear();
  expect(await paypal.findOrder('ORDER', 10_000)).toBeUndefined();
});
