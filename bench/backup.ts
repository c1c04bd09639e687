/**
 * `npm run bench:backup -- [orders]`: how long `npm run backup` and `npm run restore` take with 100,000 orders. It needs pg_dump and pg_restore of
 * the server's version or newer. With DATABASE_URL, it uses this database, which must be empty, and leaves it empty.
 */
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../sandbox/servers/process.ts';
import { startPostgres } from '../sandbox/servers/postgres.ts';
import { connectDatabase } from '../src/database/connection.ts';
import { migrate } from '../src/database/migrations.ts';
import { addConference } from '../stage/conference.ts';
import { emptyFolder } from '../stage/world.ts';
import { addCrowd, TYPES } from './crowd.ts';
import { onMachine } from './measure.ts';

const [orders = 100_000] = process.argv.slice(2).map(Number);
const folder = emptyFolder('registration-backup');
const given = process.env.DATABASE_URL;
const server =
  given === undefined
    ? await startPostgres({
        ...{ report: () => undefined, port: await freePort() },
        ...{ dataFolder: join(folder, 'postgres'), logFile: join(folder, 'postgresql.log') },
      })
    : undefined;
const url = given ?? server?.url ?? '';

/** Runs a command, and prints what it says. */
async function run(command: string, ...args: string[]): Promise<void> {
  const env = { ...process.env, DATABASE_URL: url };
  const { stdout } = await promisify(execFile)('npm', ['run', '--silent', command, '--', ...args], { env });
  console.log(`${command.padEnd(8)} ${stdout.trim()}`);
}

try {
  const database = connectDatabase(url, { min: 0, max: 4 });
  await migrate(database);
  await addConference(database, TYPES);
  await addCrowd(database, orders);
  const { rows } = await database.raw<{ rows: [{ size: string; version: string }] }>(
    "select pg_size_pretty(pg_database_size(current_database())) as size, current_setting('server_version') as version",
  );
  await database.destroy();
  console.log(
    `${orders} orders, a database of ${rows[0].size}, PostgreSQL ${rows[0].version}, ${onMachine()}`,
  );
  const file = join(folder, 'registrations.dump');
  await run('backup', file);
  await run('restore', file, '--replace');
  const restored = connectDatabase(url, { min: 0, max: 1 });
  const back = await restored('orders').pluck<string[]>('id');
  await restored.destroy();
  if (back.length !== orders) throw new Error(`${back.length} of ${orders} orders are back`);
} finally {
  if (given !== undefined) {
    const database = connectDatabase(url, { min: 0, max: 1 });
    await database.raw('drop schema public cascade; create schema public').catch(() => undefined);
    await database.destroy();
  }
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}
