/** Starts runs on a real Temporal server as the api does, with workers of different versions. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { NativeConnection, Worker, type WorkflowBundle } from '@temporalio/worker';
import type { Activities } from '../../src/activities/index.ts';
import type { EncryptionKey } from '../../src/encryption-keys.ts';
import { workflowId, type Order, type PaymentAnswer, type Progress } from '../../src/registration.ts';
import { dataConverter } from '../../src/temporal/client.ts';
import { payRegistration } from '../../src/temporal/runs.ts';
import { activitiesByRun, standIns, type Activity } from './stand-ins.ts';

export type DevServerRun = {
  handle: WorkflowHandle<(order: Order) => Promise<Progress>>;
  /**
   * Requests the payment as the api does, which starts the run. `changed` is the order as the attendee sends
   * it with another card.
   */
  pay: (changed?: Order) => Promise<PaymentAnswer>;
};

/** The default identities name the process and the host, and the histories would contain them. */
const [API, WORKER] = ['api', 'worker'];
/** This is longer than the api waits, because some scenarios answer late on purpose. */
const ANSWER_MS = 60_000;

export async function connectRuns(address: string, taskQueue: string, encryptionKeys: EncryptionKey[] = []) {
  const [connection, nativeConnection] = await Promise.all([
    Connection.connect({ address }),
    NativeConnection.connect({ address }),
  ]);
  const converter = dataConverter({ encryptionKeys });
  const client = new Client({ connection, dataConverter: converter, identity: API });
  const { activities, prepare } = activitiesByRun();

  return {
    client,
    taskQueue,
    dataConverter: converter,

    /** Sets the activities of a run before it is started. */
    prepare: (id: string, replaced: Partial<Activities> = {}) => {
      prepare(id, standIns(replaced));
    },

    /** Prepares a registration whose run `pay` starts. */
    registration(order: Order, replaced: Partial<Activities> = {}): DevServerRun {
      this.prepare(workflowId(order.id), replaced);
      return {
        handle: client.workflow.getHandle(workflowId(order.id)),
        pay: (changed) =>
          payRegistration(client, changed ?? order, !!changed, { taskQueue, timeoutMs: ANSWER_MS }),
      };
    },

    /** Starts a worker with a version of the workflows and returns a function that stops it. */
    async startWorker(workflowBundle: WorkflowBundle, more: Record<string, Activity> = {}) {
      const worker = await Worker.create({
        connection: nativeConnection,
        identity: WORKER,
        taskQueue,
        dataConverter: converter,
        activities: { ...activities, ...more },
        workflowBundle,
        shutdownGraceTime: '1s',
      });
      const running = worker.run();
      return async () => {
        worker.shutdown();
        await running;
      };
    },

    async close() {
      await Promise.all([connection.close(), nativeConnection.close()]);
    },
  };
}

/** Resolves when a run waits only for retries of exactly these activities or, with none, for a timer. */
export async function isLeftWith(handle: WorkflowHandle, ...activities: (keyof Activities)[]): Promise<void> {
  for (;;) {
    const { raw } = await handle.describe();
    const pending = raw.pendingActivities ?? [];
    const failed = pending
      .filter(({ lastFailure }) => lastFailure)
      .map(({ activityType }) => activityType?.name);
    const over = pending.length === activities.length && activities.every((name) => failed.includes(name));
    if (over && !raw.pendingWorkflowTask) return;
    await sleep(50);
  }
}
