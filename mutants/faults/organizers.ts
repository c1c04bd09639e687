import type { Fault } from '../fault.ts';

const sessions = 'src/database/sessions.ts';
const people = 'src/database/organizers.ts';
const guard = 'src/api/organizer/session.ts';
const forms = 'src/api/organizer/forms.ts';
const signIn = 'src/api/organizer/sign-in.ts';
const codec = 'src/api/organizer/authentication.ts';
const attacks = 'test/security/organizer-sessions.test.ts';
const access = 'test/api/organizer/access.test.ts';
const way = 'test/api/organizer/sign-in.test.ts';
const decisions = 'test/api/organizer/people.test.ts';
const codecs = 'test/security/codec.test.ts';

/** How organizers sign in, what each role may do, and who decides about people. */
export const ORGANIZERS: Fault[] = [
  {
    name: 'organizers: a link can be used twice',
    file: sessions,
    find: 'and l.used_at is null and l.expires_at',
    replace: 'and l.expires_at',
    caughtBy: { [way]: 'one session, however often' },
  },
  {
    name: 'organizers: a link never expires',
    file: sessions,
    find: 'and l.expires_at > now()',
    replace: '',
    caughtBy: { [way]: 'has expired' },
  },
  {
    name: 'organizers: a link of somebody who was removed signs in',
    file: sessions,
    find: 'and o.id = l.organizer_id and o.removed_at is null',
    replace: 'and o.id = l.organizer_id',
    caughtBy: { [attacks]: 'person was removed' },
  },
  {
    name: 'organizers: to open a link uses it up',
    file: signIn,
    find: `(request, reply) =>
    reply.send(linkPage(organizerFrame(request, reply, config))),`,
    replace: `async (request, reply) => {
      const used = { tokenHash: newToken(), csrfSecret: 'x', language: languageOf(request) };
      await startSession(database, hash((request.params as { token: string }).token), used);
      return reply.send(linkPage(organizerFrame(request, reply, config)));
    },`,
    caughtBy: { [way]: 'shows a button' },
  },
  {
    name: 'organizers: the token of a link is stored as it is',
    file: 'src/activities/sign-in.ts',
    find: 'tokenHash: hash(token)',
    replace: 'tokenHash: token',
    caughtBy: { [way]: 'mails a link that shows a button' },
  },
  {
    name: 'organizers: the token of a session is stored as it is',
    file: guard,
    find: 'return token === undefined ? undefined : hash(token);',
    replace: 'return token;',
    caughtBy: { [attacks]: 'what the database stores' },
  },
  {
    name: 'organizers: a session goes on when the person is removed',
    file: sessions,
    find: 'and o.removed_at is null and s.expires_at',
    replace: 'and s.expires_at',
    caughtBy: { [attacks]: 'person was removed' },
  },
  {
    name: 'organizers: removal leaves the sessions',
    file: people,
    find: `  await endSessions(trx, id);
  await trx('organizers').where({ id }).update({ removed_at`,
    replace: `  await trx('organizers').where({ id }).update({ removed_at`,
    caughtBy: { [attacks]: 'person was removed' },
  },
  {
    name: 'organizers: a changed role leaves the sessions',
    file: people,
    find: 'if (role !== person.role) await endSessions(trx, id);',
    replace: '',
    caughtBy: { [decisions]: 'a changed role' },
  },
  {
    name: 'organizers: a session never ends while nobody uses it',
    file: sessions,
    find: `         and s.last_seen_at > now() - interval '\${SESSION_IDLE_HOURS} hours'
`,
    replace: '',
    caughtBy: { [attacks]: 'twelve hours', [access]: 'one that is over' },
  },
  {
    name: 'organizers: a session ends twelve hours after the sign-in, used or not',
    file: sessions,
    find: 'set last_seen_at = now() from found',
    replace: 'set last_seen_at = s.last_seen_at from found',
    caughtBy: { [attacks]: 'twelve hours' },
  },
  {
    name: 'organizers: a session has no longest life',
    file: sessions,
    find: 'and s.expires_at > now()',
    replace: '',
    caughtBy: { [access]: 'one that is over' },
  },
  {
    name: 'organizers: the browser keeps the session of before',
    file: signIn,
    find: `throw new Problem('link-over');
      await endOf(request);`,
    replace: `throw new Problem('link-over');`,
    caughtBy: { [attacks]: 'signs in again' },
  },
  {
    name: 'organizers: a sign-out leaves the session',
    file: signIn,
    find: `(request, reply) => {
    await endOf(request);
    return forgetSession`,
    replace: `(_request, reply) => {
    await Promise.resolve();
    return forgetSession`,
    caughtBy: { [way]: 'signs out' },
  },
  {
    name: 'organizers: scripts may read the cookie',
    file: guard,
    find: 'httpOnly: true',
    replace: 'httpOnly: false',
    caughtBy: { [attacks]: 'by TLS only' },
  },
  {
    name: 'organizers: other sites send the cookie along',
    file: guard,
    find: `sameSite: 'lax'`,
    replace: `sameSite: 'none'`,
    caughtBy: { [attacks]: 'by TLS only' },
  },
  {
    name: 'organizers: a subdomain may set the cookie',
    file: guard,
    find: `isSecure(config) ? '__Host-session' : 'session'`,
    replace: `isSecure(config) ? 'session' : 'session'`,
    caughtBy: { [attacks]: 'by TLS only' },
  },
  {
    name: 'organizers: nobody asks which role may use a route',
    file: guard,
    find: `if (!access.roles.includes(session.organizer.role)) throw new Problem('role-not-allowed');`,
    replace: '',
    caughtBy: { [access]: 'answers the role' },
  },
  {
    name: 'organizers: no route asks for a fresh sign-in',
    file: guard,
    find: 'if (access.fresh && !session.isFresh)',
    replace: 'if (access.fresh && session.isFresh === null)',
    caughtBy: { [access]: 'must be fresh', [way]: 'too long ago' },
  },
  {
    name: 'organizers: a route without a rule starts',
    file: 'src/api/organizer/access.ts',
    find: 'if (!accessTo(url, name))',
    replace: 'if (url === name)',
    caughtBy: { [access]: 'not in the table' },
  },
  {
    name: 'organizers: more roles than the owner see who has access',
    file: 'src/api/organizer/access.ts',
    find: `GET: { ...owners, fresh: true }`,
    replace: `GET: { ...organizers, fresh: true }`,
    caughtBy: { [access]: 'only owners decide' },
  },
  {
    name: 'organizers: a form needs no token',
    file: forms,
    find: `if (accessOf(request) !== 'anybody' && !isValid())`,
    replace: 'if (token === isValid)',
    caughtBy: { [access]: 'token of its own session' },
  },
  {
    name: 'organizers: the token of any session is good for a form',
    file: forms,
    find: 'tokens.verify(sessionOf(request).csrfSecret, token)',
    replace: `sessionOf(request).csrfSecret !== '' && token.length > 20`,
    caughtBy: { [access]: 'token of its own session' },
  },
  {
    name: 'organizers: a page of any site may send a form',
    file: guard,
    find: 'if (!isSafe(request) && !isFromHere(request, dependencies.config))',
    replace: 'if (!isSafe(request) && isFromHere === undefined)',
    caughtBy: { [access]: 'page of this site', [attacks]: 'signs nobody in or out' },
  },
  {
    name: 'organizers: a request that does not say where it is from passes',
    file: 'src/api/organizer/same-origin.ts',
    find: `if (origin === undefined) return site === 'same-origin';`,
    replace: 'if (origin === undefined) return site !== "cross-site";',
    caughtBy: { [access]: 'page of this site' },
  },
  {
    name: 'organizers: whoever names itself as it is called is this service',
    file: 'src/api/organizer/same-origin.ts',
    find: '(isLocal && origin === `http://${host}`)',
    replace: 'origin === `http://${host}`',
    caughtBy: { [attacks]: 'reaches npm start' },
  },
  {
    name: 'organizers: the sign-in leads to another site',
    file: 'src/api/organizer/local-path.ts',
    find: 'return origin === here && isPage ? pathname + search : undefined;',
    replace: 'return origin === here || isPage ? address : undefined;',
    caughtBy: { [way]: 'no sign-in leads to', [attacks]: 'leads to no other site' },
  },
  {
    name: 'organizers: the cookie says where the sign-in leads',
    file: signIn,
    find: 'localPath(request.cookies[TO_COOKIE])',
    replace: 'request.cookies[TO_COOKIE]',
    caughtBy: { [attacks]: 'leads to no other site' },
  },
  {
    name: 'organizers: no run is started for an unknown address',
    file: signIn,
    find: '.then(() => startSignIn(temporal, organizer, taskQueue))',
    replace: '.then(() => (organizer === null ? undefined : startSignIn(temporal, organizer, taskQueue)))',
    caughtBy: { [attacks]: 'what is done' },
  },
  {
    name: 'organizers: an unknown address is told so',
    file: signIn,
    find: `return reply.redirect('/organizer/sign-in?sent=yes', 303);`,
    replace: 'return reply.redirect(`/organizer/sign-in?sent=${organizer === null ? "no" : "yes"}`, 303);',
    caughtBy: { [attacks]: 'any part of an answer' },
  },
  {
    name: 'organizers: somebody else can use up the mails of an organizer',
    file: sessions,
    find: '(others.in_hour >= MAILS.atOnce && others.in_pause > 0)',
    replace: 'others.in_hour >= 10',
    caughtBy: { [attacks]: 'cannot use up the mails' },
  },
  {
    name: 'organizers: an organizer gets a mail for each request',
    file: sessions,
    find: 'if (isLimited && isTooMuch) return false;',
    replace: 'if (isLimited && isTooMuch) await Promise.resolve();',
    caughtBy: { [attacks]: 'ten an hour' },
  },
  {
    name: 'organizers: a request that is tried again is limited by itself',
    file: sessions,
    find: 'where organizer_id = ? and request <> ? and',
    replace: `where organizer_id = ? and request <> ? || '!' and`,
    caughtBy: { [attacks]: 'tried again once' },
  },
  {
    name: 'organizers: one IP address may ask for any number of links',
    file: signIn,
    find: 'onRequest: limit(REQUESTS),',
    replace: '',
    caughtBy: { [attacks]: 'twenty requests' },
  },
  {
    name: 'organizers: RATE_LIMIT does not turn the limits off',
    file: 'src/activities/sign-in.ts',
    find: 'config.rateLimit > 0',
    replace: 'config.rateLimit >= 0',
    caughtBy: { [attacks]: 'turns the limits off' },
  },
  {
    name: 'organizers: the last owner may go',
    file: people,
    find: 'return others.length === 0;',
    replace: 'return others.length < 0;',
    caughtBy: { [decisions]: 'the last owner', 'test/commands/organizer.test.ts': 'refuses the last owner' },
  },
  {
    name: 'organizers: two decisions about people at once',
    file: people,
    find: `locked(database, 'organizers', decide)`,
    replace: 'database.transaction((trx) => decide(trx))',
    caughtBy: { [decisions]: 'wait for each other' },
  },
  {
    name: 'organizers: an owner of before decides',
    file: 'src/api/organizer/people.ts',
    find: `if ((await findOrganizer(people, me))?.role !== 'owner') return { outcome: 'not-allowed' };`,
    replace: 'await findOrganizer(people, me);',
    caughtBy: { [decisions]: 'lost the role' },
  },
  {
    name: 'organizers: the same action has an effect again',
    file: 'src/database/actions.ts',
    find: 'if (before) return before;',
    replace: "if (before) await trx('organizer_actions').where({ action: key.action }).delete();",
    caughtBy: { [decisions]: 'one effect and one answer' },
  },
  {
    name: 'organizers: an action belongs to everybody',
    file: 'src/database/actions.ts',
    find: '.where({ organizer_id: organizer, action })',
    replace: '.where({ action })',
    caughtBy: { [decisions]: 'not that of another' },
  },
  {
    name: 'organizers: no password is a password',
    file: codec,
    find: `organizerPassword !== '' && isSame`,
    replace: 'isSame',
    caughtBy: { [codecs]: 'opened by no password' },
  },
  {
    name: 'organizers: every role reads what is encrypted',
    file: codec,
    find: `if (!access.roles.includes(request.session.organizer.role)) throw new Problem('role-not-allowed');`,
    replace: '',
    caughtBy: { [codecs]: 'session of the role' },
  },
  {
    name: 'organizers: a page of another site uses the session for the codec',
    file: codec,
    find: 'if (!request.session || !isOurs || access',
    replace: 'if (!request.session || isOurs === undefined || access',
    caughtBy: { [codecs]: 'page of another site' },
  },
  {
    name: 'organizers: the run of a sign-in tries without an end',
    file: 'src/workflows/options.ts',
    find: `{ ...UNTIL_DONE, scheduleToCloseTimeout: '15m' }`,
    replace: '{ ...UNTIL_DONE }',
    caughtBy: { 'test/workflows/sign-in.test.ts': 'quarter of an hour' },
  },
  {
    name: 'organizers: links and sessions that are over stay',
    file: 'src/database/purge.ts',
    find: '  await purgeSessions(database);\n',
    replace: '',
    caughtBy: { 'test/database/purge.test.ts': 'links and sessions' },
  },
];
