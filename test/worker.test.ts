/**
 * Runs the worker as a process of its own, on the product's task queue: its rate limit and its log. All such tests are in this
 * file, because workers in other files would take each other's tasks.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { start, type Running } from '../sandbox/servers/process.ts';
import { TASK_QUEUE, workflowId, type Progress } from '../src/registration.ts';
import { PERSONAL } from '../stage/person.ts';
import { anAttendee, startStack, type Stack } from './stack.ts';

const PER_SECOND = 2;
/** So many that their mails take longer than all their registrations, on a busy machine too. */
const PEOPLE = 16;

const folder = mkdtempSync(join(tmpdir(), 'registration-worker-'));
const logFile = join(folder, 'worker.log');
let stack: Stack;
let worker: Running;
beforeAll(async () => {
  stack = await startStack({
    settings: { VENDOR_RATE_LIMIT: String(PER_SECOND) },
    taskQueue: TASK_QUEUE,
  });
  worker = await start('worker', process.execPath, ['--import', 'tsx', 'src/worker.ts'], {
    env: { ...process.env, ...stack.environment, LOG_LEVEL: 'info' },
    logFile,
  });
});
afterAll(async () => {
  await worker.stop();
  await stack.stop();
  rmSync(folder, { recursive: true });
});

it('sends mails and adds people within the configured rate limit, and delays no registration', async () => {
  const { sandbox, database } = stack;
  const done = () => {
    const { mails, members } = sandbox.ledger();
    return { mails: mails.length, members: members.length };
  };
  const people = Array.from({ length: PEOPLE }, (_, n) => {
    const attendee = { firstName: 'Ada', lastName: 'Example', email: `ada${n}@example.org` };
    return anAttendee(stack, { ...anAttendee(stack).form, attendee });
  });
  const startedAt = performance.now();
  const answers = await Promise.all(people.map((person) => person.register()));
  expect(answers.map(({ statusCode }) => statusCode)).toEqual(people.map(() => 201));
  await vi.waitUntil(async () => (await database('orders').select('id')).length === PEOPLE);
  expect(done().mails).toBeLessThan(PEOPLE);
  expect(done().members).toBeLessThan(PEOPLE);

  await vi.waitUntil(() => done().mails === PEOPLE && done().members === PEOPLE, { timeout: 40_000 });
  // The requests that the first second allows may all be sent at once.
  expect(performance.now() - startedAt).toBeGreaterThan(((PEOPLE - PER_SECOND) / PER_SECOND - 1) * 1000);
});

const lines = () =>
  readFileSync(logFile, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

it('logs each failed attempt once, as JSON, with its ids and without data', async () => {
  stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503, times: 2 });
  const ada = anAttendee(stack);
  expect((await ada.register()).statusCode).toBe(201);
  const handle = stack.temporal.workflow.getHandle<() => Promise<Progress>>(workflowId(ada.id));
  const email = (await handle.result()).steps.find(({ name }) => name === 'email');
  expect(email).toMatchObject({ state: 'done', attempts: 3 });

  const failures = await vi.waitFor(() => {
    const found = lines().filter(({ msg }) => msg === 'Activity failed');
    expect(found).toHaveLength(2);
    return found;
  });
  expect(failures.map(({ attempt }) => attempt)).toEqual([1, 2]);
  for (const failure of failures)
    expect(failure).toMatchObject({
      level: 'warn',
      name: 'worker',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
      workflowId: workflowId(ada.id),
      activityType: 'sendConfirmation',
      error: { type: 'SendGridUnavailable', message: 'SendGridUnavailable 503' },
    });
  const text = readFileSync(logFile, 'utf8');
  for (const secret of [...PERSONAL, 'sandbox-secret', 'SG.sandbox', 'sandbox-us1'])
    expect(text).not.toContain(secret);
});

it('waits for a namespace that is not there yet, and stops, because no try has left a thread behind', async () => {
  const log = join(folder, 'waiting.log');
  const waiting = await start('waiting', process.execPath, ['--import', 'tsx', 'src/worker.ts'], {
    env: { ...process.env, ...stack.environment, TEMPORAL_NAMESPACE: 'not-there-yet', LOG_LEVEL: 'warn' },
    logFile: log,
  });
  const hasWaited = () => existsSync(log) && readFileSync(log, 'utf8').includes('worker waits for Temporal');
  await vi.waitUntil(hasWaited, { timeout: 60_000 });
  await waiting.stop(20_000);
  expect(await waiting.ended).toBe('exit code 0');
});
