/**
 * What vendors tell us by themselves. These routes have no session and no form: a vendor signs what it sends. An error is a bare status,
 * because only a program reads it: 4xx for what the vendor has not sent, 5xx for what it has to send again.
 */
import { isGrpcServiceError, ServiceError } from '@temporalio/client';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyError, FastifyInstance } from 'fastify';
import { isDatabaseAway } from '../../database/connection.ts';
import { traceOf } from '../../trace.ts';
import { VendorError } from '../../vendors/vendor-error.ts';
import type { Dependencies } from '../dependencies.ts';
import { paypalRoute } from './paypal.ts';
import { sendgridRoute } from './sendgrid.ts';

/** Deliveries in hand in one process, the reading of their bodies included. A vendor sends again what finds no room. */
export const MOST_IN_HAND = 50;
const AGAIN_AFTER_S = 60;

/** Thrown for a delivery that its vendor has not signed. */
export class NotSigned extends Error {}

/** A route exists where its setting is given. */
export function webhookRoutes(instance: FastifyInstance, dependencies: Dependencies, done: () => void): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { paypalId, sendgridKey } = dependencies.config.webhooks;

  // A signature is about the bytes that came.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, parsed) => {
    parsed(null, body);
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send());
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = statusOf(error);
    if (status === 500) request.log.error({ error: traceOf(error) }, 'unexpected error');
    if (status === 503) void reply.header('retry-after', AGAIN_AFTER_S);
    return reply.code(status).send();
  });
  boundConcurrency(app);

  if (paypalId !== undefined) paypalRoute(app, dependencies, paypalId);
  if (sendgridKey !== undefined) sendgridRoute(app, dependencies, sendgridKey);
  done();
}

function statusOf(error: FastifyError): number {
  if (error instanceof NotSigned) return 401;
  const isTemporalAway = error instanceof ServiceError || isGrpcServiceError(error);
  if (error instanceof VendorError || isDatabaseAway(error) || isTemporalAway) return 503;
  return error.statusCode !== undefined && error.statusCode < 600 && error.statusCode >= 400
    ? error.statusCode
    : 500;
}

function boundConcurrency(app: FastifyInstance): void {
  const inHand = new WeakSet<object>();
  let count = 0;
  app.addHook('onRequest', (request, reply, next) => {
    if (count >= MOST_IN_HAND) {
      void reply.code(503).header('retry-after', AGAIN_AFTER_S).send();
      return;
    }
    count++;
    inHand.add(request);
    next();
  });
  // A vendor may have hung up by then, and then there is no `onResponse`.
  app.addHook('onSend', (request, _reply, payload, next) => {
    if (inHand.delete(request)) count--;
    next(null, payload);
  });
}
