/** Takes what was erased out of the files of the database as well. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from './connection.ts';

/** How long to wait for transactions that began earlier and may still see what was erased, such as a backup. */
const READERS = { tries: 100, everyMs: 100 };
/** Nobody who registers waits longer than this for the lock. */
const LOCK_TIMEOUT = '2s';
type Connection = object;
type Pool = {
  acquireConnection: () => Promise<Connection>;
  releaseConnection: (of: Connection) => Promise<void>;
};

/** The tables that hold what people or organizers wrote. */
const TABLES = ['orders', 'registration_events', 'additions', 'seat_holds'];

/**
 * Writes the tables with personal data anew, without what rows said before they were changed. An ordinary `vacuum` frees their
 * place in a page, but may leave their bytes there. A table is locked meanwhile, for less than a second with some 10,000 orders.
 *
 * @returns false when it was not done: the user of the database does not own a table, or it is in use; or because of a transaction
 *   from before, for which PostgreSQL keeps the former rows
 */
export async function rewriteErased(database: Database): Promise<boolean> {
  const pool = database.client as Pool;
  const connection = await pool.acquireConnection();
  const run = (sql: string) => database.raw<{ rows: { file: number }[] }>(sql).connection(connection);
  const file = async (table: string) =>
    (await run(`select pg_relation_filenode('${table}') as file`)).rows[0]?.file;
  try {
    if (!(await hasNoReaders(database))) return false;
    await run(`set lock_timeout = '${LOCK_TIMEOUT}'`);
    let rewritten = true;
    for (const table of TABLES) {
      const before = await file(table);
      await run(`vacuum full ${table}`);
      // Where the user may not do it, PostgreSQL warns and succeeds.
      rewritten &&= (await file(table)) !== before;
    }
    return rewritten;
  } catch {
    return false;
  } finally {
    await run('reset lock_timeout').catch(() => undefined);
    await pool.releaseConnection(connection);
  }
}

/**
 * Waits until nobody reads what was there before now. PostgreSQL keeps a former row while a transaction is open that is older than its
 * change, and while one is open that began later but saw such a transaction still open: it counts by their snapshots, not by their
 * start.
 */
async function hasNoReaders(database: Database): Promise<boolean> {
  const { rows } = await database.raw<{ rows: { now: string }[] }>(
    'select pg_current_xact_id()::text as now',
  );
  for (let tries = 0; tries < READERS.tries; tries++) {
    const older = await database.raw<{ rows: unknown[] }>(
      `select where pg_snapshot_xmin(pg_current_snapshot()) < :now::text::xid8 or exists (
         select from pg_stat_activity
         where (datname = current_database() or datname is null) and pid <> pg_backend_pid()
           and age(backend_xmin) > age(:now::text::xid8::xid))`,
      { now: rows[0]?.now ?? '' },
    );
    if (older.rows.length === 0) return true;
    await sleep(READERS.everyMs);
  }
  return false;
}
