/** The sums of the dashboard are those of the orders, of our ledgers and of PayPal's, after 200 random actions. */
import { randomUUID } from 'node:crypto';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { listShownEvents, readFigures, totalsOf } from '../../src/database/desk/dashboard.ts';
import { cancelWorkflowId, refundWorkflowId } from '../../src/refund.ts';
import { workflowId } from '../../src/registration.ts';
import { startCancellation, startChange, startRefund } from '../../src/temporal/runs.ts';
import { changeWorkflowId } from '../../src/change.ts';
import { aForm, emailOf } from '../../stage/person.ts';
import { anAttendee, CARDS, startStack, type Stack } from '../stack.ts';

const ACTIONS = 200;
const AT_ONCE = 6;

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  // Another ticket type of the same price to move to, and one with another price.
  await stack.database('ticket_types').insert([
    {
      event_id: 'conference',
      id: 'workshop',
      name: 'Workshop',
      price_minor: 12_000,
      capacity: null,
      position: 4,
    },
    { event_id: 'conference', id: 'online', name: 'Online', price_minor: 3500, capacity: null, position: 5 },
  ]);
  await stack.database('ticket_types').where({ id: 'free' }).update({ capacity: null });
  await stack.startWorker();
});
afterAll(() => stack.stop());

/** Numbers from 0 to 1 that a seed repeats (mulberry32). */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const runOf = (name: string) => stack.temporal.workflow.getHandle(name);
const figures = async () => {
  const [event] = await listShownEvents(stack.database);
  if (!event) throw new Error('There is no event');
  return readFigures(stack.database, event, { money: true });
};
const sum = (amounts: { amount: { value: string } }[]) =>
  amounts.reduce((total, { amount }) => total + Math.round(Number(amount.value) * 100), 0);

it('equal the orders, the ledgers and PayPal', { timeout: 400_000 }, async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  process.stdout.write(`The seed of the random actions is ${seed}\n`);
  const chance = chances(seed);
  const pick = <T>(list: readonly T[]) => list[Math.floor(chance() * list.length)] as T;
  const registered: { id: string; ticketType: string }[] = [];

  async function register(): Promise<void> {
    const id = randomUUID();
    const ticketType = pick(['regular', 'regular', 'workshop', 'online', 'free']);
    const card = pick([undefined, undefined, undefined, undefined, CARDS.declined]);
    const attendee = { firstName: 'Ada', lastName: 'Example', email: emailOf(id) };
    const person = anAttendee(stack, aForm({ ticketType, attendee, newsletter: false }), id);
    const status = await answered(person, ticketType === 'free' ? undefined : card);
    if (status === 402) return;
    expect([201, 202]).toContain(status);
    await runOf(workflowId(id)).result();
    registered.push({ id, ticketType });
  }
  /** Its order cannot be saved, so that its run refunds what it has taken. */
  async function undone(): Promise<void> {
    const id = randomUUID();
    const ticketType = pick(['regular', 'online']);
    const attendee = { firstName: 'Undone', lastName: 'Example', email: emailOf(id) };
    const person = anAttendee(stack, aForm({ ticketType, attendee, newsletter: false }), id);
    expect([201, 202]).toContain(await answered(person));
    await runOf(workflowId(id)).result();
  }
  const action = (registration: string) => ({
    ...{ registration, action: randomUUID(), organizer: randomUUID(), reason: '' },
  });
  const about = (ticketType: string) => ({ event: 'conference', ticketType, status: 'confirmed' }) as const;
  const options = { taskQueue: stack.taskQueue };
  async function refund(): Promise<void> {
    const one = pick(registered);
    const amount = pick([null, { minor: 1 + Math.floor(chance() * 5000), currency: 'EUR' }]);
    const asked = { ...action(one.id), amount, cancels: chance() < 0.3 };
    await startRefund(stack.temporal, asked, about(one.ticketType), options);
    await runOf(refundWorkflowId(asked.action)).result();
  }
  async function cancel(): Promise<void> {
    const one = pick(registered);
    const asked = action(one.id);
    await startCancellation(stack.temporal, asked, about(one.ticketType), options);
    await runOf(cancelWorkflowId(asked.action)).result();
  }
  async function move(): Promise<void> {
    const one = pick(registered);
    const change = { kind: 'move', ticketType: pick(['regular', 'workshop']) } as const;
    const asked = { ...action(one.id), change };
    await startChange(stack.temporal, asked, about(one.ticketType), options);
    await runOf(changeWorkflowId(asked.action))
      .result()
      .catch((error: unknown) => {
        // Another action has cancelled the registration after it was moved, so that there is nothing to confirm.
        if (typeOf(error) !== 'NoTicket') throw error;
      });
  }

  // Orders of this name are refused by the database, as in no other test.
  await stack.database.raw(
    `alter table orders add constraint refused check (first_name <> 'Undone') not valid`,
  );
  const actions = Array.from({ length: ACTIONS }, (_, n) => {
    if (n < 30) return register;
    const dice = chance();
    if (dice < 0.45) return register;
    if (dice < 0.52) return undone;
    if (dice < 0.8) return refund;
    return dice < 0.9 ? cancel : move;
  });
  const queue = actions.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const act of queue) {
        await vi.waitUntil(() => act === register || registered.length > 5, { timeout: 60_000 });
        await act();
      }
    }),
  );

  const { types } = await figures();
  const [total] = totalsOf(types);
  const ledger = stack.sandbox.ledger();
  const taken = ledger.captures.filter(({ status }) => status !== 'DECLINED');
  expect(taken.length).toBeGreaterThan(60);
  expect(ledger.refunds.length).toBeGreaterThan(20);
  expect(total).toEqual({ currency: 'EUR', paypal: sum(taken), refunded: sum(ledger.refunds), elsewhere: 0 });

  // Our own ledgers, and the orders, ticket type by ticket type.
  const { database } = stack;
  const totalOf = async (table: string, where: object = {}) =>
    Number((await database(table).where(where).sum<{ sum: string }[]>('amount_minor as sum'))[0]?.sum ?? 0);
  expect(await totalOf('captures')).toBe(total?.paypal);
  expect(await totalOf('refunds', { state: 'done' })).toBe(total?.refunded);
  const orders = await database('orders').select<
    { id: string; ticket_type_id: string; status: string; amount_minor: number }[]
  >('id', 'ticket_type_id', 'status', 'amount_minor');
  expect(orders.length).toBeLessThan(
    taken.length + orders.filter(({ amount_minor }) => amount_minor === 0).length,
  );
  const capturesOf = (id: string) => taken.filter(({ custom_id }) => custom_id === id);
  const undoneIds = taken
    .map(({ custom_id }) => custom_id ?? '')
    .filter((id) => !orders.some((order) => order.id === id));
  expect(undoneIds.length).toBeGreaterThan(0);
  const ended = await database('ended_registrations').whereIn('id', undoneIds).select('id', 'ticket_type_id');
  for (const type of types) {
    const own = orders.filter(({ ticket_type_id }) => ticket_type_id === type.id);
    const ids = [
      ...own.map(({ id }) => id),
      ...ended.filter(({ ticket_type_id }) => ticket_type_id === type.id).map(({ id }: { id: string }) => id),
    ];
    const captures = ids.flatMap(capturesOf);
    const refunds = ledger.refunds.filter(({ capture_id }) => captures.some(({ id }) => id === capture_id));
    const [sums] = type.sums;
    expect([type.id, type.registered]).toEqual([
      type.id,
      own.filter(({ status }) => status === 'confirmed').length,
    ]);
    expect([type.id, sums?.paypal ?? 0, sums?.refunded ?? 0]).toEqual([type.id, sum(captures), sum(refunds)]);
  }
});

/** The type of the failure of the activity with which a run has failed. */
const typeOf = (error: unknown) => {
  const cause = error instanceof WorkflowFailedError ? error.cause?.cause : undefined;
  return cause instanceof ApplicationFailure ? cause.type : undefined;
};

/** Registers, again where a busy machine was too slow to begin: it stays the same registration. Answers the status. */
async function answered(person: ReturnType<typeof anAttendee>, card?: string): Promise<number> {
  const once = async () => {
    const held = await person.put();
    return held.statusCode < 300 ? (await person.register(card)).statusCode : held.statusCode;
  };
  const again = [429, 500, 503];
  return vi.waitUntil(
    async () => {
      const status = await once();
      return !again.includes(status) && status;
    },
    { timeout: 60_000, interval: 500 },
  );
}
