/** An organizer at the desk, over HTTP, while any part may fail. */
import { setTimeout as sleep } from 'node:timers/promises';
import { csrfToken, newCsrfSecret } from '../src/api/organizer/forms.ts';
import { sessionCookie } from '../src/api/organizer/session.ts';
import { addOrganizer, decideOnPeople } from '../src/database/organizers.ts';
import { addLink, findSession, startSession } from '../src/database/sessions.ts';
import { hash } from '../src/hash.ts';
import { newToken } from '../src/token.ts';
import type { World } from '../stage/world.ts';

const ANSWER_WITHIN_MS = 25_000;
const AGAIN_MS = 300;

/** Adds an owner and signs them in. */
export async function signInOwner({ database, url }: World, email: string) {
  const { id = '' } = await decideOnPeople(database, (people) =>
    addOrganizer(people, { email, role: 'owner', language: 'en' }),
  );
  const [link, token] = [newToken(), newToken()];
  await addLink(database, id, hash(link));
  const started = { tokenHash: hash(token), csrfSecret: newCsrfSecret(), language: 'en' as const };
  await startSession(database, hash(link), started);
  const session = await findSession(database, hash(token));
  if (!session) throw new Error('There is no session');

  return {
    id,
    /** Sends the same form until it is done. */
    async send(path: string, fields: Record<string, string>, deadline: number): Promise<void> {
      while (Date.now() < deadline) {
        const answer = await fetch(url + path, {
          method: 'POST',
          redirect: 'manual',
          headers: { origin: url, cookie: `${sessionCookie({ publicUrl: url })}=${token}` },
          body: new URLSearchParams({ _csrf: csrfToken(session), ...fields }),
          signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
        }).catch(() => undefined);
        if (answer?.status === 303) return;
        if (answer && answer.status < 500) throw new Error(`${path} was answered with ${answer.status}`);
        await sleep(AGAIN_MS);
      }
    },
  };
}
