import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventsOnSale, findEventState } from '../../src/database/events.ts';
import { saveOrder } from '../../src/database/orders.ts';
import { askOwnRefund } from '../../src/database/refunds.ts';
import { findRegistration } from '../../src/database/registrations.ts';
import { claimSeat } from '../../src/database/seats/claim.ts';
import { holdSeat } from '../../src/database/seats/hold.ts';
import { createDatabase } from '../store.ts';
import { anOrder, CAPTURED } from '../workflows/stand-ins.ts';

let store: Awaited<ReturnType<typeof createDatabase>>;
beforeEach(async () => {
  store = await createDatabase();
});
afterEach(() => store.drop());

const PAST = new Date(Date.now() - 3_600_000);
const FUTURE = new Date(Date.now() + 3_600_000);
const hold = async (id: string = randomUUID()) =>
  (await holdSeat(store.database, id, 'conference', 'regular')).status;
const ticket = (change: object) => store.database('ticket_types').where({ id: 'regular' }).update(change);
const event = (change: object) => store.database('events').update(change);
const offered = async () => {
  const [shown] = await eventsOnSale(store.database, 'conference');
  return shown?.ticketTypes.map(({ id }) => id) ?? [];
};

describe('nothing is on sale', () => {
  const reasons = {
    'of a draft': () => event({ state: 'draft' }),
    'of a cancelled event': () => event({ state: 'cancelled' }),
    'that is hidden': () => ticket({ hidden: true }),
    'before its sale begins': () => ticket({ sale_starts_at: FUTURE }),
    'after its sale has ended': () => ticket({ sale_ends_at: PAST }),
  };
  for (const [reason, change] of Object.entries(reasons))
    it(reason, async () => {
      expect(await hold()).toBe('held');
      expect(await offered()).toContain('regular');
      await change();
      expect(await hold()).toBe('unknown-ticket-type');
      expect(await offered()).not.toContain('regular');
    });
});

it('tells an event that is not on sale from a draft and from one that never was', async () => {
  const found = () => findEventState(store.database, 'conference');
  expect(await found()).toMatchObject({ name: 'Conference', state: 'live' });
  await event({ state: 'draft' });
  expect(await found()).toMatchObject({ name: 'Conference', state: 'draft' });
  expect(await findEventState(store.database, 'unknown')).toBeUndefined();
});

it('lets people go on who hold a seat when its sale ends, and not when the event is cancelled', async () => {
  const id = randomUUID();
  await hold(id);
  await ticket({ sale_ends_at: PAST });
  expect(await hold(id)).toBe('held');
  await event({ state: 'cancelled' });
  expect(await hold(id)).toBe('unknown-ticket-type');
});

it('claims no seat again whose hold has lapsed and whose sale has ended', async () => {
  const id = randomUUID();
  await hold(id);
  await store.database('seat_holds').update({ held_until: PAST });
  await ticket({ sale_ends_at: PAST });
  expect(await claimSeat(store.database, id, 'P')).toEqual({ status: 'no-seat' });
});

it('knows the ticket type of a payment in flight whose event was cancelled since', async () => {
  const id = randomUUID();
  await hold(id);
  await event({ state: 'cancelled' });
  const ticketOf = async () => (await findRegistration(store.database, id, 'conference', 'regular')).ticket;
  expect(await ticketOf()).toBeUndefined();
  await claimSeat(store.database, id, 'P');
  expect(await ticketOf()).toMatchObject({ ticketType: { id: 'regular' } });
});

describe('the record of captures', () => {
  const captures = () =>
    store.database('captures').select('registration_id', 'paypal_capture_id', 'amount_minor', 'currency');

  it('has each payment of an order once', async () => {
    const id = randomUUID();
    await hold(id);
    await claimSeat(store.database, id, 'P');
    const order = anOrder({
      ...{ id, event: { ...anOrder().event, id: 'conference' } },
      ...{ ticketType: { id: 'regular', name: 'Regular' }, amount: { minor: 12_000, currency: 'EUR' } },
    });
    for (let n = 0; n < 2; n++) await saveOrder(store.database, order, { ...CAPTURED, captureId: 'C' });
    expect(await captures()).toEqual([
      { registration_id: id, paypal_capture_id: 'C', amount_minor: 12_000, currency: 'EUR' },
    ]);
  });

  it('has the payment of a registration that is undone without an order', async () => {
    const id = randomUUID();
    const amount = { minor: 9000, currency: 'EUR' };
    for (let n = 0; n < 2; n++)
      await askOwnRefund(store.database, id, { captureId: 'C', paypalOrderId: 'P', amount });
    expect(await captures()).toEqual([
      { registration_id: id, paypal_capture_id: 'C', amount_minor: 9000, currency: 'EUR' },
    ]);
  });
});
