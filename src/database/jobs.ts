/** What workers do every few minutes, one worker at a time. This file owns the table `background_jobs`. */
import type { Database } from './connection.ts';

/**
 * Takes a turn at a job, unless somebody took one within the last `seconds`. Whoever dies in the middle delays the next turn by
 * that time and no longer.
 */
export async function takeTurn(database: Database, name: string, seconds: number): Promise<boolean> {
  const { rows } = await database.raw<{ rows: object[] }>(
    `insert into background_jobs as j (name, begun_at) values (?, clock_timestamp())
     on conflict (name) do update set begun_at = excluded.begun_at
     where j.begun_at <= excluded.begun_at - make_interval(secs => ?)
     returning name`,
    [name, seconds],
  );
  return rows.length > 0;
}

/** Enters that all of a job was done. */
export async function noteSuccess(database: Database, name: string): Promise<void> {
  await database('background_jobs')
    .where({ name })
    .update({ succeeded_at: database.raw('clock_timestamp()') });
}
