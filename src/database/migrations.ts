import { readdirSync } from 'node:fs';
import { parse } from 'node:path';
import type { Knex } from 'knex';

const folder = new URL('../../migrations/', import.meta.url);

/** The migrations, named without their extension, because a build runs the same ones as JavaScript. */
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

/** Migrates a database to the newest version. Returns the names of the migrations that were applied. */
export async function migrate(database: Knex): Promise<string[]> {
  const [, names] = (await database.migrate.latest()) as [number, string[]];
  return names;
}
