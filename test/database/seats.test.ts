import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { saveOrder } from '../../src/database/orders.ts';
import { claimSeat, unclaimSeat } from '../../src/database/seats/claim.ts';
import { findHold, holdSeat, notePaypalOrder } from '../../src/database/seats/hold.ts';
import type { Hold } from '../../src/database/seats/lock.ts';
import { giveSeatBack, releaseHold } from '../../src/database/registrations.ts';
import { createDatabase } from '../store.ts';
import { anOrder, CAPTURED } from '../workflows/stand-ins.ts';

let store: Awaited<ReturnType<typeof createDatabase>>;
beforeEach(async () => {
  store = await createDatabase({ min: 0, max: 20 });
});
afterEach(() => store.drop());

const EVENT = 'conference';
const many = <T>(count: number, make: () => Promise<T>) => Promise.all(Array.from({ length: count }, make));
const hold = (id: string, ticketType = 'limited') => holdSeat(store.database, id, EVENT, ticketType);
const held = async (id: string, ticketType?: string): Promise<Hold> => {
  const outcome = await hold(id, ticketType);
  if (outcome.status !== 'held') throw new Error(outcome.status);
  return outcome.hold;
};
const capacity = (seats: number) =>
  store.database('ticket_types').where({ id: 'limited' }).update({ capacity: seats });
const sold = async (id = 'limited') =>
  (await store.database('ticket_types').where({ id }).first<{ sold: number }>('sold')).sold;
const lapse = (id: string) =>
  store
    .database('seat_holds')
    .where({ id })
    .update({ held_until: new Date(0) });
const orderOf = (id: string) =>
  anOrder({ id, event: { ...anOrder().event, id: EVENT }, ticketType: { id: 'limited', name: 'Limited' } });
const save = (id: string) =>
  saveOrder(store.database, orderOf(id), { ...CAPTURED, paypalOrderId: id, captureId: id });

describe('when many people compete for 20 seats', () => {
  it('the seats would be oversold without the lock on the ticket type', async () => {
    await capacity(20);
    const { database } = store;
    // This does what holdSeat does, but without its lock: it counts the holds and then inserts one.
    const takeWithoutLock = async () => {
      const [{ count } = { count: 0 }] = await database('seat_holds').count<{ count: string }[]>({
        count: '*',
      });
      if (Number(count) >= 20) return;
      const seat = {
        id: randomUUID(),
        event_id: EVENT,
        ticket_type_id: 'limited',
        amount_minor: 1,
        currency: 'EUR',
      };
      await database('seat_holds').insert({ ...seat, held_until: new Date('2099-01-01') });
    };
    await many(200, takeWithoutLock);
    const holds = await database('seat_holds').select('id');
    expect(holds.length).toBeGreaterThan(20);
  });

  it('200 requests at once hold 20 seats, and 180 are told that all seats are held', async () => {
    await capacity(20);
    const outcomes = await many(200, () => hold(randomUUID()));
    const count = (status: string) => outcomes.filter((outcome) => outcome.status === status).length;
    expect([count('held'), count('all-held')]).toEqual([20, 180]);
  });

  it('60 people who hold, claim and order at once buy exactly 20 seats', async () => {
    await capacity(20);
    const ids = Array.from({ length: 60 }, () => randomUUID());
    const outcomes = await Promise.all(
      ids.map(async (id) => {
        if ((await hold(id)).status !== 'held') return false;
        const claim = await claimSeat(store.database, id, id);
        return claim.status === 'claimed' && (await save(id)).status === 'saved';
      }),
    );
    expect(outcomes.filter(Boolean)).toHaveLength(20);
    expect(await sold()).toBe(20);
    expect(await store.database('seat_holds').select('id')).toEqual([]);
  });
});

describe('a hold', () => {
  it('keeps its PayPal order when it is renewed', async () => {
    const id = randomUUID();
    const first = await held(id);
    await notePaypalOrder(store.database, first, 'A');
    const again = await hold(id);
    expect(again).toMatchObject({
      status: 'held',
      renewed: true,
      hold: { paypalOrderId: 'A', amount: { minor: 9000 } },
    });
    expect(Date.parse((again as { hold: Hold }).hold.heldUntil ?? '')).toBeGreaterThanOrEqual(
      Date.parse(first.heldUntil ?? ''),
    );
  });

  it('moves to another ticket type at its price, drops the PayPal order and frees the first seat', async () => {
    await capacity(1);
    const id = randomUUID();
    await notePaypalOrder(store.database, await held(id), 'A');
    expect(await held(id, 'regular')).toMatchObject({
      amount: { minor: 12_000 },
      paypalOrderId: null,
      paypalOrders: 2,
    });
    expect((await hold(randomUUID())).status).toBe('held');
  });

  it('drops the PayPal order when it moves to another ticket type of the same price', async () => {
    await store.database('ticket_types').update({ price_minor: 9000 });
    const first = await held(randomUUID());
    await notePaypalOrder(store.database, first, 'A');
    expect(await held(first.id, 'regular')).toMatchObject({ paypalOrderId: null, paypalOrders: 2 });
  });

  it('keeps the price at which it was created until it lapses', async () => {
    const id = randomUUID();
    await held(id);
    await store.database('ticket_types').where({ id: 'limited' }).update({ price_minor: 5000 });
    expect((await held(id)).amount.minor).toBe(9000);
    await lapse(id);
    expect((await held(id)).amount.minor).toBe(5000);
  });

  it('stops counting once it has lapsed, and can then be claimed only while a seat is free', async () => {
    await capacity(1);
    const [first, second] = [randomUUID(), randomUUID()];
    await held(first);
    await lapse(first);
    expect((await hold(second)).status).toBe('held');
    expect(await claimSeat(store.database, first, 'A')).toEqual({ status: 'no-seat' });
    await releaseHold(store.database, second);
    await lapse(second);
    await releaseHold(store.database, second);
    expect(await claimSeat(store.database, first, 'A')).toEqual({
      status: 'claimed',
      amount: { minor: 9000, currency: 'EUR' },
    });
  });

  it('takes one seat when the same registration asks for it ten times at once', async () => {
    await capacity(2);
    const id = randomUUID();
    const outcomes = await many(10, () => hold(id));
    expect(outcomes.map((outcome) => outcome.status)).toEqual(Array(10).fill('held'));
    expect(outcomes.filter((outcome) => 'renewed' in outcome && !outcome.renewed)).toHaveLength(1);
    expect((await hold(randomUUID())).status).toBe('held');
    expect((await hold(randomUUID())).status).toBe('all-held');
  });

  it('is refused with the right reason: all seats are held, sold out, or the ticket type is unknown', async () => {
    await capacity(1);
    const id = randomUUID();
    await held(id);
    expect((await hold(randomUUID())).status).toBe('all-held');
    await claimSeat(store.database, id, id);
    await save(id);
    expect((await hold(randomUUID())).status).toBe('sold-out');
    expect((await hold(randomUUID(), 'nonsense')).status).toBe('unknown-ticket-type');
  });

  it('can be claimed in its last minute, but not after it has lapsed and somebody else holds the seat', async () => {
    await capacity(1);
    const id = randomUUID();
    await held(id);
    const endsIn = (seconds: number) =>
      store
        .database('seat_holds')
        .where({ id })
        .update({ held_until: new Date(Date.now() + seconds * 1000) });
    await endsIn(20);
    expect(await claimSeat(store.database, id, 'A')).toEqual({
      status: 'claimed',
      amount: { minor: 9000, currency: 'EUR' },
    });
    await unclaimSeat(store.database, id, 'A');
    await endsIn(-1);
    await held(randomUUID());
    expect(await claimSeat(store.database, id, 'B')).toEqual({ status: 'no-seat' });
  });

  it('is not released while it is live, and ends the registration when it is released', async () => {
    const id = randomUUID();
    const { heldUntil } = await held(id);
    expect(await releaseHold(store.database, id)).toBe(heldUntil);
    expect(await findHold(store.database, id)).toMatchObject({ heldUntil });
    await lapse(id);
    expect(await releaseHold(store.database, id)).toBeNull();
    expect((await hold(id)).status).toBe('over');
  });
});

describe('a claim', () => {
  it('does not expire, and a further request for a hold returns the payment in flight', async () => {
    const id = randomUUID();
    await held(id);
    await claimSeat(store.database, id, 'A');
    expect(await hold(id, 'regular')).toMatchObject({
      status: 'in-flight',
      hold: { paypalOrderId: 'A', heldUntil: null },
    });
  });

  it('becomes a hold again after a decline, and drops its PayPal order', async () => {
    const id = randomUUID();
    await notePaypalOrder(store.database, await held(id), 'A');
    await claimSeat(store.database, id, 'A');
    const heldUntil = await unclaimSeat(store.database, id, 'A');
    expect(Date.parse(heldUntil ?? '') - Date.now()).toBeGreaterThan(14 * 60_000);
    expect(await findHold(store.database, id)).toMatchObject({
      paypalOrderId: null,
      paypalOrders: 2,
      heldUntil,
    });
    // A late retry for the first PayPal order must not end the claim for the second one.
    await claimSeat(store.database, id, 'B');
    await unclaimSeat(store.database, id, 'A');
    expect(await hold(id)).toMatchObject({ status: 'in-flight' });
  });
});

describe('the PayPal order of a hold', () => {
  it('is the one that was noted first', async () => {
    const first = await held(randomUUID());
    await notePaypalOrder(store.database, first, 'A');
    await notePaypalOrder(store.database, first, 'B');
    expect(await findHold(store.database, first.id)).toMatchObject({ paypalOrderId: 'A' });
  });

  it('is not replaced by an order that was opened for its former ticket type and is noted late', async () => {
    const first = await held(randomUUID());
    const moved = await held(first.id, 'regular');
    await notePaypalOrder(store.database, first, 'OLD');
    expect(await findHold(store.database, first.id)).toMatchObject({ paypalOrderId: null });
    await notePaypalOrder(store.database, moved, 'NEW');
    expect(await findHold(store.database, first.id)).toMatchObject({ paypalOrderId: 'NEW' });
  });
});

describe('an order', () => {
  it('whose claim went missing sells one seat, while there is one', async () => {
    await capacity(1);
    expect(await save(randomUUID())).toEqual({ status: 'saved' });
    expect(await sold()).toBe(1);
    expect(await save(randomUUID())).toEqual({ status: 'no-seat' });
    expect(await sold()).toBe(1);
  });

  it('is saved once and sells one seat when it is saved five times at once', async () => {
    const id = randomUUID();
    await held(id);
    await claimSeat(store.database, id, id);
    expect(await many(5, () => save(id))).toEqual(Array(5).fill({ status: 'saved' }));
    expect([await sold(), (await store.database('orders').where({ id })).length]).toEqual([1, 1]);
    expect((await hold(id)).status).toBe('registered');
    expect(await claimSeat(store.database, id, id)).toEqual({
      status: 'claimed',
      amount: { minor: 12_000, currency: 'EUR' },
    });
  });

  it('cannot be saved when no seat is left or the registration has ended', async () => {
    await capacity(0);
    expect(await save(randomUUID())).toEqual({ status: 'no-seat' });
    const id = randomUUID();
    await capacity(1);
    await held(id);
    await claimSeat(store.database, id, id);
    await giveSeatBack(store.database, id, 'cancelled');
    expect(await save(id)).toEqual({ status: 'no-seat' });
    expect(await claimSeat(store.database, id, id)).toEqual({ status: 'no-seat' });
  });

  it('cannot be saved for a hold that has lapsed when somebody else holds the seat', async () => {
    await capacity(1);
    const id = randomUUID();
    await held(id);
    await lapse(id);
    await held(randomUUID());
    expect(await save(id)).toEqual({ status: 'no-seat' });
  });

  it('gives its seat back once and stays on record as refunded', async () => {
    const id = randomUUID();
    await held(id);
    await claimSeat(store.database, id, id);
    await save(id);
    await many(3, () => giveSeatBack(store.database, id, 'refunded'));
    expect(await sold()).toBe(0);
    expect(await store.database('orders').where({ id })).toMatchObject([{ status: 'refunded' }]);
  });
});
