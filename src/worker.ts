/** The worker process: runs workflows and activities until it is told to stop, and waits while Temporal is away. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection, Runtime, Worker, type TelemetryOptions } from '@temporalio/worker';
import { activityOptions } from './activities/index.ts';
import { encryptionWarning, loadConfig, orExit } from './config.ts';
import { areStatementsLimited, connectDatabase } from './database/connection.ts';
import { purgeHourly } from './database/purge.ts';
import { createLogger } from './log.ts';
import { businessMetrics } from './metrics/business.ts';
import { sdkMetrics } from './metrics/sdk.ts';
import { processMetrics, serveMetrics } from './metrics/server.ts';
import { TASK_QUEUE } from './registration.ts';
import { lookAfterEveryFewMinutes } from './registrations/attention.ts';
import { readFeesHourly } from './registrations/fees.ts';
import { buildIdOf, findWorkflowBundle } from './temporal/bundle.ts';
import { connectTemporal, dataConverter, setVendorRateLimit } from './temporal/client.ts';
import { runtimeOptions, sdkLogger } from './temporal/logger.ts';
import { addSearchAttributes } from './temporal/search-attributes.ts';
import { wordFor } from './trace.ts';
import { NO_SPANS, startTracing } from './tracing/index.ts';
import { connectVendors } from './vendors/index.ts';

const RETRY_AFTER_MS = 2000;
const reasonOf = (error: unknown) => (error instanceof Error ? error.message : 'unknown');

const config = orExit(loadConfig);
const logger = createLogger('worker', config);
// The signals are handled below: a worker that still waits for Temporal has to stop on them as well.
const install = (metrics?: TelemetryOptions['metrics']) =>
  Runtime.install({ ...runtimeOptions(logger, config, metrics), shutdownSignals: [] });
const sdk = config.metrics && (await sdkMetrics());
try {
  install(sdk?.options);
} catch (error) {
  if (!sdk) throw error;
  // Somebody has taken the port meanwhile.
  logger.warn({ reason: wordFor(error) }, "the metrics of Temporal's SDK cannot be read");
  install();
}
const warning = encryptionWarning(config);
if (warning) logger.warn(warning);

const tracing = await startTracing(config.tracing, 'worker', (error) => {
  logger.warn({ reason: wordFor(error) }, 'the collector does not take the traces');
});
const database = connectDatabase(config.databaseUrl);
tracing?.traceStatements(database);
areStatementsLimited(database).then(
  (limited) => {
    if (!limited)
      logger.warn('statements of the database have no time limit: set statement_timeout for its role');
  },
  () => undefined,
);
const vendors = connectVendors(config, tracing);
const activities = activityOptions({ config, database, ...vendors }, tracing?.activityInterceptors);
const business = businessMetrics(database, (error) => {
  logger.warn({ reason: wordFor(error) }, 'the metrics of the business cannot be read');
});
const own = config.metrics && processMetrics();
const stopMetrics =
  config.metrics &&
  own &&
  sdk &&
  serveMetrics(config.metrics, [() => own.metrics(), sdk.source, business], logger);
const workflowBundle = await findWorkflowBundle(sdkLogger(logger));

const stopPurging = purgeHourly(database, (error) => {
  logger.warn({ reason: wordFor(error) }, 'lapsed holds are not purged');
});
const stopReadingFees = readFeesHourly({ database, paypal: vendors.paypal }, (error) => {
  logger.warn({ reason: wordFor(error) }, "PayPal's fees are not read");
});
const temporal = connectTemporal(config);
const stopLooking = lookAfterEveryFewMinutes({ config, database, temporal, ...vendors }, (error) => {
  logger.warn({ reason: wordFor(error) }, 'not everything that may need attention was looked at');
});
const stopping = new AbortController();
const stopped = once(stopping.signal, 'abort');
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());

while (!stopping.signal.aborted) {
  let connection: NativeConnection | undefined;
  try {
    connection = await NativeConnection.connect(config.temporal.connectionOptions);
    const { namespace = 'default' } = config.temporal;
    // The worker asks this, too, but after it has started threads, which nobody ends when there is no namespace yet.
    await connection.workflowService.describeNamespace({ namespace });
    await addSearchAttributes(connection, namespace).catch((error: unknown) => {
      logger.warn({ reason: reasonOf(error) }, 'the namespace has no search attributes of registrations');
    });
    if (config.vendorRateLimit !== undefined)
      await setVendorRateLimit(connection, config.vendorRateLimit, { namespace }).catch((error: unknown) => {
        logger.warn({ reason: reasonOf(error) }, 'VENDOR_RATE_LIMIT is not in force');
      });
    const worker = await Worker.create({
      connection,
      namespace,
      taskQueue: TASK_QUEUE,
      dataConverter: dataConverter(config),
      ...activities,
      sinks: tracing?.sinks ?? NO_SPANS,
      workflowBundle,
      // Its successor, workerDeploymentOptions, costs Temporal 5 ms of processor time per registration (docs/performance.md).
      // eslint-disable-next-line @typescript-eslint/no-deprecated
      buildId: buildIdOf(workflowBundle),
      // At least the longest attempt, so that a payment under way is finished and not repeated.
      shutdownGraceTime: '20s',
      maxCachedWorkflows: 500,
      // Attempts mostly wait for a vendor. While one of them hangs, its attempts must not take the places of payments.
      maxConcurrentActivityTaskExecutions: 1000,
      // As many pollers as there is work for: each poller that only waits costs the server.
      workflowTaskPollerBehavior: { type: 'autoscaling' },
      activityTaskPollerBehavior: { type: 'autoscaling' },
      // An activity that comes with the workflow task that schedules it bypasses the rate limit.
      ...(config.vendorRateLimit ? { maxEagerActivityReservationsPerWorkflowTask: 0 } : {}),
    });
    logger.info({ taskQueue: TASK_QUEUE }, 'worker ready');
    // A parent process may wait for this, whatever the log level.
    process.send?.('ready');
    await worker.runUntil(stopped);
  } catch (error) {
    logger.warn({ reason: reasonOf(error) }, 'worker waits for Temporal');
    await sleep(RETRY_AFTER_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
  } finally {
    await connection?.close();
  }
}
stopPurging();
await stopReadingFees();
await stopLooking();
await temporal.connection.close();
await stopMetrics?.();
await database.destroy();
await tracing?.stop();
