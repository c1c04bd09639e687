import Type from 'typebox';
import { Check } from 'typebox/value';
import { eventsOnSale } from '../../database/events.ts';
import { findOrder } from '../../database/orders.ts';
import { Slug } from '../../form.ts';
import { eventsPage, formPage, problemPage, statusPage } from '../../web/render.ts';
import type { App, Dependencies } from '../dependencies.ts';
import { Problem, problemBody } from '../problem.ts';
import { RegistrationId } from '../schemas.ts';
import { readStatus } from '../status.ts';
import { eventView } from './events.ts';

export function pageRoutes(app: App, dependencies: Dependencies): void {
  const { config, database } = dependencies;
  const page = { schema: { hide: true } } as const;
  const html = 'text/html; charset=utf-8';

  app.get(
    '/',
    { schema: { ...page.schema, querystring: Type.Object({ event: Type.Optional(Slug) }) } },
    async ({ query }, reply) => {
      const events = (await eventsOnSale(database, query.event)).map(eventView);
      const [event] = events;
      const paypal = { webUrl: config.paypal.webUrl, clientId: config.paypal.clientId };
      const body =
        event && events.length === 1
          ? formPage({ event, paypal, privacyUrl: config.privacyUrl ?? null })
          : eventsPage({ events });
      // What is left changes by the minute.
      return reply.type(html).header('cache-control', 'no-store').send(body);
    },
  );

  app.get(
    '/registrations/:id',
    { schema: { ...page.schema, params: Type.Object({ id: Type.String() }) } },
    async ({ params: { id } }, reply) => {
      void reply.type(html).headers({
        'cache-control': 'no-store',
        'x-robots-tag': 'noindex',
        'referrer-policy': 'no-referrer',
      });
      try {
        const registration = Check(RegistrationId, id) ? await readStatus(dependencies, id) : undefined;
        if (!registration) throw new Problem('unknown-registration');
        const order = await findOrder(database, id).catch(() => undefined);
        const [event] = order ? await eventsOnSale(database, order.event) : [];
        return await reply.send(
          statusPage({
            registration,
            maskedEmail: order ? mask(order.email) : null,
            event: event ? eventView(event) : null,
          }),
        );
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        const body = problemBody(error.problem, error.extra);
        return reply.code(body.status).send(problemPage(body));
      }
    },
  );
}

/** `a•••@example.org`: enough to recognize one's own address, too little to learn another's. */
const mask = (email: string) => email.replace(/^(.).*(?=@)/, '$1•••');
