/** An erasure removes every name and address of a person and keeps the facts that accounting needs. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { changeWorkflowId } from '../../src/change.ts';
import { erase } from '../../src/registrations/erasure.ts';
import { reference } from '../../src/reference.ts';
import { resendWorkflowId, workflowId } from '../../src/registration.ts';
import { ifThere } from '../../src/temporal/client.ts';
import { startChange } from '../../src/temporal/runs.ts';
import { addSearchAttributes } from '../../src/temporal/search-attributes.ts';
import { startOwnTemporal } from '../own-temporal.ts';
import { anAttendee, CARDS, startStack, type Stack } from '../stack.ts';
import { formOfMary, MARY } from './mary.ts';

let stack: Stack;
let server: Awaited<ReturnType<typeof startOwnTemporal>>;
beforeAll(async () => {
  server = await startOwnTemporal();
  stack = await startStack({ settings: { TEMPORAL_ADDRESS: server.address } });
  await addSearchAttributes(stack.temporal.connection);
  await stack.startWorker();
});
afterEach(() => stack.sandbox.faults.clear());
afterAll(async () => {
  await stack.stop();
  await server.stop();
});

const forget = (id: string) => erase(stack, reference(id));
const handleOf = (id: string) => stack.temporal.workflow.getHandle(workflowId(id));
const isMember = (email: string) =>
  stack.sandbox.ledger().members.some(({ email_address }) => email_address === email);
const mary = (email: string, more = {}) => anAttendee(stack, formOfMary(email, more));

/** Returns all rows of all tables as text. */
async function everything(): Promise<string> {
  const { rows } = await stack.database.raw<{ rows: { name: string }[] }>(
    `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
  );
  return JSON.stringify(await Promise.all(rows.map(({ name }) => stack.database(name).select())));
}

it('erases a person from the database, the audience and the histories, and keeps the accounting facts', async () => {
  const attendee = mary('mary@example.org');
  const { id } = attendee;
  expect((await attendee.register()).statusCode).toBe(201);
  await handleOf(id).result();
  const resent = await stack.app.inject({
    method: 'POST',
    url: `/api/registrations/${id}/resend`,
    body: {},
  });
  expect(resent.statusCode).toBe(202);
  const before = await stack.database('orders').where({ id }).first<Record<string, unknown>>();
  expect(await everything()).toMatch(MARY);
  expect(isMember('mary@example.org')).toBe(true);

  expect(await forget(id)).toEqual({ outcome: 'erased', audience: 'deleted', histories: 2, order: true });

  expect(await everything()).not.toMatch(MARY);
  expect(isMember('mary@example.org')).toBe(false);
  for (const name of [workflowId(id), resendWorkflowId(id)])
    await vi.waitUntil(async () => !(await ifThere(stack.temporal.workflow.getHandle(name).describe())), {
      timeout: 20_000,
    });
  const after = await stack.database('orders').where({ id }).first<Record<string, unknown>>();
  const kept = ['reference', 'status', 'event_id', 'ticket_type_id', 'amount_minor', 'currency'].concat([
    'paypal_order_id',
    'paypal_capture_id',
    'paid_at',
    'country_code',
    'created_at',
  ]);
  for (const fact of kept) expect(after[fact], fact).toEqual(before[fact]);

  // The registration stays confirmed, and the service sends no more mail to the person.
  expect((await attendee.status()).json()).toMatchObject({ status: 'confirmed' });
  const page = await stack.app.inject({ method: 'GET', url: `/registrations/${id}` });
  expect(page.statusCode).toBe(200);
  expect(page.body).not.toMatch(MARY);
  const again = await stack.app.inject({ method: 'POST', url: `/api/registrations/${id}/resend`, body: {} });
  expect(again.json()).toMatchObject({ type: '/problems/not-to-resend' });
  expect(await forget(id)).toEqual({
    outcome: 'erased',
    audience: 'nothing-added',
    histories: 0,
    order: false,
  });
});

it('finds a corrected e-mail address in the history when the refunded registration has no order', async () => {
  const attendee = mary('mary.wrong@example.org', { newsletter: true });
  const secret = randomUUID();
  const put = (body: object) =>
    stack.app.inject({
      ...{ method: 'PUT', url: `/api/checkouts/${attendee.id}`, body },
      headers: { 'x-checkout-secret': secret },
    });
  const first = (await put(attendee.form)).json<{ paypalOrderId: string }>();
  stack.sandbox.approve(first.paypalOrderId, { number: CARDS.declined });
  expect((await attendee.post(first.paypalOrderId)).statusCode).toBe(402);
  const corrected = {
    ...attendee.form,
    attendee: { ...attendee.form.attendee, email: 'mary.right@example.org' },
  };
  const { paypalOrderId } = (await put(corrected)).json<{ paypalOrderId: string }>();
  stack.sandbox.approve(paypalOrderId, {});
  // Only saving the order fails, so the run refunds the payment and leaves no order.
  await stack.database.raw('alter table orders add constraint broken check (false) not valid');
  expect((await attendee.post(paypalOrderId, corrected)).statusCode).toBe(201);
  await handleOf(attendee.id).result();
  await stack.database.raw('alter table orders drop constraint broken');
  // The refund may have cancelled the run's own subscription, so the test adds the member itself.
  await stack.mailchimp.add({ email: 'mary.right@example.org', firstName: 'Mary', lastName: 'Somerville' });

  expect(await forget(attendee.id)).toEqual({
    outcome: 'erased',
    audience: 'deleted',
    histories: 1,
    order: false,
  });
  expect(isMember('mary.right@example.org')).toBe(false);
});

it('keeps the audience member while another registration with the same address wants the newsletter', async () => {
  const [one, other] = [mary('family@example.org'), mary('Family@example.org')];
  for (const attendee of [one, other]) {
    expect((await attendee.register()).statusCode).toBe(201);
    await handleOf(attendee.id).result();
  }
  // The second registration comes later, so that it alone would not explain the subscription.
  await stack
    .database('orders')
    .where({ id: other.id })
    .update({ newsletter_consent_at: stack.database.raw("newsletter_consent_at + interval '1 hour'") });
  expect(await forget(one.id)).toMatchObject({ audience: 'kept-for-another', order: true });
  expect(isMember('family@example.org') || isMember('Family@example.org')).toBe(true);
  expect(await forget(other.id)).toMatchObject({ audience: 'deleted', order: true });
});

it('deletes the run of a correction that was refused, which has left nothing in the database', async () => {
  const ada = mary('refused@example.org');
  await ada.register();
  await handleOf(ada.id).result();
  await stack.database('orders').where({ id: ada.id }).update({ status: 'cancelled' });
  const action = randomUUID();
  const request = { registration: ada.id, action, organizer: randomUUID(), reason: 'Asked by telephone' };
  const correction = {
    kind: 'correct',
    firstName: 'Mary',
    lastName: 'Example',
    email: 'new@example.org',
  } as const;
  const about = { event: 'conference', ticketType: 'regular', status: 'cancelled' } as const;
  const { taskQueue } = stack;
  expect(await startChange(stack.temporal, { ...request, change: correction }, about, { taskQueue })).toEqual(
    {
      status: 'not-confirmed',
    },
  );
  const run = stack.temporal.workflow.getHandle(changeWorkflowId(action));
  await run.result();
  // The list of runs knows a run a moment after it has started.
  const query = `WorkflowId = "${run.workflowId}"`;
  await vi.waitUntil(async () => (await stack.temporal.workflow.count(query)).count > 0);
  expect(await forget(ada.id)).toMatchObject({ outcome: 'erased' });
  await vi.waitUntil(async () => !(await ifThere(run.describe())), { timeout: 45_000 });
});

it('refuses while the run is open, and when the reference is unknown', async () => {
  const attendee = mary('waits@example.org');
  stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503 });
  expect((await attendee.register()).statusCode).toBe(201);
  expect(await forget(attendee.id)).toEqual({ outcome: 'run-open' });
  expect(await erase(stack, '0000000000')).toEqual({ outcome: 'unknown-reference' });
  await handleOf(attendee.id).cancel();
  stack.sandbox.faults.clear();
  await handleOf(attendee.id).result();
  expect(await forget(attendee.id)).toMatchObject({ order: true });
});

it('completes an interrupted erasure when it is repeated, and its error reveals no person and no key', async () => {
  const attendee = mary('again@example.org');
  expect((await attendee.register()).statusCode).toBe(201);
  await handleOf(attendee.id).result();
  stack.sandbox.faults.set('mailchimp', { mode: 'failing', status: 503 });
  const error = await forget(attendee.id).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'VendorError', message: 'MailchimpUnavailable 503' });
  expect(error).not.toHaveProperty('cause');
  stack.sandbox.faults.clear();
  expect(await forget(attendee.id)).toEqual({
    outcome: 'erased',
    audience: 'deleted',
    histories: 1,
    order: true,
  });
});
