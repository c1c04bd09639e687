/** The status of a registration, for people with its address: asked for, followed, and its mail sent again. */
import type { Readable } from 'node:stream';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import Type from 'typebox';
import { findTicket } from '../../database/orders.ts';
import { RESEND_PAUSE_MS, resendWorkflowId } from '../../registration.ts';
import { probeTemporal } from '../../temporal/client.ts';
import { startResend } from '../../temporal/runs.ts';
import { traceOf } from '../../trace.ts';
import type { App } from '../dependencies.ts';
import type { RouteDependencies } from '../limits.ts';
import { Problem, problemResponses, unavailable } from '../problem.ts';
import { createFollowers } from './followers.ts';
import { knownRegistration } from './known-registration.ts';
import { createPlaces } from './places.ts';
import { RegistrationParams, StatusBody } from './schemas.ts';

export function statusRoutes(app: App, dependencies: RouteDependencies): void {
  const { config, database, temporal, taskQueue, limits } = dependencies;
  const known = (id: string) => knownRegistration(dependencies, id);

  app.get(
    '/api/registrations/:id',
    {
      schema: {
        summary: 'How far a registration has come',
        params: RegistrationParams,
        response: { 200: StatusBody, ...problemResponses(404, 422, 503) },
      },
    },
    async ({ params: { id } }, reply) => reply.header('cache-control', 'no-store').send(await known(id)),
  );

  const closing = new AbortController();
  app.addHook('preClose', (done) => {
    closing.abort();
    done();
  });
  const { follow } = createFollowers(known, closing.signal);
  const takePlace = createPlaces(config.rateLimit > 0);

  app.get(
    '/api/registrations/:id/events',
    {
      // A stream without its content would be of no use, and the answer to HEAD would have no end.
      exposeHeadRoute: false,
      schema: {
        summary: 'The same as server-sent events, whenever it changes',
        params: RegistrationParams,
        produces: ['text/event-stream'],
        response: { 200: Type.Unsafe<Readable>({ type: 'string' }), ...problemResponses(404, 429, 503) },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const leave = takePlace(request, id);
      const stream = await follow(id).catch((error: unknown) => {
        leave();
        throw error;
      });
      return (
        reply
          .type('text/event-stream')
          // A connection that stays open after the last event would delay an api that stops.
          .headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no', connection: 'close' })
          .send(stream)
      );
    },
  );

  app.post(
    '/api/registrations/:id/resend',
    {
      onRequest: limits.onRequest,
      schema: {
        summary: 'Send the confirmation again, to the registered address',
        params: RegistrationParams,
        // A JSON body, although an empty one: a page of another site cannot send it.
        body: Type.Object({}, { additionalProperties: false, examples: [{}] }),
        response: { 202: Type.Object({}), ...problemResponses(400, 404, 409, 413, 415, 422, 429, 503) },
      },
    },
    async ({ params: { id }, log }, reply) => {
      const { status, steps } = await known(id);
      const mail = steps.find(({ name }) => name === 'email');
      if (status !== 'confirmed') throw new Problem('not-to-resend');
      // After the retention of the run nothing is known of the first mail, and nothing is on its way.
      if (mail && !['done', 'failed'].includes(mail.state)) throw new Problem('email-on-its-way');
      // The person may have been erased.
      const ticket = await findTicket(database, id);
      if (!ticket) throw new Problem('not-to-resend');
      const resent = { id, event: ticket.event.id, ticketType: ticket.ticketType.id };
      await probeTemporal(temporal).catch(() => {
        throw unavailable();
      });
      await startResend(temporal, resent, taskQueue).catch((error: unknown) => {
        if (error instanceof WorkflowExecutionAlreadyStartedError)
          throw new Problem('resent-before', { retryAfterSeconds: RESEND_PAUSE_MS / 1000 });
        log.error({ error: traceOf(error), workflowId: resendWorkflowId(id) }, 'resend not started');
        throw unavailable();
      });
      return reply.code(202).send({});
    },
  );
}
