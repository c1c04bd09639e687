/** Copies the whole database to a file and back, with PostgreSQL's own programs. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, renameSync, rmSync } from 'node:fs';
import type { Database } from './connection.ts';

/** Why there is no backup, or nothing was restored, in words for an operator and without anything about a person. */
export class DumpError extends Error {}

type Program = 'pg_dump' | 'pg_restore';

/**
 * Writes a backup to a file that only its owner can read. It shows the database at one moment, while everything goes on. A file of this name is
 * replaced once the new one is complete.
 * @throws DumpError when there is none; then nothing is left of it
 */
export async function backUp(database: Database, databaseUrl: string, file: string): Promise<void> {
  await checkProgram('pg_dump', await serverVersion(database));
  const partial = `${file}.partial`;
  rmSync(partial, { force: true });
  // pg_dump keeps the mode of a file that is there.
  closeSync(openSync(partial, 'wx', 0o600));
  try {
    await run(
      'pg_dump',
      ['--format=custom', '--no-password', `--file=${partial}`],
      connectionOf(databaseUrl),
    );
    renameSync(partial, file);
  } finally {
    rmSync(partial, { force: true });
  }
}

/**
 * Puts a backup into a database, all of it or nothing. The database must be empty; with `replaces`, what is in it is dropped.
 * @throws DumpError when nothing was restored
 */
export async function restore(
  database: Database,
  databaseUrl: string,
  file: string,
  { replaces = false }: { replaces?: boolean } = {},
): Promise<void> {
  if (!existsSync(file)) throw new DumpError(`There is no file ${file}`);
  await checkProgram('pg_restore', await serverVersion(database));
  const connection = connectionOf(databaseUrl);
  // Before anything is dropped: whether this program can read all of the file, to its end.
  await run('pg_restore', ['--file=/dev/null', file], connection);
  const others = await countOthers(database);
  if (others > 0) throw new DumpError(`${others} others use the database. Stop api and workers first`);
  if (!(await isEmpty(database))) {
    if (!replaces)
      throw new DumpError('The database is not empty. To drop everything in it first, add --replace');
    await database.raw('drop schema public cascade; create schema public');
  }
  const all = ['--exit-on-error', '--single-transaction', '--no-owner', '--no-privileges'];
  const name = connection.PGDATABASE;
  await run('pg_restore', [...all, '--no-password', `--dbname=${name}`, file], connection);
  await database.raw('set statement_timeout = 0; analyze');
}

const isEmpty = async (database: Database): Promise<boolean> => {
  const { rows } = await database.raw<{ rows: unknown[] }>(
    "select from pg_class where relnamespace = 'public'::regnamespace limit 1",
  );
  return rows.length === 0;
};

async function countOthers(database: Database): Promise<number> {
  const { rows } = await database.raw<{ rows: [{ others: number }] }>(
    `select count(*)::integer as others from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
  );
  return rows[0].others;
}

async function serverVersion(database: Database): Promise<number> {
  const { rows } = await database.raw<{ rows: [{ version: string }] }>(
    "select current_setting('server_version_num') as version",
  );
  return Math.floor(Number(rows[0].version) / 10_000);
}

/** PostgreSQL's programs refuse servers that are newer than they are. */
async function checkProgram(program: Program, server: number): Promise<void> {
  const said = await run(program, ['--version'], {});
  const version = Number(/\(PostgreSQL\) (\d+)/.exec(said)?.[1] ?? 0);
  if (version < server)
    throw new DumpError(
      `${program} is of version ${version}, and the server of version ${server}. Install the client programs of PostgreSQL ${server} or newer`,
    );
}

/** The settings of libpq's programs for a connection. Only the environment has the password: everybody can read a list of arguments. */
export function connectionOf(databaseUrl: string, env = process.env): Record<string, string> {
  const { hostname, port, username, password, pathname, searchParams: more } = new URL(databaseUrl);
  const mode = more.get('sslmode')?.replace('no-verify', 'require');
  const given = {
    PGHOST: more.get('host') ?? decodeURIComponent(hostname),
    PGPORT: more.get('port') ?? port,
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: decodeURIComponent(pathname.slice(1)),
    // The driver's word for an encrypted connection whose certificate is not checked is its own.
    PGSSLMODE: mode,
    // Where the driver finds the certificates of authorities that Node does not know itself.
    PGSSLROOTCERT:
      more.get('sslrootcert') ??
      (mode?.startsWith('verify') ? (env.PGSSLROOTCERT ?? env.NODE_EXTRA_CA_CERTS) : undefined),
    PGSSLCERT: more.get('sslcert'),
    PGSSLKEY: more.get('sslkey'),
  };
  return Object.fromEntries(
    Object.entries(given).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '',
    ),
  );
}

/** Runs a program, and returns what it has printed. */
async function run(program: Program, args: string[], connection: Record<string, string>): Promise<string> {
  const child = spawn(program, args, {
    env: { ...process.env, ...connection },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, errors]: [string[], string[]] = [[], []];
  child.stdout.setEncoding('utf8').on('data', (text: string) => out.push(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new DumpError(
          error.code === 'ENOENT'
            ? `${program} is not installed, or not in PATH. Install the client programs of PostgreSQL`
            : `${program} cannot be started (${error.code ?? error.name})`,
        ),
      ),
    );
    child.once('close', resolve);
  });
  if (code !== 0) throw new DumpError(`${program} has failed: ${reasonIn(errors.join(''))}`);
  return out.join('');
}

/** The first reason that a program gives. What follows it may quote a row. */
const reasonIn = (errors: string): string =>
  /^pg_(?:dump|restore): error: (COPY failed for table "\w+"|could not execute query|[^\n]*)/m.exec(
    errors,
  )?.[1] ?? 'it gave no reason';
