/** Runs the workflow on the time-skipping server with the test's activities, and records which ones start. */
import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type { Activities } from '../../src/activities/index.ts';
import {
  PAY,
  WORKFLOW,
  workflowId,
  type Order,
  type PayArguments,
  type PaymentAnswer,
  type Progress,
} from '../../src/registration.ts';
import { dataConverter } from '../../src/temporal/client.ts';
import { bundleWorkflows } from './bundle.ts';
import { activitiesByRun, standIns, type Activity } from './stand-ins.ts';

export type Run = {
  handle: WorkflowHandle<(order: Order) => Promise<Progress>>;
  /** The names of the activities in the order in which they were started, once for each attempt. */
  started: string[];
  /** Sends the update `pay` as the api does and waits for its answer. */
  pay: (paypalOrderId: string, changed?: Order) => Promise<PaymentAnswer>;
  /** Resolves when an activity has been started `times` times, once by default. */
  starts: (activity: keyof Activities, times?: number) => Promise<void>;
  /** Returns the time of the test server in milliseconds. */
  now: () => Promise<number>;
};

export async function startHarness(testServer: string) {
  const environment = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: testServer } },
  });
  const taskQueue = randomUUID();
  const { activities, prepare } = activitiesByRun();
  const worker = await Worker.create({
    connection: environment.nativeConnection,
    taskQueue,
    dataConverter: dataConverter({ encryptionKeys: [] }),
    workflowBundle: await bundleWorkflows(),
    activities,
    shutdownGraceTime: '1s',
  });
  const running = worker.run();

  /**
   * Starts a run whose activities succeed unless the test replaces them, and hands it to `check`.
   * @param firstTaskAfter delays the first workflow task, as if no worker were running before. The run has to
   *   be delayed because the test server's clock stands still while a task waits for a worker.
   */
  async function run(
    order: Order,
    replaced: Partial<Activities>,
    check: (run: Run) => Promise<void>,
    firstTaskAfter?: '5 hours',
  ): Promise<void> {
    const started: string[] = [];
    const waiting = new Set<() => void>();
    const noted = Object.fromEntries(
      Object.entries(standIns(replaced)).map(([name, activity]) => [
        name,
        (...args: unknown[]) => {
          started.push(name);
          for (const wake of waiting) wake();
          return (activity as Activity)(...args);
        },
      ]),
    );
    prepare(workflowId(order.id), noted);
    const handle = await environment.client.workflow.start<(order: Order) => Promise<Progress>>(WORKFLOW, {
      taskQueue,
      workflowId: workflowId(order.id),
      args: [order],
      ...(firstTaskAfter && { startDelay: firstTaskAfter }),
    });
    const now = () => environment.currentTimeMs();
    const checked = check({
      handle,
      started,
      now,
      pay: (paypalOrderId, changed) =>
        handle.executeUpdate<PaymentAnswer, PayArguments>(PAY, {
          args: changed ? [paypalOrderId, changed] : [paypalOrderId],
          updateId: paypalOrderId,
        }),
      starts: (name, times = 1) =>
        new Promise((resolve) => {
          const look = () => {
            if (started.filter((other) => other === name).length < times) return;
            waiting.delete(look);
            resolve();
          };
          waiting.add(look);
          look();
        }),
    });
    // A run that a failed test leaves open would stop the clock for all tests that follow.
    await checked.finally(() => handle.terminate().catch(() => undefined));
  }

  return {
    environment,
    run,
    async stop() {
      worker.shutdown();
      await running;
      await environment.teardown();
    },
  };
}

/** Returns how often an activity was started. */
export const count = (started: string[], activity: keyof Activities) =>
  started.filter((name) => name === activity).length;
