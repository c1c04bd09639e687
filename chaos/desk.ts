/** An organizer who is signed in at the desk, over HTTP. */
import { sessionCookie } from '../src/api/organizer/session.ts';
import { addOrganizer, decideOnPeople } from '../src/database/organizers.ts';
import { addLink, startSession } from '../src/database/sessions.ts';
import { hash } from '../src/hash.ts';
import { newToken } from '../src/token.ts';
import type { World } from '../stage/world.ts';

const ANSWER_WITHIN_MS = 25_000;
const CSRF = /name="_csrf" value="([^"]+)"/;

export type Desk = Awaited<ReturnType<typeof openDesk>>;

export async function openDesk({ database, url }: Pick<World, 'database' | 'url'>) {
  const [link, token] = [newToken(), newToken()];
  const person = { email: 'desk@example.org', name: undefined, role: 'organizer', language: 'en' } as const;
  const { id: organizer = '' } = await decideOnPeople(database, (people) => addOrganizer(people, person));
  await addLink(database, organizer, hash(link));
  const session = { tokenHash: hash(token), csrfSecret: newToken(), language: 'en' } as const;
  await startSession(database, hash(link), session);
  const headers = { cookie: `${sessionCookie({ publicUrl: url })}=${token}`, accept: 'text/html' };

  return {
    organizer,
    /** Sends a form with a note; there must be an order. Undefined when that was not answered. */
    async note(
      registration: string,
      action: string,
    ): Promise<{ status: 'noted' | 'not-confirmed' } | undefined> {
      const path = `${url}/organizer/registrations/${registration}`;
      const page = await fetch(path, { headers, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
      if (page.status === 404) return { status: 'not-confirmed' };
      const csrf = CSRF.exec(await page.text())?.[1] ?? '';
      const { status } = await fetch(`${path}/note`, {
        method: 'POST',
        headers: { ...headers, origin: new URL(url).origin },
        body: new URLSearchParams({ _csrf: csrf, action, text: 'Asked by telephone' }),
        redirect: 'manual',
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      if (status === 404) return { status: 'not-confirmed' };
      return status === 303 ? { status: 'noted' } : undefined;
    },
  };
}
