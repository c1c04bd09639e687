/** How a registration is doing, for whoever has its address: asked for, followed, and its mail sent once more. */
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import Type from 'typebox';
import { findTicket } from '../../database/orders.ts';
import { probeTemporal, startResend } from '../../temporal.ts';
import type { App, RouteDependencies } from '../dependencies.ts';
import { Problem, problemResponses, unavailable } from '../problem.ts';
import { RegistrationParams, StatusBody } from '../schemas.ts';
import { canChange, readStatus } from '../status.ts';

/** How often a registration is looked at for who follows it: often at first, then ever less. */
const LOOK_EVERY_MS = { first: 500, growth: 1.25, last: 5000 };
/** A proxy may end a connection on which nothing is said for a minute. */
const SAY_SOMETHING_AFTER_MS = 15_000;
/** Each costs memory and questions to Temporal; whoever comes later asks now and then instead. */
const MAX_FOLLOWERS = 500;
/** How long the run of a resend stays open at most after its mail was sent: see workflows/resend.ts. */
const RESEND_PAUSE_S = 600;

export function statusRoutes(app: App, dependencies: RouteDependencies): void {
  const { database, temporal, taskQueue, limits } = dependencies;
  const known = async (id: string) => {
    const status = await readStatus(dependencies, id);
    if (!status) throw new Problem('unknown-registration');
    return status;
  };

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

  /** Server-sent events (HTML standard, 9.2): each state that differs from the one before, until nothing moves any more. */
  async function* follow(id: string, status: StatusBody): AsyncGenerator<string> {
    followers++;
    try {
      let told = '';
      let toldAt = Date.now();
      for (
        let wait = LOOK_EVERY_MS.first;
        ;
        wait = Math.min(wait * LOOK_EVERY_MS.growth, LOOK_EVERY_MS.last)
      ) {
        const state = JSON.stringify(status);
        const silent = Date.now() - toldAt > SAY_SOMETHING_AFTER_MS;
        if (state !== told || silent) toldAt = Date.now();
        if (state !== told) yield `data: ${(told = state)}\n\n`;
        else if (silent) yield ': nothing new\n\n';
        if (!canChange(status)) {
          yield 'event: done\ndata: {}\n\n';
          return;
        }
        await sleep(wait, undefined, { signal: closing.signal });
        // Nobody can tell at the moment: then nothing is told.
        status = (await readStatus(dependencies, id).catch(() => undefined)) ?? status;
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
          // A connection that was kept after the last event would keep a stopping api waiting.
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
        summary: 'Send the confirmation once more, to the registered address',
        params: RegistrationParams,
        // A JSON body, though an empty one: a page of another site cannot send it.
        body: Type.Object({}, { additionalProperties: false }),
        response: { 202: Type.Object({}), ...problemResponses(404, 409, 415, 422, 429, 503) },
      },
    },
    async ({ params: { id } }, reply) => {
      const { status, steps } = await known(id);
      const mail = steps.find(({ name }) => name === 'email');
      if (status !== 'confirmed') throw new Problem('not-to-resend');
      // Beyond retention nothing is known of the first mail, and nothing is on its way.
      if (mail && !['done', 'failed'].includes(mail.state)) throw new Problem('email-on-its-way');
      // The person may have been erased: then there is nobody to write to.
      if (!(await findTicket(database, id))) throw new Problem('not-to-resend');
      await probeTemporal(temporal).catch(() => {
        throw unavailable();
      });
      await startResend(temporal, id, taskQueue).catch((error: unknown) => {
        if (error instanceof WorkflowExecutionAlreadyStartedError)
          throw new Problem('resent-before', { retryAfterSeconds: RESEND_PAUSE_S });
        throw unavailable();
      });
      return reply.code(202).send({});
    },
  );
}
