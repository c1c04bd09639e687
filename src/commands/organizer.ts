/** `npm run organizer`: adds, lists and removes organizers, and prints a link to sign in, which needs no mail. */
import { Check } from 'typebox/value';
import { loadSettingsOfOrganizers, orExit } from '../config.ts';
import { connectDatabase, type Database } from '../database/connection.ts';
import {
  addOrganizer,
  changeOrganizer,
  decideOnPeople,
  findOrganizerId,
  listOrganizers,
  removeOrganizer,
} from '../database/organizers.ts';
import { addLink } from '../database/sessions.ts';
import { hash } from '../hash.ts';
import { isRole, LINK_MINUTES, OrganizerEmail, OrganizerName, ROLES, signInUrl } from '../organizer.ts';
import { LANGUAGES } from '../registration.ts';
import { newToken } from '../token.ts';
import { wordFor } from '../trace.ts';

const USAGE =
  'Usage: npm run organizer -- add <email> <role> [name], or -- list, or -- remove <email>; ' +
  `the roles are ${ROLES.join(', ')}`;
const LAST_OWNER = 'This is the only owner, and there must be one: make somebody else an owner first';

/** Says why a command is refused. */
class Refusal extends Error {}

const [command, ...words] = process.argv.slice(2);
try {
  checkCommand();
} catch (error) {
  exitWith(error);
}
const { databaseUrl, publicUrl } = orExit(loadSettingsOfOrganizers);
const database = connectDatabase(databaseUrl);
try {
  console.log(await run(database));
} catch (error) {
  process.exitCode = 1;
  console.error(error instanceof Refusal ? error.message : `Cannot ask PostgreSQL: ${wordFor(error)}`);
} finally {
  await database.destroy();
}

function exitWith(error: unknown): never {
  if (!(error instanceof Refusal)) throw error;
  console.error(error.message);
  process.exit(1);
}

/** Checks the words of the command before anything is connected. */
function checkCommand(): void {
  const [email, role, ...name] = words;
  const isComplete =
    (command === 'list' && words.length === 0) ||
    (command === 'remove' && words.length === 1) ||
    (command === 'add' && role !== undefined);
  if (!isComplete) throw new Refusal(USAGE);
  if (command !== 'list' && !Check(OrganizerEmail, email))
    throw new Refusal('The first word after the command must be an e-mail address, such as ada@example.org');
  if (command !== 'add') return;
  if (!isRole(role)) throw new Refusal(`The role must be one of ${ROLES.join(', ')}`);
  if (name.length > 0 && !Check(OrganizerName, name.join(' ')))
    throw new Refusal('The name must be at most 100 printable characters without a web address');
}

async function run(database: Database): Promise<string> {
  const [email = '', role, ...name] = words;
  if (command === 'list') return list(database);
  if (command === 'remove') return remove(database, email);
  return add(database, email, isRole(role) ? role : 'door', name.join(' ') || undefined);
}

/** Adds somebody, or gives somebody who is there this role and name. */
async function add(database: Database, email: string, role: (typeof ROLES)[number], name?: string) {
  const { outcome, id = '' } = await decideOnPeople(database, async (people) => {
    const added = await addOrganizer(people, { email, role, name, language: LANGUAGES[0] });
    return added.outcome === 'there-already'
      ? changeOrganizer(people, added.id ?? '', { role, name })
      : added;
  });
  if (outcome === 'last-owner') throw new Refusal(LAST_OWNER);
  const token = newToken();
  await addLink(database, id, hash(token));
  const done = outcome === 'added' ? 'was added' : 'was there already and now has this role';
  return [
    `${email} ${done}: ${role}`,
    `To sign in, open this link within ${LINK_MINUTES} minutes. It can be used once:`,
    signInUrl(publicUrl, token),
  ].join('\n');
}

async function list(database: Database): Promise<string> {
  const people = await listOrganizers(database);
  if (people.length === 0)
    return 'There are no organizers. Add an owner: npm run organizer -- add <email> owner';
  const width = Math.max(...people.map(({ email }) => email.length));
  return people
    .map(({ email, role, name }) => [email.padEnd(width), role.padEnd(10), name ?? ''].join('  ').trimEnd())
    .join('\n');
}

async function remove(database: Database, email: string): Promise<string> {
  const { outcome } = await decideOnPeople(database, async (people) => {
    const id = await findOrganizerId(people, email);
    return id === undefined ? { outcome: 'gone' as const } : removeOrganizer(people, id);
  });
  if (outcome === 'gone') throw new Refusal('No organizer has this e-mail address');
  if (outcome === 'last-owner') throw new Refusal(LAST_OWNER);
  return `${email} was removed and has no access any more`;
}
