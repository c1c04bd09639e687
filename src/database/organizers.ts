/** Who the organizers are. This file owns the table `organizers`. */
import type { Organizer, Role } from '../organizer.ts';
import type { Language } from '../registration.ts';
import type { Database } from './connection.ts';
import { locked } from './seats/lock.ts';
import { endSessions } from './sessions.ts';

const COLUMNS = ['id', 'email', 'name', 'role', 'language'] as const;

const present = (database: Database) => database<Organizer>('organizers').whereNull('removed_at');
const withEmail = (database: Database, email: string) =>
  present(database).whereRaw('lower(email) = lower(?)', [email]);

/** The organizer with an id, unless removed. */
export async function findOrganizer(database: Database, id: string): Promise<Organizer | undefined> {
  return present(database)
    .where({ id })
    .first(...COLUMNS);
}

/** Somebody with an id, also after the removal. */
export const findPerson = (database: Database, id: string): Promise<Organizer | undefined> =>
  database<Organizer>('organizers')
    .where({ id })
    .first(...COLUMNS);

/** The id of the organizer with an e-mail address, in any case of its letters. */
export async function findOrganizerId(database: Database, email: string): Promise<string | undefined> {
  const [id] = await withEmail(database, email).pluck('id');
  return id;
}

/** All organizers, the first one first. */
export async function listOrganizers(database: Database): Promise<Organizer[]> {
  return present(database)
    .select(...COLUMNS)
    .orderBy(['created_at', 'id']);
}

/** Runs decisions about who has which role one after the other, so that two of them cannot leave the desk without an owner. */
export const decideOnPeople = <T>(database: Database, decide: (trx: Database) => Promise<T>): Promise<T> =>
  locked(database, 'organizers', decide);

/** What became of a decision. `last-owner`: refused, because nobody could decide about people any more. */
export type Decided = {
  outcome: 'added' | 'changed' | 'removed' | 'there-already' | 'last-owner' | 'gone';
  id?: string;
};

type Person = { email: string; role: Role; name?: string | undefined; language: Language };

/** Adds somebody, unless the address belongs to an organizer. Call it within {@link decideOnPeople}. */
export async function addOrganizer(trx: Database, { email, role, name, language }: Person): Promise<Decided> {
  const known = await findOrganizerId(trx, email);
  if (known !== undefined) return { outcome: 'there-already', id: known };
  const [added] = (await trx('organizers')
    .insert({ email, role, name: name ?? null, language })
    .returning('id')) as [{ id: string }];
  return { outcome: 'added', id: added.id };
}

/**
 * Gives an organizer another role or name. With another role, all sessions of the person end. Call it within
 * {@link decideOnPeople}.
 */
export async function changeOrganizer(
  trx: Database,
  id: string,
  { role, name }: { role: Role; name?: string | undefined },
): Promise<Decided> {
  const person = await findOrganizer(trx, id);
  if (!person) return { outcome: 'gone' };
  if (role !== 'owner' && (await isLastOwner(trx, person))) return { outcome: 'last-owner', id };
  if (role !== person.role) await endSessions(trx, id);
  await trx('organizers')
    .where({ id })
    .update({ role, ...(name !== undefined && { name }) });
  return { outcome: 'changed', id };
}

/** Removes an organizer, whose sessions and links end at once. Call it within {@link decideOnPeople}. */
export async function removeOrganizer(trx: Database, id: string): Promise<Decided> {
  const person = await findOrganizer(trx, id);
  if (!person) return { outcome: 'gone' };
  if (await isLastOwner(trx, person)) return { outcome: 'last-owner', id };
  await endSessions(trx, id);
  await trx('organizers').where({ id }).update({ removed_at: trx.fn.now() });
  return { outcome: 'removed', id };
}

async function isLastOwner(trx: Database, { id, role }: Organizer): Promise<boolean> {
  if (role !== 'owner') return false;
  const others = await present(trx).where({ role: 'owner' }).whereNot({ id }).pluck('id');
  return others.length === 0;
}
