/** A database that was restored from a backup gets back what Temporal and PayPal know. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { Change } from '../../src/change.ts';
import { storeAdditions } from '../../src/database/additions.ts';
import { erase } from '../../src/registrations/erasure.ts';
import { rebuild } from '../../src/registrations/rebuild/rebuild.ts';
import { findOrphans, repair } from '../../src/registrations/reconciliation.ts';
import { reference } from '../../src/reference.ts';
import { refundWorkflowId } from '../../src/refund.ts';
import { workflowId, type Order } from '../../src/registration.ts';
import {
  payRegistration,
  startAddition,
  startCancellation,
  startChange,
  startRefund,
} from '../../src/temporal/runs.ts';
import { ifThere } from '../../src/temporal/client.ts';
import { addSearchAttributes } from '../../src/temporal/search-attributes.ts';
import { formOf } from '../../stage/person.ts';
import { startOwnTemporal } from '../own-temporal.ts';
import { anAttendee, CARDS, startStack, type Stack } from '../stack.ts';
import { isLeftWith } from '../workflows/dev-server.ts';

let stack: Stack;
let server: Awaited<ReturnType<typeof startOwnTemporal>>;
beforeAll(async () => {
  server = await startOwnTemporal();
  stack = await startStack({ answerWithinMs: 5000, settings: { TEMPORAL_ADDRESS: server.address } });
  await addSearchAttributes(stack.temporal.connection);
  await stack.startWorker();
});
afterEach(() => stack.sandbox.faults.clear());
afterAll(async () => {
  await stack.stop();
  await server.stop();
});

const handleOf = (id: string) => stack.temporal.workflow.getHandle(workflowId(id));
const about = { event: 'conference', ticketType: 'regular', status: 'confirmed' } as const;
const euros = (minor: number) => ({ minor, currency: 'EUR' });

function someone(options: { ticketType?: string; newsletter?: boolean } = {}) {
  const id = randomUUID();
  return anAttendee(stack, formOf(id, options), id);
}
/** Somebody whose registration is confirmed, and whose run is over. */
async function registered(options: { ticketType?: string; newsletter?: boolean } = {}) {
  const ada = someone(options);
  // On a busy machine, the outcome is known later.
  expect([201, 202]).toContain((await ada.register()).statusCode);
  await handleOf(ada.id).result();
  return ada;
}

async function refund(registration: string, minor: number | null, cancels = false, action = randomUUID()) {
  const request = { registration, action, organizer: randomUUID(), reason: 'Asked by mail', cancels };
  const amount = minor === null ? null : euros(minor);
  await startRefund(stack.temporal, { ...request, amount }, about, { taskQueue: stack.taskQueue });
  await stack.temporal.workflow.getHandle(refundWorkflowId(action)).result();
}
async function cancel(registration: string) {
  const request = { registration, action: randomUUID(), organizer: randomUUID(), reason: '' };
  await startCancellation(stack.temporal, request, about, { taskQueue: stack.taskQueue });
  await stack.temporal.workflow.getHandle(`cancel-${request.action}`).result();
}
async function change(registration: string, made: Change) {
  const request = { registration, action: randomUUID(), organizer: randomUUID(), reason: 'By phone' };
  await startChange(stack.temporal, { ...request, change: made }, about, { taskQueue: stack.taskQueue });
  await stack.temporal.workflow.getHandle(`change-${request.action}`).result();
}

/** An order as the api would have it, of somebody who has no seat. */
const orderWithoutSeat = (id: string): Order => ({
  id,
  event: {
    ...{ id: 'conference', name: 'Conference', venue: 'Hall', seller: 'Seller', timeZone: 'Europe/Berlin' },
    ...{ startsAt: '2027-06-01T08:00:00.000Z', endsAt: '2027-06-01T16:00:00.000Z' },
  },
  ticketType: { id: 'regular', name: 'Regular' },
  attendee: formOf(id).attendee,
  newsletter: null,
  amount: euros(12_000),
  paypalOrderId: '5O190127TN364715T',
});

/**
 * Everything that the database says of registrations, without the times at which it was entered, and without what the histories do not
 * tell: how the audience followed a corrected address.
 */
async function everything() {
  const { database } = stack;
  const rows = async (sql: string) => (await database.raw<{ rows: object[] }>(sql)).rows;
  return {
    orders: await rows(
      `select to_jsonb(o) - '{created_at,updated_at,email_since,former_addresses}'::text[] as row from orders o order by id`,
    ),
    ended: await rows('select id, status from ended_registrations order by id'),
    captures: await rows('select * from captures order by paypal_capture_id'),
    refunds: await rows(
      `select action, registration_id, number, paypal_capture_id, paypal_order_id, amount_minor, currency, rest, cancels, state, word,
         paypal_refund_id, made_at, fee_minor from refunds order by registration_id, paypal_refund_id`,
    ),
    steps: await rows('select registration_id, step, state, by_desk from step_outcomes order by 1, 2'),
    events: await rows(
      `select registration_id, kind, organizer_id, action, facts, text from registration_events
       where kind <> 'audience-changed' order by registration_id, position`,
    ),
    seats: await rows('select event_id, id, sold, capacity from ticket_types order by 1, 2'),
    holds: await rows(
      `select id, event_id, ticket_type_id, amount_minor, claimed_for, held_until is null as claimed from seat_holds
       where claimed_for is not null or held_until > now() order by id`,
    ),
  };
}
const times = () =>
  stack
    .database('registration_events')
    .whereNot({ kind: 'audience-changed' })
    .orderBy(['registration_id', 'position'])
    .pluck<Date[]>('at');

it(
  'rebuilds registrations in every state as they were, and changes nothing the second time',
  { timeout: 120_000 },
  async () => {
    const { sandbox, database, store } = stack;
    // What the backup knows.
    const [kept, refundedLater, changedLater, cancelledLater] = [
      await registered(),
      await registered(),
      await registered(),
      await registered({ ticketType: 'free' }),
    ];
    // Its mail is sent since then.
    sandbox.faults.set('sendgrid', { mode: 'unreachable' });
    const mailedLater = someone();
    await mailedLater.register();
    await isLeftWith(handleOf(mailedLater.id), 'sendConfirmation');
    const restore = await store.backUp();
    sandbox.faults.clear();
    await handleOf(mailedLater.id).result();

    // What happens since then.
    await refund(refundedLater.id, 2000);
    await change(changedLater.id, {
      ...{ kind: 'correct', firstName: 'Grace', lastName: 'Example' },
      email: `grace-${reference(changedLater.id).toLowerCase()}@example.org`,
    });
    await change(changedLater.id, { kind: 'again', step: 'email' });
    await cancel(cancelledLater.id);
    const confirmed = await registered();
    await registered({ ticketType: 'free', newsletter: false });
    const partly = await registered();
    await refund(partly.id, 1000);
    await refund(partly.id, 500);
    await refund((await registered()).id, null, true);
    const refused = await registered();
    sandbox.setAccount({ funds: 0 });
    await refund(refused.id, null);
    sandbox.setAccount({ funds: null });
    await cancel((await registered({ ticketType: 'limited' })).id).catch(() => undefined);
    const declined = someone();
    await declined.register(CARDS.declined);
    const pending = someone();
    await pending.register(CARDS.pending);
    await isLeftWith(handleOf(pending.id), 'settlePayment');
    // A registration without a seat comes to its end without a payment.
    const late = someone();
    await payRegistration(stack.temporal, orderWithoutSeat(late.id), false, { taskQueue: stack.taskQueue });
    await handleOf(late.id).result();
    // The order cannot be stored, so that the run refunds what it took.
    await database.raw('alter table orders add constraint broken check (false) not valid');
    const undone = someone();
    await undone.register();
    await handleOf(undone.id).result();
    await database.raw('alter table orders drop constraint broken');
    sandbox.faults.set('sendgrid', { mode: 'unreachable' });
    const unmailed = someone();
    await unmailed.register();
    await isLeftWith(handleOf(unmailed.id), 'sendConfirmation');

    const [before, timesBefore, lostAt] = [await everything(), await times(), Date.now()];
    await restore();
    expect(await database('orders').where({ id: confirmed.id })).toEqual([]);
    const listed = await rebuild(stack, false);
    expect(listed.lost.length).toBeGreaterThan(12);
    expect(await database('orders').where({ id: confirmed.id })).toEqual([]);
    const charged = sandbox.ledger();
    const rebuilt = await rebuild(stack, true);
    expect(rebuilt).toEqual({ lost: listed.lost, oversold: [], events: [] });
    expect(rebuilt.lost.flatMap(({ missing }) => missing)).toEqual([]);
    expect(JSON.stringify(rebuilt)).not.toMatch(/@|Example|Grace/);
    expect(rebuilt.lost.map(({ id }) => id)).not.toContain(kept.id);
    expect(await everything()).toEqual(before);
    // The history has the times at which it happened.
    const timesNow = await times();
    expect(timesNow).toHaveLength(timesBefore.length);
    for (const at of timesNow) expect(at.getTime()).toBeLessThan(lostAt);
    expect(await rebuild(stack, true)).toEqual({ lost: [], oversold: [], events: [] });
    expect(await everything()).toEqual(before);
    expect(sandbox.ledger()).toEqual(charged);

    // What was under way goes on.
    sandbox.faults.clear();
    await handleOf(unmailed.id).result();
    const [capture] = sandbox.ledger().captures.filter(({ custom_id }) => custom_id === pending.id);
    sandbox.settle(capture?.id ?? '', 'COMPLETED');
    await stack.temporal.workflow.getHandle(workflowId(pending.id)).signal('paymentNews');
    await handleOf(pending.id).result();
    expect((await declined.register()).statusCode).toBe(201);
    await handleOf(declined.id).result();
    for (const { id } of [unmailed, pending, declined])
      expect(await database('orders').where({ id, status: 'confirmed' })).toHaveLength(1);
  },
);

it(
  'reports seats that were sold again after the restore, and sells none more',
  { timeout: 60_000 },
  async () => {
    const { database, store } = stack;
    const sold = async () =>
      database('ticket_types')
        .where({ id: 'limited' })
        .first<{ sold: number; capacity: number }>('sold', 'capacity');
    await database('ticket_types')
      .where({ id: 'limited' })
      .update({ capacity: database.raw('sold + 2') });
    const { capacity } = await sold();
    const restore = await store.backUp();
    const lost = [await registered({ ticketType: 'limited' }), await registered({ ticketType: 'limited' })];
    await restore();
    await registered({ ticketType: 'limited' });

    const { oversold } = await rebuild(stack, true);
    expect(oversold).toEqual([{ event: 'conference', ticketType: 'limited', capacity, sold: capacity + 1 }]);
    expect(await sold()).toEqual({ sold: capacity + 1, capacity: capacity + 1 });
    for (const { id } of lost)
      expect(await database('orders').where({ id, status: 'confirmed' })).toHaveLength(1);
    expect((await someone({ ticketType: 'limited' }).put()).json()).toMatchObject({
      type: '/problems/sold-out',
    });
    expect(await rebuild(stack, true)).toMatchObject({ lost: [], oversold: [] });
  },
);

it.each(['a hold', 'a claim'])(
  'rebuilds an order of which the backup has %s only',
  { timeout: 60_000 },
  async (what) => {
    const { database, sandbox, store } = stack;
    const ada = someone();
    const order = await ada.approve();
    if (what === 'a claim') {
      sandbox.faults.set('paypal', { mode: 'unreachable', only: '/capture' });
      expect((await ada.post(order)).statusCode).toBe(202);
      await isLeftWith(handleOf(ada.id), 'takePayment');
    }
    const restore = await store.backUp();
    sandbox.faults.clear();
    if (what === 'a hold') await ada.post(order);
    await handleOf(ada.id).result();
    await restore();
    expect((await rebuild(stack, true)).lost.map(({ id }) => id)).toEqual([ada.id]);
    expect(await database('orders').where({ id: ada.id }).pluck('status')).toEqual(['confirmed']);
    expect(await database('seat_holds').where({ id: ada.id })).toEqual([]);
    expect(await findOrphans(stack, 0)).toEqual([]);
    expect(await rebuild(stack, true)).toMatchObject({ lost: [] });
  },
);

it('rebuilds beside people who register at the same time', { timeout: 60_000 }, async () => {
  const { database, store } = stack;
  const restore = await store.backUp();
  const lost = await Promise.all(Array.from({ length: 6 }, () => registered()));
  await restore();
  const [people] = await Promise.all([
    Promise.all(Array.from({ length: 6 }, () => registered())),
    rebuild(stack, true),
    rebuild(stack, true),
  ]);
  for (const { id } of [...lost, ...people])
    expect(await database('orders').where({ id, status: 'confirmed' })).toHaveLength(1);
  const types = await database('ticket_types').where({ id: 'regular' }).pluck<number[]>('sold');
  const orders = await database('orders').where({ ticket_type_id: 'regular', status: 'confirmed' });
  expect(types).toEqual([orders.length]);
  expect(await rebuild(stack, true)).toMatchObject({ lost: [] });
});

it('has a refund made that was under way when the database was lost', { timeout: 60_000 }, async () => {
  const { database, sandbox, store } = stack;
  const ada = await registered({ newsletter: false });
  const restore = await store.backUp();
  sandbox.faults.set('paypal', { mode: 'unreachable', only: '/refund' });
  const action = randomUUID();
  const request = { registration: ada.id, action, organizer: randomUUID(), reason: '', cancels: true };
  await startRefund(stack.temporal, { ...request, amount: null }, about, { taskQueue: stack.taskQueue });
  const run = stack.temporal.workflow.getHandle(refundWorkflowId(action));
  await isLeftWith(run, 'sendRefund');
  await restore();
  // Its run finds no such refund.
  await vi.waitUntil(async () => (await run.describe()).status.name === 'FAILED', { timeout: 30_000 });
  sandbox.faults.clear();
  expect((await rebuild(stack, true)).lost).toMatchObject([{ id: ada.id, lost: ['ask'] }]);
  const orphans = (await findOrphans(stack, 0)).filter(({ id }) => id === ada.id);
  for (const orphan of orphans) expect(await repair(stack, orphan)).toEqual({ outcome: 'resumed' });
  await stack.temporal.workflow.getHandle(refundWorkflowId(action)).result();
  expect(await database('refunds').where({ action })).toMatchObject([
    { state: 'done', amount_minor: 12_000 },
  ]);
  expect(await database('orders').where({ id: ada.id })).toMatchObject([{ status: 'refunded' }]);
});

it(
  'does not bring back a person who was erased, and says whom it cannot rebuild',
  { timeout: 60_000 },
  async () => {
    const { database, store, temporal, taskQueue } = stack;
    const restore = await store.backUp();
    const erased = await registered();
    await erase(stack, reference(erased.id));
    await vi.waitUntil(async () => !(await ifThere(handleOf(erased.id).describe())), { timeout: 20_000 });
    const [registration, action, organizer] = [randomUUID(), randomUUID(), randomUUID()];
    const person = { firstName: 'Ada', lastName: 'Example', email: 'hand@example.org', language: 'en' };
    await storeAdditions(database, [
      { id: registration, action, organizer, ...about, ...person, amount: euros(0) },
    ]);
    await startAddition(temporal, { registration, action, organizer }, about, { taskQueue });
    await handleOf(registration).result();
    await restore();

    const { lost } = await rebuild(stack, true);
    expect(lost).toEqual([
      {
        id: registration,
        reference: reference(registration),
        lost: expect.any(Array) as unknown,
        missing: ['person-unknown'],
      },
    ]);
    expect(await database('orders').whereIn('id', [erased.id, registration])).toEqual([]);
  },
);
