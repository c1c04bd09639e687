import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Tracer,
} from '@opentelemetry/api';
import type { FastifyRequest } from 'fastify';
import type { App } from '../api/dependencies.ts';

/** Probes come every few seconds, and a stream of events lasts as long as somebody reads it. */
const LEFT_OUT = /^\/(healthz|readyz)$|\/:id\/events$/;

/**
 * Writes a span for each request to an app, which the spans of its work belong to. Its name is the route, never the address: the ids
 * in it open status pages, and a query may hold anything.
 */
export const traceRequests =
  (tracer: Tracer) =>
  (app: App): void => {
    const contexts = new WeakMap<FastifyRequest, Context>();
    app.addHook('onRequest', (request, reply, done) => {
      const { url: route } = request.routeOptions;
      if (route && LEFT_OUT.test(route)) {
        done();
        return;
      }
      const attributes = { 'http.request.method': request.method, ...(route && { 'http.route': route }) };
      const name = route ? `${request.method} ${route}` : request.method;
      const parent = parentOf(request);
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent);
      const own = trace.setSpan(parent, span);
      contexts.set(request, own);
      // A client may hang up before it is answered, and then there is no `onResponse`.
      reply.raw.once('close', () => {
        span.setAttribute('http.response.status_code', reply.statusCode);
        if (reply.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      });
      context.with(own, done);
    });
    // The body comes from the connection, which knows nothing of the request's context.
    app.addHook('preValidation', (request, _reply, done) => {
      context.with(contexts.get(request) ?? ROOT_CONTEXT, done);
    });
  };

/** Somebody else may not decide which of their requests are traced: only a proxy that is trusted (TRUST_PROXY) and has forwarded it. */
function parentOf({ ips = [], headers: { traceparent } }: FastifyRequest): Context {
  if (ips.length < 2) return ROOT_CONTEXT;
  return propagation.extract(ROOT_CONTEXT, { traceparent });
}
