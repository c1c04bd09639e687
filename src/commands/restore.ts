/** `npm run restore -- <file> [--replace]`: puts a backup into an empty database, or in the place of what is there. */
import { loadDatabaseUrl, orExit } from '../config.ts';
import { connectDatabase } from '../database/connection.ts';
import { DumpError, restore } from '../database/dump.ts';
import { wordFor } from '../trace.ts';

const [file, ...flags] = process.argv
  .slice(2)
  .toSorted((a, b) => Number(a === '--replace') - Number(b === '--replace'));
if (file === undefined || file.startsWith('--') || flags.some((flag) => flag !== '--replace')) {
  console.error('Usage: npm run restore -- <file> [--replace]');
  process.exit(1);
}
const databaseUrl = orExit(loadDatabaseUrl);
const database = connectDatabase(databaseUrl, { min: 0, max: 1 });
try {
  const startedAt = Date.now();
  await restore(database, databaseUrl, file, { replaces: flags.length > 0 });
  console.log(
    `Restored in ${((Date.now() - startedAt) / 1000).toFixed(1)} s. Next: npm run migrate, then npm run reconcile`,
  );
} catch (error) {
  process.exitCode = 1;
  console.error(`Not restored: ${error instanceof DumpError ? error.message : wordFor(error)}`);
} finally {
  await database.destroy();
}
