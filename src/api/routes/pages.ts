import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { Check } from 'typebox/value';
import { eventsOnSale } from '../../database/events.ts';
import { findHeldEvent, findTicket } from '../../database/orders.ts';
import { HOLD_MINUTES } from '../../database/seats.ts';
import { Slug } from '../../form.ts';
import { isLanguage, speak } from '../../messages.ts';
import { linksOf } from '../../reference.ts';
import { calendarFile } from '../../web/calendar.ts';
import { eventsPage, formPage, problemPage, statusPage, type Frame } from '../../web/render.ts';
import type { App, Dependencies } from '../dependencies.ts';
import { LANGUAGE_COOKIE, languageOf, sayLanguage } from '../language.ts';
import { Problem, problemBody } from '../problem.ts';
import { RegistrationId, RegistrationParams } from '../schemas.ts';
import { canChange, readStatus } from '../status.ts';

const YEAR_S = 365 * 24 * 3600;
/** Only who was given the address may see the page, and no cache, search engine or next site learns of it. */
const PRIVATE = {
  'cache-control': 'no-store',
  'x-robots-tag': 'noindex',
  'referrer-policy': 'no-referrer',
};

export function pageRoutes(app: App, dependencies: Dependencies): void {
  const { config, database } = dependencies;
  const secure = config.publicUrl.startsWith('https:');

  /** What every page shares; a language that was chosen is remembered. */
  function frame(request: FastifyRequest, reply: FastifyReply): Frame {
    const language = languageOf(request);
    const { lang } = request.query as { lang?: unknown };
    if (isLanguage(lang))
      void reply.setCookie(LANGUAGE_COOKIE, lang, {
        ...{ path: '/', maxAge: YEAR_S, sameSite: 'lax', httpOnly: true },
        secure,
      });
    sayLanguage(reply.type('text/html; charset=utf-8'), language);
    return { speech: speak(language), path: request.url, privacyUrl: config.privacyUrl ?? null };
  }

  app.get(
    '/',
    { schema: { hide: true, querystring: Type.Object({ event: Type.Optional(Slug) }) } },
    async (request, reply) => {
      const page = frame(request, reply);
      const events = await eventsOnSale(database, request.query.event);
      const [event] = events;
      const { webUrl, clientId } = config.paypal;
      const body =
        event && events.length === 1
          ? formPage(page, { event, paypal: { webUrl, clientId }, holdMinutes: HOLD_MINUTES })
          : eventsPage(page, events);
      // What is left changes by the minute.
      return reply.header('cache-control', 'no-store').send(body);
    },
  );

  app.get(
    '/registrations/:id',
    { schema: { hide: true, params: Type.Object({ id: Type.String() }) } },
    async (request, reply) => {
      const { id } = request.params;
      const page = frame(request, reply.headers(PRIVATE));
      try {
        const registration = Check(RegistrationId, id) ? await readStatus(dependencies, id) : undefined;
        if (!registration) throw new Problem('unknown-registration');
        // Without the database there is less to see, but the truth about the payment.
        const ticket = await findTicket(database, id).catch(() => undefined);
        const event = ticket?.event ?? (await findHeldEvent(database, id).catch(() => undefined));
        return await reply.send(
          statusPage(page, {
            registration,
            moving: canChange(registration),
            event,
            ticket: ticket && {
              name: ticket.ticketType.name,
              maskedEmail: mask(ticket.attendee.email),
            },
          }),
        );
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        const body = problemBody(error, page.speech.language);
        return reply.code(body.status).send(problemPage(page, body));
      }
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

/** `a•••@example.org`: enough to recognize one's own address, too little to learn another's. */
const mask = (email: string) => email.replace(/^(.).*(?=@)/, '$1•••');
