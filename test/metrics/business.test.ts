/** The metrics of the business say what the database says, and nothing while it cannot be read. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connectDatabase } from '../../src/database/connection.ts';
import { METRICS, MOST_TICKET_TYPES, readSamples } from '../../src/database/metrics.ts';
import { saveOrder } from '../../src/database/orders.ts';
import { giveSeatBack, releaseHold } from '../../src/database/registrations.ts';
import { claimSeat } from '../../src/database/seats/claim.ts';
import { holdSeat } from '../../src/database/seats/hold.ts';
import { noteAttempt } from '../../src/database/steps.ts';
import { businessMetrics } from '../../src/metrics/business.ts';
import { JOB } from '../../src/registrations/attention.ts';
import { PERSONAL } from '../../stage/person.ts';
import { createDatabase } from '../store.ts';
import { anOrder, CAPTURED } from '../workflows/stand-ins.ts';
import { valueOf, valuesOf } from './text.ts';

let store: Awaited<ReturnType<typeof createDatabase>>;
beforeEach(async () => {
  store = await createDatabase();
});
afterEach(() => store.drop());

const read = () => businessMetrics(store.database, fail, { freshMs: 0 })();
const fail = (error: unknown) => {
  throw error;
};
const held = async (ticketType = 'regular') => {
  const id = randomUUID();
  await holdSeat(store.database, id, 'conference', ticketType);
  return id;
};
const claimed = async (order: string = randomUUID()) => {
  const id = await held();
  await claimSeat(store.database, id, order);
  return id;
};
const ordered = async () => {
  const id = await claimed();
  const order = anOrder({
    ...{ id, event: { ...anOrder().event, id: 'conference' } },
    ...{ ticketType: { id: 'regular', name: 'Regular' }, amount: { minor: 12_000, currency: 'EUR' } },
    newsletter: { at: new Date().toISOString(), wording: '2026-11' },
  });
  await saveOrder(store.database, order, { ...CAPTURED, captureId: `C-${id}`, paypalOrderId: `P-${id}` });
  return id;
};
const aRefund = (registration: string, number: number, state: string, amount: number) =>
  store.database('refunds').insert({
    ...{ action: randomUUID(), registration_id: registration, number, state, amount_minor: amount },
    ...{ paypal_capture_id: `C-${registration}`, currency: 'EUR', rest: false, cancels: false },
    ...(state === 'refused' && { word: 'REFUND_FAILED_INSUFFICIENT_FUNDS' }),
  });

it('are zero, not missing, where nothing has happened yet', async () => {
  const text = await read();
  expect(valueOf(text, 'registration_business_metrics_readable')).toBe(1);
  expect(valuesOf(text, 'registration_outcomes')).toEqual({
    ...{ 'outcome="confirmed"': 0, 'outcome="cancelled"': 0 },
    ...{ 'outcome="refunded"': 0, 'outcome="expired"': 0 },
  });
  expect(valueOf(text, 'registration_payment_in_doubt_seconds')).toBe(0);
  expect(valueOf(text, 'registration_attention', 'condition="refund-refused"')).toBe(0);
  expect(valueOf(text, 'registration_stopped_runs', 'kind="payment"')).toBe(0);
  // That workers never looked is not the year 1970.
  expect(valuesOf(text, 'registration_last_look_timestamp_seconds')).toEqual({});
});

it('count registrations by what became of them, also those without an order', async () => {
  await Promise.all([ordered(), ordered()]);
  await giveSeatBack(store.database, await ordered(), 'cancelled');
  await giveSeatBack(store.database, await claimed(), 'refunded');
  const lapsed = await held();
  await store
    .database('seat_holds')
    .where({ id: lapsed })
    .update({ held_until: new Date(0) });
  await releaseHold(store.database, lapsed);
  expect(valuesOf(await read(), 'registration_outcomes')).toEqual({
    ...{ 'outcome="confirmed"': 2, 'outcome="cancelled"': 1 },
    ...{ 'outcome="refunded"': 1, 'outcome="expired"': 1 },
  });
});

it('add up what PayPal captured, and only refunds that were made', async () => {
  const id = await ordered();
  await ordered();
  await aRefund(id, 1, 'done', 700);
  await aRefund(id, 2, 'asked', 300);
  await aRefund(id, 3, 'refused', 9000);
  const text = await read();
  expect(valuesOf(text, 'registration_captures_total')).toEqual({ 'currency="EUR"': 2 });
  expect(valuesOf(text, 'registration_captured_minor_total')).toEqual({ 'currency="EUR"': 24_000 });
  expect(valuesOf(text, 'registration_refunded_minor')).toEqual({ 'currency="EUR"': 700 });
  expect(valuesOf(text, 'registration_refunds')).toEqual({
    ...{ 'state="asked"': 1, 'state="done"': 1, 'state="refused"': 1 },
  });
  expect(valueOf(text, 'registration_attention', 'condition="refund-refused"')).toBe(1);
  expect(text).toContain('# TYPE registration_captures_total counter');
});

it('count seats that are held and claimed by ticket type, and none whose hold has lapsed', async () => {
  await Promise.all([held(), held(), claimed(), held('limited')]);
  const lapsed = await held('limited');
  await store
    .database('seat_holds')
    .where({ id: lapsed })
    .update({ held_until: new Date(0) });
  const text = await read();
  const holds = (type: string, state: string) =>
    valueOf(text, 'registration_holds', `event="conference",ticket_type="${type}",state="${state}"`);
  expect([holds('regular', 'held'), holds('regular', 'claimed')]).toEqual([2, 1]);
  expect([holds('limited', 'held'), holds('limited', 'claimed')]).toEqual([1, 0]);
  expect(holds('free', 'held')).toBe(0);
});

it('tell which emails and newsletter entries are not done', async () => {
  const [ada] = [await ordered(), await ordered()];
  await noteAttempt(store.database, ada, 'email', { state: 'done', attempts: 1 });
  const failure = { type: 'MailchimpAuth' };
  await noteAttempt(store.database, ada, 'mailing-list', { state: 'failed', attempts: 1, failure });
  expect(valuesOf(await read(), 'registration_steps')).toEqual({
    ...{ 'step="email",state="open"': 1, 'step="email",state="failed"': 0 },
    ...{ 'step="mailing-list",state="open"': 1, 'step="mailing-list",state="failed"': 1 },
  });
});

it('tell how old the oldest payment in doubt is; a free ticket is no payment', async () => {
  const ages = { regular: 1200, other: 90 };
  for (const seconds of Object.values(ages))
    await store
      .database('seat_holds')
      .where({ id: await claimed() })
      .update({ claimed_at: new Date(Date.now() - seconds * 1000) });
  await store
    .database('seat_holds')
    .where({ id: await claimed('free') })
    .update({ claimed_at: new Date(0) });
  const age = valueOf(await read(), 'registration_payment_in_doubt_seconds');
  expect(age).toBeGreaterThanOrEqual(1200);
  expect(age).toBeLessThan(1260);
});

it('tell what the last look found, and when it was', async () => {
  const at = new Date('2027-01-02T03:04:05Z');
  await store.database('background_jobs').insert({ name: JOB, begun_at: at, succeeded_at: at });
  await store
    .database('stopped_runs')
    .insert({ registration_id: randomUUID(), kind: 'payment', run: 'TERMINATED' });
  const text = await read();
  expect(valueOf(text, 'registration_last_look_timestamp_seconds')).toBe(at.getTime() / 1000);
  expect(valueOf(text, 'registration_stopped_runs', 'kind="payment"')).toBe(1);
});

it('have a bounded number of time series, and nothing personal', async () => {
  await ordered();
  const types = Array.from({ length: MOST_TICKET_TYPES + 20 }, (_, n) => ({
    ...{ event_id: 'conference', id: `type-${n}`, name: `Type ${n}`, price_minor: 0, position: n + 10 },
  }));
  await store.database('ticket_types').insert(types);
  const text = await read();
  expect(Object.keys(valuesOf(text, 'registration_holds'))).toHaveLength(2 * MOST_TICKET_TYPES);
  for (const secret of PERSONAL) expect(text).not.toContain(secret);
  const labels = Object.values(METRICS).flatMap((metric): readonly string[] => metric.labels);
  expect([...new Set(labels)].toSorted()).toEqual([
    'condition',
    'currency',
    'event',
    'kind',
    'outcome',
    'state',
    'step',
    'ticket_type',
  ]);
});

it('are read by one statement at a time, however many scrape, and are kept for some seconds', async () => {
  let statements = 0;
  store.database.on('query', () => (statements += 1));
  const metrics = businessMetrics(store.database, fail, { freshMs: 60_000 });
  await Promise.all(Array.from({ length: 5 }, () => metrics()));
  await metrics();
  expect(statements).toBe(1);
  await readSamples(store.database, JOB);
  expect(statements).toBe(2);
});

it('are missing while the database is away, say so once, and come back', async () => {
  const errors: unknown[] = [];
  const nowhere = connectDatabase('postgres://nobody@127.0.0.1:1/none');
  const metrics = businessMetrics(nowhere, (error) => errors.push(error), { freshMs: 0 });
  for (const text of [await metrics(), await metrics()]) {
    expect(valueOf(text, 'registration_business_metrics_readable')).toBe(0);
    for (const name of Object.keys(METRICS)) expect(text).not.toContain(name);
  }
  expect(errors).toHaveLength(1);
  await nowhere.destroy();
});

it('are missing while the database is slow, which delays the other metrics for a moment only', async () => {
  const errors: unknown[] = [];
  const metrics = businessMetrics(store.database, (error) => errors.push(error), {
    ...{ freshMs: 0, withinMs: 200 },
  });
  const trx = await store.database.transaction();
  await trx.raw('lock table captures in access exclusive mode');
  expect(valueOf(await metrics(), 'registration_business_metrics_readable')).toBe(0);
  expect(valueOf(await metrics(), 'registration_business_metrics_readable')).toBe(0);
  expect(errors).toMatchObject([{ name: 'TimeoutError' }]);
  await trx.rollback();
  await expect.poll(async () => valueOf(await metrics(), 'registration_business_metrics_readable')).toBe(1);
});
