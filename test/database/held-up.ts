import { vi } from 'vitest';
import type { Database } from '../../src/database/connection.ts';

/** Resolves when so many connections wait for a lock. */
type Waiting = (count: number) => Promise<unknown>;

/**
 * Does work while another transaction has the locks of a statement. It lets go when `count` connections wait for a lock, so that
 * all of them have come equally far. Throws when they never wait.
 */
export async function heldUp<T>(
  database: Database,
  lock: string,
  count: number,
  work: (waiting: Waiting) => Promise<T>,
): Promise<T> {
  const other = await database.transaction();
  const waiting: Waiting = (wanted) =>
    vi.waitUntil(
      async () => {
        // Not in the transaction, which would see the same connections each time.
        const { rows } = await database.raw<{ rows: [{ count: number }] }>(
          `select count(distinct pid)::integer from pg_locks join pg_stat_activity using (pid)
           where not granted and datname = current_database()`,
        );
        return rows[0].count === wanted;
      },
      { timeout: 30_000, interval: 20 },
    );
  let done: Promise<T>;
  try {
    await other.raw(lock);
    done = work(waiting);
    done.catch(() => undefined);
    await waiting(count);
  } finally {
    await other.commit();
  }
  return done;
}
