/** A result of any length, read in parts, as it was at one moment: nobody who registers meanwhile changes it. */
import type { Database } from '../connection.ts';
import type { Condition } from './search.ts';

/** Rows of a part. */
const PART = 250;

export type Snapshot<Row> = {
  /** The next rows; none at the end. */
  next: () => Promise<Row[]>;
  /** Gives the connection back. It has to be called, also after an error. */
  close: () => Promise<void>;
};

/**
 * Opens a cursor in a transaction of its own, which takes one connection of the pool until it is closed. The limit for the time of a
 * statement counts for each part, and not for the time that a reader takes in between, because each part is a statement of its own.
 */
export async function openSnapshot<Row>(
  database: Database,
  { sql, bindings }: Condition,
): Promise<Snapshot<Row>> {
  const trx = await database.transaction(undefined, { isolationLevel: 'repeatable read', readOnly: true });
  const close = async () => {
    // A connection that is lost is given back as well, and rolls back by itself.
    if (!trx.isCompleted()) await trx.rollback().catch(() => undefined);
  };
  try {
    await trx.raw(`declare part no scroll cursor for ${sql}`, bindings);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    next: async () => (await trx.raw<{ rows: Row[] }>(`fetch ${PART} from part`)).rows,
    close,
  };
}
