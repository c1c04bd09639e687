import { startPage } from '../../web/organizer/pages.ts';
import type { App, Dependencies } from '../dependencies.ts';
import { organizerFrame } from './frame.ts';

/** The page that organizers see first. */
export function startRoutes(app: App, { config }: Dependencies): void {
  app.get('/organizer', { schema: { hide: true }, config: { isPage: true } }, (request, reply) =>
    reply.send(startPage(organizerFrame(request, reply, config))),
  );
}
