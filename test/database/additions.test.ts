/** Registrations that organizers add: a seat and an order at once, once, and never one seat too many. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NewAddition } from '../../src/database/additions.ts';
import { addOrder, storeAdditions } from '../../src/database/additions.ts';
import { giveSeatBack } from '../../src/database/registrations.ts';
import { holdSeat } from '../../src/database/seats/hold.ts';
import { createDatabase } from '../store.ts';

let store: Awaited<ReturnType<typeof createDatabase>>;
beforeEach(async () => {
  store = await createDatabase({ min: 0, max: 20 });
});
afterEach(() => store.drop());

/** Stores an addition of Ada Example with a complimentary ticket, with other values where given. */
async function stored(values: Partial<NewAddition> = {}): Promise<string> {
  const id = randomUUID();
  const addition = {
    ...{ id, event: 'conference', ticketType: 'limited', language: 'en' },
    ...{ firstName: 'Ada', lastName: 'Example', email: 'ada@example.org' },
    amount: { minor: 0, currency: 'EUR' },
    ...{ organizer: randomUUID(), action: randomUUID() },
    ...values,
  };
  await storeAdditions(store.database, [addition]);
  return id;
}
const add = async (id: string) => (await addOrder(store.database, id)).decision.status;
const soldOf = async (id: string) =>
  (await store.database('ticket_types').where({ id }).first<{ sold: number }>('sold')).sold;
const additionOf = (id: string) => store.database('additions').where({ id }).first<Record<string, unknown>>();

it('saves the order with its seat, its source and its payment, and forgets who it is for elsewhere', async () => {
  const action = randomUUID();
  const id = await stored({ action, amount: { minor: 9000, currency: 'EUR' }, note: 'Invoice 2026-118' });
  expect(await addOrder(store.database, id)).toEqual({ decision: { status: 'added' }, paid: true });
  expect(await store.database('orders').where({ id }).first<unknown>()).toMatchObject({
    ...{ source: 'by-hand', payment: 'elsewhere', amount_minor: 9000, paypal_capture_id: null },
    ...{ first_name: 'Ada', address_line1: null, newsletter_consent_at: null, status: 'confirmed' },
  });
  expect(await store.database('registration_events').where({ registration_id: id })).toMatchObject([
    { kind: 'registered', action, text: 'Invoice 2026-118' },
  ]);
  expect(await store.database('captures')).toEqual([]);
  expect(await additionOf(id)).toMatchObject({ state: 'added', email: null, first_name: null, note: null });
});

it('adds once, however often and however many at a time', async () => {
  const id = await stored();
  const all = await Promise.all(Array.from({ length: 8 }, () => add(id)));
  expect([...all, await add(id)].every((status) => status === 'added')).toBe(true);
  expect(await soldOf('limited')).toBe(1);
  expect(await store.database('orders').where({ id })).toHaveLength(1);
});

describe('nobody is added', () => {
  it('where no seat is left, and nothing else happens', async () => {
    await store.database('ticket_types').where({ id: 'limited' }).update({ sold: 2 });
    const id = await stored();
    expect(await add(id)).toBe('sold-out');
    expect(await store.database('orders')).toEqual([]);
    expect(await soldOf('limited')).toBe(2);
    // The answer stays, also when a seat becomes free: the organizer has been told.
    await store.database('ticket_types').where({ id: 'limited' }).update({ sold: 0 });
    expect(await add(id)).toBe('sold-out');
    await store.database('additions').delete();
    expect(await add(id)).toBe('over');
  });

  it('to a seat that somebody holds', async () => {
    for (let n = 0; n < 2; n++) await holdSeat(store.database, randomUUID(), 'conference', 'limited');
    expect(await add(await stored())).toBe('sold-out');
  });

  it('to an event that is over or cancelled, but to ticket types that are hidden or not on sale', async () => {
    const { database } = store;
    await database('ticket_types').update({ hidden: true, sale_ends_at: new Date(0) });
    expect(await add(await stored())).toBe('added');
    await database('events').update({ state: 'cancelled' });
    expect(await add(await stored())).toBe('event-over');
    await database('events').update({ state: 'draft', starts_at: new Date(0), ends_at: new Date(1) });
    expect(await add(await stored())).toBe('event-over');
    await database('events').update({ ends_at: new Date('2099-01-01') });
    expect(await add(await stored())).toBe('added');
    expect(await add(await stored({ ticketType: 'gone' }))).toBe('unknown-ticket-type');
  });

  it('whose registration was cancelled before, or whose data is deleted', async () => {
    const id = await stored();
    await giveSeatBack(store.database, id, 'cancelled');
    expect(await add(id)).toBe('over');
    expect(await add(randomUUID())).toBe('forgotten');
  });

  it('whom the database cannot store, and nothing is sold', async () => {
    const id = await stored({ amount: { minor: -1, currency: 'EUR' } });
    await store.database.raw('alter table orders add constraint no_negative check (amount_minor >= 0)');
    expect(await add(id)).toBe('impossible');
    expect(await soldOf('limited')).toBe(0);
    expect(await additionOf(id)).toMatchObject({ state: 'failed', reason: 'impossible', email: null });
  });
});

describe('at the same moment', () => {
  /** Adds many to two seats. */
  async function rush() {
    const ids = await Promise.all(Array.from({ length: 12 }, () => stored()));
    const all = await Promise.all(ids.map(add));
    return all.filter((status) => status === 'added').length;
  }

  it('two are added to two seats', async () => {
    expect(await rush()).toBe(2);
    expect(await soldOf('limited')).toBe(2);
  });

  it('the constraint of the table stands behind the lock', async () => {
    await expect(store.database('ticket_types').where({ id: 'limited' }).update({ sold: 3 })).rejects.toThrow(
      'ticket_types_never_oversold',
    );
  });

  it('two imports add the same person once', async () => {
    const ids = await Promise.all(
      Array.from({ length: 8 }, () => stored({ identity: 'the same', ticketType: 'regular' })),
    );
    const all = await Promise.all(ids.map(add));
    expect(all.toSorted()).toEqual(['added', ...Array.from({ length: 7 }, () => 'added-before')]);
    expect(await soldOf('regular')).toBe(1);
  });

  it('without the lock on the identity, the index refuses the second one', async () => {
    const [one, two] = [await stored({ identity: 'x' }), await stored({ identity: 'x' })];
    const nobody = { first_name: null, last_name: null, email: null, state: 'added' };
    await store.database('additions').where({ id: one }).update(nobody);
    await expect(store.database('additions').where({ id: two }).update(nobody)).rejects.toThrow(
      'additions_once',
    );
  });
});
