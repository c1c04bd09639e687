import type { Database } from '../src/database/connection.ts';

const TRIES = 100;

/**
 * Copies a database as it is.
 * @param admin is connected to another database of the same server
 * @returns a function that puts the copy in its place
 */
export async function copyDatabase(
  admin: Database,
  name: string,
  copy: string,
): Promise<() => Promise<void>> {
  /** Nobody may be connected to what is copied or replaced. Those who are connected connect again. */
  async function alone(statement: string): Promise<void> {
    for (let tries = 0; ; tries++)
      try {
        await admin.raw('select pg_terminate_backend(pid) from pg_stat_activity where datname = ?', [name]);
        await admin.raw(statement);
        return;
      } catch (error) {
        if (tries === TRIES) throw error;
      }
  }
  await alone(`create database ${copy} template ${name}`);
  return async () => {
    await alone(`drop database ${name} with (force)`);
    await admin.raw(`create database ${name} template ${copy}`);
  };
}
