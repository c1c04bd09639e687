/** An erasure takes out what this service wrote about a person, everywhere, and nothing that others did. */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { Client } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { changeWorkflowId } from '../../src/change.ts';
import { reference } from '../../src/reference.ts';
import { refundWorkflowId } from '../../src/refund.ts';
import { resendWorkflowId, workflowId } from '../../src/registration.ts';
import { erase } from '../../src/registrations/erasure.ts';
import { startChange, startRefund } from '../../src/temporal/runs.ts';
import { addQuestions } from '../api/some-questions.ts';
import { anAttendee, CARDS, startStack, texts, type Stack } from '../stack.ts';
import { formOfMary, MARY } from '../registrations/mary.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  await stack.startWorker();
});
afterEach(() => stack.sandbox.faults.clear());
afterAll(() => stack.stop());

const forget = (id: string) => erase(stack, reference(id));
const ended = (id: string) => stack.temporal.workflow.getHandle(workflowId(id)).result();
const mary = (email: string, more = {}) => anAttendee(stack, formOfMary(email, more));

const memberOf = (email: string) =>
  stack.sandbox.ledger().members.find(({ email_address }) => email_address === email);
/** Subscribes somebody in another way than through a registration, as an organizer does at Mailchimp. */
async function subscribesElsewhere(email: string): Promise<void> {
  const { baseUrl, apiKey, listId } = stack.config.mailchimp;
  const hash = createHash('md5').update(email).digest('hex');
  const { status } = await fetch(`${baseUrl ?? ''}/3.0/lists/${listId}/members/${hash}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ email_address: email, status_if_new: 'subscribed' },
      timestamp_opt: '2026-01-01T00:00:00+00:00',
    }),
  });
  expect(status).toBe(200);
}

it('of a declined registration leaves the subscription of whoever owns the address', async () => {
  await subscribesElsewhere('mary.declined@example.org');
  const stranger = mary('mary.declined@example.org');
  expect((await stranger.register(CARDS.declined)).statusCode).toBe(402);
  const handle = stack.temporal.workflow.getHandle(workflowId(stranger.id));
  await handle.cancel();
  await handle.result();

  expect(await forget(stranger.id)).toMatchObject({
    outcome: 'erased',
    audience: 'nothing-added',
    histories: 1,
  });
  expect(memberOf('mary.declined@example.org')).toMatchObject({ status: 'subscribed' });
});

it('of a registration without the newsletter leaves the subscription, too', async () => {
  await subscribesElsewhere('mary.without@example.org');
  const attendee = mary('mary.without@example.org', { newsletter: false });
  expect((await attendee.register()).statusCode).toBe(201);
  await ended(attendee.id);
  expect(await forget(attendee.id)).toMatchObject({ audience: 'nothing-added', order: true });
  expect(memberOf('mary.without@example.org')).toMatchObject({ status: 'subscribed' });
});

it('leaves a subscription that is older than the registration', async () => {
  await subscribesElsewhere('mary.before@example.org');
  const attendee = mary('mary.before@example.org');
  expect((await attendee.register()).statusCode).toBe(201);
  await ended(attendee.id);
  expect(await forget(attendee.id)).toMatchObject({ audience: 'was-there-before', order: true });
  expect(memberOf('mary.before@example.org')).toMatchObject({ status: 'subscribed' });
});

it('deletes a subscription whose answer was lost when this service added it', async () => {
  stack.sandbox.faults.set('mailchimp', { mode: 'cut', times: 1 });
  const attendee = mary('mary.lost@example.org');
  expect((await attendee.register()).statusCode).toBe(201);
  await ended(attendee.id);
  expect(await forget(attendee.id)).toMatchObject({ audience: 'deleted' });
  expect(memberOf('mary.lost@example.org')).toBeUndefined();
});

/** Has an organizer refund a part, for a reason that names a person. Returns the action. */
async function refundedBecauseOf(registration: string, reason: string): Promise<string> {
  const action = randomUUID();
  const amount = { minor: 100, currency: 'EUR' };
  const request = { registration, action, organizer: randomUUID(), reason, amount, cancels: false };
  const about = { event: 'conference', ticketType: 'regular', status: 'confirmed' } as const;
  await startRefund(stack.temporal, request, about, { taskQueue: stack.taskQueue });
  await stack.temporal.workflow.getHandle(refundWorkflowId(action)).result();
  return action;
}

/** Has an organizer correct an answer. Returns the action. */
async function answeredAnew(registration: string, diet: string): Promise<string> {
  const action = randomUUID();
  const change = { kind: 'answers', answers: { diet } } as const;
  const request = { registration, action, organizer: randomUUID(), reason: '', change };
  const about = { event: 'conference', ticketType: 'regular', status: 'confirmed' } as const;
  await startChange(stack.temporal, request, about, { taskQueue: stack.taskQueue });
  await stack.temporal.workflow.getHandle(changeWorkflowId(action)).result();
  return action;
}

it('leaves nothing of a person in any table, file, history, list of runs or audience', async () => {
  await addQuestions(stack.database, { diet: { kind: 'text', label: 'Diet' } });
  const attendee = mary('mary@example.org', {
    answers: { diet: 'As Mary Somerville, who is allergic to nuts' },
  });
  expect((await attendee.register()).statusCode).toBe(201);
  await ended(attendee.id);
  expect(await stack.database('orders').where({ id: attendee.id }).pluck('answers')).toEqual([
    { diet: 'As Mary Somerville, who is allergic to nuts' },
  ]);
  const corrected = await answeredAnew(attendee.id, 'Mary Somerville eats nuts');
  await stack.app.inject({ method: 'POST', url: `/api/registrations/${attendee.id}/resend`, body: {} });
  const action = await refundedBecauseOf(attendee.id, 'Mary Somerville moved to Burntisland');
  const names = [
    workflowId(attendee.id),
    resendWorkflowId(attendee.id),
    refundWorkflowId(action),
    changeWorkflowId(corrected),
  ];
  /** Everything that is stored, with the key where it is encrypted. */
  const everything = async () => {
    const found: Record<string, string> = {};
    const tables = await stack.database.raw<{ rows: { name: string; bytes: Buffer }[] }>(
      `select relname as name, pg_read_binary_file(pg_relation_filepath(oid)) as bytes
       from pg_class where relkind in ('r', 'i', 't') and relnamespace = 'public'::regnamespace`,
    );
    for (const { name, bytes } of tables.rows) found[`file of ${name}`] = bytes.toString('latin1');
    const { rows } = await stack.database.raw<{ rows: { name: string }[] }>(
      `select table_name as name from information_schema.tables
       where table_schema = 'public' and table_type = 'BASE TABLE'`,
    );
    for (const { name } of rows)
      found[`rows of ${name}`] = JSON.stringify(await stack.database(name).select());
    const query = names.map((name) => `WorkflowId = "${name}"`).join(' OR ');
    for await (const run of stack.temporal.workflow.list({ query }))
      found[`run ${run.workflowId}`] = texts(run.raw).join('\n');
    found.audience = JSON.stringify(memberOf('mary@example.org') ?? '');
    return found;
  };
  const places = (found: Record<string, string>) =>
    Object.entries(found).flatMap(([place, text]) => (MARY.test(text) ? [place] : []));
  await stack.database.raw('checkpoint');
  expect(places(await everything())).toEqual(
    expect.arrayContaining(['file of orders', 'rows of orders', 'rows of registration_events', 'audience']),
  );
  // Temporal lists a run a moment after it has started.
  await vi.waitFor(
    async () =>
      expect(Object.keys(await everything())).toEqual(
        expect.arrayContaining(names.map((name) => `run ${name}`)),
      ),
    { timeout: 20_000, interval: 200 },
  );

  // Other people's rows of earlier tests are erased as well, so that this person is the only one left.
  await stack.database('orders').whereNull('erased_at').whereNot({ id: attendee.id }).delete();
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'src/commands/erase.ts', reference(attendee.id).toLowerCase()],
    { env: { PATH: process.env.PATH, ...stack.environment } },
  );
  expect(stdout).toBe(
    [
      'Audience: deleted for good',
      'Histories in Temporal: 4 deleted',
      'Order: the person is erased, the payment is kept',
      'Files of the database: the old row is gone',
      '',
    ].join('\n'),
  );

  await stack.database.raw('checkpoint');
  expect(places(await everything())).toEqual([]);
  // Temporal goes on listing a deleted run for a moment, and deletes its history a little later.
  const stranger = new Client({ connection: stack.temporal.connection });
  for (const name of names)
    await vi.waitUntil(
      () =>
        stranger.workflow
          .getHandle(name)
          .fetchHistory()
          .then(
            () => false,
            () => true,
          ),
      { timeout: 20_000 },
    );
  await vi.waitUntil(
    async () => Object.keys(await everything()).every((place) => !place.startsWith('run ')),
    { timeout: 20_000 },
  );
});
