/** The worker process: runs workflows and activities until it is told to stop, and waits for Temporal where it is away. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { DefaultLogger, NativeConnection, Runtime, Worker, type LogLevel } from '@temporalio/worker';
import { activityOptions } from './activities/index.ts';
import { findWorkflowBundle } from './bundle.ts';
import { loadConfig, NOT_ENCRYPTED, orExit } from './config.ts';
import { connectDatabase } from './database/connection.ts';
import { connectPayPal } from './paypal.ts';
import { TASK_QUEUE } from './registration.ts';
import { dataConverter, setPace } from './temporal.ts';

const RETRY_AFTER_MS = 2000;
const reasonOf = (error: unknown) => (error instanceof Error ? error.message : 'unknown');

const config = orExit(loadConfig);
const logLevel =
  ({ fatal: 'ERROR', silent: 'ERROR' } as Record<string, LogLevel>)[config.logLevel] ??
  (config.logLevel.toUpperCase() as LogLevel);
const logger = new DefaultLogger(logLevel);
// The signals are handled below: a worker that still waits for Temporal has to stop on them too.
Runtime.install({ logger, shutdownSignals: [] });

if (config.encryptionKeys.length === 0) logger.warn(NOT_ENCRYPTED);

const database = connectDatabase(config.databaseUrl);
const activities = activityOptions({ config, database, paypal: connectPayPal(config.paypal) });
const workflowBundle = await findWorkflowBundle();

const stopping = new AbortController();
const stopped = once(stopping.signal, 'abort');
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());

while (!stopping.signal.aborted) {
  let connection: NativeConnection | undefined;
  try {
    connection = await NativeConnection.connect(config.temporal.connectionOptions);
    const { namespace } = config.temporal;
    if (config.vendorRateLimit !== undefined)
      await setPace(connection, config.vendorRateLimit, { namespace }).catch((error: unknown) => {
        logger.warn('mails and newsletter are not paced', { reason: reasonOf(error) });
      });
    const worker = await Worker.create({
      connection,
      ...(namespace ? { namespace } : {}),
      taskQueue: TASK_QUEUE,
      dataConverter: dataConverter(config),
      ...activities,
      workflowBundle,
      // At least the longest attempt, so that a payment under way is finished and not repeated.
      shutdownGraceTime: '20s',
      maxCachedWorkflows: 500,
      // As many pollers as there is work for: more of them only wait, and each wait costs the server.
      workflowTaskPollerBehavior: { type: 'autoscaling' },
      activityTaskPollerBehavior: { type: 'autoscaling' },
      // An activity that is handed over with the task that makes it passes by the pace.
      ...(config.vendorRateLimit ? { maxEagerActivityReservationsPerWorkflowTask: 0 } : {}),
    });
    logger.info('worker ready', { taskQueue: TASK_QUEUE });
    await worker.runUntil(stopped);
  } catch (error) {
    logger.warn('worker waits for Temporal', { reason: reasonOf(error) });
    await sleep(RETRY_AFTER_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
  } finally {
    await connection?.close();
  }
}
await database.destroy();
