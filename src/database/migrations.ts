import { readdirSync } from 'node:fs';
import { parse } from 'node:path';
import type { Knex } from 'knex';

const folder = new URL('../../migrations/', import.meta.url);

/** The migrations, named without their extension: a build runs the same ones as JavaScript, on the same database. */
export const migrationSource: Knex.MigrationSource<string> = {
  getMigrations: () =>
    Promise.resolve(
      readdirSync(folder)
        .filter((file) => /^\d+_\w+\.(ts|js)$/.test(file))
        .toSorted(),
    ),
  getMigrationName: (file) => parse(file).name,
  getMigration: (file) => import(new URL(file, folder).href) as Promise<Knex.Migration>,
};

/** Brings a database to the newest shape. Answers the migrations that took, none where it has it already. */
export async function migrate(database: Knex): Promise<string[]> {
  const [, names] = (await database.migrate.latest()) as [number, string[]];
  return names;
}
