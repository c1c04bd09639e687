/** The audience at Mailchimp follows an address that an organizer corrects. */
import { createHash, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { changeWorkflowId } from '../../../src/change.ts';
import { reference } from '../../../src/reference.ts';
import { workflowId } from '../../../src/registration.ts';
import { erase } from '../../../src/registrations/erasure.ts';
import { aForm } from '../../../stage/person.ts';
import { anAttendee, startStack, texts, type Stack } from '../../stack.ts';
import { isLeftWith } from '../../workflows/dev-server.ts';
import { aSignedIn, type SignedIn } from './desk.ts';

let stack: Stack;
let desk: SignedIn;
beforeAll(async () => {
  stack = await startStack({ answerWithinMs: 5000 });
  await stack.startWorker();
  desk = await aSignedIn(stack, 'organizer');
});
afterEach(() => stack.sandbox.faults.clear());
afterAll(() => stack.stop());

/** Addresses of one test. */
let before: string;
let after: string;
beforeEach(() => {
  const name = randomUUID().slice(0, 8);
  [before, after] = [`wrong-${name}@example.org`, `right-${name}@example.org`];
});

async function registered(email: string, { ticketType = 'regular', newsletter = true, waits = true } = {}) {
  const id = randomUUID();
  const attendee = { firstName: 'Ada', lastName: 'Example', email };
  const person = anAttendee(stack, aForm({ ticketType, attendee, newsletter }), id);
  expect((await person.register()).statusCode).toBe(201);
  const run = stack.temporal.workflow.getHandle(workflowId(id));
  if (waits) await run.result();
  return { id, run };
}
async function correct(id: string, email: string, { firstName = 'Ada', waits = true } = {}) {
  const action = randomUUID();
  const fields = { action, firstName, lastName: 'Example', email };
  expect((await desk.post(`/organizer/registrations/${id}/correct`, fields)).statusCode).toBe(303);
  const run = stack.temporal.workflow.getHandle(changeWorkflowId(action));
  if (waits) await run.result();
  return run;
}
const statusOf = (email: string) =>
  stack.sandbox.ledger().members.find(({ email_address: address }) => address === email)?.status;
const audience = () => ({ before: statusOf(before), after: statusOf(after) });
const pageOf = async (id: string) => (await desk.get(`/organizer/registrations/${id}`)).body;
const formerOf = async (id: string): Promise<unknown> =>
  (await stack.database('orders').where({ id }).pluck<unknown[]>('former_addresses'))[0];

describe('a corrected address', () => {
  it('takes the place of the old one, and the page says so', async () => {
    const { id } = await registered(before);
    expect(audience()).toEqual({ before: 'subscribed', after: undefined });
    await correct(id, after);
    expect(audience()).toEqual({ before: 'archived', after: 'subscribed' });
    expect(await pageOf(id)).toContain(
      'The new address was added to the newsletter, and the old one was taken out.',
    );
    expect(await formerOf(id)).toEqual([]);
  });

  it('is asked first where nobody has paid', async () => {
    const { id } = await registered(before, { ticketType: 'free' });
    await correct(id, after);
    expect(audience()).toEqual({ before: 'archived', after: 'pending' });
  });

  it('is not added without a consent, nor for another name or other letters of the same address', async () => {
    const { id } = await registered(before, { newsletter: false });
    await correct(id, after);
    expect(audience()).toEqual({ before: undefined, after: undefined });
    const other = await registered(before);
    await correct(other.id, before, { firstName: 'Grace' });
    await correct(other.id, before.toUpperCase());
    expect(audience()).toEqual({ before: 'subscribed', after: undefined });
    expect(await pageOf(other.id)).not.toContain('The new address was added');
  });

  it('is not added when the person has unsubscribed with the old one', async () => {
    const { id } = await registered(before);
    stack.sandbox.unsubscribe(createHash('md5').update(before).digest('hex'));
    await correct(id, after);
    expect(audience()).toEqual({ before: 'unsubscribed', after: undefined });
    expect(await pageOf(id)).toContain('the person had unsubscribed with the old one');
  });

  it('leaves the old one to another registration that wants the newsletter there', async () => {
    const { id } = await registered(before);
    const other = await registered(before);
    await correct(id, after);
    expect(audience()).toEqual({ before: 'subscribed', after: 'subscribed' });
    expect(await pageOf(id)).toContain('The old one stays in it');
    // The other one answers for it, and takes it along.
    await correct(other.id, `x-${after}`);
    expect(audience()).toEqual({ before: 'archived', after: 'subscribed' });
  });

  it('leaves the old one where it was subscribed before, in another way', async () => {
    const { id } = await registered(before);
    await stack
      .database('orders')
      .where({ id })
      .update({ newsletter_consent_at: stack.database.raw("newsletter_consent_at + interval '1 hour'") });
    await correct(id, after);
    expect(audience()).toEqual({ before: 'subscribed', after: 'subscribed' });
  });

  it('can be corrected back: an address that was taken out comes back', async () => {
    const { id } = await registered(before);
    await correct(id, after);
    await correct(id, before);
    expect(audience()).toEqual({ before: 'subscribed', after: 'archived' });
  });

  it('is the last of two that were waiting for Mailchimp', async () => {
    const { id } = await registered(before);
    stack.sandbox.faults.set('mailchimp', { mode: 'failing', status: 503 });
    const runs = [await correct(id, after, { waits: false }), await correct(id, before, { waits: false })];
    expect(await formerOf(id)).toHaveLength(2);
    stack.sandbox.faults.clear();
    await Promise.all(runs.map((run) => run.result()));
    expect(audience().before).toBe('subscribed');
    expect(audience().after).not.toBe('subscribed');
    expect(await formerOf(id)).toEqual([]);
  });

  it('that Mailchimp refuses is in the history, and the old one is taken out all the same', async () => {
    const { id } = await registered(before);
    after = `fake-${after}`;
    await correct(id, after);
    expect(audience()).toEqual({ before: 'archived', after: undefined });
    expect(await pageOf(id)).toContain(
      'Mailchimp does not take the new address for the newsletter (MailchimpInvalidEmail).',
    );
  });

  it('is the one that is added when the old one is still being tried', async () => {
    stack.sandbox.faults.set('mailchimp', { mode: 'failing', status: 503 });
    const { id, run } = await registered(before, { waits: false });
    await isLeftWith(run, 'addToMailingList');
    await correct(id, after, { waits: false });
    stack.sandbox.faults.clear();
    await run.result();
    expect(audience()).toEqual({ before: undefined, after: 'subscribed' });
  });

  it('is erased with the old one, which was to be taken out', async () => {
    const { id } = await registered(before);
    stack.sandbox.faults.set('mailchimp', { mode: 'failing', status: 503 });
    const run = await correct(id, after, { waits: false });
    await isLeftWith(run, 'moveSubscription');
    expect(await erase(stack, reference(id))).toEqual({ outcome: 'run-open' });
    await run.terminate();
    stack.sandbox.faults.clear();
    expect(await erase(stack, reference(id))).toMatchObject({ outcome: 'erased' });
    expect(audience()).toEqual({ before: undefined, after: undefined });
    const rows = JSON.stringify(await stack.database('orders').where({ id }).select());
    expect(rows).not.toContain(before);
  });
});

describe('the confirmation', () => {
  const lastMailTo = (email: string) =>
    texts(stack.sandbox.ledger().mails.findLast(({ to }) => to[0]?.email === email)).join('\n');
  const CORRECTED = 'An organizer has corrected your name or email address.';

  it('says that the address was corrected, and says nothing when it is only sent again', async () => {
    const { id } = await registered(before);
    expect(lastMailTo(before)).not.toContain('An organizer has');
    await correct(id, after);
    expect(lastMailTo(after).split(CORRECTED)).toHaveLength(3);
    const action = randomUUID();
    await desk.post(`/organizer/registrations/${id}/resend`, { action });
    await stack.temporal.workflow.getHandle(changeWorkflowId(action)).result();
    expect(lastMailTo(after)).toContain(reference(id));
    expect(lastMailTo(after)).not.toContain('An organizer has');
  });

  it('names the ticket type that somebody was moved to, in their language', async () => {
    await stack
      .database('ticket_types')
      .insert([
        { event_id: 'conference', id: 'desk', name: 'Desk & chair', price_minor: 12_000, capacity: 5 },
      ]);
    const { id } = await registered(before);
    await stack.database('orders').where({ id }).update({ language: 'de' });
    const action = randomUUID();
    await desk.post(`/organizer/registrations/${id}/move`, { action, ticketType: 'desk' });
    await stack.temporal.workflow.getHandle(changeWorkflowId(action)).result();
    expect(lastMailTo(before)).toContain(
      'Der Veranstalter hat Ihre Anmeldung geändert: Ihr Ticket ist jetzt „Desk & chair“.',
    );
    expect(lastMailTo(before)).toContain('Ihr Ticket ist jetzt „Desk &amp; chair“.');
  });
});
