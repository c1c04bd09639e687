/** A worker of the bare workflow, with nothing set but where it works. */
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';

const same = (id: string) => Promise.resolve(id);
const activities = { takePayment: same, saveOrder: same, sendConfirmation: same, addToMailingList: same };
export type BareActivities = typeof activities;

const connection = await NativeConnection.connect({ address: process.env.TEMPORAL_ADDRESS ?? '' });
const worker = await Worker.create({
  connection,
  taskQueue: 'bare',
  activities,
  workflowsPath: fileURLToPath(new URL('workflow.ts', import.meta.url)),
});
process.once('SIGTERM', () => worker.shutdown());
await worker.run();
await connection.close();
