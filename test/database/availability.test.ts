/** The rule of capacity, as the database states it in two views. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createDatabase } from '../store.ts';

let store: Awaited<ReturnType<typeof createDatabase>>;
beforeAll(async () => {
  store = await createDatabase();
});
beforeEach(() => store.database('seat_holds').delete());
afterAll(() => store.drop());

/** Adds a hold that ends in so many seconds, or a claim. */
async function add(ticketType: string, endsIn: number | 'claimed'): Promise<string> {
  const id = randomUUID();
  const held_until = endsIn === 'claimed' ? null : new Date(Date.now() + endsIn * 1000);
  const seat = { id, event_id: 'conference', ticket_type_id: ticketType, amount_minor: 1, currency: 'EUR' };
  await store
    .database('seat_holds')
    .insert({ ...seat, held_until, claimed_for: held_until === null ? 'A' : null });
  return id;
}
const availability = (ticketType: string) =>
  store
    .database('ticket_availability')
    .where({ event_id: 'conference', ticket_type_id: ticketType })
    .first<{ free: number | null; sold_out: boolean | null }>('free', 'sold_out');
const sell = (sold: number) => store.database('ticket_types').where({ id: 'limited' }).update({ sold });

it('counts holds until they end, and claims without an end, as live', async () => {
  const live = [await add('limited', 60), await add('limited', 'claimed')];
  await add('limited', -1);
  const found = await store.database('live_holds').select<{ id: string }[]>('id');
  expect(found.map(({ id }) => id).toSorted()).toEqual(live.toSorted());
});

it('subtracts sold seats and live holds of the same ticket type from the capacity', async () => {
  expect(await availability('limited')).toEqual({ free: 2, sold_out: false });
  await add('limited', -1);
  await add('free', 60);
  expect(await availability('limited')).toEqual({ free: 2, sold_out: false });
  await add('limited', 60);
  await sell(1);
  expect(await availability('limited')).toEqual({ free: 0, sold_out: false });
  await sell(2);
  expect(await availability('limited')).toMatchObject({ sold_out: true });
  await sell(0);
});

it('knows no number of free seats for a ticket type without a capacity', async () => {
  await add('regular', 60);
  expect(await availability('regular')).toEqual({ free: null, sold_out: null });
});
