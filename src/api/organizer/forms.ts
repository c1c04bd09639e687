/** Forms of the organizers' pages: each carries a token that was made for the session (OWASP, Synchronizer Token Pattern). */
import { Tokens } from '@fastify/csrf';
import formbody from '@fastify/formbody';
import type { FastifyRequest } from 'fastify';
import type { Session } from '../../database/sessions.ts';
import type { App } from '../dependencies.ts';
import { Problem } from '../problem.ts';
import { accessOf } from './access.ts';
import { sessionOf } from './session.ts';

const tokens = new Tokens({});

/** The secret that a new session gets. */
export const newCsrfSecret = (): string => tokens.secretSync();
/** The value of the field `_csrf`, another one for each page. */
export const csrfToken = ({ csrfSecret }: Session): string => tokens.create(csrfSecret);

/** Makes the routes of an app take forms and nothing else, and only with the token of their session. */
export async function acceptForms(app: App): Promise<void> {
  app.removeAllContentTypeParsers();
  await app.register(formbody);
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.method === 'POST') request.body = fieldsOf(request);
    done();
  });
}

/** The fields that are filled in, without the token. @throws Problem `form-not-accepted` without a token of the session */
function fieldsOf(request: FastifyRequest): Record<string, unknown> {
  const { _csrf: token, ...fields } = Object(request.body) as Record<string, unknown>;
  const isValid = () => typeof token === 'string' && tokens.verify(sessionOf(request).csrfSecret, token);
  if (accessOf(request) !== 'anybody' && !isValid()) throw new Problem('form-not-accepted');
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
}
