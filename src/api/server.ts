/** The api process. */
import { encryptionWarning, loadConfig, orExit } from '../config.ts';
import { connectDatabase } from '../database/connection.ts';
import { createLogger } from '../log.ts';
import { businessMetrics } from '../metrics/business.ts';
import { processMetrics, serveMetrics } from '../metrics/server.ts';
import { connectPayPal } from '../vendors/paypal/client.ts';
import { connectTemporal } from '../temporal/client.ts';
import { wordFor } from '../trace.ts';
import { startTracing } from '../tracing/index.ts';
import { buildApp, MAX_CONNECTIONS } from './app.ts';

const config = orExit(loadConfig);
// The collector may be away before there is an app with a log of its own.
const logger = createLogger('api', config);
const tracing = await startTracing(config.tracing, 'api', (error) => {
  logger.warn({ reason: wordFor(error) }, 'the collector does not take the traces');
});
const database = connectDatabase(config.databaseUrl);
tracing?.traceStatements(database);
const temporal = connectTemporal(config, tracing?.clientInterceptors);
const client = connectPayPal(config.paypal);
const paypal = tracing?.traceCalls('PayPal', client) ?? client;
const metrics = config.metrics && processMetrics();
const app = await buildApp({ config, database, temporal, paypal, metrics, tracing });
const business = businessMetrics(database, (error) => {
  app.log.warn({ reason: wordFor(error) }, 'the metrics of the business cannot be read');
});
const stopMetrics =
  config.metrics && metrics && serveMetrics(config.metrics, [() => metrics.metrics(), business], app.log);
const warning = encryptionWarning(config);
if (warning) app.log.warn(warning);

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    // The app answers the requests in hand and takes no new ones; then the connections are closed.
    app
      .close()
      .then(() => stopMetrics?.())
      .then(() => Promise.all([database.destroy(), temporal.connection.close(), tracing?.stop()]))
      .catch((error: unknown) => {
        console.error(error);
        process.exitCode = 1;
      });
  });

await app.listen({ host: config.host, port: config.port, backlog: MAX_CONNECTIONS });
