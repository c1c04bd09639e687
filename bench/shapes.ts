/** The systems that are compared: the product over HTTP, and a bare workflow with Update-with-Start. */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import {
  Client,
  Connection,
  WithStartWorkflowOperation,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
} from '@temporalio/client';
import { workersPolling } from '../stage/world.ts';
import { start } from '../sandbox/servers/process.ts';
import { WORKFLOW } from '../src/registration.ts';
import { cpuMs } from './measure.ts';
import type { Product, Ready } from './product.ts';

export type Shape = {
  workflowType: string;
  /** Creates what must exist before anything is measured. */
  prepare: (count: number) => Promise<Ready[]>;
  /** Makes one registration; resolves with the response that the attendee waits for. */
  register: (person: Ready) => Promise<void>;
  /** CPU time (ms) of each part so far. */
  cpu: () => Record<string, number>;
  /** Throws unless each of these people has exactly one of everything. */
  audit: (people: Ready[]) => Promise<void>;
};

export const productShape = (product: Product): Shape => ({
  workflowType: WORKFLOW,
  prepare: (count) => product.prepare(count),
  register: (person) => product.confirm(person),
  cpu() {
    const parts = Object.entries(product.parts());
    return {
      ...Object.fromEntries(parts.map(([part, pids]) => [part, total(pids)])),
      'load generator': ownCpuMs(),
    };
  },
  audit: (people) => product.audit(people),
});

const total = (pids: number[]) => pids.reduce((sum, pid) => sum + cpuMs(pid), 0);
const ownCpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** The bare workflow. Its client is the load generator, whose CPU time counts as that of the api. */
export async function startBare(product: Product): Promise<Shape & { stop: () => Promise<void> }> {
  const address = product.temporalAddress;
  const worker = await start(
    'bare worker',
    process.execPath,
    [fileURLToPath(new URL('bare/worker.js', import.meta.url))],
    {
      logFile: `${product.folder}/logs/bare-worker.log`,
      env: { ...process.env, TEMPORAL_ADDRESS: address },
    },
  );
  const connection = await Connection.connect({ address });
  const client = new Client({ connection });
  await workersPolling(client, 'bare', 1, worker);
  return {
    workflowType: 'bare',
    prepare: (count) =>
      Promise.resolve(Array.from({ length: count }, () => ({ id: randomUUID(), paypalOrderId: null }))),
    async register({ id }) {
      const startWorkflowOperation = new WithStartWorkflowOperation('bare', {
        workflowId: `bare-${id}`,
        taskQueue: 'bare',
        args: [id],
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
        workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      });
      const answer = await client.workflow.executeUpdateWithStart('pay', {
        updateId: 'pay',
        startWorkflowOperation,
      });
      if (answer !== id) throw new Error('The bare workflow returned an unexpected result');
    },
    cpu: () => ({
      api: ownCpuMs(),
      worker: cpuMs(worker.pid),
      Temporal: total(product.parts().Temporal),
    }),
    audit: () => Promise.resolve(),
    async stop() {
      await worker.stop();
      await connection.close();
    },
  };
}
