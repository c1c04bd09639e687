/** Serves the metrics of a process to Prometheus, at a port of its own, which only Prometheus has to reach. */
import { createServer } from 'node:http';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import { wordFor } from '../trace.ts';

/** Something that has metrics in Prometheus' text format. */
export type MetricsSource = () => Promise<string>;

/** A registry with the metrics of the process itself: processor, memory, event loop. */
export function processMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

/**
 * Serves `GET /metrics`. A port that is taken, or a source that fails, is said in the log once, and the process goes on.
 * @returns a function that closes the port
 */
export function serveMetrics(
  { host, port }: NonNullable<Config['metrics']>,
  sources: MetricsSource[],
  logger: Pick<Logger, 'warn' | 'info'>,
): () => Promise<void> {
  const reads = sources.map((source) => readable(source, logger));
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    Promise.all(reads.map((read) => read()))
      .then((texts) => {
        const body = texts.map((text) => text.trim()).filter(Boolean);
        response
          .writeHead(200, { 'content-type': Registry.PROMETHEUS_CONTENT_TYPE })
          .end(`${body.join('\n')}\n`);
      })
      .catch(() => response.destroy());
  });
  server.on('error', (error) => {
    logger.warn({ port, reason: wordFor(error) }, 'metrics are not served');
  });
  server.listen(port, host, () => {
    logger.info({ port }, 'metrics are served');
  });
  return () =>
    new Promise((resolve) => {
      server.close(() => {
        resolve();
      });
      server.closeAllConnections();
    });
}

/** A source whose failures are said once, until it can be read again. Its metrics are missing meanwhile. */
function readable(source: MetricsSource, logger: Pick<Logger, 'warn'>): MetricsSource {
  let isFailing = false;
  return () =>
    source().then(
      (text) => {
        isFailing = false;
        return text;
      },
      (error: unknown) => {
        if (!isFailing) logger.warn({ reason: wordFor(error) }, 'some metrics cannot be read');
        isFailing = true;
        return '';
      },
    );
}
