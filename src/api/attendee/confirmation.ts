/** The link that confirms an e-mail address. To open it shows a button, because mail scanners open links, too. */
import formbody from '@fastify/formbody';
import { WorkflowNotFoundError } from '@temporalio/common';
import Type from 'typebox';
import { findHeldEvent, isAwaited } from '../../database/registrations.ts';
import { statusUrl } from '../../registration.ts';
import { confirmEmail } from '../../temporal/runs.ts';
import { confirmationPage } from '../../web/attendee/pages.ts';
import type { App } from '../dependencies.ts';
import type { RouteDependencies } from '../limits.ts';
import { Problem, unavailable } from '../problem.ts';
import { frameOf } from '../frame.ts';
import { PRIVATE } from './pages.ts';
import { RegistrationId } from './schemas.ts';

const LinkParams = Type.Object({ id: RegistrationId, token: RegistrationId });

export function confirmationRoutes(app: App, dependencies: RouteDependencies): void {
  const { config, database, temporal, limits } = dependencies;
  const path = '/registrations/:id/confirm/:token';
  const schema = { hide: true, params: LinkParams } as const;
  const page = { isPage: true } as const;
  // A path, because a form may only lead to its own origin.
  const toStatus = (id: string) => statusUrl('', id);

  app.get(path, { schema, config: page, onRequest: limits.onRequest }, async (request, reply) => {
    const { id, token } = request.params;
    // What has become of the registration says its page, which the link leads to from then on.
    if (!(await isAwaited(database, id, token))) return reply.headers(PRIVATE).redirect(toStatus(id));
    const event = await findHeldEvent(database, id);
    if (!event) throw new Problem('unknown-registration');
    const frame = frameOf(request, reply.headers(PRIVATE), config);
    return reply.send(confirmationPage(frame, { event }));
  });

  void app.register((forms: App, _options: object, done: () => void) => {
    void forms.register(formbody);
    forms.post(path, { schema, config: page, onRequest: limits.onRequest }, async (request, reply) => {
      const { id, token } = request.params;
      if (await isAwaited(database, id, token))
        await confirmEmail(temporal, id, token).catch((error: unknown) => {
          if (!(error instanceof WorkflowNotFoundError)) throw unavailable();
        });
      return reply.headers(PRIVATE).redirect(toStatus(id), 303);
    });
    done();
  });
}
