/** What one registration costs the database: statements, execution time and bytes of the write-ahead log. */
import { each } from './measure.ts';
import type { Product } from './product.ts';
import { untilDone } from './run.ts';
import { productShape } from './shapes.ts';

/** Cost per registration. `milliseconds` is PostgreSQL's execution time; `each` is sorted by frequency. */
type Cost = {
  statements: number;
  milliseconds: number;
  walBytes: number;
  each: { text: string; calls: number }[];
};

const AT_ONCE = 10;

/** @returns the cost of a hold, and of the registration that follows until all steps are done */
export async function countStatements(
  product: Product,
  registrations: number,
): Promise<{ holding: Cost; registering: Cost }> {
  const { database } = product;
  const shape = productShape(product);
  async function costOf<T>(work: () => Promise<T>): Promise<{ value: T; cost: Cost }> {
    await database.raw('select pg_stat_statements_reset()');
    const before = await wal();
    const value = await work();
    const walBytes = (await wal()) - before;
    const { rows } = await database.raw<{ rows: { query: string; calls: string; ms: number }[] }>(
      `select query, calls, total_exec_time as ms from pg_stat_statements
       where query !~ 'pg_stat|pg_current_wal' order by calls desc`,
    );
    const total = (of: (row: (typeof rows)[number]) => number) =>
      rows.reduce((sum, row) => sum + of(row), 0) / registrations;
    const cost = {
      statements: total(({ calls }) => Number(calls)),
      milliseconds: total(({ ms }) => ms),
      walBytes: walBytes / registrations,
      each: rows.map(({ query, calls }) => ({ text: query, calls: Number(calls) / registrations })),
    };
    return { value, cost };
  }
  const wal = async () => {
    const { rows } = await database.raw<{ rows: [{ bytes: string }] }>(
      `select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as bytes`,
    );
    return Number(rows[0].bytes);
  };

  const { value: people, cost: holding } = await costOf(() => shape.prepare(registrations));
  const { cost: registering } = await costOf(async () => {
    const since = new Date();
    await each(people, AT_ONCE, (person) => shape.register(person));
    await untilDone(product.client, shape, since, registrations);
  });
  return { holding, registering };
}
