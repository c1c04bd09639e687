/**
 * Decisions that are made at the same moment. In each test another transaction stops them when they have looked and before they
 * write, and then lets all of them go on. Without their locks, each would decide by what it saw before.
 */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { saveOrder } from '../../src/database/orders.ts';
import { giveSeatBack } from '../../src/database/registrations.ts';
import { claimSeat } from '../../src/database/seats/claim.ts';
import { holdSeat } from '../../src/database/seats/hold.ts';
import { createDatabase } from '../store.ts';
import { anOrder, CAPTURED } from '../workflows/stand-ins.ts';
import { heldUp } from './held-up.ts';

let store: Awaited<ReturnType<typeof createDatabase>>;
beforeEach(async () => {
  store = await createDatabase({ min: 0, max: 20 });
});
afterEach(() => store.drop());

const PEOPLE = 8;
const hold = (id: string) => holdSeat(store.database, id, 'conference', 'limited');
const claim = (id: string) => claimSeat(store.database, id, 'A');
const capacity = (seats: number) =>
  store.database('ticket_types').where({ id: 'limited' }).update({ capacity: seats });
const save = (id: string) => {
  const event = { ...anOrder().event, id: 'conference' };
  const order = anOrder({ id, event, ticketType: { id: 'limited', name: 'Limited' } });
  return saveOrder(store.database, order, { ...CAPTURED, paypalOrderId: id, captureId: id });
};
const sold = async () =>
  (await store.database('ticket_types').where({ id: 'limited' }).first<{ sold: number }>('sold')).sold;
const endsIn = (seconds: number) =>
  store.database('seat_holds').update({ held_until: new Date(Date.now() + seconds * 1000) });
const people = () => Array.from({ length: PEOPLE }, () => randomUUID());
const statuses = (outcomes: { status: string }[]) => outcomes.map(({ status }) => status).toSorted();
const nobodyElse = (status: string) => Array<string>(PEOPLE - 1).fill(status);

/** Has people whose holds have lapsed come back at once, when one seat is left. Returns what each of them got. */
async function comeBackForOneSeat<T>(come: (id: string) => Promise<T>): Promise<T[]> {
  await capacity(PEOPLE);
  const ids = people();
  await Promise.all(ids.map(hold));
  await endsIn(-1);
  await capacity(1);
  return heldUp(store.database, 'select from seat_holds for update', PEOPLE, () =>
    Promise.all(ids.map(come)),
  );
}

it('one of eight lapsed holds that are claimed at once gets the last seat', async () => {
  const outcomes = await comeBackForOneSeat(claim);
  expect(statuses(outcomes)).toEqual(['claimed', ...nobodyElse('no-seat')]);
});

it('one of eight lapsed holds that are renewed at once gets the last seat', async () => {
  const outcomes = await comeBackForOneSeat(hold);
  expect(statuses(outcomes)).toEqual([...nobodyElse('all-held'), 'held']);
});

it('one of eight people who come at once holds the last seat', async () => {
  await capacity(1);
  // Seats can be counted, but no hold can be written.
  const outcomes = await heldUp(store.database, 'lock table seat_holds in share mode', PEOPLE, () =>
    Promise.all(people().map(hold)),
  );
  expect(statuses(outcomes)).toEqual([...nobodyElse('all-held'), 'held']);
});

it('a registration without its claim is sold once when it is saved five times at once', async () => {
  const id = randomUUID();
  const saved = await heldUp(store.database, 'select from ticket_types for update', 5, () =>
    Promise.all(Array.from({ length: 5 }, () => save(id))),
  );
  expect(saved).toEqual(Array(5).fill({ status: 'saved' }));
  expect(await sold()).toBe(1);
});

it('an order that is saved while its registration is cancelled is cancelled, too', async () => {
  const id = randomUUID();
  await hold(id);
  await claim(id);
  await heldUp(store.database, 'select from seat_holds for update', 2, async (waiting) => {
    const saved = save(id);
    await waiting(1);
    return Promise.all([saved, giveSeatBack(store.database, id, 'cancelled')]);
  });
  expect(await store.database('orders').where({ id })).toMatchObject([{ status: 'cancelled' }]);
  expect(await sold()).toBe(0);
});

it('a hold in its last minute is claimed under the lock on the ticket type, and one with more time without it', async () => {
  const id = randomUUID();
  await hold(id);
  const late = await heldUp(store.database, 'select from ticket_types for update', 1, async () => {
    expect((await claim(id)).status).toBe('claimed');
    const heldUntil = new Date(Date.now() + 55_000);
    await store.database('seat_holds').update({ claimed_for: null, held_until: heldUntil });
    return claim(id);
  });
  expect(late.status).toBe('claimed');
});
