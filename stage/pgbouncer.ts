/** A transaction pooler before PostgreSQL, as operators of managed databases offer it: each transaction may get another connection. */
import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { serverUser } from '../sandbox/servers/postgres.ts';
import { start, until, type Running } from '../sandbox/servers/process.ts';

const PLACES = ['pgbouncer', '/usr/sbin/pgbouncer', '/usr/local/bin/pgbouncer'];
/** Of the product's processes together. They would open up to ten each. */
const SERVER_CONNECTIONS = 10;

/** The settings that the product needs (docs/kubernetes.md), apart from places. */
export const SETTINGS = {
  pool_mode: 'transaction',
  default_pool_size: String(SERVER_CONNECTIONS),
  max_client_conn: '500',
  // The role has it instead: a pooler cannot pass on what each client asks for at its start.
  ignore_startup_parameters: 'statement_timeout',
  // After an outage of PostgreSQL, and while there is none.
  server_login_retry: '1',
  query_wait_timeout: '10',
};

/** Throws where the program is missing. */
export function findPgbouncer(): string {
  const found = PLACES.find((place) => spawnSync(place, ['--version']).status === 0);
  if (found === undefined)
    throw new Error(
      'pgbouncer is missing. On Debian, apt-get install pgbouncer installs it; it need not run as a service.',
    );
  return found;
}

/** Starts the pooler at a port of the loopback interface, for the database and the user of `databaseUrl`. */
export async function startPgbouncer(options: {
  databaseUrl: string;
  port: number;
  /** Its configuration is written there. PostgreSQL's user has to be able to read it. */
  folder: string;
  logFile: string;
}): Promise<Running & { url: string }> {
  const { databaseUrl, port, folder, logFile } = options;
  const program = findPgbouncer();
  const { hostname, port: serverPort, username, password, pathname } = new URL(databaseUrl);
  const database = pathname.slice(1);
  const direct = new pg.Client({ connectionString: databaseUrl });
  await direct.connect();
  await direct.query(`alter role "${username}" in database "${database}" set statement_timeout = '10s'`);
  await direct.end();

  const user = serverUser();
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    if (user.uid !== undefined && user.gid !== undefined) chownSync(path, user.uid, user.gid);
    return path;
  };
  const users = file('users.txt', `"${username}" "${decodeURIComponent(password)}"\n`);
  const settings = {
    ...{ listen_addr: '127.0.0.1', listen_port: String(port), unix_socket_dir: '' },
    ...{ auth_type: 'scram-sha-256', auth_file: users, ...SETTINGS },
  };
  const config = file(
    'pgbouncer.ini',
    [
      '[databases]',
      `${database} = host=${hostname} port=${serverPort} dbname=${database}`,
      '[pgbouncer]',
      ...Object.entries(settings).map(([name, value]) => `${name} = ${value}`),
      '',
    ].join('\n'),
  );
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid);
  // It refuses to run as root. SIGINT lets transactions end; a second signal is not needed, because none is long.
  const running = await start('pgbouncer', program, [config], {
    ...user,
    logFile,
    cwd: '/',
    signal: 'SIGINT',
  });
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${port}`;
  await until(async () => {
    const client = new pg.Client({ connectionString: url.href, connectionTimeoutMillis: 2000 });
    await client.connect();
    await client.end();
  }, running);
  return { ...running, url: url.href };
}
