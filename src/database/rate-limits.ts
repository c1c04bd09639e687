/** What rate limits count for all api processes together. This file owns the table `rate_limits`. */
import type { Client, QueryConfig } from 'pg';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { Database } from './connection.ts';

/**
 * The library names its statements, so that a connection has to parse each only once. Behind a transaction pooler the next statement may come
 * to another connection, which does not know the name, so they go without one.
 */
const withoutNames = (database: Database) => {
  const pool = database.client as {
    acquireConnection: () => Promise<Client>;
    releaseConnection: (client: Client) => Promise<void>;
  };
  return {
    async query({ text, values }: QueryConfig) {
      const connection = await pool.acquireConnection();
      try {
        return await connection.query({ text, values: values ?? [] });
      } finally {
        await pool.releaseConnection(connection);
      }
    },
  };
};

/** A limit on how often something may happen in a time. */
export type Rate = { max: number; seconds: number };
/** What was counted in the time window that goes on, and the milliseconds until it ends. */
export type Counted = { count: number; isExceeded: boolean; endsInMs: number };
export type CountedRate = ReturnType<typeof countRate>;

/**
 * Counts in the table, in one statement each time. A key that has exceeded the limit costs no further statement until its window
 * ends. All functions fail when the database cannot answer.
 * @param name the limit: each name counts for itself
 */
export function countRate(database: Database, name: string, { max, seconds }: Rate) {
  const limiter = new RateLimiterPostgres({
    ...{
      storeClient: withoutNames(database),
      storeType: 'client',
      tableName: 'rate_limits',
      keyPrefix: name,
    },
    ...{ points: max, duration: seconds, inMemoryBlockOnConsumed: max + 1 },
    // The table is made by a migration, and purged with everything else.
    ...{ tableCreated: true, clearExpiredByTimeout: false },
  });
  const counted = ({ consumedPoints, msBeforeNext }: RateLimiterRes, isExceeded = consumedPoints > max) => ({
    ...{ count: consumedPoints, isExceeded, endsInMs: msBeforeNext },
  });
  return {
    /** Counts `times` more. */
    add: (key: string, times = 1): Promise<Counted> =>
      limiter.consume(key, times).then(
        (result) => counted(result),
        (refusal: unknown) => {
          if (refusal instanceof RateLimiterRes) return counted(refusal, true);
          throw refusal;
        },
      ),
    /** What was counted so far. */
    async look(key: string): Promise<Counted> {
      const result = await limiter.get(key);
      return result ? counted(result) : { count: 0, isExceeded: false, endsInMs: 0 };
    },
    /** Makes the key exceed the limit for a time. */
    async block(key: string, ms: number): Promise<void> {
      await limiter.block(key, Math.ceil(ms / 1000));
    },
  };
}

/** Deletes the counts of time windows that are over. */
export async function purgeRateLimits(database: Database): Promise<void> {
  await database('rate_limits').where('expire', '<', Date.now()).delete();
}
