/** What organizers see in Temporal's Web UI, on a server of its own, because search attributes are a namespace's. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { freePort } from '../../sandbox/servers/process.ts';
import { startTemporal } from '../../sandbox/servers/temporal.ts';
import { changeWorkflowId } from '../../src/change.ts';
import { reference } from '../../src/reference.ts';
import { cancelWorkflowId, refundWorkflowId } from '../../src/refund.ts';
import { resendWorkflowId, workflowId } from '../../src/registration.ts';
import { connectTemporal } from '../../src/temporal/client.ts';
import { startCancellation, startChange, startRefund } from '../../src/temporal/runs.ts';
import { addSearchAttributes, hasSearchAttributes } from '../../src/temporal/search-attributes.ts';
import { webUi } from '../../src/temporal/web-ui.ts';
import { aForm } from '../../stage/person.ts';
import { anAttendee, CARDS, startStack, texts, type Stack } from '../stack.ts';

const folder = mkdtempSync(join(tmpdir(), 'registration-web-ui-'));
let temporal: Awaited<ReturnType<typeof startTemporal>>;
const stacks: Stack[] = [];
beforeAll(async () => {
  temporal = await startTemporal({
    report: () => undefined,
    port: await freePort(),
    logFile: join(folder, 'temporal.log'),
    retentionDays: 1,
  });
});
afterEach(() => {
  for (const { sandbox } of stacks) sandbox.faults.clear();
});
afterAll(async () => {
  for (const stack of stacks) await stack.stop();
  await temporal.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts an api and a worker, as after a release: nothing is known of the namespace. */
async function start() {
  const stack = await startStack({ settings: { TEMPORAL_ADDRESS: temporal.address } });
  stacks.push(stack);
  await stack.startWorker();
  return stack;
}
async function addAttributes() {
  const connection = await NativeConnection.connect({ address: temporal.address });
  await addSearchAttributes(connection);
  await connection.close();
}
async function attributesOf({ temporal: client }: Stack, run: string) {
  const { typedSearchAttributes } = await client.workflow.getHandle(run).describe();
  const pairs = typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value] as const);
  return Object.fromEntries(pairs.filter(([name]) => /^(Registration|EventId|TicketType)/.test(name)));
}

it('a namespace without search attributes takes registrations all the same', async () => {
  const stack = await start();
  expect(await hasSearchAttributes(stack.temporal)).toBe(false);
  const ada = anAttendee(stack);
  expect((await ada.register()).statusCode).toBe(201);
  expect(await attributesOf(stack, workflowId(ada.id))).toEqual({});
});

it('the list of runs shows reference, event, ticket type and status, and finds a run by each', async () => {
  await addAttributes();
  // A worker that starts again finds them.
  await addAttributes();
  const stack = await start();
  const ada = anAttendee(stack, aForm({ newsletter: false }));
  const run = workflowId(ada.id);
  const shown = (status: string) => ({
    RegistrationReference: reference(ada.id),
    RegistrationStatus: status,
    EventId: 'conference',
    TicketType: 'regular',
  });

  expect((await ada.register(CARDS.declined)).statusCode).toBe(402);
  expect(await attributesOf(stack, run)).toEqual(shown('declined'));
  expect((await ada.register()).statusCode).toBe(201);
  expect(await attributesOf(stack, run)).toEqual(shown('confirmed'));
  await stack.temporal.workflow.getHandle(run).result();

  const query = `RegistrationReference = "${reference(ada.id)}" AND EventId = "conference" AND TicketType = "regular" AND RegistrationStatus = "confirmed"`;
  const list = async () => {
    const found: string[] = [];
    for await (const { workflowId: name } of stack.temporal.workflow.list({ query })) found.push(name);
    return found.toSorted();
  };
  await vi.waitUntil(async () => (await list()).length === 1, { timeout: 10_000 });
  const resent = await stack.app.inject({
    method: 'POST',
    url: `/api/registrations/${ada.id}/resend`,
    body: {},
  });
  expect(resent.statusCode).toBe(202);
  await vi.waitUntil(async () => (await list()).length === 2, { timeout: 10_000 });
  expect(await list()).toEqual([run, resendWorkflowId(ada.id)]);
});

it('shows the status of a registration that an organizer cancels', async () => {
  const stack = await start();
  stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503 });
  const ada = anAttendee(stack);
  expect((await ada.register()).statusCode).toBe(201);
  const handle = stack.temporal.workflow.getHandle(workflowId(ada.id));
  await handle.cancel();
  stack.sandbox.faults.clear();
  await handle.result();
  expect(await attributesOf(stack, workflowId(ada.id))).toMatchObject({ RegistrationStatus: 'cancelled' });
});

it('shows with each run about a registration what the run has made of it', async () => {
  const stack = await start();
  await stack
    .database('ticket_types')
    .insert([{ event_id: 'conference', id: 'desk', name: 'Desk', price_minor: 12_000, capacity: 9 }]);
  const about = { event: 'conference', ticketType: 'regular', status: 'confirmed' } as const;
  const { taskQueue } = stack;
  const registered = async () => {
    const ada = anAttendee(stack, aForm({ newsletter: false }));
    expect((await ada.register()).statusCode).toBe(201);
    await stack.temporal.workflow.getHandle(workflowId(ada.id)).result();
    const action = randomUUID();
    const request = { registration: ada.id, action, organizer: randomUUID(), reason: '' };
    const become = async (run: string) => {
      await stack.temporal.workflow.getHandle(run).result();
      const { RegistrationReference, ...rest } = await attributesOf(stack, run);
      expect(RegistrationReference).toBe(reference(ada.id));
      expect(rest.EventId).toBe('conference');
      return [rest.TicketType, rest.RegistrationStatus];
    };
    return { ...ada, action, request, become };
  };
  const amount = { minor: 4000, currency: 'EUR' };
  const options = { taskQueue };

  const part = await registered();
  await startRefund(stack.temporal, { ...part.request, amount, cancels: false }, about, options);
  expect(await part.become(refundWorkflowId(part.action))).toEqual(['regular', 'confirmed']);
  const whole = await registered();
  await startRefund(stack.temporal, { ...whole.request, amount: null, cancels: true }, about, options);
  expect(await whole.become(refundWorkflowId(whole.action))).toEqual(['regular', 'refunded']);
  const cancelled = await registered();
  await startCancellation(stack.temporal, cancelled.request, about, options);
  expect(await cancelled.become(cancelWorkflowId(cancelled.action))).toEqual(['regular', 'cancelled']);
  const moved = await registered();
  const change = { kind: 'move', ticketType: 'desk' } as const;
  await startChange(stack.temporal, { ...moved.request, change }, about, options);
  expect(await moved.become(changeWorkflowId(moved.action))).toEqual(['desk', 'confirmed']);

  // The link on the page of a registration: all runs about it, the newest first.
  const link = new URL(webUi('http://ui.test', 'default').runs({ reference: reference(cancelled.id) }));
  const query = link.searchParams.get('query') ?? '';
  const found = async () => {
    const names: string[] = [];
    for await (const { workflowId: name } of stack.temporal.workflow.list({ query })) names.push(name);
    return names;
  };
  await vi.waitUntil(async () => (await found()).length === 2, { timeout: 10_000 });
  expect(await found()).toEqual([cancelWorkflowId(cancelled.action), workflowId(cancelled.id)]);
  const all = new URL(webUi('http://ui.test', 'default').runs({})).searchParams.get('query') ?? '';
  const { count } = await stack.temporal.workflow.count(all);
  expect(count).toBeGreaterThan(4);
});

it('shows the ticket type that an attendee chose with another card', async () => {
  const stack = await start();
  const ada = anAttendee(stack, aForm({ newsletter: false }));
  expect((await ada.register(CARDS.declined)).statusCode).toBe(402);
  const handle = stack.temporal.workflow.getHandle(workflowId(ada.id));
  const other = { ...ada.form, ticketType: 'limited' };
  const checkout = await ada.put(other);
  const { paypalOrderId } = checkout.json<{ paypalOrderId: string }>();
  stack.sandbox.approve(paypalOrderId, {});
  expect((await ada.post(paypalOrderId, other)).statusCode).toBe(201);
  await handle.result();
  expect(await attributesOf(stack, workflowId(ada.id))).toMatchObject({ TicketType: 'limited' });
});

it('starts without search attributes when a server of the cluster refuses them', async () => {
  const stack = await start();
  expect(await hasSearchAttributes(stack.temporal)).toBe(true);
  const { operatorService } = stack.temporal.connection;
  await operatorService.removeSearchAttributes({ namespace: 'default', searchAttributes: ['TicketType'] });
  const ada = anAttendee(stack);
  expect((await ada.register()).statusCode).toBe(201);
  expect(await attributesOf(stack, workflowId(ada.id))).toEqual({});
  await addAttributes();
});

it('a failing activity says its cause without the key, and nothing else', async () => {
  const stack = await start();
  stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503 });
  const ada = anAttendee(stack);
  expect((await ada.register()).statusCode).toBe(201);
  const withoutKey = connectTemporal({ ...stack.config, encryptionKeys: [] });
  const handle = withoutKey.workflow.getHandle(workflowId(ada.id));
  const failed = await vi.waitUntil(
    async () => (await handle.describe()).raw.pendingActivities?.find(({ lastFailure }) => lastFailure),
    { timeout: 10_000 },
  );
  expect(failed.lastFailure).toMatchObject({
    message:
      'SendGrid could not be reached, or could not answer. The email is tried again by itself. You do not need to do anything. (SendGridUnavailable 503)',
    stackTrace: '',
  });
  expect(texts(failed).join('\n')).not.toMatch(/Ada Example|ada@example|attempts|at .*\.ts/i);
  await withoutKey.connection.close();
});

it('`npm run find` prints the address of the run of a reference', async () => {
  const stack = await start();
  const ada = anAttendee(stack);
  await ada.register();
  const find = (wanted: string) =>
    promisify(execFile)(process.execPath, ['--import', 'tsx', 'src/commands/find.ts', wanted], {
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: stack.config.databaseUrl,
        TEMPORAL_ADDRESS: temporal.address,
        TEMPORAL_UI_URL: 'http://ui.test/',
      },
    });
  const { runId } = await stack.temporal.workflow.getHandle(workflowId(ada.id)).describe();
  const { stdout } = await find(reference(ada.id).toLowerCase());
  expect(stdout).toBe(`http://ui.test/namespaces/default/workflows/${workflowId(ada.id)}/${runId}/history\n`);
  await expect(find('0000000000')).rejects.toMatchObject({
    code: 1,
    stderr: 'No registration has this reference\n',
  });
}, 30_000);
