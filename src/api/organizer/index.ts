/** What organizers use: for now, the codec of Temporal's Web UI. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import type { Dependencies } from '../dependencies.ts';
import { showToAttendee } from '../attendee/problems.ts';
import { answerErrors } from '../problem.ts';
import { organizerGuard } from './authentication.ts';
import { codecRoutes } from './codec.ts';

export function organizerRoutes(instance: FastifyInstance, { config }: Dependencies, done: () => void): void {
  const { encryptionKeys, organizerPassword } = config;
  if (encryptionKeys.length > 0 && organizerPassword) {
    const app = instance.withTypeProvider<TypeBoxTypeProvider>();
    // Organizers have no pages of their own yet.
    answerErrors(app, showToAttendee(config));
    app.addHook('onRequest', organizerGuard(app, config));
    codecRoutes(app, encryptionKeys);
  }
  done();
}
