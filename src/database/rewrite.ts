/** Takes what was erased out of the files of the database as well. */
import type { Database } from './connection.ts';

/** Nobody who registers waits longer than this for the lock. */
const LOCK_TIMEOUT = '2s';
type Connection = object;
type Pool = {
  acquireConnection: () => Promise<Connection>;
  releaseConnection: (of: Connection) => Promise<void>;
};

/** The tables that hold what people or organizers wrote. */
const TABLES = ['orders', 'registration_events'];

/**
 * Writes the tables with personal data anew, without what rows said before they were changed. An ordinary `vacuum` frees their
 * place in a page, but may leave their bytes there. A table is locked meanwhile, for less than a second with some 10,000 orders.
 *
 * @returns false when it was not done: the user of the database does not own a table, or it is in use
 */
export async function rewriteErased(database: Database): Promise<boolean> {
  const pool = database.client as Pool;
  const connection = await pool.acquireConnection();
  const run = (sql: string) => database.raw<{ rows: { file: number }[] }>(sql).connection(connection);
  const file = async (table: string) =>
    (await run(`select pg_relation_filenode('${table}') as file`)).rows[0]?.file;
  try {
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
