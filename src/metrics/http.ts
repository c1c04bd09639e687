import { Histogram, type Registry } from 'prom-client';
import type { App } from '../api/dependencies.ts';

/** Seconds. An answer waits for its payment for up to 20 s. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30];

/**
 * Measures the answers of an app by their route, which has no ids, and by their status. Streams of events are left out, because
 * they last as long as somebody reads them.
 */
export function measureAnswers(app: App, registry: Registry): void {
  const answers = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from a request to the end of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers: [registry],
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions } = request;
    const route = routeOptions.url ?? 'none';
    if (!route.endsWith('/:id/events'))
      answers.observe({ method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
    done();
  });
}
