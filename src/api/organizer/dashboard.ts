/** The page that organizers see first: the numbers of an event, and what needs attention. */
import { countAttention } from '../../database/desk/attention.ts';
import { listShownEvents, readFigures } from '../../database/desk/dashboard.ts';
import { JOB } from '../../registrations/attention.ts';
import { dashboardPage } from '../../web/organizer/dashboard.ts';
import type { App, Dependencies } from '../dependencies.ts';
import { mayOpen } from './access.ts';
import { organizerFrame } from './frame.ts';
import { sessionOf } from './session.ts';

export function dashboardRoutes(app: App, { config, database }: Dependencies): void {
  app.get('/organizer', { schema: { hide: true }, config: { isPage: true } }, async (request, reply) => {
    const { event: wanted } = request.query as Record<string, unknown>;
    // Whoever may not see registrations sees neither money nor what is wrong with one.
    const money = mayOpen(sessionOf(request).organizer.role, '/organizer/registrations');
    const [events, attention] = await Promise.all([
      listShownEvents(database),
      money ? countAttention(database, JOB) : undefined,
    ]);
    const event = events.find(({ id }) => id === wanted) ?? events[0];
    const figures = event && (await readFigures(database, event, { money }));
    return reply.send(
      dashboardPage(organizerFrame(request, reply, config), { events, event, figures, attention, money }),
    );
  });
}
