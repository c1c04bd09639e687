/** A worker with default settings for the bare workflow, in JavaScript because the built product is, too. */
import process from 'node:process';
import { fileURLToPath, URL } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';

const same = (id) => Promise.resolve(id);
const activities = { takePayment: same, saveOrder: same, sendConfirmation: same, addToMailingList: same };

const connection = await NativeConnection.connect({ address: process.env.TEMPORAL_ADDRESS ?? '' });
const worker = await Worker.create({
  connection,
  taskQueue: 'bare',
  activities,
  workflowsPath: fileURLToPath(new URL('workflow.js', import.meta.url)),
});
process.once('SIGTERM', () => worker.shutdown());
await worker.run();
await connection.close();
