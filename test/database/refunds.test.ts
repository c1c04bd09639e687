/** The ledger never lets more go back than was captured, however many ask at the same moment. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { claimSeat } from '../../src/database/seats/claim.ts';
import { holdSeat } from '../../src/database/seats/hold.ts';
import { saveOrder } from '../../src/database/orders.ts';
import { giveSeatBack } from '../../src/database/registrations.ts';
import {
  askAgain,
  askOwnRefund,
  askRefund,
  findRefund,
  noteRefundsByHand,
  refuseRefund,
  settleRefund,
  type Refund,
} from '../../src/database/refunds.ts';
import type { RefundRequest } from '../../src/refund.ts';
import { createDatabase } from '../store.ts';
import { anOrder, CAPTURED } from '../workflows/stand-ins.ts';
import { heldUp } from './held-up.ts';

let store: Awaited<ReturnType<typeof createDatabase>>;
beforeEach(async () => {
  store = await createDatabase({ min: 0, max: 20 });
});
afterEach(() => store.drop());

const euros = (amount: number) => ({ minor: amount * 100, currency: 'EUR' });
/** Saves an order of 120 euros. */
async function paid({ free = false } = {}): Promise<string> {
  const id = randomUUID();
  const event = { ...anOrder().event, id: 'conference' };
  await holdSeat(store.database, id, 'conference', free ? 'free' : 'regular');
  await claimSeat(store.database, id, free ? 'free' : id);
  const order = free
    ? anOrder({ id, event, amount: euros(0), ticketType: { id: 'free', name: 'Free' } })
    : anOrder({ id, event });
  const capture = free ? null : id;
  await saveOrder(store.database, order, { ...CAPTURED, paypalOrderId: capture, captureId: capture });
  return id;
}
const request = (registration: string, amount: number | null, more: Partial<RefundRequest> = {}) => ({
  ...{ registration, action: randomUUID(), organizer: randomUUID(), reason: 'A reason', cancels: false },
  amount: amount === null ? null : euros(amount),
  ...more,
});
const ask = (asked: RefundRequest) => askRefund(store.database, asked);
const refundOf = async (action: string): Promise<Refund> => {
  const refund = await findRefund(store.database, action);
  if (!refund) throw new Error('There is no refund');
  return refund;
};
const settle = async (action: string, refundId = action) => {
  const refund = await refundOf(action);
  return settleRefund(store.database, refund, { refundId, amount: refund.amount, byHand: false });
};
const kinds = (registration: string) =>
  store
    .database('registration_events')
    .where({ registration_id: registration })
    .orderBy('position')
    .pluck<string[]>('kind');
const statusOf = async (id: string) =>
  (await store.database('orders').where({ id }).pluck<string[]>('status'))[0];
const sold = async () =>
  (await store.database('ticket_types').where({ id: 'regular' }).first<{ sold: number }>('sold')).sold;

it('enters one of two refunds of 70 that two organizers ask for of 120 at the same moment', async () => {
  const id = await paid();
  // Both have looked at what is left before one of them can write.
  const decisions = await heldUp(store.database, 'lock table refunds in share mode', 2, () =>
    Promise.all([ask(request(id, 70)), ask(request(id, 70))]),
  );
  expect(decisions.map(({ status }) => status).toSorted()).toEqual(['asked', 'too-much']);
  expect(decisions).toContainEqual({ status: 'too-much', left: euros(50) });
});

it('enters the same action once, also when it comes twenty times at once', async () => {
  const id = await paid();
  const asked = request(id, 40);
  const decisions = await Promise.all(Array.from({ length: 20 }, () => ask(asked)));
  expect(decisions).toEqual(Array(20).fill({ status: 'asked', amount: euros(40) }));
  expect(await store.database('refunds').count()).toEqual([{ count: '1' }]);
  expect(await kinds(id)).toEqual(['registered', 'refund-asked']);
});

it('enters everything that is left without an amount, and then nothing more', async () => {
  const id = await paid();
  await ask(request(id, 40));
  expect(await ask(request(id, null))).toEqual({ status: 'asked', amount: euros(80) });
  expect(await ask(request(id, 1))).toEqual({ status: 'nothing-left' });
});

it('refuses what cannot be refunded', async () => {
  expect(await ask(request(randomUUID(), 1))).toEqual({ status: 'no-order' });
  expect(await ask(request(await paid({ free: true }), null))).toEqual({ status: 'nothing-paid' });
  const id = await paid();
  expect(await ask(request(id, 120.01))).toEqual({ status: 'too-much', left: euros(120) });
  expect(await ask(request(id, 0))).toMatchObject({ status: 'too-much' });
  expect(await ask(request(id, -5))).toMatchObject({ status: 'too-much' });
  expect(await ask({ ...request(id, 1), amount: { minor: 1, currency: 'USD' } })).toMatchObject({
    status: 'too-much',
  });
  const asked = request(id, 1);
  await ask(asked);
  expect(await ask({ ...asked, registration: await paid() })).toEqual({ status: 'no-order' });
});

it('gives the seat back with the refund that cancels, in the same moment, and once', async () => {
  const id = await paid();
  const asked = request(id, null, { cancels: true });
  await ask(asked);
  expect([await statusOf(id), await sold()]).toEqual(['confirmed', 1]);
  const done = { status: 'done', amount: euros(120), ended: 'refunded' };
  expect(await settle(asked.action)).toEqual(done);
  expect([await statusOf(id), await sold()]).toEqual(['refunded', 0]);
  expect(await settle(asked.action)).toEqual(done);
  expect(await sold()).toBe(0);
  expect(await kinds(id)).toEqual(['registered', 'refund-asked', 'refunded', 'cancelled']);
});

it('leaves a registration cancelled, and not refunded, when a part of the payment is kept', async () => {
  const id = await paid();
  const asked = request(id, 40, { cancels: true });
  await ask(asked);
  expect(await settle(asked.action)).toMatchObject({ ended: 'cancelled' });
  expect(await statusOf(id)).toBe('cancelled');
});

it('counts a refund that PayPal refused as not made, and asks for it again under a new number', async () => {
  const id = await paid();
  const asked = request(id, 100);
  await ask(asked);
  const first = await refundOf(asked.action);
  await refuseRefund(store.database, first, 'REFUND_FAILED_INSUFFICIENT_FUNDS');
  expect(await ask(request(id, 50))).toMatchObject({ status: 'asked' });
  // 50 of 120 are on their way, so that the 100 are too much now.
  expect(await askAgain(store.database, asked, randomUUID())).toEqual({
    status: 'too-much',
    left: euros(70),
  });
  await store.database('refunds').whereNot({ action: asked.action }).delete();
  const again = randomUUID();
  const twice = await Promise.all([1, 2].map(() => askAgain(store.database, asked, again)));
  expect(twice).toEqual(Array(2).fill({ status: 'asked', amount: euros(100) }));
  const second = await refundOf(asked.action);
  expect(second).toMatchObject({ state: 'asked', number: first.number + 1 });
  expect(second.askedAt.getTime()).toBeGreaterThan(first.askedAt.getTime());
  expect(await askAgain(store.database, asked, randomUUID())).toEqual({ status: 'not-refused' });
  expect((await kinds(id)).filter((kind) => kind === 'refund-asked-again')).toHaveLength(1);
});

it('has the run that undoes a registration refund what organizers have left', async () => {
  const id = await paid();
  await ask(request(id, 40));
  expect(await askOwnRefund(store.database, id)).toMatchObject({ action: id, amount: euros(80) });
  expect(await askOwnRefund(store.database, id)).toMatchObject({ action: id, amount: euros(80) });
  expect(await ask(request(id, 1))).toEqual({ status: 'nothing-left' });
});

it('has the run refund nothing of a registration that an organizer has ended', async () => {
  const id = await paid();
  const asked = request(id, 40, { cancels: true });
  await ask(asked);
  await settle(asked.action);
  expect(await askOwnRefund(store.database, id)).toBeUndefined();
});

it('needs the payment from the run where there is no order', async () => {
  const id = randomUUID();
  expect(await askOwnRefund(store.database, id)).toBe('unknown-payment');
  const payment = { captureId: 'CAPTURE', paypalOrderId: null, amount: euros(120) };
  expect(await askOwnRefund(store.database, id, payment)).toMatchObject({ amount: euros(120), number: 1 });
});

it('tells each reason of a run that is refused for ever once', async () => {
  const id = await paid();
  for (const word of ['A', 'A', 'B']) {
    const refund = await askOwnRefund(store.database, id);
    if (typeof refund === 'object') await refuseRefund(store.database, refund, word);
  }
  expect((await kinds(id)).filter((kind) => kind === 'refund-refused')).toHaveLength(2);
});

it('enters a refund that was made at PayPal by hand once, and counts it', async () => {
  const id = await paid();
  const payment = { registration: id, captureId: id, paypalOrderId: id };
  const made = [{ refundId: 'BY-HAND', amount: euros(30), at: new Date().toISOString() }];
  await Promise.all([1, 2, 3].map(() => noteRefundsByHand(store.database, payment, made)));
  expect(await ask(request(id, null))).toEqual({ status: 'asked', amount: euros(90) });
  expect(await kinds(id)).toEqual(['registered', 'refunded-at-paypal', 'refund-asked']);
});

it('counts a refund once that was entered as made by hand before it was known as ours', async () => {
  const id = await paid();
  const asked = request(id, 40);
  await ask(asked);
  const payment = { registration: id, captureId: id, paypalOrderId: id };
  await noteRefundsByHand(store.database, payment, [
    { refundId: 'OURS', amount: euros(40), at: new Date().toISOString() },
  ]);
  await settle(asked.action, 'OURS');
  expect(await ask(request(id, null))).toEqual({ status: 'asked', amount: euros(80) });
});

it('keeps a history that nobody can change, except for what organizers wrote about a person', async () => {
  const id = await paid();
  await ask(request(id, 40));
  const events = () => store.database('registration_events').where({ registration_id: id });
  await expect(events().delete()).rejects.toThrow('append-only');
  await expect(events().update({ kind: 'nothing' })).rejects.toThrow('append-only');
  await expect(events().update({ text: 'Another reason' })).rejects.toThrow('append-only');
  await events().update({ text: null });
  expect(await events().pluck('text')).toEqual([null, null]);
});

it('says in the history that a registration was undone, once', async () => {
  const id = await paid();
  await giveSeatBack(store.database, id, 'cancelled');
  await giveSeatBack(store.database, id, 'cancelled');
  expect(await kinds(id)).toEqual(['registered', 'cancelled']);
});
