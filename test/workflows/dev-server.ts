/** Runs on a real Temporal server, started as the api starts them, while workers of one version or another come and go. */
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
  /** Sends the order to be paid as the api does, which starts the run; `changed` as an attendee sends it the next time. */
  pay: (changed?: Order) => Promise<PaymentAnswer>;
};

/** The defaults name process and host, and so would the histories. */
const [API, WORKER] = ['api', 'worker'];
/** Longer than an attendee would be kept waiting: some answers are late on purpose. */
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

    /** Gives a run the activities that it will have when it is started. */
    prepare: (id: string, replaced: Partial<Activities> = {}) => {
      prepare(id, standIns(replaced));
    },

    /** A registration that `pay` starts. */
    registration(order: Order, replaced: Partial<Activities> = {}): DevServerRun {
      this.prepare(workflowId(order.id), replaced);
      return {
        handle: client.workflow.getHandle(workflowId(order.id)),
        pay: (changed) =>
          payRegistration(client, changed ?? order, !!changed, { taskQueue, timeoutMs: ANSWER_MS }),
      };
    },

    /** Starts a worker with a version of the workflows; what it returns stops it. */
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

/** Resolves when all that is left of a run are these activities, failed and waiting for their next attempt; or a timer. */
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
