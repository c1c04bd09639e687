/** Changes of confirmed registrations: each once, and never more seats than there are. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Change, ChangeRequest } from '../../src/change.ts';
import { applyChange } from '../../src/database/changes.ts';
import { saveOrder } from '../../src/database/orders.ts';
import { claimSeat } from '../../src/database/seats/claim.ts';
import { holdSeat } from '../../src/database/seats/hold.ts';
import { createDatabase } from '../store.ts';
import { anOrder, CAPTURED } from '../workflows/stand-ins.ts';
import { heldUp } from './held-up.ts';

let store: Awaited<ReturnType<typeof createDatabase>>;
beforeEach(async () => {
  store = await createDatabase({ min: 0, max: 70 });
  await store.database('ticket_types').insert(
    ['left', 'right'].map((id) => ({
      ...{ event_id: 'conference', id, name: id, price_minor: 12_000, capacity: 100 },
    })),
  );
});
afterEach(() => store.drop());

const event = { ...anOrder().event, id: 'conference' };
async function registered(ticketType: string): Promise<string> {
  const id = randomUUID();
  await holdSeat(store.database, id, 'conference', ticketType);
  await claimSeat(store.database, id, id);
  const order = anOrder({ id, event, ticketType: { id: ticketType, name: ticketType } });
  await saveOrder(store.database, order, { ...CAPTURED, paypalOrderId: id, captureId: id });
  return id;
}
const change = (registration: string, wanted: Change, action = randomUUID()) => {
  const request: ChangeRequest = {
    ...{ registration, action, organizer: randomUUID(), reason: '', change: wanted },
  };
  return applyChange(store.database, request);
};
const move = (id: string, ticketType: string) => change(id, { kind: 'move', ticketType });
async function type(id: string): Promise<{ sold: number; capacity: number }> {
  const [row] = await store
    .database('ticket_types')
    .where({ id })
    .select<{ sold: number; capacity: number }[]>();
  if (!row) throw new Error('There is no such ticket type');
  return row;
}
async function live(id: string): Promise<number> {
  const held = await store.database('live_holds').where({ ticket_type_id: id }).select('id');
  return held.length;
}

it('the last seat goes to one of 50 buyers and ten people who are moved at the same moment', async () => {
  const movers = await Promise.all(Array.from({ length: 10 }, () => registered('left')));
  await store.database('ticket_types').where({ id: 'right' }).update({ capacity: 1 });
  const buyers = Array.from({ length: 50 }, () => randomUUID());
  // All have come before one of them can take the seat.
  const [moved, held] = await heldUp(
    store.database,
    "select from ticket_types where id = 'right' for update",
    60,
    () =>
      Promise.all([
        Promise.all(movers.map((id) => move(id, 'right'))),
        Promise.all(buyers.map((id) => holdSeat(store.database, id, 'conference', 'right'))),
      ]),
  );
  const taken =
    moved.filter(({ status }) => status === 'changed').length +
    held.filter(({ status }) => status === 'held').length;
  expect(taken).toBe(1);
  const { sold, capacity } = await type('right');
  expect(sold + (await live('right'))).toBe(capacity);
  expect((await type('left')).sold + sold).toBe(10);
});

it('people who are moved in opposite directions at once do not wait for each other', async () => {
  const [left, right] = await Promise.all(
    ['left', 'right'].map((from) => Promise.all(Array.from({ length: 15 }, () => registered(from)))),
  );
  const moved = await Promise.all([
    ...(left ?? []).map((id) => move(id, 'right')),
    ...(right ?? []).map((id) => move(id, 'left')),
  ]);
  expect(moved).toEqual(Array(30).fill({ status: 'changed' }));
  expect([(await type('left')).sold, (await type('right')).sold]).toEqual([15, 15]);
});

it('the same action twice moves once', async () => {
  const id = await registered('left');
  const action = randomUUID();
  const wanted: Change = { kind: 'move', ticketType: 'right' };
  const twice = await Promise.all([change(id, wanted, action), change(id, wanted, action)]);
  expect(twice).toEqual([{ status: 'changed' }, { status: 'changed' }]);
  expect((await type('right')).sold).toBe(1);
  const kinds = store.database('registration_events').where({ registration_id: id, kind: 'moved' });
  expect(await kinds.pluck('facts')).toEqual([{ from: 'left', to: 'right' }]);
});

it('a correction tells which fields, and not what was in them, and asks for no confirmed address', async () => {
  const id = await registered('left');
  await store.database('orders').where({ id }).update({ email_confirmed: true });
  const person = { kind: 'correct', firstName: 'Grace', lastName: 'Example' } as const;
  await change(id, { ...person, email: 'ada@example.org' });
  expect(await store.database('orders').where({ id }).pluck('email_confirmed')).toEqual([true]);
  await change(id, { ...person, email: 'grace@example.org' });
  expect(await store.database('orders').where({ id }).pluck('email_confirmed')).toEqual([false]);
  const corrected = store.database('registration_events').where({ kind: 'corrected' }).orderBy('position');
  expect(await corrected.pluck('facts')).toEqual([{ fields: ['first_name'] }, { fields: ['email'] }]);
});
