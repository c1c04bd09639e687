/** What of a cancelled event is left to do, and in which order it is decided. Nobody keeps a seat, and nobody's payment is kept. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NO_FUNDS, type CancellationToBegin } from '../../src/cancel-event.ts';
import {
  cancelEvent,
  findCancellation,
  pauseCancellation,
  resumeCancellation,
} from '../../src/database/cancelled-events/cancellation.ts';
import { nextCancellations } from '../../src/database/cancelled-events/next.ts';
import {
  countCancelled,
  listRefused,
  previewCancellation,
} from '../../src/database/cancelled-events/progress.ts';
import { saveOrder } from '../../src/database/orders.ts';
import { askAgain, askRefund, findRefund, refuseRefund, settleRefund } from '../../src/database/refunds.ts';
import { cancelRegistration } from '../../src/database/registrations.ts';
import { claimSeat, unclaimSeat } from '../../src/database/seats/claim.ts';
import { holdSeat } from '../../src/database/seats/hold.ts';
import { createDatabase } from '../store.ts';
import { anOrder, CAPTURED } from '../workflows/stand-ins.ts';

let store: Awaited<ReturnType<typeof createDatabase>>;
beforeEach(async () => {
  store = await createDatabase({ min: 0, max: 20 });
});
afterEach(() => store.drop());

const euros = (amount: number) => ({ minor: amount * 100, currency: 'EUR' });
const event = 'conference';
const hold = (id: string, ticketType = 'regular', owner = {}) =>
  holdSeat(store.database, id, event, ticketType, owner);
const claim = (id: string, what = id) => claimSeat(store.database, id, what);

async function save(id: string, free = false): Promise<void> {
  const facts = { ...anOrder().event, id: event };
  const order = free
    ? anOrder({ id, event: facts, amount: euros(0), ticketType: { id: 'free', name: 'Free' } })
    : anOrder({ id, event: facts });
  const capture = free ? null : id;
  await saveOrder(store.database, order, { ...CAPTURED, paypalOrderId: capture, captureId: capture });
}
/** A confirmed registration, of 120 euros or free. */
async function confirmed({ free = false } = {}): Promise<string> {
  const id = randomUUID();
  await hold(id, free ? 'free' : 'regular');
  await claim(id, free ? 'free' : id);
  await save(id, free);
  return id;
}
const asked = (organizer: string = randomUUID()) => ({ event, organizer, action: randomUUID() });
const cancel = () => cancelEvent(store.database, asked());
async function next() {
  const found = await nextCancellations(store.database, event);
  if (!found) throw new Error('The event is not cancelled');
  return found;
}
const counts = () => countCancelled(store.database, event);
/** As if the cancellation had been some time ago. */
const later = () =>
  store
    .database('event_cancellations')
    .update({ asked_at: store.database.raw("asked_at - interval '1 minute'") });
const forgetful = (interval: string) =>
  store
    .database('cancelled_registrations')
    .update({ begun_at: store.database.raw(`begun_at - interval '${interval}'`) });
const refundOf = async (action: string) => {
  const refund = await findRefund(store.database, action);
  if (!refund) throw new Error('There is no refund');
  return refund;
};
const requestOf = ({ registration, action, organizer }: CancellationToBegin) => ({
  ...{ registration, action, organizer, reason: '', amount: null, cancels: true },
});
/** What the run of a refund does, with PayPal's answer. */
async function refund(one: CancellationToBegin, refusal?: string): Promise<void> {
  const decided = one.again
    ? askAgain(store.database, { ...requestOf(one), again: one.again }, one.again)
    : askRefund(store.database, requestOf(one));
  expect(await decided).toMatchObject({ status: 'asked' });
  const made = await refundOf(one.action);
  if (refusal) return refuseRefund(store.database, made, refusal);
  await settleRefund(store.database, made, { refundId: randomUUID(), amount: made.amount, byHand: false });
}
const cancelOne = (one: CancellationToBegin, unlessPaid = true) =>
  cancelRegistration(store.database, { ...requestOf(one), ...(unlessPaid && { unlessPaid: true as const }) });
/** Resolves when a statement waits for a lock. */
const waits = () =>
  vi.waitUntil(async () => {
    const { rows } = await store.database.raw<{ rows: unknown[] }>(
      `select from pg_locks join pg_stat_activity using (pid) where not granted and datname = current_database()`,
    );
    return rows.length > 0;
  });
const sold = async () => (await store.database('ticket_types').sum<{ sum: string }[]>('sold'))[0]?.sum;
const only = <T>([first, ...others]: T[]): T => {
  if (first === undefined || others.length > 0) throw new Error(`${others.length} others`);
  return first;
};

it('stops the sale, lapses holds, and refunds and cancels everybody, once', async () => {
  const [paid, free, holding] = [await confirmed(), await confirmed({ free: true }), randomUUID()];
  await hold(holding);
  expect(await previewCancellation(store.database, event)).toEqual({
    ...{ paid: 1, sums: [euros(120)], free: 1, elsewhere: 0, inPayment: 0, held: 1 },
  });
  await cancel();
  expect(await hold(randomUUID())).toEqual({ status: 'unknown-ticket-type' });
  expect(await claim(holding)).toEqual({ status: 'no-seat' });
  expect(await counts()).toEqual({ done: 0, refused: 0, left: 2 });
  const { begin, finished } = await next();
  expect(finished).toBe(false);
  expect(begin.map(({ registration, does }) => ({ registration, does }))).toEqual(
    expect.arrayContaining([
      { registration: paid, does: 'refund' },
      { registration: free, does: 'cancel' },
    ]),
  );
  expect((await next()).begin).toEqual([]);
  for (const one of begin) await (one.does === 'refund' ? refund(one) : cancelOne(one));
  expect(await next()).toMatchObject({ finished: false, counts: { done: 2, refused: 0, left: 0 } });
  await later();
  expect(await next()).toMatchObject({ finished: true });
  expect((await findCancellation(store.database, event))?.finishedAt).toBeInstanceOf(Date);
  expect(await sold()).toBe('0');
  const kinds = await store.database('organizer_events').orderBy('position').pluck<string[]>('kind');
  expect(kinds).toEqual(['event-cancelled', 'event-cancellation-finished']);
});

it('is one cancellation when two organizers send the form at the same moment', async () => {
  await confirmed();
  const both = await Promise.all([asked(), asked()].map((one) => cancelEvent(store.database, one)));
  expect(both[0]).toEqual(both[1]);
  expect(await store.database('organizer_events').pluck('kind')).toEqual(['event-cancelled']);
});

it('begins ten at a time, and others when some are done or slow', async () => {
  for (let n = 0; n < 12; n++) await confirmed();
  await cancel();
  const first = (await next()).begin;
  expect(first).toHaveLength(10);
  expect((await next()).begin).toEqual([]);
  await refund(first[0] ?? only([]));
  expect((await next()).begin).toHaveLength(1);
  for (const one of first.slice(1)) await askRefund(store.database, requestOf(one));
  await forgetful('31 seconds');
  // PayPal has not answered yet: they stay under way, and keep nobody waiting.
  const more = (await next()).begin.map(({ registration }) => registration);
  expect(more).toHaveLength(2);
  expect(first.map(({ registration }) => registration)).not.toContain(more[0]);
});

it('begins the same again, under the same action, when what was begun has left no trace', async () => {
  await confirmed();
  await cancel();
  const begun = only((await next()).begin);
  expect((await next()).begin).toEqual([]);
  await forgetful('31 seconds');
  expect((await next()).begin).toEqual([begun]);
  await askRefund(store.database, requestOf(begun));
  await forgetful('31 seconds');
  expect((await next()).begin).toEqual([]);
  // The run of the refund may have been terminated.
  await forgetful('10 minutes');
  expect((await next()).begin).toEqual([begun]);
});

it('gives the same action in another cancellation of the same event, as after a restored backup', async () => {
  await confirmed();
  await cancel();
  const { action } = only((await next()).begin);
  expect(action).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  for (const table of ['cancelled_registrations', 'event_cancellations'])
    await store.database(table).delete();
  await cancel();
  expect(only((await next()).begin).action).toBe(action);
});

describe('somebody who is paying meanwhile', () => {
  it('is cancelled by their own run, or refunded as soon as there is an order', async () => {
    const id = randomUUID();
    await hold(id);
    await claim(id);
    await cancel();
    const begun = only((await next()).begin);
    expect(begun).toMatchObject({ registration: id, does: 'cancel' });
    await save(id);
    const refunded = only((await next()).begin);
    expect(refunded).toEqual({ ...begun, does: 'refund' });
    expect(await cancelOne(begun)).toEqual({ status: 'paid' });
    await refund(refunded);
    expect(await counts()).toEqual({ done: 1, refused: 0, left: 0 });
  });

  it('keeps nothing back: without the look at the payment, the order would be cancelled unpaid', async () => {
    const order = async () => {
      const id = randomUUID();
      await hold(id);
      await claim(id);
      return id;
    };
    const [unprotected, guarded] = [await order(), await order()];
    await cancel();
    const { begin } = await next();
    // The order is saved after the run has looked, and before the cancellation is decided.
    for (const id of [unprotected, guarded]) await save(id);
    const of = (id: string) => only(begin.filter(({ registration }) => registration === id));
    expect(await cancelOne(of(unprotected), false)).toEqual({ status: 'ended' });
    expect(await cancelOne(of(guarded))).toEqual({ status: 'paid' });
    expect((await next()).begin.map(({ registration }) => registration)).toEqual([guarded]);
  });

  it('has no seat after the end, also by a statement that began before the cancellation', async () => {
    const id = randomUUID();
    // The statement has seen an event on sale, and waits; the cancellation is faster.
    const other = await store.database.transaction();
    await other.raw('lock table free_registrations in share mode');
    const holding = hold(id, 'free', { addressKey: 'a', personKey: 'p' });
    await waits();
    await cancel();
    await other.commit();
    const outcome = await holding;
    expect(outcome.status).toBe('held');
    // Without a further look, the seat would be theirs: a claim does not ask about the event.
    const another = await store.database.transaction();
    expect(await claimSeat(another, id, 'free')).toMatchObject({ status: 'claimed' });
    await another.rollback();
    await later();
    expect(await next()).toMatchObject({ finished: true });
    expect(await claim(id, 'free')).toEqual({ status: 'no-seat' });
  });

  it('is waited for, however long PayPal takes, and gets no second try after a decline', async () => {
    const id = randomUUID();
    await hold(id);
    await claim(id);
    await cancel();
    await later();
    expect(await next()).toMatchObject({ finished: false, counts: { left: 1 } });
    await unclaimSeat(store.database, id, id);
    expect(await next()).toMatchObject({ finished: false, counts: { left: 1 } });
    expect(await claim(id, 'another')).toEqual({ status: 'no-seat' });
  });

  it('is found with a declined card, whose run waits for another one', async () => {
    const id = randomUUID();
    await hold(id);
    await claim(id);
    await unclaimSeat(store.database, id, id);
    await cancel();
    expect(only((await next()).begin)).toMatchObject({ registration: id, does: 'cancel' });
  });
});

describe('what was refunded before', () => {
  it('counts with what is left, and with nothing left it is cancelled', async () => {
    const [part, whole] = [await confirmed(), await confirmed()];
    for (const [registration, amount] of [
      [part, 40],
      [whole, 120],
    ] as const) {
      const action = randomUUID();
      await askRefund(store.database, {
        ...{ registration, action, organizer: action, reason: '', amount: euros(amount), cancels: false },
      });
      const made = await refundOf(action);
      await settleRefund(store.database, made, { refundId: action, amount: made.amount, byHand: false });
    }
    expect(await previewCancellation(store.database, event)).toMatchObject({
      paid: 1,
      free: 1,
      sums: [euros(80)],
    });
    await cancel();
    const { begin } = await next();
    expect(Object.fromEntries(begin.map(({ registration, does }) => [registration, does]))).toEqual({
      [part]: 'refund',
      [whole]: 'cancel',
    });
  });

  it('is waited for while another refund of everything is under way, which may be refused', async () => {
    const registration = await confirmed();
    const action = randomUUID();
    await askRefund(store.database, {
      ...{ registration, action, organizer: action, reason: '', amount: null, cancels: false },
    });
    await cancel();
    expect(await next()).toMatchObject({ begin: [], counts: { left: 1 } });
    await refuseRefund(store.database, await refundOf(action), 'FAILED');
    expect(only((await next()).begin)).toMatchObject({ registration, does: 'refund' });
  });
});

describe('a refund that PayPal refuses', () => {
  it('is listed with its reason, keeps its seat, and keeps nobody else from the end', async () => {
    const [old, other] = [await confirmed(), await confirmed()];
    await cancel();
    for (const one of (await next()).begin)
      await refund(one, one.registration === old ? 'REFUND_TIME_LIMIT_EXCEEDED' : undefined);
    await later();
    expect(await next()).toMatchObject({ finished: true, counts: { done: 1, refused: 1, left: 0 } });
    expect(await listRefused(store.database, event, 10)).toMatchObject([
      { registration: old, left: euros(120), word: 'REFUND_TIME_LIMIT_EXCEEDED' },
    ]);
    expect(await store.database('orders').where({ status: 'confirmed' }).pluck('id')).toEqual([old]);
    expect(await sold()).toBe('1');
    expect(other).not.toBe(old);
  });

  it('for want of money pauses once; after Resume it is asked for again under another id, once', async () => {
    for (let n = 0; n < 3; n++) await confirmed();
    await cancel();
    const [first, second, third] = (await next()).begin;
    if (!first || !second || !third) throw new Error('Three were to begin');
    await refund(first, NO_FUNDS);
    expect(await next()).toMatchObject({ paused: 'funds', pauses: 1, begin: [] });
    expect(await next()).toMatchObject({ paused: 'funds', pauses: 1 });
    // What had begun goes on.
    await refund(second, NO_FUNDS);
    await refund(third);
    await later();
    expect(await next()).toMatchObject({ finished: false, pauses: 1 });
    expect(await resumeCancellation(store.database, asked())).toBe(true);
    expect(await resumeCancellation(store.database, asked())).toBe(false);
    const { begin, finished } = await next();
    expect(finished).toBe(false);
    expect(begin.map(({ registration }) => registration).toSorted()).toEqual(
      [first, second].map(({ registration }) => registration).toSorted(),
    );
    for (const { action, again } of begin) {
      expect([first.action, second.action]).toContain(action);
      expect(again).toMatch(/^[0-9a-f-]{36}$/);
      expect(again).not.toBe(action);
    }
    expect((await next()).begin).toEqual([]);
    for (const one of begin) await refund(one);
    expect(await next()).toMatchObject({ finished: true, counts: { done: 3, refused: 0, left: 0 } });
  });

  it('never counts as the end while it begins anew', async () => {
    const registration = await confirmed();
    await cancel();
    const begun = only((await next()).begin);
    await refund(begun, NO_FUNDS);
    await next();
    await resumeCancellation(store.database, asked());
    await later();
    await next();
    let turns = 0;
    let isOver = false;
    const refunds = async () => {
      for (; !isOver; turns++)
        await store
          .database('refunds')
          .where({ registration_id: registration })
          .update({ state: turns % 2 ? 'refused' : 'asked' });
    };
    const turning = refunds();
    const looks: boolean[] = [];
    for (let n = 0; n < 100; n++) looks.push((await next()).finished);
    isOver = true;
    await turning;
    expect(looks.filter((finished) => finished)).toEqual([]);
    expect(turns).toBeGreaterThan(30);
  });

  it('pauses again, and is told again, when there is still no money', async () => {
    await confirmed();
    await cancel();
    await refund(only((await next()).begin), NO_FUNDS);
    expect(await next()).toMatchObject({ pauses: 1 });
    await resumeCancellation(store.database, asked());
    await refund(only((await next()).begin), NO_FUNDS);
    expect(await next()).toMatchObject({ paused: 'funds', pauses: 2 });
  });
});

it('begins nothing while an organizer pauses, and says who paused and resumed', async () => {
  await confirmed();
  await cancel();
  const organizer = randomUUID();
  expect(await pauseCancellation(store.database, asked(organizer))).toBe(true);
  expect(await pauseCancellation(store.database, asked(organizer))).toBe(false);
  expect(await next()).toMatchObject({ paused: 'organizer', pauses: 0, begin: [], finished: false });
  await resumeCancellation(store.database, asked(organizer));
  expect((await next()).begin).toHaveLength(1);
  const told = await store
    .database('organizer_events')
    .where({ organizer_id: organizer })
    .pluck<string[]>('kind');
  expect(told).toEqual(['event-cancellation-paused', 'event-cancellation-resumed']);
});
