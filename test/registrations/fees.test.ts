/** PayPal's fees that are not known yet are asked for: each once, also by two workers, and again after PayPal was away. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readFees } from '../../src/registrations/fees.ts';
import { VendorError } from '../../src/vendors/vendor-error.ts';
import { createDatabase } from '../store.ts';

let store: Awaited<ReturnType<typeof createDatabase>>;
beforeEach(async () => {
  store = await createDatabase();
});
afterEach(() => store.drop());

const EUROS = (minor: number) => ({ minor, currency: 'EUR' });
const AWAY = new VendorError({ vendor: 'PayPal', meaning: 'Unavailable', status: 503 });
const UNKNOWN = new VendorError({ vendor: 'PayPal', meaning: 'Rejected', status: 404, final: true });

/** Adds payments, and a refund that was made in PayPal's dashboard. */
async function add(count: number): Promise<void> {
  await store.database('captures').insert(
    Array.from({ length: count }, (_, n) => ({
      ...{ paypal_capture_id: `C${n}`, registration_id: randomUUID(), amount_minor: 12_000, currency: 'EUR' },
      captured_at: new Date(),
    })),
  );
  await store.database('refunds').insert({
    ...{
      action: randomUUID(),
      registration_id: randomUUID(),
      paypal_capture_id: 'C0',
      paypal_refund_id: 'R',
    },
    ...{ amount_minor: 4000, currency: 'EUR', rest: false, cancels: false, state: 'done' },
  });
}
/** A PayPal that knows all fees, unless it is told otherwise. Notes who was asked for. */
function aPayPal(tell: (id: string) => number | VendorError | undefined = () => 398) {
  const asked: string[] = [];
  const answer = (id: string) => {
    asked.push(id);
    const told = tell(id);
    if (told instanceof VendorError) return Promise.reject(told);
    return Promise.resolve({ amount: EUROS(12_000), ...(told !== undefined && { fee: EUROS(told) }) });
  };
  return {
    asked,
    getCapture: async (captureId: string) => ({
      ...{ captureId, status: 'captured' as const, paidAt: '2027-01-01T00:00:00Z' },
      ...(await answer(captureId)),
    }),
    getRefund: async (refundId: string) => ({
      ...{ refundId, status: 'done' as const, name: undefined, at: '2027-01-01T00:00:00Z' },
      ...(await answer(refundId)),
    }),
  };
}
const read = (paypal: ReturnType<typeof aPayPal>) =>
  readFees({ database: store.database, paypal }, { pauseMs: 0 });
const unknown = async () =>
  (await store.database('captures').whereNull('fee_minor')).length +
  (await store.database('refunds').whereNull('fee_minor')).length;

it('asks for each fee once, also when two workers do so at the same time', async () => {
  await add(60);
  const paypal = aPayPal((id) => (id === 'R' ? 0 : 398));
  const found = await Promise.all([read(paypal), read(paypal)]);
  expect(found[0] + found[1]).toBe(61);
  expect([paypal.asked.length, new Set(paypal.asked).size]).toEqual([61, 61]);
  expect(await store.database('captures').distinct('fee_minor').pluck('fee_minor')).toEqual([398]);
  expect(await store.database('refunds').pluck('fee_minor')).toEqual([0]);
});

it('stops when PayPal is away, and goes on from there the next time', async () => {
  await add(30);
  let left = 25;
  const paypal = aPayPal(() => (left-- > 0 ? 398 : AWAY));
  await expect(read(paypal)).rejects.toThrow('PayPalUnavailable');
  expect(paypal.asked).toHaveLength(26);
  expect(await unknown()).toBe(6);
  const later = aPayPal();
  await read(later);
  expect([await unknown(), later.asked.length]).toEqual([0, 6]);
});

it('leaves what PayPal does not know as it is, and asks again a day later', async () => {
  await add(2);
  const paypal = aPayPal((id) => (id === 'C0' ? UNKNOWN : id === 'C1' ? undefined : 0));
  expect(await read(paypal)).toBe(1);
  expect(await unknown()).toBe(2);
  const again = aPayPal();
  expect(await read(again)).toBe(0);
  expect(again.asked).toEqual([]);
  await store
    .database('captures')
    .update({ fee_asked_at: store.database.raw(`now() - interval '25 hours'`) });
  expect(await read(again)).toBe(2);
});
