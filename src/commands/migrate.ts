/** `npm run migrate`: migrates the database to the newest version; `npm run migrate -- down` reverts the last step. */
import { loadDatabaseUrl, orExit } from '../config.ts';
import { connectDatabase } from '../database/connection.ts';
import { migrate } from '../database/migrations.ts';

const database = connectDatabase(orExit(loadDatabaseUrl));
try {
  const names =
    process.argv[2] === 'down'
      ? ((await database.migrate.down()) as [number, string[]])[1]
      : await migrate(database);
  console.log(names.length ? `Migrated: ${names.join(', ')}` : 'The database is up to date');
} finally {
  await database.destroy();
}
