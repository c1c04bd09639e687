/** What PayPal's answers mean. */
import {
  CaptureStatus,
  EnrollmentStatus,
  LiabilityShiftIndicator,
  type Order,
} from '@paypal/paypal-server-sdk';
import { expect, it } from 'vitest';
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
