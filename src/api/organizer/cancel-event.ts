/** Cancelling a whole event: what it would mean, the form that does it, and how far its run is. */
import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import { cancelEventWorkflowId } from '../../cancel-event.ts';
import {
  cancelEvent,
  findCancellation,
  pauseCancellation,
  resumeCancellation,
} from '../../database/cancelled-events/cancellation.ts';
import {
  countCancelled,
  listRefused,
  previewCancellation,
  sumRefunded,
} from '../../database/cancelled-events/progress.ts';
import { listDeskEntries } from '../../database/desk-history.ts';
import { findEventState } from '../../database/events.ts';
import { EventId } from '../../form.ts';
import { cancelEventPath } from '../../organizer.ts';
import { isCancelEventRunning, startCancelEvent, wakeCancelEvent } from '../../temporal/cancelled-events.ts';
import { probeTemporal } from '../../temporal/client.ts';
import { traceOf } from '../../trace.ts';
import { cancelEventPage, cancelledEventPage } from '../../web/organizer/cancel-event.ts';
import type { App, Dependencies } from '../dependencies.ts';
import { prefersPage } from '../page.ts';
import { Problem, unavailable } from '../problem.ts';
import { ActionId } from './action.ts';
import { organizerFrame } from './frame.ts';
import { sessionOf } from './session.ts';

/** Without `do`, the event is cancelled, which asks for its name. `start`: the run of a cancelled event is missing. */
const Body = Type.Object(
  {
    action: ActionId,
    do: Type.Optional(Type.Enum(['cancel', 'start', 'pause', 'resume'])),
    name: Type.Optional(Type.String({ maxLength: 500 })),
  },
  { additionalProperties: false },
);
type Asking = FastifyRequest<{ Params: { event: string }; Body: Static<typeof Body> }>;

/** How often the page is loaded anew while the run is open, in seconds. */
const REFRESH_SECONDS = 5;
const MOST_REFUSED = 500;

export function cancelEventRoutes(app: App, dependencies: Dependencies): void {
  const { config, database, temporal, taskQueue, answerWithinMs } = dependencies;
  const path = '/organizer/events/:event/cancel';
  const hidden = { hide: true, params: Type.Object({ event: EventId }) } as const;

  app.get(path, { schema: hidden, config: { isPage: true } }, (request, reply) =>
    show(request, reply, request.params.event),
  );

  app.post(path, { schema: { ...hidden, body: Body } }, async (request, reply) => {
    const { event } = request.params;
    const known = await findEventState(database, event);
    if (!known) throw new Problem('not-found');
    switch (request.body.do) {
      case 'pause':
      case 'resume':
        await decide(request, event, request.body.do);
        break;
      case 'start':
        await begin(request, event, () => findCancellation(database, event));
        break;
      default: {
        if (plain(request.body.name ?? '') !== plain(known.name)) return refuse(request, reply, event);
        await begin(request, event, () => cancelEvent(database, asked(request, event)));
      }
    }
    return reply.redirect(cancelEventPath(event), 303);
  });

  const asked = (request: Asking, event: string) => ({
    ...{ event, action: request.body.action, organizer: sessionOf(request).organizer.id },
  });

  /** Nothing is changed while Temporal is away, because then nobody would be refunded. */
  const probe = () =>
    probeTemporal(temporal).catch(() => {
      throw unavailable();
    });

  /** Cancels first and starts the run then: should the run not start, the page says so and offers to start it. */
  async function begin(
    request: Asking,
    event: string,
    cancel: () => Promise<object | undefined>,
  ): Promise<void> {
    await probe();
    if (!(await cancel())) throw new Problem('event-not-cancelled');
    await startCancelEvent(temporal, event, { taskQueue, timeoutMs: answerWithinMs }).catch(
      (error: unknown) => {
        request.log.warn(
          { error: traceOf(error), event },
          'run of a cancelled event not known to have started',
        );
        throw new Problem('event-run-not-started', { retryAfterSeconds: 10 });
      },
    );
  }

  /** Decides in the database, where the run looks, and wakes the run. */
  async function decide(request: Asking, event: string, what: 'pause' | 'resume'): Promise<void> {
    await probe();
    await (what === 'pause' ? pauseCancellation : resumeCancellation)(database, asked(request, event));
    await wakeCancelEvent(temporal, event).catch((error: unknown) => {
      request.log.warn(
        { error: traceOf(error), event },
        'run of a cancelled event not woken: it looks by itself',
      );
    });
  }

  /** Shows the form again with what was typed, or says what is wrong to a client that wants no page. */
  function refuse(request: Asking, reply: FastifyReply, event: string) {
    const errors = [{ pointer: '/name', detail: 'organizer.cancel-event.fault' as const }];
    if (!prefersPage(request)) throw new Problem('invalid-fields', { errors });
    return show(request, reply.code(422), event, request.body.name ?? '');
  }

  async function show(request: FastifyRequest, reply: FastifyReply, event: string, typed?: string) {
    const [known, cancellation] = await Promise.all([
      findEventState(database, event),
      findCancellation(database, event),
    ]);
    if (!known) throw new Problem('not-found');
    const frame = organizerFrame(request, reply, config);
    const { name, timeZone } = known;
    const page = { event, name, timeZone, newAction: randomUUID };
    if (!cancellation || typed !== undefined)
      return reply.send(
        cancelEventPage(frame, { ...page, typed, preview: await previewCancellation(database, event) }),
      );
    const [counts, refused, refunded, entries, isRunning] = await Promise.all([
      countCancelled(database, event),
      listRefused(database, event, MOST_REFUSED),
      sumRefunded(database, event),
      listDeskEntries(database, { event }),
      cancellation.finishedAt ? false : isCancelEventRunning(temporal, event),
    ]);
    const isOpen = !cancellation.finishedAt && isRunning !== false;
    const refreshes = isOpen && (request.query as { refresh?: unknown }).refresh !== 'off';
    if (refreshes) void reply.header('refresh', REFRESH_SECONDS);
    return reply.send(
      cancelledEventPage(frame, {
        ...{ ...page, cancellation, counts, refused, refunded, entries, isRunning, isOpen, refreshes },
        runUrl: config.temporalUiUrl && `${config.temporalUiUrl}${pathOfRun(event)}`,
      }),
    );
  }

  const pathOfRun = (event: string) =>
    `/namespaces/${encodeURIComponent(temporal.options.namespace)}/workflows/${cancelEventWorkflowId(event)}`;
}

/** A name as it is compared: spaces, and how accents are written, make no difference. */
const plain = (name: string) => name.normalize('NFC').replaceAll(/\s+/g, ' ').trim();
