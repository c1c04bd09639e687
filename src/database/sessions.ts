/** How organizers sign in and stay signed in. This file owns the tables `sign_in_links` and `organizer_sessions`. */
import { FRESH_HOURS, LINK_MINUTES, SESSION_DAYS, SESSION_IDLE_HOURS, type Organizer } from '../organizer.ts';
import type { Language } from '../registration.ts';
import type { Database } from './connection.ts';
import { locked } from './seats/lock.ts';

/** `isFresh`: the sign-in is young enough for what asks for a fresh one. */
export type Session = { organizer: Organizer; csrfSecret: string; isFresh: boolean };

const expiry = (database: Database) => database.raw(`now() + interval '${LINK_MINUTES} minutes'`);

/** Stores a link that is shown to whoever runs a command. */
export async function addLink(database: Database, organizer: string, tokenHash: string): Promise<void> {
  await database('sign_in_links').insert({
    ...{ token_hash: tokenHash, organizer_id: organizer, expires_at: expiry(database) },
  });
}

/**
 * Mails to one organizer: at most one in a minute; and from the sixth within an hour on, one in ten minutes, which makes ten in
 * an hour. So whoever asks for links in somebody else's name locks nobody out: when no further link is mailed, one that can
 * still be used has been mailed in the last ten minutes.
 */
const MAILS = { atOnce: 5, thenEveryMinutes: 10 };

/**
 * Stores a link that is about to be mailed. A request that is tried again makes another link and counts once.
 * @param isLimited whether the limit for one recipient applies
 * @returns false when it was not stored, because the recipient has got enough mails
 */
export async function addMailedLink(
  database: Database,
  { organizer, tokenHash, request }: { organizer: string; tokenHash: string; request: string },
  isLimited: boolean,
): Promise<boolean> {
  return locked(database, `sign-in ${organizer}`, async (trx) => {
    const { rows } = await trx.raw<{ rows: [{ in_minute: number; in_pause: number; in_hour: number }] }>(
      `select
         count(*) filter (where at > now() - interval '1 minute')::integer as in_minute,
         count(*) filter (where at > now() - interval '${MAILS.thenEveryMinutes} minutes')::integer as in_pause,
         count(*)::integer as in_hour
       from (
         select max(created_at) as at from sign_in_links
         where organizer_id = ? and request <> ? and created_at > now() - interval '1 hour'
         group by request
       ) as others`,
      [organizer, request],
    );
    const [others] = rows;
    const isTooMuch = others.in_minute > 0 || (others.in_hour >= MAILS.atOnce && others.in_pause > 0);
    if (isLimited && isTooMuch) return false;
    await trx('sign_in_links').insert({
      ...{ token_hash: tokenHash, organizer_id: organizer, request, expires_at: expiry(trx) },
    });
    return true;
  });
}

/**
 * Uses a link up and starts a session, both in one statement, so that a link starts one session, however many requests come
 * at once. Mails to the organizer are in this language from now on.
 *
 * @returns false for a link that is unknown, used or expired, and for one of somebody who was removed
 */
export async function startSession(
  database: Database,
  linkHash: string,
  { tokenHash, csrfSecret, language }: { tokenHash: string; csrfSecret: string; language: Language },
): Promise<boolean> {
  const { rowCount } = await database.raw<{ rowCount: number }>(
    `with used as (
       update sign_in_links l set used_at = now() from organizers o
       where l.token_hash = ? and l.used_at is null and l.expires_at > now()
         and o.id = l.organizer_id and o.removed_at is null
       returning o.id
     ), spoken as (
       update organizers o set language = ? from used where o.id = used.id and o.language <> ?
     )
     insert into organizer_sessions (token_hash, organizer_id, csrf_secret, expires_at)
     select ?, id, ?, now() + interval '${SESSION_DAYS} days' from used`,
    [linkHash, language, language, tokenHash, csrfSecret],
  );
  return rowCount === 1;
}

/**
 * The session of a token, with the person and the role as they are now. One statement, which also notes the use, once a
 * minute.
 */
export async function findSession(database: Database, tokenHash: string): Promise<Session | undefined> {
  const { rows } = await database.raw<{ rows: (Organizer & { csrf_secret: string; is_fresh: boolean })[] }>(
    `with found as (
       select o.id, o.email, o.name, o.role, o.language, s.token_hash, s.csrf_secret, s.last_seen_at,
         s.created_at > now() - interval '${FRESH_HOURS} hours' as is_fresh
       from organizer_sessions s join organizers o on o.id = s.organizer_id
       where s.token_hash = ? and o.removed_at is null and s.expires_at > now()
         and s.last_seen_at > now() - interval '${SESSION_IDLE_HOURS} hours'
     ), seen as (
       update organizer_sessions s set last_seen_at = now() from found
       where s.token_hash = found.token_hash and found.last_seen_at < now() - interval '1 minute'
     )
     select id, email, name, role, language, csrf_secret, is_fresh from found`,
    [tokenHash],
  );
  const [found] = rows;
  if (!found) return undefined;
  const { csrf_secret: csrfSecret, is_fresh: isFresh, ...organizer } = found;
  return { organizer, csrfSecret, isFresh };
}

/** Ends one session: a sign-out. */
export async function endSession(database: Database, tokenHash: string): Promise<void> {
  await database('organizer_sessions').where({ token_hash: tokenHash }).delete();
}

/** Ends all sessions of an organizer. */
export async function endSessions(database: Database, organizer: string): Promise<void> {
  await database('organizer_sessions').where({ organizer_id: organizer }).delete();
}

/** Deletes links and sessions that are over. A link stays for an hour, because the limit on mails counts it. */
export async function purgeSessions(database: Database): Promise<void> {
  const ago = (interval: string) => database.raw(`now() - interval '${interval}'`);
  await database('sign_in_links').where('created_at', '<', ago('1 hour')).delete();
  await database('organizer_sessions')
    .where('last_seen_at', '<', ago(`${SESSION_IDLE_HOURS} hours`))
    .orWhere('expires_at', '<', ago('0 hours'))
    .delete();
}
