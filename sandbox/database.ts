/** Prepares the database of `npm start`: its tables, the example event, and an owner who can sign in. */
import { connectDatabase } from '../src/database/connection.ts';
import { seedExampleEvent } from '../src/database/events.ts';
import { migrate } from '../src/database/migrations.ts';
import { addOrganizer, decideOnPeople, listOrganizers } from '../src/database/organizers.ts';
import { addLink } from '../src/database/sessions.ts';
import { hash } from '../src/hash.ts';
import { signInUrl } from '../src/organizer.ts';
import { newToken } from '../src/token.ts';
import type { Report } from './servers/process.ts';

/** The owner that `npm start` adds where there is no organizer yet. */
const OWNER = { email: 'organizer@example.org', role: 'owner', language: 'en' } as const;

/** Replaces `npm run migrate` and `npm run seed`, because two more processes would take seconds. */
export async function prepareDatabase(url: string, say: Report): Promise<void> {
  const database = connectDatabase(url);
  try {
    const names = await migrate(database);
    if (names.length > 0) say(`Applied migrations: ${names.join(', ')}`);
    if (await seedExampleEvent(database)) say('Added the example event');
  } finally {
    await database.destroy();
  }
}

/** Makes a link with which the example's owner, or else the first owner, signs in. */
export async function ownersLink(url: string, publicUrl: string): Promise<string> {
  const database = connectDatabase(url);
  try {
    const organizers = await decideOnPeople(database, async (people) => {
      if ((await listOrganizers(people)).length === 0) await addOrganizer(people, OWNER);
      return listOrganizers(people);
    });
    const owners = organizers.filter(({ role }) => role === 'owner');
    const owner = owners.find(({ email }) => email === OWNER.email) ?? owners[0];
    if (!owner) return 'there is no owner: npm run organizer -- add <email> owner';
    const token = newToken();
    await addLink(database, owner.id, hash(token));
    return signInUrl(publicUrl, token);
  } finally {
    await database.destroy();
  }
}
