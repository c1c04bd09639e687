/** The worker as it runs in earnest, with a limit on what SendGrid and Mailchimp are asked in a second. */
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { mkdtempSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { start, type Running } from '../sandbox/servers/process.ts';
import { TASK_QUEUE } from '../src/registration.ts';
import { anAttendee, startStack, type Stack } from './stack.ts';

const PER_SECOND = 2;
const PEOPLE = 8;

const folder = mkdtempSync(join(tmpdir(), 'registration-pace-'));
let stack: Stack;
let worker: Running;
beforeAll(async () => {
  stack = await startStack({
    settings: { VENDOR_RATE_LIMIT: String(PER_SECOND) },
    taskQueue: TASK_QUEUE,
  });
  worker = await start('worker', process.execPath, ['--import', 'tsx', 'src/worker.ts'], {
    env: { ...process.env, ...stack.environment },
    logFile: join(folder, 'worker.log'),
  });
});
afterAll(async () => {
  await worker.stop();
  await stack.stop();
  rmSync(folder, { recursive: true });
});

it('sends mails and adds people at the pace that is set, and keeps nobody waiting for it', async () => {
  const { sandbox, database } = stack;
  const done = () => {
    const { mails, members } = sandbox.ledger();
    return { mails: mails.length, members: members.length };
  };
  const people = Array.from({ length: PEOPLE }, (_, n) => {
    const attendee = { firstName: 'Ada', lastName: 'Example', email: `ada${n}@example.org` };
    return anAttendee(stack, { ...anAttendee(stack).form, attendee });
  });
  const answers = await Promise.all(people.map((person) => person.register()));
  const begun = performance.now();
  expect(answers.map(({ statusCode }) => statusCode)).toEqual(people.map(() => 201));
  await vi.waitUntil(async () => (await database('orders').select('id')).length === PEOPLE);
  expect(done().mails).toBeLessThan(PEOPLE);
  expect(done().members).toBeLessThan(PEOPLE);

  await vi.waitUntil(() => done().mails === PEOPLE && done().members === PEOPLE, { timeout: 15_000 });
  // What is allowed in the first second may come at once.
  expect(performance.now() - begun).toBeGreaterThan(((PEOPLE - PER_SECOND) / PER_SECOND - 1) * 1000);
});
