/** The status of a registration, for people with its address: asked for, followed, and its mail sent again. */
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import Type from 'typebox';
import { findTicket } from '../../database/orders.ts';
import { RESEND_PAUSE_MS, resendWorkflowId } from '../../registration.ts';
import { canChange } from '../../registrations/status.ts';
import { probeTemporal } from '../../temporal/client.ts';
import { startResend } from '../../temporal/runs.ts';
import { traceOf } from '../../trace.ts';
import type { App } from '../dependencies.ts';
import type { RouteDependencies } from '../limits.ts';
import { Problem, problemResponses, unavailable } from '../problem.ts';
import { knownRegistration } from './known-registration.ts';
import { RegistrationParams, StatusBody } from './schemas.ts';

/** How often the status is read for each follower: often at first, then less and less. */
const READ_EVERY_MS = { first: 500, growth: 1.25, last: 5000 };
/** A proxy may end a connection that is silent for a minute. */
const KEEP_ALIVE_AFTER_MS = 15_000;
/** Each follower costs memory and requests to Temporal. The page polls instead when there are more. */
const MAX_FOLLOWERS = 500;
export function statusRoutes(app: App, dependencies: RouteDependencies): void {
  const { database, temporal, taskQueue, limits } = dependencies;
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
  let followers = 0;

  /** Server-sent events (HTML standard, 9.2): each state that differs from the one before, until nothing can change any more. */
  async function* follow(id: string, status: StatusBody): AsyncGenerator<string> {
    followers++;
    try {
      let told = '';
      let toldAt = Date.now();
      for (
        let wait = READ_EVERY_MS.first;
        ;
        wait = Math.min(wait * READ_EVERY_MS.growth, READ_EVERY_MS.last)
      ) {
        const state = JSON.stringify(status);
        const silent = Date.now() - toldAt > KEEP_ALIVE_AFTER_MS;
        if (state !== told || silent) toldAt = Date.now();
        if (state !== told) yield `data: ${(told = state)}\n\n`;
        else if (silent) yield ': nothing new\n\n';
        if (!canChange(status)) {
          yield 'event: done\ndata: {}\n\n';
          return;
        }
        await sleep(wait, undefined, { signal: closing.signal });
        // While nobody can be asked, the last state stands.
        status = await known(id).catch(() => status);
      }
    } catch (error) {
      if (!closing.signal.aborted) throw error;
    } finally {
      followers--;
    }
  }

  app.get(
    '/api/registrations/:id/events',
    {
      schema: {
        summary: 'The same as server-sent events, whenever it changes',
        params: RegistrationParams,
        produces: ['text/event-stream'],
        response: { 200: Type.Unsafe<Readable>({ type: 'string' }), ...problemResponses(404, 503) },
      },
    },
    async ({ params: { id } }, reply) => {
      if (followers >= MAX_FOLLOWERS) throw unavailable();
      const status = await known(id);
      return (
        reply
          .type('text/event-stream')
          // A connection that stays open after the last event would delay an api that stops.
          .headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no', connection: 'close' })
          .send(Readable.from(follow(id, status)))
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
        body: Type.Object({}, { additionalProperties: false }),
        response: { 202: Type.Object({}), ...problemResponses(404, 409, 415, 422, 429, 503) },
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
