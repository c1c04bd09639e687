/** Forms of the organizers' pages: each carries a token that was made for the session (OWASP, Synchronizer Token Pattern). */
import { Tokens } from '@fastify/csrf';
import formbody from '@fastify/formbody';
import multipart from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import type { Session } from '../../database/sessions.ts';
import type { MessageKey } from '../../messages/index.ts';
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
  app.addHook('preValidation', async (request) => {
    if (request.method !== 'POST') return;
    if (isWithFiles(request)) request.body = await readParts(request);
    request.body = fieldsOf(request);
  });
}

declare module 'fastify' {
  interface FastifyInstance {
    /** What somebody is told whose file is too large; null: what everybody is told. */
    fileTooLarge: MessageKey | null;
  }
}

/**
 * Makes the routes of an app take forms with files as well; a file, or a field, has at most so many bytes. `tooLarge` says so in words
 * of these routes.
 */
export async function acceptFiles(
  app: App,
  bytes: number,
  tooLarge: MessageKey | null = null,
): Promise<void> {
  app.decorate('fileTooLarge', tooLarge);
  await app.register(multipart, {
    limits: { fileSize: bytes, fieldSize: bytes, fields: MOST_FIELDS, files: 1, parts: MOST_FIELDS + 1 },
  });
}
const MOST_FIELDS = 10;

/** Only the routes of {@link acceptFiles} take such a form. */
const isWithFiles = (request: FastifyRequest): boolean =>
  (request as Partial<FastifyRequest>).isMultipart?.() ?? false;

/** The fields of a form with files. A file is a Buffer, and empty where none was chosen. */
async function readParts(request: FastifyRequest): Promise<Record<string, unknown>> {
  const fields: [string, unknown][] = [];
  try {
    for await (const part of request.parts()) {
      if (part.type === 'file') fields.push([part.fieldname, await part.toBuffer()]);
      else if (part.valueTruncated) throw new Problem('too-large');
      else fields.push([part.fieldname, part.value]);
    }
  } catch (error) {
    // Whatever else the parser complains about, the request is no form that a browser sends.
    const isTooLarge =
      error instanceof Problem || (Object(error) as { statusCode?: unknown }).statusCode === 413;
    const detail = request.server.fileTooLarge;
    throw new Problem(isTooLarge ? 'too-large' : 'malformed-request', isTooLarge && detail ? { detail } : {});
  }
  return Object.fromEntries(fields);
}

/** The fields that are filled in, without the token. @throws Problem `form-not-accepted` without a token of the session */
function fieldsOf(request: FastifyRequest): Record<string, unknown> {
  const { _csrf: token, ...fields } = Object(request.body) as Record<string, unknown>;
  const isValid = () => typeof token === 'string' && tokens.verify(sessionOf(request).csrfSecret, token);
  if (accessOf(request) !== 'anybody' && !isValid()) throw new Problem('form-not-accepted');
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value !== '')
      .map(([name, value]) => [name, typeof value === 'string' ? value.replaceAll('\r\n', '\n') : value]),
  );
}
