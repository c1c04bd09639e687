import { setTimeout as sleep } from 'node:timers/promises';
import knex, { type Knex } from 'knex';
import { traceOf } from '../trace.ts';
import { migrationSource } from './migrations.ts';

export type Database = Knex;

const silence = () => undefined;

/** Connections of one process: few, so that several processes fit under PostgreSQL's default of 100. */
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
    // What knex would print is also thrown, and handled by the caller.
    log: { warn: silence, error: silence, deprecate: silence, debug: silence },
  });
}

/** Whether statements end after some time. A pooler may ignore what a connection asks for at its start (docs/kubernetes.md). */
export async function areStatementsLimited(database: Database): Promise<boolean> {
  const { rows } = await database.raw<{ rows: [{ statement_timeout: string }] }>('show statement_timeout');
  return rows[0].statement_timeout !== '0';
}

/** Temporary SQLSTATE classes: connection, resources, operator intervention; and a lost race (PostgreSQL, Appendix A). */
const PASSING = /^(08|53|57)...$|^40001$|^40P01$/;
/** Errors of the operating system, the driver and the pool when there is no connection. */
const NO_CONNECTION = /^E[A-Z_]{3,}$/;
const NO_CONNECTION_TEXT =
  /^(Connection terminated|timeout expired|Client has encountered a connection error)/;

/** The answer of the database; `otherwise`, when it cannot give one within `ms`. */
export const answerWithin = <T, O>(ms: number, asked: Promise<T>, otherwise: O): Promise<T | O> =>
  Promise.race([asked.catch(() => otherwise), sleep(ms, otherwise, { ref: false })]);

/** SQLSTATE classes 22 and 23: the data cannot be stored, now or later (PostgreSQL, Appendix A). */
export const isConstraintViolation = (error: unknown): boolean => /^2[23]/.test(traceOf(error).code ?? '');

/** Whether an error means that the database could not be reached, and not that it refused a statement. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return (
    error.name === 'KnexTimeoutError' ||
    PASSING.test(code) ||
    NO_CONNECTION.test(code) ||
    NO_CONNECTION_TEXT.test(error.message)
  );
}
