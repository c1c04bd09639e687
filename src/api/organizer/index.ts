/** What organizers use: their pages, and the codec of Temporal's Web UI. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import type { Dependencies } from '../dependencies.ts';
import { answerErrors } from '../problem.ts';
import { requireAccess } from './access.ts';
import { addRoutes } from './add.ts';
import { organizerGuard } from './authentication.ts';
import { codecRoutes } from './codec.ts';
import { cancelEventRoutes } from './cancel-event.ts';
import { eventRoutes } from './event.ts';
import { eventsRoutes } from './events.ts';
import { exportRoutes } from './exports.ts';
import { acceptForms } from './forms.ts';
import { importRoutes } from './import.ts';
import { dashboardRoutes } from './dashboard.ts';
import { listRoutes } from './list.ts';
import { peopleRoutes } from './people.ts';
import { showToOrganizer } from './problems.ts';
import { pageGuard } from './session.ts';
import { questionRoutes } from './questions.ts';
import { registrationRoutes } from './registrations.ts';
import { signInRoutes } from './sign-in.ts';

export async function organizerRoutes(instance: FastifyInstance, dependencies: Dependencies): Promise<void> {
  requireAccess(instance);
  instance.decorateRequest('session', null);
  answerErrors(instance, showToOrganizer(dependencies.config));
  await instance.register(pages, dependencies);
  await instance.register(codec, dependencies);
}

async function pages(instance: FastifyInstance, dependencies: Dependencies): Promise<void> {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  app.addHook('onRequest', pageGuard(dependencies));
  await acceptForms(app);
  for (const routes of [
    ...[signInRoutes, dashboardRoutes, listRoutes, addRoutes, registrationRoutes, questionRoutes],
    ...[eventsRoutes, cancelEventRoutes, exportRoutes, peopleRoutes],
  ])
    routes(app, dependencies);
  for (const routes of [importRoutes, eventRoutes]) await app.register(routes, dependencies);
}

function codec(instance: FastifyInstance, dependencies: Dependencies, done: () => void): void {
  const { encryptionKeys } = dependencies.config;
  if (encryptionKeys.length > 0) {
    const app = instance.withTypeProvider<TypeBoxTypeProvider>();
    app.addHook('onRequest', organizerGuard(app, dependencies));
    codecRoutes(app, encryptionKeys);
  }
  done();
}
