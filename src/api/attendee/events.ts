import Type from 'typebox';
import { eventsOnSale, type Event } from '../../database/events.ts';
import { EventId } from '../../form.ts';
import type { App, Dependencies } from '../dependencies.ts';
import { Problem, problemResponses } from '../problem.ts';
import { EventBody, price } from './schemas.ts';

/** An event as the HTTP API and the pages show it. */
export const eventView = ({
  seller: _s,
  description: _d,
  pictureHash: _p,
  pictureAlt: _a,
  questions,
  ...event
}: Event) => ({
  ...event,
  ...(questions.length > 0 && { questions }),
  ticketTypes: event.ticketTypes.map(({ soldOut: _pageOnly, ...ticketType }) => ({
    ...ticketType,
    price: price(ticketType.price),
  })),
});

export function eventRoutes(app: App, { database }: Dependencies): void {
  app.get(
    '/api/events',
    {
      schema: {
        summary: 'The events on sale',
        response: { 200: Type.Array(EventBody), ...problemResponses(503) },
      },
    },
    async () => (await eventsOnSale(database)).map(eventView),
  );

  app.get(
    '/api/events/:event',
    {
      schema: {
        summary: 'One event on sale, and what is left',
        params: Type.Object({ event: EventId }),
        response: { 200: EventBody, ...problemResponses(404, 503) },
      },
    },
    async ({ params }) => {
      const [event] = await eventsOnSale(database, params.event);
      if (!event) throw new Problem('not-found', { detail: 'problem.not-found.event' });
      return eventView(event);
    },
  );
}
