/** What `POST /webhooks/sendgrid` makes of SendGrid's batches, and what organizers see of it. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startChange } from '../../../src/temporal/runs.ts';
import { changeWorkflowId } from '../../../src/change.ts';
import { findDetails } from '../../../src/database/desk/details.ts';
import { listRegistrations } from '../../../src/database/desk/list.ts';
import { emailOf } from '../../../stage/person.ts';
import type { Stack } from '../../stack.ts';
import { allTold, deliver, kindsOf, originOf, registered, startTold } from '../../webhooks.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startTold();
});
afterAll(() => stack.stop());

const ABOUT = { event: 'conference', ticketType: 'regular', status: 'confirmed' } as const;
type Event = Record<string, unknown>;
const post = (events: unknown, headers: Record<string, string> = {}) =>
  deliver(stack, 'sendgrid', JSON.stringify(events), headers);
const anEvent = (registrationId: string, event: string, more: Event = {}): Event => ({
  ...{ event, registrationId, email: emailOf(registrationId), category: 'confirmation' },
  ...{ sg_event_id: randomUUID(), timestamp: Math.floor(Date.now() / 1000) + 60 },
  ...more,
});
const bounce = (registrationId: string, more: Event = {}) =>
  anEvent(registrationId, 'bounce', {
    ...{ type: 'bounce', status: '5.1.1', reason: `550 no such user ${emailOf(registrationId)}` },
    ...more,
  });
const problemsOf = async (id: string) => (await findDetails(stack.database, id)).mails.problems;
const needsAttention = async (id: string) => {
  const { rows } = await listRegistrations(stack.database, { attention: 'mail-bounced' }, { way: 'newest' });
  return rows.some((row) => row.id === id);
};
/** Corrects the address as an organizer does, and waits until the confirmation went out. */
async function correct(id: string, email: string) {
  const action = randomUUID();
  const change = { kind: 'correct', firstName: 'Ada', lastName: 'Example', email } as const;
  const request = { registration: id, action, organizer: randomUUID(), reason: '', change };
  await startChange(stack.temporal, request, ABOUT, { taskQueue: stack.taskQueue });
  await stack.temporal.workflow.getHandle(changeWorkflowId(action)).result();
}

it('notes a confirmation that bounces, and its end when a corrected address gets one', async () => {
  const { id } = await registered(stack, { email: `bounce-${randomUUID()}@example.org` });
  await vi.waitUntil(async () => (await problemsOf(id)).length > 0, { timeout: 10_000 });
  expect(await problemsOf(id)).toMatchObject([
    { kind: 'bounce', category: 'confirmation', code: 'bounce 5.1.1' },
  ]);
  expect(await needsAttention(id)).toBe(true);
  expect(await kindsOf(stack, id)).toEqual(['registered', 'mail-bounce']);
  // Another mail to the same address is dropped.
  await stack.temporal.workflow
    .execute('resendConfirmation', {
      ...{ workflowId: `resend-now-${id}`, taskQueue: stack.taskQueue, args: [id] },
      workflowExecutionTimeout: '5s',
    })
    .catch(() => undefined);
  await allTold(stack);
  expect((await problemsOf(id)).map(({ kind }) => kind).toSorted()).toEqual(['bounce', 'dropped']);
  // It ends without word from SendGrid that the mail has arrived.
  stack.sandbox.sendWebhooksTo(undefined);
  await correct(id, emailOf(id));
  expect(await problemsOf(id)).toEqual([]);
  expect(await needsAttention(id)).toBe(false);
  stack.sandbox.sendWebhooksTo(originOf(stack), 50);
}, 40_000);

it('notes that a confirmation was delivered, and later that it was reported as spam', async () => {
  const { id } = await registered(stack);
  await allTold(stack);
  expect((await findDetails(stack.database, id)).mails).toEqual({
    problems: [],
    delivered: ['confirmation'],
  });
  const mail = stack.sandbox.ledger().mails.find(({ to }) => to[0]?.email === emailOf(id));
  stack.sandbox.reportSpam(mail?.id ?? '');
  await vi.waitUntil(async () => (await problemsOf(id)).length > 0);
  expect(await problemsOf(id)).toMatchObject([{ kind: 'spamreport', code: null }]);
});

it('has one effect when a batch comes 25 times at once', async () => {
  const { id } = await registered(stack);
  await allTold(stack);
  const batch = [bounce(id), anEvent(id, 'open'), anEvent(id, 'deferred')];
  const answers = await Promise.all(Array.from({ length: 25 }, () => post(batch)));
  expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(25).fill(204));
  expect(await problemsOf(id)).toHaveLength(1);
  expect((await kindsOf(stack, id)).filter((kind) => kind === 'mail-bounce')).toHaveLength(1);
});

it('does not count a bounce from before a mail that has arrived, in whatever order SendGrid tells', async () => {
  const { id } = await registered(stack);
  await allTold(stack);
  const at = Math.floor(Date.now() / 1000) + 100;
  await post([anEvent(id, 'delivered', { timestamp: at + 60 })]);
  await post([bounce(id, { timestamp: at })]);
  expect(await problemsOf(id)).toEqual([]);
  await post([bounce(id, { timestamp: at + 90 })]);
  expect(await problemsOf(id)).toHaveLength(1);
  await post([anEvent(id, 'delivered', { timestamp: at + 120 })]);
  expect(await problemsOf(id)).toEqual([]);
});

it('does not count what is about an address that was corrected since', async () => {
  const { id } = await registered(stack);
  await allTold(stack);
  const email = `new-${randomUUID()}@example.org`;
  await correct(id, email);
  await post([bounce(id)]);
  expect(await problemsOf(id)).toEqual([]);
  await post([bounce(id, { email: email.toUpperCase() })]);
  expect(await problemsOf(id)).toHaveLength(1);
});

it('ignores what is about no registration of ours, and what has another shape', async () => {
  const { id: known } = await registered(stack);
  await allTold(stack);
  const count = async () => (await stack.database('mail_problems')).length;
  const before = await count();
  const { statusCode } = await post([
    bounce(randomUUID()),
    bounce('not-an-id'),
    { ...bounce(randomUUID()), registrationId: undefined },
    { event: 'bounce' },
    { ...bounce(known), timestamp: 1e20 },
    { ...bounce(known), timestamp: -1e12 },
    null,
    'text',
    7,
    [],
  ]);
  expect(statusCode).toBe(204);
  for (const other of [{}, 7, null]) expect((await post(other)).statusCode).toBe(204);
  expect(await count()).toBe(before);
});

it('stores neither the address nor the text of a reason', async () => {
  const { id } = await registered(stack);
  await allTold(stack);
  await post([bounce(id, { status: `550 ${emailOf(id)}`, category: emailOf(id) })]);
  expect(await problemsOf(id)).toMatchObject([{ code: 'bounce', category: 'other' }]);
  for (const table of ['mail_problems', 'mail_deliveries', 'webhook_events', 'registration_events'])
    expect(JSON.stringify(await stack.database(table)), table).not.toMatch(/@|no such user/);
});

it('answers 401 without a body to a batch that SendGrid has not signed', async () => {
  const batch = JSON.stringify([bounce(randomUUID())]);
  const good = stack.sandbox.sign.sendgrid(batch);
  const signature = 'x-twilio-email-event-webhook-signature';
  const timestamp = 'x-twilio-email-event-webhook-timestamp';
  for (const headers of [
    { [signature]: '' },
    { [signature]: 'AAAA' },
    { [signature]: 'A'.repeat(96) },
    { [signature]: 'A'.repeat(20_000) },
    { [signature]: (good[signature] ?? '').slice(0, -4) },
    { [timestamp]: '1' },
    { [timestamp]: '' },
    stack.sandbox.sign.sendgrid(`${batch} `),
  ]) {
    const { statusCode, body } = await deliver(stack, 'sendgrid', batch, headers);
    expect([statusCode, body]).toEqual([401, '']);
  }
});
