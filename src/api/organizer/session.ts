/** Who sends a request: the session behind its cookie, and whether the route is for them. */
import type { CookieSerializeOptions } from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../../config.ts';
import { findSession, type Session } from '../../database/sessions.ts';
import { hash } from '../../hash.ts';
import { SESSION_DAYS } from '../../organizer.ts';
import type { Dependencies } from '../dependencies.ts';
import { Problem } from '../problem.ts';
import { accessOf, pageFor } from './access.ts';
import { isFromHere, isSafe } from './same-origin.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The session of the organizer who sends the request, if there is one. */
    session: Session | null;
  }
}

/**
 * No cache, search engine or other site learns of these pages. The pages themselves may: a browser that sends no referrer at all
 * does not say where a form comes from.
 */
export const PRIVATE = {
  'cache-control': 'no-store',
  'x-robots-tag': 'noindex',
  'referrer-policy': 'same-origin',
};

const isSecure = ({ publicUrl }: Pick<Config, 'publicUrl'>) => publicUrl.startsWith('https:');
/** With the prefix, a browser takes the cookie from this host by TLS only, and from no subdomain (RFC 6265bis, 4.1.3.2). */
export const sessionCookie = (config: Pick<Config, 'publicUrl'>) =>
  isSecure(config) ? '__Host-session' : 'session';
export const cookieOptions = (config: Pick<Config, 'publicUrl'>): CookieSerializeOptions => ({
  ...{ path: '/', httpOnly: true, sameSite: 'lax', secure: isSecure(config) },
});

/** Gives the browser a session. */
export const keepSession = (reply: FastifyReply, config: Config, token: string): FastifyReply =>
  reply.setCookie(sessionCookie(config), token, {
    ...cookieOptions(config),
    maxAge: SESSION_DAYS * 24 * 3600,
  });
export const forgetSession = (reply: FastifyReply, config: Config): FastifyReply =>
  reply.clearCookie(sessionCookie(config), cookieOptions(config));

/** The hash of the token in the cookie of a request, if it has one. */
export function tokenHashOf({ cookies }: FastifyRequest, config: Config): string | undefined {
  const token = cookies[sessionCookie(config)];
  return token === undefined ? undefined : hash(token);
}

/** The session of a request whose route asks for one. */
export function sessionOf({ session }: FastifyRequest): Session {
  if (!session) throw new Problem('not-signed-in');
  return session;
}

/** Where to sign in, to come back to a page; with `stale`, because the last sign-in is too long ago. */
const signInFor = (page: string, stale: boolean) =>
  `/organizer/sign-in?${new URLSearchParams({ to: page, ...(stale && { why: 'stale' }) }).toString()}`;

/** A hook that looks up the session. */
export const readSession =
  ({ config, database }: Dependencies) =>
  async (request: FastifyRequest): Promise<void> => {
    const tokenHash = tokenHashOf(request, config);
    if (tokenHash !== undefined) request.session = (await findSession(database, tokenHash)) ?? null;
  };

/** A hook for all pages of organizers: lets a request pass that comes from a page of this service, with a role that may send it. */
export function pageGuard(dependencies: Dependencies) {
  const read = readSession(dependencies);
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    void reply.headers(PRIVATE);
    const access = accessOf(request);
    if (!isSafe(request) && !isFromHere(request, dependencies.config)) throw new Problem('form-not-accepted');
    if (access === 'anybody') return undefined;
    await read(request);
    const { session } = request;
    if (!session) {
      if (!isSafe(request) || !request.routeOptions.config.isPage) throw new Problem('not-signed-in');
      return reply.redirect(signInFor(pageFor(request), false), 303);
    }
    if (!access.roles.includes(session.organizer.role)) throw new Problem('role-not-allowed');
    if (access.fresh && !session.isFresh) return reply.redirect(signInFor(pageFor(request), true), 303);
    return undefined;
  };
}
