/** Organizers add a registration over HTTP: it is there at once, with everything that other registrations have. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ADD_WORKFLOW } from '../../../src/addition.ts';
import { erase } from '../../../src/registrations/erasure.ts';
import { findOrphans, repair } from '../../../src/registrations/reconciliation.ts';
import { workflowId } from '../../../src/registration.ts';
import { ifThere } from '../../../src/temporal/client.ts';
import { decoderOf } from '../../../src/temporal/payloads.ts';
import { startStack, texts, type Stack } from '../../stack.ts';
import { bundleWorkflows } from '../../workflows/bundle.ts';
import { aSignedIn, fieldIn, type SignedIn } from './desk.ts';

let stack: Stack;
let organizer: SignedIn;
beforeAll(async () => {
  stack = await startStack({ answerWithinMs: 8000 });
  await stack.startWorker();
  organizer = await aSignedIn(stack, 'organizer');
});
afterEach(() => stack.sandbox.faults.clear());
afterAll(() => stack.stop());

const PATH = '/organizer/registrations/new';
let people = 0;
/** Who is added: somebody with an e-mail address of their own. */
const aForm = (fields: Record<string, string> = {}) => ({
  ...{ action: randomUUID(), ticket: 'conference/regular', payment: 'complimentary' },
  ...{ firstName: 'Ada', lastName: 'Example', email: `ada${++people}@example.org`, language: 'en' },
  ...fields,
});
const add = (fields: Record<string, string>) => organizer.post(PATH, fields);
/** Adds somebody, waits for the mail, and returns the id of the registration. */
async function added(fields: Record<string, string> = {}): Promise<{ id: string; email: string }> {
  const form = aForm(fields);
  const answer = await add(form);
  expect(answer.statusCode).toBe(303);
  const id = idIn(answer.headers.location);
  await handleOf(id).result();
  return { id, email: form.email };
}
const idIn = (location: unknown) => /registrations\/([0-9a-f-]{36})/.exec(String(location))?.[1] ?? '';
const handleOf = (id: string) => stack.temporal.workflow.getHandle(workflowId(id));
const mailsTo = (email: string) => stack.sandbox.ledger().mails.filter(({ to }) => to[0]?.email === email);
const orderOf = (id: string) => stack.database('orders').where({ id }).first<Record<string, unknown>>();
const statusOf = async (id: string) =>
  (await stack.app.inject(`/api/registrations/${id}`)).json<{ status: string; steps: object[] }>();

describe('a complimentary registration', () => {
  it('has an order, a seat, one mail that says so, and no entry in the audience', async () => {
    const form = aForm({ organization: 'Example e.V.', note: 'Speaker' });
    const answer = await add(form);
    const id = idIn(answer.headers.location);
    await handleOf(id).result();
    expect(await orderOf(id)).toMatchObject({
      ...{ source: 'by-hand', payment: 'none', amount_minor: 0, organization: 'Example e.V.' },
      ...{ newsletter_consent_at: null, language: 'en' },
    });
    const mails = mailsTo(form.email);
    expect(mails).toHaveLength(1);
    const told = texts(mails).join('\n');
    expect(told).toContain('Complimentary');
    expect(told).toContain('Hello Ada,');
    expect(told).toContain('the organizer registered you');
    expect(told).not.toContain('PayPal');
    expect(told).not.toContain('Speaker');
    expect(
      stack.sandbox.ledger().members.filter(({ email_address }) => email_address === form.email),
    ).toEqual([]);
    expect(await statusOf(id)).toMatchObject({
      status: 'confirmed',
      steps: [
        { name: 'payment', state: 'skipped' },
        { name: 'order', state: 'done' },
        { name: 'email', state: 'done' },
        { name: 'mailing-list', state: 'skipped' },
      ],
    });
    const page = (await organizer.get(String(answer.headers.location))).body;
    for (const text of ['The registration was added', 'Complimentary', 'Added the registration', 'Speaker'])
      expect(page).toContain(text);
    expect((await organizer.get(`/organizer/registrations?q=${form.email}`)).body).toContain('Complimentary');
  });

  it('is added once by a double click, and by the same form when Temporal has forgotten the run', async () => {
    const form = aForm();
    const [one, two] = await Promise.all([add(form), add(form)]);
    expect([one.statusCode, two.statusCode]).toEqual([303, 303]);
    expect(one.headers.location).toBe(two.headers.location);
    const id = idIn(one.headers.location);
    await handleOf(id).result();
    const { namespace } = stack.temporal.options;
    const workflowExecution = { workflowId: workflowId(id) };
    await stack.temporal.workflowService.deleteWorkflowExecution({ namespace, workflowExecution });
    const isGone = async () => (await ifThere(handleOf(id).describe())) === undefined;
    await vi.waitUntil(isGone, { timeout: 20_000 });
    expect((await add(form)).statusCode).toBe(303);
    expect(mailsTo(form.email)).toHaveLength(1);
    expect(await stack.database('orders').where({ email: form.email })).toHaveLength(1);
    expect(await statusOf(id)).toMatchObject({ status: 'confirmed' });
  });

  it('is not mixed up with another person in the same form', async () => {
    const form = aForm();
    await add(form);
    const answer = await add({ ...form, firstName: 'Grace' });
    expect(answer.statusCode).toBe(409);
    expect(answer.body).toContain('used for another person before');
    const again = await add({ ...form, firstName: 'Grace', action: fieldIn(answer.body, 'action') });
    expect(again.statusCode).toBe(303);
    expect(await stack.database('orders').where({ email: form.email })).toHaveLength(2);
  });
});

describe('a registration that is paid elsewhere', () => {
  it('has the price or the given amount, and a receipt that does not speak of PayPal', async () => {
    const { id } = await added({ payment: 'elsewhere', note: 'Invoice 118' });
    expect(await orderOf(id)).toMatchObject({ payment: 'elsewhere', amount_minor: 12_000 });
    const form = { payment: 'elsewhere', note: 'Invoice 119', amount: '99,50', language: 'de' };
    const { id: other, email } = await added(form);
    expect(await orderOf(other)).toMatchObject({ payment: 'elsewhere', amount_minor: 9950 });
    const told = texts(mailsTo(email)).join('\n');
    expect(told).toContain('99,50');
    expect(told).toContain('Nicht über diesen Dienst bezahlt');
    expect(told).not.toContain('über PayPal');
    expect(await stack.database('captures')).toEqual([]);
    const lines = (await organizer.get(`/organizer/export/registrations.csv?q=${email}`)).body;
    expect(lines).toMatch(/,by-hand,elsewhere,99\.50,/);
    expect((await organizer.get('/organizer/export/money.csv')).body).not.toContain('99.50');
    expect(await statusOf(other)).toMatchObject({ steps: [{ name: 'payment', state: 'done' }, {}, {}, {}] });
  });

  it('cannot be refunded by PayPal, which the page says, and can be cancelled', async () => {
    const { id, email } = await added({ payment: 'elsewhere', note: 'Invoice 120' });
    const url = `/organizer/registrations/${id}`;
    const page = (await organizer.get(url)).body;
    expect(page).toContain('PayPal cannot refund what it did not take');
    expect(page).not.toContain('name="refund"');
    const refund = await organizer.post(`${url}/refund`, { action: randomUUID(), amount: '1' });
    expect([refund.statusCode, refund.body]).toEqual([
      409,
      expect.stringContaining('not paid through PayPal'),
    ]);
    const before = await soldOf();
    expect((await organizer.post(`${url}/cancel`, { action: randomUUID() })).statusCode).toBe(303);
    await vi.waitUntil(() => mailsTo(email).length === 2, { timeout: 10_000 });
    expect(texts(mailsTo(email)[1]).join('\n')).toContain('You paid the organizer directly');
    expect(await soldOf()).toBe(before - 1);
    expect(stack.sandbox.ledger().refunds).toEqual([]);
    expect(await statusOf(id)).toMatchObject({ status: 'cancelled' });
  });

  it('moves to ticket types that cost what its own costs, whatever was paid', async () => {
    await stack.database('ticket_types').insert({
      ...{ event_id: 'conference', id: 'front', name: 'Front row', price_minor: 12_000, position: 9 },
    });
    const { id } = await added({ payment: 'elsewhere', note: 'Invoice 121', amount: '90' });
    const url = `/organizer/registrations/${id}`;
    const page = (await organizer.get(url)).body;
    expect(page).toContain('Front row');
    expect(page).not.toContain('<option value="limited"');
    const move = (ticketType: string) => organizer.post(`${url}/move`, { action: randomUUID(), ticketType });
    expect((await move('limited')).statusCode).toBe(409);
    expect((await move('front')).statusCode).toBe(303);
    expect(await orderOf(id)).toMatchObject({ ticket_type_id: 'front', amount_minor: 9000 });
  });
});
const soldOf = async () =>
  (await stack.database('ticket_types').where({ id: 'regular' }).first<{ sold: number }>('sold')).sold;

describe('nobody is added', () => {
  it('with faults in the form, and nothing that was typed is lost', async () => {
    const answer = await add(aForm({ ticket: '', email: 'ada', payment: 'elsewhere', firstName: '' }));
    expect(answer.statusCode).toBe(422);
    expect(answer.body).toContain('Nobody was added');
    expect(answer.body).toContain('id="error-ticket"');
    expect(answer.body).toContain('value="ada"');
    const faulty = await add(aForm({ email: 'ada', payment: 'elsewhere', firstName: '' }));
    for (const field of ['firstName', 'email', 'note']) expect(faulty.body).toContain(`id="error-${field}"`);
    const json = await organizer.post(PATH, aForm({ payment: 'elsewhere' }), { accept: 'application/json' });
    expect([json.statusCode, json.json()]).toEqual([
      422,
      expect.objectContaining({ errors: [{ pointer: '/note', detail: expect.any(String) as string }] }),
    ]);
  });

  it('where no seat is left: a clear answer, and the form with another action', async () => {
    await stack.database('ticket_types').where({ id: 'limited' }).update({ sold: 2 });
    const form = aForm({ ticket: 'conference/limited' });
    const answer = await add(form);
    expect([answer.statusCode, answer.body]).toEqual([
      409,
      expect.stringContaining('no seat of this ticket type is left'),
    ]);
    expect((await add(form)).statusCode).toBe(409);
    await stack.database('ticket_types').where({ id: 'limited' }).update({ sold: 0 });
    expect((await add(form)).statusCode).toBe(409);
    const json = await organizer.post(PATH, form, { accept: 'application/json' });
    expect(json.json()).toMatchObject({ type: '/problems/not-added', status: 409 });
    expect(mailsTo(form.email)).toEqual([]);
    expect((await add({ ...form, action: fieldIn(answer.body, 'action') })).statusCode).toBe(303);
  });
});

describe('its run', () => {
  it('is an ordinary one for whoever looks: named after the registration, and ids in its history alone', async () => {
    const { id, email } = await added({ note: 'Speaker', lastName: 'Beispiel' });
    const run = await handleOf(id).describe();
    expect(run.type).toBe(ADD_WORKFLOW);
    const { events } = await handleOf(id).fetchHistory();
    const { namespace, loadedDataConverter } = stack.temporal.options;
    const decode = decoderOf(loadedDataConverter, { namespace, workflowId: workflowId(id) });
    const said: unknown[] = [];
    for (const event of events ?? []) {
      const { input } =
        event.activityTaskScheduledEventAttributes ?? event.workflowExecutionStartedEventAttributes ?? {};
      said.push(...(await decode(input?.payloads, event.activityTaskScheduledEventAttributes?.activityId)));
    }
    expect(said.length).toBeGreaterThan(2);
    expect(JSON.stringify(said)).toContain(id);
    for (const personal of [email, 'Beispiel', 'Speaker'])
      expect(JSON.stringify(said)).not.toContain(personal);
  });

  it('goes on with the mail, shows why it waits, and ends with a cancellation at the desk', async () => {
    stack.sandbox.faults.set('sendgrid', { mode: 'failing' });
    const form = aForm();
    const answer = await add(form);
    const id = idIn(answer.headers.location);
    await vi.waitUntil(async () => JSON.stringify(await statusOf(id)).includes('retrying'), {
      timeout: 10_000,
    });
    expect(JSON.stringify(await statusOf(id))).toContain('"email","state":"retrying"');
    expect((await organizer.get(`/organizer/registrations/${id}`)).body).toContain(
      'SendGrid could not be reached',
    );
    await organizer.post(`/organizer/registrations/${id}/cancel`, { action: randomUUID() });
    await handleOf(id).result();
    stack.sandbox.faults.clear();
    expect(await statusOf(id)).toMatchObject({ status: 'cancelled' });
    await vi.waitUntil(() => mailsTo(form.email).length > 0, { timeout: 10_000 });
    expect(mailsTo(form.email).map(({ categories }) => categories[0])).toEqual(['cancelled']);
  });

  it('gives the seat back when it is cancelled in Temporal’s Web UI', async () => {
    stack.sandbox.faults.set('sendgrid', { mode: 'failing' });
    const before = await soldOf();
    const id = idIn((await add(aForm())).headers.location);
    await vi.waitUntil(async () => (await soldOf()) === before + 1);
    await handleOf(id).cancel();
    stack.sandbox.faults.clear();
    expect(await handleOf(id).result()).toMatchObject({ status: 'cancelled' });
    expect(await soldOf()).toBe(before);
    expect(await orderOf(id)).toMatchObject({ status: 'cancelled' });
  });

  it('is found by reconcile when it was terminated, and goes on with the mail', async () => {
    stack.sandbox.faults.set('sendgrid', { mode: 'failing' });
    const form = aForm();
    const id = idIn((await add(form)).headers.location);
    await vi.waitUntil(async () => (await stack.database('orders').where({ id })).length > 0);
    await handleOf(id).terminate();
    // The fault stays meanwhile, or an attempt that is still under way could send the mail, and there would be nothing to find.
    const found = await vi.waitUntil(
      async () => (await findOrphans(stack, 0)).find((orphan) => orphan.id === id),
      { timeout: 40_000 },
    );
    expect(found).toMatchObject({ ordered: true, run: 'TERMINATED' });
    stack.sandbox.faults.clear();
    expect(await repair(stack, found)).toEqual({ outcome: 'resumed' });
    await handleOf(id).result();
    // At least once: an attempt of the run that was terminated may still be under way.
    expect(mailsTo(form.email).length).toBeGreaterThan(0);
  });

  it('is found by reconcile when it was terminated before the order, and adds whom it was to add', async () => {
    await stack.stopWorkers();
    const stopWorker = await stack.startWorker({ workflowBundle: await bundleWorkflows() });
    const form = aForm();
    const id = idIn((await add(form)).headers.location);
    expect(await statusOf(id)).toMatchObject({ status: 'processing' });
    await vi.waitUntil(async () => ((await handleOf(id).describe()).raw.pendingActivities ?? []).length > 0);
    await handleOf(id).terminate();
    await stopWorker();
    await stack.startWorker();
    const found = await vi.waitUntil(
      async () => (await findOrphans(stack, 0)).find((orphan) => orphan.id === id),
      { timeout: 10_000 },
    );
    expect(found).toMatchObject({ ordered: false, run: 'TERMINATED' });
    expect(await repair(stack, found)).toEqual({ outcome: 'resumed' });
    await handleOf(id).result();
    expect(await orderOf(id)).toMatchObject({ status: 'confirmed', email: form.email });
    expect(mailsTo(form.email)).toHaveLength(1);
  });

  it('is deleted by an erasure, with the note and the name', async () => {
    const { id, email } = await added({ note: 'Speaker' });
    const { reference } = (await orderOf(id)) as { reference: string };
    expect(await erase(stack, reference)).toMatchObject({ outcome: 'erased', order: true, histories: 1 });
    const rows = JSON.stringify([
      await stack.database('orders').where({ id }),
      await stack.database('additions').where({ id }),
      await stack.database('registration_events').where({ registration_id: id }),
    ]);
    for (const personal of [email, 'Example', 'Speaker']) expect(rows).not.toContain(personal);
  });
});
