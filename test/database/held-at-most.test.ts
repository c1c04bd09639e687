/** The bound for live holds: never too low, whatever path a hold takes, and never a reason to refuse somebody. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { claimSeat, unclaimSeat } from '../../src/database/seats/claim.ts';
import { dropHold, holdSeat } from '../../src/database/seats/hold.ts';
import { takeSeatBack } from '../../src/database/seats/rebuilt.ts';
import { createDatabase } from '../store.ts';
import { anOrder } from '../workflows/stand-ins.ts';

let store: Awaited<ReturnType<typeof createDatabase>>;
beforeEach(async () => {
  store = await createDatabase({ min: 0, max: 20 });
});
afterEach(() => store.drop());

const hold = (id: string, ticketType = 'limited') => holdSeat(store.database, id, 'conference', ticketType);
const capacity = (seats: number | null) =>
  store.database('ticket_types').where({ id: 'limited' }).update({ capacity: seats });
const lapse = (id: string) =>
  store
    .database('seat_holds')
    .where({ id })
    .update({ held_until: new Date(Date.now() - 1000) });
const people = (count: number) => Array.from({ length: count }, () => randomUUID());
const statuses = async (asked: Promise<{ status: string }>[]) =>
  (await Promise.all(asked)).map(({ status }) => status).toSorted();

/** The bound, and the live holds that it is for. */
async function bound(ticketType = 'limited') {
  const { rows } = await store.database.raw<{ rows: [{ most: number | null; live: number }] }>(
    `select held_at_most as most, (select count(*) from live_holds h where h.ticket_type_id = t.id)::integer as live
     from ticket_types t where t.id = ?`,
    [ticketType],
  );
  return rows[0];
}

it('is not below the live holds after any way in which one begins', async () => {
  await capacity(10);
  const [first = '', second = '', third = ''] = people(3);
  await hold(first);
  expect(await bound()).toEqual({ most: 1, live: 1 });
  await hold(second, 'free');
  await hold(second);
  expect(await bound()).toEqual({ most: 2, live: 2 });
  // Renewed and claimed while they live, they were counted before.
  await hold(first);
  await claimSeat(store.database, first, 'A');
  await unclaimSeat(store.database, first, 'A');
  expect(await bound()).toEqual({ most: 2, live: 2 });

  // By now, they may have been left out of a count.
  for (const revive of [hold, (id: string) => claimSeat(store.database, id, 'B')]) {
    await lapse(second);
    await store.database('ticket_types').where({ id: 'limited' }).update({ held_at_most: 1 });
    await revive(second);
    expect(await bound()).toEqual({ most: 2, live: 2 });
  }
  const order = { ...anOrder().event, id: 'conference' };
  const begun = {
    order: anOrder({ id: third, event: order, ticketType: { id: 'limited', name: 'Limited' } }),
    begunAt: new Date(),
    paypalOrders: 1,
  };
  await store.database.transaction((trx) => takeSeatBack(trx, begun, { claimedFor: 'C', heldUntil: null }));
  expect(await bound()).toEqual({ most: 3, live: 3 });
});

it('refuses nobody: where it leaves no seat, the holds are counted', async () => {
  await capacity(3);
  const [first = '', second = '', ...others] = people(6);
  for (const id of [first, second, others[0] ?? '']) await hold(id);
  expect((await hold(others[1] ?? '')).status).toBe('all-held');
  await lapse(first);
  await dropHold(store.database, second);
  expect(await bound()).toEqual({ most: 3, live: 1 });
  expect(await statuses(others.slice(1).map((id) => hold(id)))).toEqual(['all-held', 'held', 'held']);
  expect(await bound()).toEqual({ most: 3, live: 3 });
});

it('gives an owner its share of the seats that are left, and not of what the bound leaves', async () => {
  await capacity(100);
  const owner = { addressKey: 'a', personKey: 'p', holdsPerAddress: 50, holdsPerEmail: 50 };
  const of = (id: string) => holdSeat(store.database, id, 'conference', 'limited', owner);
  expect(await statuses(people(10).map(of))).toEqual(Array(10).fill('held'));
  // As if all others had lapsed: a share of 90 seats is more, and one of 4 is less.
  await store.database('ticket_types').where({ id: 'limited' }).update({ held_at_most: 96 });
  expect((await of(randomUUID())).status).toBe('held');
  expect(await bound()).toEqual({ most: 11, live: 11 });
});

it('is not known without a limit, and is counted when there is one', async () => {
  await capacity(null);
  await Promise.all(people(3).map((id) => hold(id)));
  expect(await bound()).toEqual({ most: null, live: 3 });
  await capacity(5);
  expect(await statuses(people(4).map((id) => hold(id)))).toEqual(['all-held', 'all-held', 'held', 'held']);
  expect(await bound()).toEqual({ most: 5, live: 5 });
  await capacity(null);
  expect((await bound()).most).toBeNull();
});

it('would oversell if a hold that begins were not counted', async () => {
  await capacity(5);
  await hold(randomUUID());
  await store.database.raw('alter table seat_holds disable trigger count_new_holds');
  expect(await statuses(people(8).map((id) => hold(id)))).toEqual(Array(8).fill('held'));
});

it('sells no more seats than there are to people who come at once, and leave again', async () => {
  await capacity(5);
  for (let round = 0; round < 4; round++) {
    const ids = people(20);
    const held = await Promise.all(ids.map((id) => hold(id)));
    expect(held.filter(({ status }) => status === 'held')).toHaveLength(5);
    expect((await bound()).live).toBe(5);
    await Promise.all(ids.map((id, n) => (n % 2 ? lapse(id) : dropHold(store.database, id))));
  }
});
