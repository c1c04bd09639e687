import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { addConference } from '../stage/conference.ts';
import { copyDatabase } from '../stage/database-copy.ts';
import { connectDatabase, type Database } from '../src/database/connection.ts';

/** Creates a database for a test, with all tables and one event. Some tests need a larger `pool`. */
export async function createDatabase(pool = { min: 0, max: 10 }): Promise<{
  database: Database;
  url: string;
  /** Copies the database as it is. Returns a function that puts the copy in its place. */
  backUp: () => Promise<() => Promise<void>>;
  drop: () => Promise<void>;
}> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const postgresUrl = inject('postgresUrl');
  const admin = connectDatabase(postgresUrl);
  await admin.raw(`create database ${name} template ${inject('templateDatabase')}`);
  const url = postgresUrl.replace(/[^/]+$/, name);
  const database = connectDatabase(url, pool);
  await addConference(database, TICKETS);
  const copies: string[] = [];
  return {
    database,
    url,
    backUp: () => {
      const copy = `${name}_copy${String(copies.length)}`;
      copies.push(copy);
      return copyDatabase(admin, name, copy);
    },
    drop: async () => {
      await database.destroy();
      await admin.raw(`drop database ${name} with (force)`);
      for (const copy of copies) await admin.raw(`drop database ${copy}`);
      await admin.destroy();
    },
  };
}

const TICKETS = [
  { id: 'limited', name: 'Limited', price_minor: 9000, capacity: 2 },
  { id: 'regular', name: 'Regular', price_minor: 12_000, capacity: null },
  { id: 'free', name: 'Free', price_minor: 0, capacity: 10 },
];
