/** Who may use the codec, and which pages may read what they are answered. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../../config.ts';
import type { App, Dependencies } from '../dependencies.ts';
import { refuseExceeded, refuseOver } from '../limits.ts';
import { addressOf } from '../origin.ts';
import { Problem } from '../problem.ts';
import { accessOf } from './access.ts';
import { isFromHere, isSafe, LOOPBACK } from './same-origin.ts';
import { readSession } from './session.ts';

/** Wrong passwords per minute from one address. */
const GUESSES = 10;

/**
 * A hook for the codec: lets Temporal's Web UI read the answers, and answers organizers only, who have the password or are signed
 * in with a role that may.
 */
export function organizerGuard(app: App, dependencies: Dependencies) {
  const { config } = dependencies;
  const { organizerPassword, temporalUiUrl } = config;
  const read = readSession(dependencies);
  const uiOrigin = temporalUiUrl && new URL(temporalUiUrl).origin;
  const guesses = app.createRateLimit({ max: GUESSES, timeWindow: '1 minute' });
  const guessesTogether = app.createSharedLimit('guesses', { max: GUESSES, seconds: 60 });

  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (uiOrigin && request.headers.origin === uiOrigin) allowOrigin(reply, uiOrigin);
    // A browser asks without a password what it may send.
    if (request.method === 'OPTIONS' || isOnThisMachine(config, request, uiOrigin)) return;
    const given = givenPassword(request);
    const isRight = given !== undefined && organizerPassword !== '' && isSame(given, organizerPassword);
    // After too many guesses the right password is refused as well: it might be one more guess. A request without a password,
    // as a browser sends it at first, is none.
    refuseExceeded(await guesses(request, { increment: given !== undefined && !isRight }));
    if (given !== undefined) refuseOver(await guessesTogether[isRight ? 'look' : 'add'](addressOf(request)));
    if (isRight || (await isSignedIn(request))) return;
    void reply.header('www-authenticate', 'Basic realm="organizers", charset="UTF-8"');
    throw new Problem('organizers-only');
  };

  /** Whether the browser has a session that may. Only pages of this service and of the Web UI may use it. */
  async function isSignedIn(request: FastifyRequest): Promise<boolean> {
    const access = accessOf(request);
    const { origin } = request.headers;
    const isOurs = isSafe(request) || isFromHere(request, config) || origin === uiOrigin;
    await read(request);
    if (!request.session || !isOurs || access === 'anybody') return false;
    if (!access.roles.includes(request.session.organizer.role)) throw new Problem('role-not-allowed');
    return true;
  }
}

/** Only pages of the Web UI may read the answers. Browsers ask first (WHATWG Fetch, CORS protocol). */
function allowOrigin(reply: FastifyReply, origin: string): void {
  void reply.headers({
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    'access-control-allow-headers': 'authorization, content-type, x-namespace',
    'access-control-allow-methods': 'POST',
    'cross-origin-resource-policy': 'cross-origin',
    vary: 'origin',
  });
}

/** The password of HTTP Basic (RFC 7617), if there is one. The user name does not matter. */
function givenPassword({ headers }: FastifyRequest): string | undefined {
  const [, encoded] = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(headers.authorization ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const credentials = Buffer.from(encoded, 'base64').toString();
  return credentials.slice(credentials.indexOf(':') + 1);
}

/** Hashes are compared, so that the time tells nothing. */
function isSame(given: string, password: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(password));
}

/**
 * On a machine that serves nobody else (`npm start`) the Web UI needs no password: its user can read the key itself. A page
 * of another site that is open in a browser there has another origin, also when its name leads to this machine, and then it
 * asks for that name; a proxy would serve another address.
 */
function isOnThisMachine({ host, publicUrl }: Config, { ip, headers }: FastifyRequest, uiOrigin?: string) {
  const asked = (headers.host ?? '').replace(/:\d+$/, '');
  const isLocal = [host, new URL(publicUrl).hostname, ip, asked].every((name) => LOOPBACK.test(name));
  return (
    isLocal &&
    uiOrigin !== undefined &&
    LOOPBACK.test(new URL(uiOrigin).hostname) &&
    headers.origin === uiOrigin &&
    headers['x-forwarded-for'] === undefined
  );
}
