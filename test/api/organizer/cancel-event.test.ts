/** An organizer cancels an event over HTTP: everybody is refunded and told, and all ledgers agree. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from '../../../sandbox/servers/process.ts';
import { buildApp } from '../../../src/api/app.ts';
import { cancelEventWorkflowId } from '../../../src/cancel-event.ts';
import { loadConfig } from '../../../src/config.ts';
import { cancelEvent } from '../../../src/database/cancelled-events/cancellation.ts';
import { countCancelled } from '../../../src/database/cancelled-events/progress.ts';
import { refundWorkflowId } from '../../../src/refund.ts';
import {
  findStoppedCancellations,
  restartCancellation,
} from '../../../src/registrations/stopped-cancellations.ts';
import { connectTemporal } from '../../../src/temporal/client.ts';
import { startStack, texts, type Stack } from '../../stack.ts';
import { aPerson, aSignedIn, BROWSER, signIn, type SignedIn } from './desk.ts';
import { aMinuteAgo, anAttendeeOf, anEvent, registered } from './events.ts';

let stack: Stack;
let desk: SignedIn & { id: string };
beforeAll(async () => {
  stack = await startStack({ answerWithinMs: 5000, settings: { TEMPORAL_UI_URL: 'http://temporal.test' } });
  await stack.startWorker();
  desk = await aSignedIn(stack, 'organizer');
});
afterEach(() => {
  stack.sandbox.faults.clear();
  stack.sandbox.setAccount({ funds: null, refunds: 'COMPLETED' });
});
const closing: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closing) await close();
  await stack.stop();
});

const LONG = { timeout: 60_000 };
const SOON = { timeout: 40_000, interval: 100 };
const pathOf = (event: string) => `/organizer/events/${event}/cancel`;
const pageOf = async (event: string) => (await desk.get(pathOf(event))).body;
const send = (event: string, fields: Record<string, string>, who = desk) =>
  who.post(pathOf(event), { action: randomUUID(), ...fields });
const runOf = (event: string) => stack.temporal.workflow.getHandle(cancelEventWorkflowId(event));
async function cancel(event: string) {
  const answer = await send(event, { name: 'Conference' });
  expect([answer.statusCode, answer.headers.location]).toEqual([303, pathOf(event)]);
  await aMinuteAgo(stack, event);
}
const counts = (event: string) => countCancelled(stack.database, event);
const captureOf = (id: string) =>
  stack.sandbox.ledger().captures.find(({ custom_id }) => custom_id === id)?.id ?? '';
const refundsOf = (id: string) =>
  stack.sandbox
    .ledger()
    .refunds.filter(({ capture_id }) => capture_id === captureOf(id))
    .map(({ amount }) => amount.value);
const mailsTo = (id: string, category: string) =>
  stack.sandbox
    .ledger()
    .mails.filter(
      ({ customArgs, categories }) => customArgs.registrationId === id && categories.includes(category),
    );
const statusOf = async (id: string) =>
  (await stack.app.inject({ url: `/api/registrations/${id}` })).json<{ status: string }>().status;
const soldOf = async (event: string) =>
  Number(
    (await stack.database('ticket_types').where({ event_id: event }).sum<{ sum: string }[]>('sold'))[0]?.sum,
  );

it('shows what cancelling means, asks for the name, and does nothing without it', LONG, async () => {
  const event = await anEvent(stack);
  expect(await pageOf(event)).toContain('Nobody has registered for this event');
  for (const ticketType of ['regular', 'limited', 'free']) await registered(stack, event, ticketType);
  await anAttendeeOf(stack, event).put();
  const page = await pageOf(event);
  expect(page).toContain('Cancel the event and refund €210.00');
  const facts = [...page.matchAll(/<dt>([^<]*)<\/dt><dd>([^<]*)<\/dd>/g)].map(([, name, value]) => [
    name,
    value,
  ]);
  expect(facts).toEqual([
    ['Confirmed, with a refund', '2'],
    ['Goes back to attendees', '€210.00'],
    ['Confirmed, with nothing to refund', '1'],
    ['Payment in progress', '0'],
    ['Seats held by people who are filling in the form', '1'],
  ]);
  const refused = await send(event, { name: 'Conferenze' });
  expect(refused.statusCode).toBe(422);
  expect(refused.body).toContain('value="Conferenze"');
  expect(refused.body).toContain('This is not the name of the event.');
  const told = await desk.post(pathOf(event), { action: randomUUID() }, { accept: 'application/json' });
  expect(told.json()).toMatchObject({ status: 422, errors: [{ pointer: '/name' }] });
  for (const what of ['start', 'pause', 'resume'])
    expect([303, 409]).toContain((await send(event, { do: what })).statusCode);
  expect(await stack.database('event_cancellations').where({ event_id: event })).toEqual([]);
  expect((await desk.get(pathOf('event-of-nobody'))).statusCode).toBe(404);
});

it('refunds and cancels everybody once, tells them, and everything agrees', LONG, async () => {
  const event = await anEvent(stack);
  const [paid, part, free] = [
    await registered(stack, event),
    await registered(stack, event),
    await registered(stack, event, 'free'),
  ];
  await desk.post(`/organizer/registrations/${part.id}/refund`, { action: randomUUID(), amount: '40' });
  await vi.waitUntil(() => refundsOf(part.id).length === 1, SOON);
  expect(await pageOf(event)).toContain('Cancel the event and refund €200.00');
  const another = await aSignedIn(stack, 'owner');
  const sent = [
    cancel(event),
    send(event, { name: ' Conference ' }, another),
    send(event, { name: 'Conference' }),
  ];
  for (const answer of await Promise.all(sent)) if (answer) expect(answer.statusCode).toBe(303);
  expect((await stack.app.inject({ url: `/?event=${event}`, headers: { accept: BROWSER } })).statusCode).toBe(
    410,
  );
  expect((await anAttendeeOf(stack, event).put()).statusCode).toBeGreaterThanOrEqual(400);

  expect(await runOf(event).result()).toEqual({ done: 3, refused: 0, left: 0 });
  await vi.waitUntil(() => [paid, part, free].every(({ id }) => mailsTo(id, 'cancelled').length > 0), SOON);
  expect([refundsOf(paid.id), refundsOf(part.id)]).toEqual([['120.00'], ['40.00', '80.00']]);
  expect(await soldOf(event)).toBe(0);
  expect(await statusOf(paid.id)).toBe('refunded');
  expect(await statusOf(part.id)).toBe('refunded');
  expect(await statusOf(free.id)).toBe('cancelled');
  const ledger = await stack
    .database('refunds')
    .where({ registration_id: paid.id })
    .select('state', 'amount_minor');
  expect(ledger).toEqual([{ state: 'done', amount_minor: 12_000 }]);
  for (const { id } of [paid, part, free]) {
    const [mail, ...others] = mailsTo(id, 'cancelled');
    expect(others).toEqual([]);
    expect(mail?.subject).toBe('The event was cancelled: Conference');
    expect(texts(mail).join('\n')).toContain('The organizer has cancelled Conference.');
  }
  expect(texts(mailsTo(part.id, 'cancelled')).join('\n')).toContain('A refund of €80.00');

  const page = await pageOf(event);
  expect(page).toContain('All registrations are cancelled');
  expect(page).toContain('<dt>Refunded</dt><dd>€200.00</dd>');
  expect(page).toContain('Cancelled the event.');
  expect(page).toContain(`http://temporal.test/namespaces/default/workflows/cancel-event-${event}`);
  expect((await desk.get(pathOf(event))).headers.refresh).toBeUndefined();
  expect((await desk.get(`/organizer/registrations/${paid.id}`)).body).toContain('Refunded');
  const started = await stack
    .database('organizer_events')
    .where({ event_id: event, kind: 'event-cancelled' });
  expect(started).toHaveLength(1);

  // Somebody sends the form of a page that was open since.
  const before = stack.sandbox.ledger().refunds.length;
  expect((await send(event, { name: 'Conference' })).statusCode).toBe(303);
  expect((await runOf(event).describe()).status.name).toBe('COMPLETED');
  expect(stack.sandbox.ledger().refunds).toHaveLength(before);
});

it(
  'says on the public pages that the event is cancelled, until each registration is, too',
  LONG,
  async () => {
    const event = await anEvent(stack);
    const { id } = await registered(stack, event);
    stack.sandbox.age(captureOf(id), 181);
    await cancel(event);
    const page = await stack.app.inject({ url: `/?event=${event}`, headers: { accept: BROWSER } });
    expect(page.statusCode).toBe(410);
    expect(page.body).toContain('Conference was cancelled');
    expect(await runOf(event).result()).toEqual({ done: 0, refused: 1, left: 0 });
    const status = (await stack.app.inject({ url: `/registrations/${id}`, headers: { accept: BROWSER } }))
      .body;
    expect(status).toContain('This event was cancelled');
    expect(status).not.toContain('class="qr"');
    const desked = await pageOf(event);
    expect(desked).toContain('except for one registration whose refund PayPal has refused');
    expect(desked).toContain(`<a href="/organizer/registrations/${id}">`);
    expect(desked).toContain('PayPal refunds a payment for 180 days only');
    // What the page says to do.
    await desk.post(`/organizer/registrations/${id}/cancel`, { action: randomUUID() });
    expect(await pageOf(event)).toContain('All registrations are cancelled');
    expect(await soldOf(event)).toBe(0);
  },
);

describe('when Temporal is away', () => {
  it('answers 503, changes nothing, and the same form works later', LONG, async () => {
    const event = await anEvent(stack);
    const { id } = await registered(stack, event);
    const config = loadConfig({ ...stack.environment, TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}` });
    const temporal = connectTemporal(config);
    const { database } = stack;
    const app = await buildApp({ ...stack, config, temporal });
    const fields = { action: randomUUID(), name: 'Conference' };
    const away = await signIn({ app, database }, desk.id);
    const answer = await away.post(pathOf(event), fields);
    expect(answer.statusCode).toBe(503);
    expect(answer.body).toContain('Nothing was changed');
    expect(await database('events').where({ id: event }).pluck('state')).toEqual(['live']);
    expect((await desk.post(pathOf(event), fields)).statusCode).toBe(303);
    // The numbers are right without Temporal, and nobody says that the run is missing.
    await vi.waitFor(async () => {
      expect((await away.get(pathOf(event))).body).toContain('Temporal cannot be reached at the moment');
    }, SOON);
    await app.close();
    // Its calls are tried again for a while.
    closing.push(() => temporal.connection.close());
    await aMinuteAgo(stack, event);
    await runOf(event).result();
    expect(refundsOf(id)).toEqual(['120.00']);
  });

  it('finds a cancelled event whose run is missing or was terminated, and starts it', LONG, async () => {
    const event = await anEvent(stack);
    const { id } = await registered(stack, event);
    // The api died between the decision and the start of the run.
    await cancelEvent(stack.database, { event, organizer: desk.id, action: randomUUID() });
    const page = await pageOf(event);
    expect(page).toContain('nothing works on the refunds at the moment: 1 registration is left');
    expect(page).toContain('Start the refunds');
    await stack.stopWorkers();
    expect((await send(event, { do: 'start' })).statusCode).toBe(303);
    expect(await pageOf(event)).toContain('1 is left');
    await runOf(event).terminate();
    expect(await pageOf(event)).toContain('nothing works on the refunds');
    const stopped = (await findStoppedCancellations(stack)).filter((one) => one.event === event);
    expect(stopped).toEqual([{ event, run: 'TERMINATED' }]);
    await stack.startWorker();
    // `npm run reconcile -- --repair` does the same as the button.
    for (const one of stopped) await restartCancellation(stack, one);
    expect(await findStoppedCancellations(stack)).not.toContainEqual(expect.objectContaining({ event }));
    expect((await send(event, { do: 'start' })).statusCode).toBe(303);
    await aMinuteAgo(stack, event);
    await runOf(event).result();
    expect(refundsOf(id)).toEqual(['120.00']);
  });
});

it('is over before the mails that say so, which go out all the same', LONG, async () => {
  const event = await anEvent(stack);
  const ada = await registered(stack, event);
  const told = () => mailsTo(ada.id, 'refunded').length + mailsTo(ada.id, 'cancelled').length;
  stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503 });
  await cancel(event);
  await runOf(event).result();
  expect([refundsOf(ada.id), told()]).toEqual([['120.00'], 0]);
  stack.sandbox.faults.clear();
  await vi.waitUntil(() => told() === 1, SOON);
});

it('refunds somebody who is paying meanwhile', LONG, async () => {
  const event = await anEvent(stack);
  const paying = anAttendeeOf(stack, event);
  const approved = await paying.approve();
  stack.sandbox.faults.set('paypal', { mode: 'slow', ms: 3000, only: '/capture' });
  const answer = paying.post(approved);
  const claimed = () => stack.database('seat_holds').where({ id: paying.id }).whereNotNull('claimed_for');
  await vi.waitUntil(async () => (await claimed()).length > 0, SOON);
  expect(await pageOf(event)).toContain('<dt>Payment in progress</dt><dd>1</dd>');
  await cancel(event);
  expect(await pageOf(event)).toContain('1 is left');
  stack.sandbox.faults.clear();
  await answer;
  expect(await runOf(event).result()).toEqual({ done: 1, refused: 0, left: 0 });
  expect(refundsOf(paying.id)).toEqual(['120.00']);
  expect(await soldOf(event)).toBe(0);
  expect(['refunded', 'cancelled']).toContain(await statusOf(paying.id));
  await vi.waitUntil(() => mailsTo(paying.id, 'cancelled').length > 0, SOON);
  expect(texts(mailsTo(paying.id, 'cancelled')).join('\n')).toContain(
    'The organizer has cancelled Conference.',
  );
});

it('pauses for want of money, tells each owner once, and finishes after Resume', LONG, async () => {
  const owner = await aPerson(stack, 'owner', { name: 'Ada Example' });
  const event = await anEvent(stack);
  const people: { id: string }[] = [];
  for (let n = 0; n < 4; n++) people.push(await registered(stack, event));
  stack.sandbox.setAccount({ funds: 24_000 });
  await cancel(event);
  await vi.waitUntil(async () => (await pageOf(event)).includes('There is not enough money'), SOON);
  await vi.waitUntil(async () => (await counts(event)).left === 0, SOON);
  expect(await counts(event)).toEqual({ done: 2, refused: 2, left: 0 });
  const mailed = () =>
    stack.sandbox.ledger().mails.filter(({ to, categories }) => {
      return to[0]?.email === owner.email && categories.includes('refunds-paused');
    });
  await vi.waitUntil(() => mailed().length === 1, SOON);
  const text = texts(mailed()).join('\n');
  expect(text).toContain('Refunds are paused: Conference');
  expect(text).toContain(`http://registration.test${pathOf(event)}`);
  const paused = await desk.get(pathOf(event));
  expect(paused.headers.refresh).toBe('5');
  expect(paused.body).toContain('value="resume"');
  expect((await desk.get(`${pathOf(event)}?refresh=off`)).headers.refresh).toBeUndefined();

  stack.sandbox.setAccount({ funds: null });
  for (let n = 0; n < 2; n++) expect((await send(event, { do: 'resume' })).statusCode).toBe(303);
  expect(await runOf(event).result()).toEqual({ done: 4, refused: 0, left: 0 });
  for (const { id } of people) expect(refundsOf(id)).toEqual(['120.00']);
  expect(mailed()).toHaveLength(1);
});

it(
  'goes on with refunds while no mail can be sent, and begins nothing while it is paused',
  LONG,
  async () => {
    const event = await anEvent(stack);
    const people: { id: string }[] = [];
    for (let n = 0; n < 12; n++) people.push(await registered(stack, event));
    stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503 });
    await stack.stopWorkers();
    await cancel(event);
    expect((await send(event, { do: 'pause' })).statusCode).toBe(303);
    await stack.startWorker();
    await vi.waitUntil(async () => {
      const { events } = await runOf(event).fetchHistory();
      return events?.some(({ activityTaskCompletedEventAttributes }) => activityTaskCompletedEventAttributes);
    }, SOON);
    expect(await pageOf(event)).toContain('The cancellation is paused.');
    expect(await counts(event)).toEqual({ done: 0, refused: 0, left: 12 });
    await send(event, { do: 'resume' });
    expect(await runOf(event).result()).toEqual({ done: 12, refused: 0, left: 0 });
    for (const { id } of people) expect([refundsOf(id), mailsTo(id, 'cancelled')]).toEqual([['120.00'], []]);
    const [first] = await stack
      .database('refunds')
      .where({ registration_id: people[0]?.id })
      .pluck<string[]>('action');
    const refund = await stack.temporal.workflow.getHandle(refundWorkflowId(first ?? '')).describe();
    expect(refund.status.name).toBe('RUNNING');
    stack.sandbox.faults.clear();
    await vi.waitUntil(() => people.every(({ id }) => mailsTo(id, 'cancelled').length === 1), SOON);
  },
);
