/** Organizers add one registration. What they typed is stored first, and then the run of the registration does the rest. */
import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { AddDecision, Addition } from '../../addition.ts';
import { findWaiting, storeAdditions } from '../../database/additions.ts';
import { findOpenEvents, type OpenEvent } from '../../database/desk/open-events.ts';
import { findTicket } from '../../database/orders.ts';
import { findOutcome } from '../../database/registrations.ts';
import { hashedUuid } from '../../hash.ts';
import { readRow, type Typed, type TypedFault } from '../../imports/row.ts';
import { probeTemporal } from '../../temporal/client.ts';
import { startAddition } from '../../temporal/runs.ts';
import { traceOf } from '../../trace.ts';
import { addPage, type AddForm } from '../../web/organizer/add.ts';
import type { App, Dependencies } from '../dependencies.ts';
import { languageOf } from '../language.ts';
import { prefersPage } from '../page.ts';
import { Problem, unavailable } from '../problem.ts';
import { ActionId } from './action.ts';
import { organizerFrame } from './frame.ts';
import { sessionOf } from './session.ts';

const text = (maxLength: number) => Type.Optional(Type.String({ maxLength }));
/** `ticket` is the event and the ticket type, with a slash between them. What is in the fields is checked by hand. */
const Body = Type.Object(
  {
    action: ActionId,
    ticket: text(200),
    ...{ firstName: text(1000), lastName: text(1000), email: text(1000), organization: text(1000) },
    ...{ payment: text(50), amount: text(50), note: text(2000), language: text(50) },
  },
  { additionalProperties: false },
);
type Body = Static<typeof Body>;

const PATH = '/organizer/registrations/new';

export function addRoutes(app: App, dependencies: Dependencies): void {
  const { config, database, temporal, taskQueue, answerWithinMs } = dependencies;
  const hidden = { hide: true } as const;

  app.get(PATH, { schema: hidden, config: { isPage: true } }, async (request, reply) =>
    show(request, reply, await findOpenEvents(database), { typed: {} }),
  );

  app.post(PATH, { schema: { ...hidden, body: Body } }, async (request, reply) => {
    const { action, ticket = '', ...fields } = request.body;
    const { id: organizer } = sessionOf(request).organizer;
    const events = await findOpenEvents(database);
    const [event = '', ticketType = ''] = ticket.split('/');
    const chosen = events.find(({ id }) => id === event);
    const typed: Typed = { ...fields, ...(ticketType && { ticketType }) };
    const read = chosen
      ? readRow(typed, chosen, languageOf(request))
      : ({ status: 'faulty', faults: [{ column: 'ticketType', fault: 'needed' }] } as const);
    if (read.status === 'faulty') return refuse(request, reply, events, read.faults);

    const id = hashedUuid('added', organizer, action);
    const addition: Addition = { id, ...read.addition };
    const page = `/organizer/registrations/${id}?done=${action}`;
    const before = await personOf(id);
    if (before && !isSame(before, addition)) return notAdded(request, reply, events, 'other-person');
    // A registration that is there needs no run, also when Temporal has forgotten it.
    if ((await findOutcome(database, id)).found === 'order') return reply.redirect(page, 303);
    await probeTemporal(temporal).catch(() => {
      throw unavailable();
    });
    await storeAdditions(database, [{ ...addition, organizer, action }]);
    const decision = await startAddition(
      temporal,
      { registration: id, action, organizer },
      { event, ticketType },
      { taskQueue, timeoutMs: answerWithinMs },
    ).catch((error: unknown) => {
      // The run goes on by itself, and the page of the registration tells when it has begun.
      request.log.warn({ error: traceOf(error), action }, 'addition not known in time');
      return { status: 'added' } as const;
    });
    if (decision.status !== 'added') return notAdded(request, reply, events, decision.status);
    return reply.redirect(page, 303);
  });

  function show(request: FastifyRequest, reply: FastifyReply, events: OpenEvent[], form: AddForm) {
    const newAction = randomUUID();
    return reply.send(addPage(organizerFrame(request, reply, config), { events, newAction, form }));
  }

  /** Shows the form again with what was typed, or says what is wrong to a client that wants no page. */
  function refuse(
    request: FastifyRequest<{ Body: Body }>,
    reply: FastifyReply,
    events: OpenEvent[],
    faults: readonly TypedFault[],
  ) {
    if (prefersPage(request)) return show(request, reply.code(422), events, { typed: request.body, faults });
    const errors = faults.map(({ column, fault }) => ({
      pointer: column === 'ticketType' ? '/ticket' : `/${column}`,
      detail: `organizer.add.fault.${fault}` as const,
    }));
    throw new Problem('invalid-fields', { errors });
  }

  /** Nothing was done. The form has a new action, so that it can be sent again. */
  function notAdded(
    request: FastifyRequest<{ Body: Body }>,
    reply: FastifyReply,
    events: OpenEvent[],
    reason: Exclude<AddDecision['status'], 'added'> | 'other-person',
  ) {
    const detail = `organizer.add.not.${reason}` as const;
    if (!prefersPage(request)) throw new Problem('not-added', { detail });
    return show(request, reply.code(409), events, { typed: request.body, told: detail });
  }

  /** Who the registration of an action is for, if the action was used before. */
  async function personOf(id: string): Promise<Person | undefined> {
    const ticket = await findTicket(database, id);
    if (ticket) return ticket.attendee;
    const waiting = await findWaiting(database, id);
    if (!waiting) return undefined;
    const { first_name: firstName, last_name: lastName, email } = waiting;
    return { firstName: firstName ?? '', lastName: lastName ?? '', email: email ?? '' };
  }
}

type Person = Pick<Addition, 'firstName' | 'lastName' | 'email'>;
const isSame = (a: Person, b: Person) =>
  a.firstName === b.firstName && a.lastName === b.lastName && a.email === b.email;
