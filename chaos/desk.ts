/** An organizer who is signed in at the desk, over HTTP, while any part may fail. */
import { setTimeout as sleep } from 'node:timers/promises';
import { csrfToken, newCsrfSecret } from '../src/api/organizer/forms.ts';
import { sessionCookie } from '../src/api/organizer/session.ts';
import { addOrganizer, decideOnPeople } from '../src/database/organizers.ts';
import { addLink, findSession, startSession } from '../src/database/sessions.ts';
import { hash } from '../src/hash.ts';
import type { Role } from '../src/organizer.ts';
import { newToken } from '../src/token.ts';
import type { World } from '../stage/world.ts';

const ANSWER_WITHIN_MS = 25_000;
const AGAIN_MS = 300;

type Place = Pick<World, 'database' | 'url'>;
export type Desk = Awaited<ReturnType<typeof openDesk>>;

/** Adds an organizer and signs them in. `post` sends a form once. */
async function signIn({ database, url }: Place, email: string, role: Role) {
  const { id = '' } = await decideOnPeople(database, (people) =>
    addOrganizer(people, { email, role, language: 'en' }),
  );
  const [link, token] = [newToken(), newToken()];
  await addLink(database, id, hash(link));
  const started = { tokenHash: hash(token), csrfSecret: newCsrfSecret(), language: 'en' as const };
  await startSession(database, hash(link), started);
  const session = await findSession(database, hash(token));
  if (!session) throw new Error('There is no session');
  return {
    id,
    post: (path: string, fields: Record<string, string>) =>
      fetch(url + path, {
        method: 'POST',
        redirect: 'manual',
        headers: { origin: url, cookie: `${sessionCookie({ publicUrl: url })}=${token}` },
        body: new URLSearchParams({ _csrf: csrfToken(session), ...fields }),
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      }),
  };
}

/** An organizer who writes notes and adds people. */
export async function openDesk(place: Place) {
  const { id: organizer, post } = await signIn(place, 'desk@example.org', 'organizer');
  return {
    organizer,
    /** Sends a form with a note; there must be an order. Undefined when that was not answered. */
    async note(
      registration: string,
      action: string,
    ): Promise<{ status: 'noted' | 'not-confirmed' } | undefined> {
      const path = `/organizer/registrations/${registration}/note`;
      const { status } = await post(path, { action, text: 'Asked by telephone' });
      if (status === 404) return { status: 'not-confirmed' };
      return status === 303 ? { status: 'noted' } : undefined;
    },
    /** Sends a form that adds somebody. Undefined when that was not answered. */
    async add(
      action: string,
      email: string,
    ): Promise<{ status: 'added'; id: string | undefined } | { status: 'not-added' } | undefined> {
      const person = { firstName: 'Ada', lastName: 'Example', email, language: 'en' };
      const fields = { action, ticket: 'conference/regular', payment: 'complimentary', ...person };
      const { status, headers } = await post('/organizer/registrations/new', fields);
      if (status >= 500 || status === 429) return undefined;
      if (status !== 303) return { status: 'not-added' };
      return { status: 'added', id: idIn(headers.get('location'), 'registrations') };
    },
    /** Checks a file, and confirms it twice. Undefined when that was not answered. */
    async importFile(action: string, text: string): Promise<{ status: 'imported'; id: string } | undefined> {
      const checked = await post('/organizer/import', { action, event: 'conference', text });
      const id = idIn(checked.headers.get('location'), 'import');
      if (checked.status !== 303 || id === undefined) return undefined;
      const confirm = () => post(`/organizer/import/${id}`, { action: id });
      const [one, other] = await Promise.all([confirm(), confirm()]);
      return one.status === 303 && other.status === 303 ? { status: 'imported', id } : undefined;
    },
  };
}

/** The id in the address of a page. */
const idIn = (location: string | null, kind: string) =>
  new RegExp(`${kind}/([0-9a-f-]{36})`).exec(location ?? '')?.[1];

export type Editor = Awaited<ReturnType<typeof openEditor>>;

/** An owner who edits events. */
export async function openEditor(place: Place) {
  const { post } = await signIn(place, 'editor@example.org', 'owner');
  return {
    /** Sends the form of an event. Undefined when that was not answered. */
    async save(
      event: string,
      action: string,
      version: number,
      fields: Record<string, string>,
    ): Promise<{ status: 'saved' | 'refused' } | undefined> {
      const form = { ...fields, action, version: String(version), do: 'save' };
      const { status } = await post(`/organizer/events/${event}`, form);
      if (status === 303) return { status: 'saved' };
      return status === 409 || status === 422 ? { status: 'refused' } : undefined;
    },
  };
}

/** An owner who sends each form until it is accepted. */
export async function signInOwner(place: Place, email: string) {
  const { id, post } = await signIn(place, email, 'owner');
  return {
    id,
    /** Sends the same form until it is done. */
    async send(path: string, fields: Record<string, string>, deadline: number): Promise<void> {
      while (Date.now() < deadline) {
        const answer = await post(path, fields).catch(() => undefined);
        if (answer?.status === 303) return;
        if (answer && answer.status < 500) throw new Error(`${path} was answered with ${answer.status}`);
        await sleep(AGAIN_MS);
      }
    },
  };
}
