import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { Check } from 'typebox/value';
import { findEventState, findPicture, shownEvents, type ShownEvent } from '../../database/events.ts';
import { findTicket } from '../../database/orders.ts';
import { findHeldEvent } from '../../database/registrations.ts';
import { HOLD_MINUTES } from '../../database/seats/hold.ts';
import { EventId } from '../../form.ts';
import { linksOf } from '../../reference.ts';
import { fullName } from '../../registration.ts';
import { canChange } from '../../registrations/status.ts';
import { eventPage, eventsPage, formPage, saleOf, statusPage } from '../../web/attendee/pages.ts';
import { asset } from '../../web/assets.ts';
import { calendarFile } from '../../web/calendar.ts';
import type { App, Dependencies } from '../dependencies.ts';
import { Problem } from '../problem.ts';
import { frameOf } from '../frame.ts';
import { prefersPage } from '../page.ts';
import { knownRegistration } from './known-registration.ts';

import { RegistrationId, RegistrationParams } from './schemas.ts';

/** Only people with the address may see the page, and no cache, search engine or next site learns of it. */
export const PRIVATE = {
  'cache-control': 'no-store',
  'x-robots-tag': 'noindex',
  'referrer-policy': 'no-referrer',
};

export function pageRoutes(app: App, dependencies: Dependencies): void {
  const { config, database } = dependencies;

  app.get('/', { schema: { hide: true } }, async (request, reply) => {
    const { event: wanted } = request.query as { event?: unknown };
    const events = await shownEvents(database);
    const [only, ...more] = events;
    if (wanted !== undefined) return show(request, reply, events, wanted);
    if (only && more.length === 0) return show(request, reply, events, only.id);
    return reply
      .header('cache-control', 'no-store')
      .send(eventsPage(frameOf(request, reply, config), events));
  });

  app.get(
    '/events/:event',
    { schema: { hide: true, params: Type.Object({ event: Type.String() }) } },
    async (request, reply) => show(request, reply, await shownEvents(database), request.params.event),
  );

  /** Shows the form of an event, or what else there is to say about it. */
  async function show(request: FastifyRequest, reply: FastifyReply, events: ShownEvent[], wanted: unknown) {
    const event = events.find(({ id }) => id === wanted);
    const page = frameOf(request, reply, config);
    // The number of seats left changes by the minute.
    void reply.header('cache-control', 'no-store');
    if (!event) {
      if (!prefersPage(request)) throw new Problem('not-found', { detail: 'problem.not-found.event' });
      const past = Check(EventId, wanted) ? await findEventState(database, wanted) : undefined;
      if (!past || past.state === 'draft')
        return reply.code(404).send(eventsPage(page, events, { reason: 'unknown', name: '' }));
      const reason = past.state === 'cancelled' ? 'cancelled' : 'over';
      return reply.code(410).send(eventsPage(page, events, { reason, name: past.name }));
    }
    const others = events.filter(({ id }) => id !== event.id);
    const shown = { event, holdMinutes: HOLD_MINUTES, toEvents: others.length > 0 };
    switch (saleOf(event)) {
      case 'on': {
        const { webUrl, clientId } = config.paypal;
        return reply.send(formPage(page, { ...shown, paypal: { webUrl, clientId } }));
      }
      case 'sold-out':
        return reply.send(eventsPage(page, others, { reason: 'sold-out', name: event.name }));
      default:
        return reply.send(eventPage(page, shown));
    }
  }

  app.get(
    '/events/:event/picture',
    { schema: { hide: true, params: Type.Object({ event: EventId }) } },
    async ({ params: { event } }, reply) => {
      const picture = await findPicture(database, event);
      if (!picture) throw new Problem('not-found');
      // The address changes with the picture.
      return reply
        .headers({ 'cache-control': 'public, max-age=31536000, immutable' })
        .type(picture.type)
        .send(picture.content);
    },
  );

  app.get('/favicon.ico', { schema: { hide: true } }, (_request, reply) =>
    reply.redirect(asset('icon.svg').url),
  );

  app.get(
    '/registrations/:id',
    { schema: { hide: true, params: Type.Object({ id: Type.String() }) }, config: { isPage: true } },
    async (request, reply) => {
      const { id } = request.params;
      const page = frameOf(request, reply.headers(PRIVATE), config);
      if (!Check(RegistrationId, id)) throw new Problem('unknown-registration');
      const registration = await knownRegistration(dependencies, id);
      // Without the database there is less to see, but the truth about the payment.
      const ticket = await findTicket(database, id).catch(() => undefined);
      const event = ticket?.event ?? (await findHeldEvent(database, id).catch(() => undefined));
      return reply.send(
        statusPage(page, {
          registration,
          moving: canChange(registration),
          event,
          ticket: ticket && {
            name: ticket.ticketType.name,
            attendee: fullName(ticket.attendee),
            amount: ticket.amount,
            refunded: ticket.refunded,
            eventCancelled: ticket.eventCancelled,
            maskedEmail: mask(ticket.attendee.email),
          },
        }),
      );
    },
  );

  app.get(
    '/registrations/:id/event.ics',
    { schema: { hide: true, params: RegistrationParams } },
    async ({ params: { id } }, reply) => {
      const ticket = await findTicket(database, id);
      if (ticket?.status !== 'confirmed') throw new Problem('unknown-registration');
      return reply
        .headers({ ...PRIVATE, 'content-disposition': 'attachment; filename="event.ics"' })
        .type('text/calendar; charset=utf-8')
        .send(calendarFile({ ...ticket, ...linksOf(config.publicUrl, id) }));
    },
  );
}

/** `a•••@example.org`: enough to recognize your own address, too little to learn somebody else's. */
const mask = (email: string) => email.replace(/^(.).*(?=@)/, '$1•••');
