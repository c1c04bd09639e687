/** `npm run backup -- <file>`: writes a backup of the database. */
import { statSync } from 'node:fs';
import { loadDatabaseUrl, orExit } from '../config.ts';
import { connectDatabase } from '../database/connection.ts';
import { backUp, DumpError } from '../database/dump.ts';
import { wordFor } from '../trace.ts';

const [file] = process.argv.slice(2);
if (file === undefined) {
  console.error('Usage: npm run backup -- <file>');
  process.exit(1);
}
const databaseUrl = orExit(loadDatabaseUrl);
const database = connectDatabase(databaseUrl, { min: 0, max: 1 });
try {
  const startedAt = Date.now();
  await backUp(database, databaseUrl, file);
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  console.log(`${file}: ${(statSync(file).size / 1e6).toFixed(1)} MB in ${seconds} s`);
} catch (error) {
  process.exitCode = 1;
  console.error(`No backup was made: ${error instanceof DumpError ? error.message : wordFor(error)}`);
} finally {
  await database.destroy();
}
