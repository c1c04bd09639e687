import knex, { type Knex } from 'knex';
import { migrationSource } from './migrations.ts';

export type Database = Knex;

/** Connections a process may hold: small, so that several processes fit under PostgreSQL's default of 100. */
const POOL = { min: 0, max: 10 };

/**
 * A pool of connections to PostgreSQL; nothing is connected before the first query. Waiting for a connection, for a
 * lock or for an answer ends with an error, so a database that is away delays nobody for long.
 */
export function connectDatabase(url: string, pool: { min: number; max: number } = POOL): Database {
  return knex({
    client: 'pg',
    connection: {
      connectionString: url,
      connectionTimeoutMillis: 5000,
      statement_timeout: 10_000,
      keepAlive: true,
    },
    acquireConnectionTimeout: 8000,
    pool,
    migrations: { migrationSource },
  });
}
