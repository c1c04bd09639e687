/** Organizers with each role, who sign in and use their pages over HTTP. */
import { randomUUID } from 'node:crypto';
import type { InjectOptions } from 'fastify';
import { addOrganizer, decideOnPeople } from '../../../src/database/organizers.ts';
import { addLink } from '../../../src/database/sessions.ts';
import { hash } from '../../../src/hash.ts';
import type { Organizer, Role } from '../../../src/organizer.ts';
import { newToken } from '../../../src/token.ts';
import { texts, type Stack } from '../../stack.ts';

/** The origin of PUBLIC_URL in tests. */
export const HERE = 'http://registration.test';
export const BROWSER = 'text/html,application/xhtml+xml,*/*;q=0.8';

type Send = Omit<InjectOptions, 'url' | 'headers'>;
type Site = Pick<Stack, 'app' | 'database'>;

/** Adds somebody. Without an e-mail address, one that nobody else has. */
export async function aPerson(
  { database }: Pick<Site, 'database'>,
  role: Role,
  { email = `${randomUUID()}@example.org`, name }: { email?: string; name?: string } = {},
): Promise<Pick<Organizer, 'id' | 'email'>> {
  const { id = '' } = await decideOnPeople(database, (people) =>
    addOrganizer(people, { email, role, name, language: 'en' }),
  );
  return { id, email };
}

/** Makes a link as `npm run organizer` does, and returns its token. */
export async function aLink({ database }: Pick<Site, 'database'>, organizer: string): Promise<string> {
  const token = newToken();
  await addLink(database, organizer, hash(token));
  return token;
}

/** Sends a form as a browser does. A header that is undefined is left out. */
export function postForm(
  { app }: Pick<Site, 'app'>,
  url: string,
  fields: Record<string, string>,
  { headers = {}, ...rest }: Send & { headers?: Record<string, string | undefined> } = {},
) {
  const usual = { accept: BROWSER, origin: HERE, 'content-type': 'application/x-www-form-urlencoded' };
  const all: Record<string, string | undefined> = { ...usual, ...headers };
  const sent = Object.entries(all).filter(([, value]) => value !== undefined);
  const payload = new URLSearchParams(fields).toString();
  return app.inject({ method: 'POST', url, payload, headers: Object.fromEntries(sent), ...rest });
}

/** The value of a field in a page. */
export const fieldIn = (html: string, name: string): string =>
  new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? '';

/** Signs somebody in. The browser keeps the cookie, and takes the tokens of forms from a page. */
export async function signIn(site: Site, organizer: string, headers: Record<string, string> = {}) {
  const used = await postForm(site, `/organizer/sign-in/${await aLink(site, organizer)}`, {}, { headers });
  const [cookie] = used.cookies.filter(({ name }) => name.endsWith('session'));
  const cookies = { [cookie?.name ?? '']: cookie?.value ?? '' };
  const get = (url: string, sent: Record<string, string> = {}) =>
    site.app.inject({ url, cookies, headers: { accept: BROWSER, ...sent } });
  const csrf = async () => fieldIn((await get('/organizer')).body, '_csrf');
  return {
    cookies,
    get,
    csrf,
    /** Sends a form with the token of the session. */
    post: async (url: string, fields: Record<string, string> = {}, sent: Record<string, string> = {}) =>
      postForm(site, url, { _csrf: await csrf(), ...fields }, { cookies, headers: sent }),
  };
}
export type SignedIn = Awaited<ReturnType<typeof signIn>>;

/** Adds somebody and signs them in. */
export async function aSignedIn(site: Site, role: Role) {
  const person = await aPerson(site, role);
  return { ...person, ...(await signIn(site, person.id)) };
}

/** The tokens of the links that were mailed to an address, the oldest first. */
export const mailedTokens = ({ sandbox }: Pick<Stack, 'sandbox'>, email: string): string[] =>
  sandbox
    .ledger()
    .mails.filter(({ to }) => to[0]?.email.toLowerCase() === email.toLowerCase())
    .flatMap((mail) => /\/organizer\/sign-in\/([\w-]{43})/.exec(texts(mail).join('\n'))?.[1] ?? []);
