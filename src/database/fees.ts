/**
 * PayPal's fees that are not known yet: of payments from before they were recorded, and of refunds that were made in PayPal's
 * dashboard. They are columns of `captures` and of `refunds`, and are filled in once, when PayPal tells them.
 */
import type { Database } from './connection.ts';

/** A payment or a refund whose fee is not known, by PayPal's number. */
export type WithoutFee = { kind: 'capture' | 'refund'; id: string };

/** Until this time has passed, PayPal is not asked about the same one again. */
const AGAIN_AFTER = '1 day';

const TABLES = {
  capture: { table: 'captures', id: 'paypal_capture_id', open: 'fee_minor is null' },
  refund: {
    ...{ table: 'refunds', id: 'paypal_refund_id' },
    open: `fee_minor is null and state = 'done' and paypal_refund_id is not null`,
  },
} as const;
const KINDS = ['capture', 'refund'] as const;

/** Takes some whose fee is not known, so that no other worker asks about them as well. */
export async function claimWithoutFee(database: Database, most: number): Promise<WithoutFee[]> {
  const claimed: WithoutFee[] = [];
  for (const kind of KINDS) {
    const { table, id, open } = TABLES[kind];
    const { rows } = await database.raw<{ rows: { id: string }[] }>(
      `update ${table} set fee_asked_at = clock_timestamp() where ${id} in (
         select ${id} from ${table}
         where ${open} and coalesce(fee_asked_at < now() - interval '${AGAIN_AFTER}', true)
         order by fee_asked_at nulls first limit ? for update skip locked)
       returning ${id} as id`,
      [most - claimed.length],
    );
    claimed.push(...rows.map((row) => ({ kind, id: row.id })));
  }
  return claimed;
}

/** Gives back what was taken, because PayPal could not be asked. */
export async function releaseWithoutFee(database: Database, claimed: WithoutFee[]): Promise<void> {
  for (const kind of KINDS) {
    const { table, id } = TABLES[kind];
    const ids = claimed.filter((each) => each.kind === kind).map((each) => each.id);
    await database(table).whereIn(id, ids).update({ fee_asked_at: null });
  }
}

/** Enters a fee that was not known, in minor units. */
export async function noteFee(database: Database, { kind, id }: WithoutFee, minor: number): Promise<void> {
  const { table, id: column } = TABLES[kind];
  await database(table)
    .where({ [column]: id })
    .whereNull('fee_minor')
    .update({ fee_minor: minor });
}
