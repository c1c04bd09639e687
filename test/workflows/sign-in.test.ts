/** The run that mails an organizer the link to sign in. */
import { randomUUID } from 'node:crypto';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { WorkflowFailedError } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { SIGN_IN_WORKFLOW, signInWorkflowId } from '../../src/organizer.ts';
import { bundleWorkflows } from './bundle.ts';
import { standIns } from './stand-ins.ts';

let environment: TestWorkflowEnvironment;
beforeAll(async () => {
  environment = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: inject('testServer') } },
  });
});
afterAll(() => environment.teardown());

/** Runs the workflow with an activity, and returns the organizers for whom the activity was started. */
async function run(organizer: string | null, mail: () => Promise<{ attempts: number }>) {
  const asked: string[] = [];
  const taskQueue = randomUUID();
  const worker = await Worker.create({
    ...{ connection: environment.nativeConnection, taskQueue, workflowBundle: await bundleWorkflows() },
    activities: standIns({
      mailSignInLink: (id) => {
        asked.push(id);
        return mail();
      },
    }),
  });
  const handle = await environment.client.workflow.start(SIGN_IN_WORKFLOW, {
    ...{ taskQueue, workflowId: signInWorkflowId(randomUUID()), args: [organizer] },
  });
  const ended = await worker.runUntil(
    handle.result().then(
      () => undefined,
      (error: unknown) => error,
    ),
  );
  const { startTime, closeTime = startTime } = await handle.describe();
  return { asked, ended, minutes: (closeTime.getTime() - startTime.getTime()) / 60_000 };
}
const sent = () => Promise.resolve({ attempts: 1 });

it('mails a link to an organizer, and nothing where nobody has the address', async () => {
  expect(await run('an-id', sent)).toMatchObject({ asked: ['an-id'], ended: undefined });
  expect(await run(null, sent)).toMatchObject({ asked: [], ended: undefined });
});

it('tries again until SendGrid is back', async () => {
  let left = 3;
  const mail = () =>
    left-- > 0 ? Promise.reject(ApplicationFailure.retryable('SendGridUnavailable 503')) : sent();
  expect(await run('an-id', mail)).toMatchObject({ asked: Array(4).fill('an-id'), ended: undefined });
});

it('gives up after a quarter of an hour, and says why', async () => {
  const mail = () => Promise.reject(ApplicationFailure.retryable('SendGridUnavailable 503'));
  const { ended, minutes, asked } = await run('an-id', mail);
  expect(ended).toBeInstanceOf(WorkflowFailedError);
  expect((ended as WorkflowFailedError).cause).toBeInstanceOf(ActivityFailure);
  expect(minutes).toBeGreaterThan(12);
  expect(minutes).toBeLessThan(16);
  expect(asked.length).toBeGreaterThan(10);
});
