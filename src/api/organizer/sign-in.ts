/** Signing in by a link that is mailed to the address, and signing out. There are no passwords. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { endSession, startSession } from '../../database/sessions.ts';
import { findOrganizerId } from '../../database/organizers.ts';
import { hash } from '../../hash.ts';
import { LINK_MINUTES, OrganizerEmail } from '../../organizer.ts';
import { probeTemporal } from '../../temporal/client.ts';
import { startSignIn } from '../../temporal/runs.ts';
import { newToken } from '../../token.ts';
import { linkPage, sentPage, signInPage } from '../../web/organizer/pages.ts';
import { traceOf } from '../../trace.ts';
import type { App, Dependencies } from '../dependencies.ts';
import { languageOf } from '../language.ts';
import { refuseExceeded, refuseOver } from '../limits.ts';
import { addressOf } from '../origin.ts';
import { prefersPage } from '../page.ts';
import { Problem, unavailable } from '../problem.ts';
import { newCsrfSecret } from './forms.ts';
import { organizerFrame } from './frame.ts';
import { localPath } from './local-path.ts';
import { cookieOptions, forgetSession, keepSession, tokenHashOf } from './session.ts';

/** Requests for a link from one IP address; more are no office that comes to work. */
const REQUESTS = { name: 'sign-in', max: 20, seconds: 600 };
/** Keeps the page that was asked for first, until the sign-in leads there. */
const TO_COOKIE = 'sign-in-to';

export function signInRoutes(app: App, dependencies: Dependencies): void {
  const { config, database, temporal, taskQueue } = dependencies;
  const { rateLimit } = config;
  const page = { isPage: true } as const;
  const hidden = { hide: true } as const;
  const limit = ({ name, max, seconds }: { name: string; max: number; seconds: number }) => {
    if (rateLimit === 0) return [];
    const here = app.createRateLimit({ max, timeWindow: seconds * 1000, keyGenerator: addressOf });
    const together = app.createSharedLimit(name, { max, seconds });
    return [
      async (request: FastifyRequest) => {
        refuseExceeded(await here(request));
        refuseOver(await together.add(addressOf(request)));
      },
    ];
  };

  app.get('/organizer/sign-in', { schema: hidden, config: page }, (request, reply) => {
    const frame = organizerFrame(request, reply, config);
    const { to, why, sent } = request.query as Record<string, unknown>;
    if (sent !== undefined) return reply.send(sentPage(frame));
    return reply.send(signInPage(frame, { to: localPath(to), isStale: why === 'stale', isFaulty: false }));
  });

  app.post(
    '/organizer/sign-in',
    {
      schema: { ...hidden, body: Type.Object({ email: OrganizerEmail, to: Type.Optional(Type.String()) }) },
      attachValidation: true,
      onRequest: limit(REQUESTS),
    },
    async (request, reply) => {
      const { email, to } = request.body;
      const page = localPath(to);
      if (request.validationError) {
        if (!prefersPage(request)) throw request.validationError;
        const frame = organizerFrame(request, reply, config);
        return reply.code(422).send(signInPage(frame, { to: page, isStale: false, isFaulty: true }));
      }
      // For an address that nobody has, the same is done: a run is started, and the answer says nothing.
      const organizer = (await findOrganizerId(database, email)) ?? null;
      await probeTemporal(temporal)
        .then(() => startSignIn(temporal, organizer, taskQueue))
        .catch((error: unknown) => {
          request.log.error({ error: traceOf(error) }, 'sign-in not started');
          throw unavailable();
        });
      keepPage(reply, page);
      return reply.redirect('/organizer/sign-in?sent=yes', 303);
    },
  );

  // Mail scanners open links, too, so the page only has a button. It does not say whether the link can be used.
  app.get('/organizer/sign-in/:token', { schema: hidden, config: page }, (request, reply) =>
    reply.send(linkPage(organizerFrame(request, reply, config))),
  );

  app.post(
    '/organizer/sign-in/:token',
    {
      schema: { ...hidden, params: Type.Object({ token: Type.String() }) },
      onRequest: limit({ name: 'sign-in-links', max: rateLimit, seconds: 60 }),
    },
    async (request, reply) => {
      const token = newToken();
      const session = {
        ...{ tokenHash: hash(token), csrfSecret: newCsrfSecret(), language: languageOf(request) },
      };
      if (!(await startSession(database, hash(request.params.token), session)))
        throw new Problem('link-over');
      await endOf(request);
      const page = localPath(request.cookies[TO_COOKIE]) ?? '/organizer';
      void keepSession(reply.clearCookie(TO_COOKIE, cookieOptions(config)), config, token);
      return reply.redirect(page, 303);
    },
  );

  app.post('/organizer/sign-out', { schema: hidden }, async (request, reply) => {
    await endOf(request);
    return forgetSession(reply, config).redirect('/organizer/sign-in', 303);
  });

  /** Ends the session that the browser has, if any: a browser has one at a time. */
  async function endOf(request: FastifyRequest): Promise<void> {
    const tokenHash = tokenHashOf(request, config);
    if (tokenHash !== undefined) await endSession(database, tokenHash);
  }

  function keepPage(reply: FastifyReply, to: string | undefined): void {
    if (to === undefined) void reply.clearCookie(TO_COOKIE, cookieOptions(config));
    else void reply.setCookie(TO_COOKIE, to, { ...cookieOptions(config), maxAge: LINK_MINUTES * 60 });
  }
}
