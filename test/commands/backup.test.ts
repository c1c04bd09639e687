/** `npm run backup` and `npm run restore`: with a program in pg_dump's place, and with the real ones where they are installed. */
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { connectionOf } from '../../src/database/dump.ts';
import { createDatabase } from '../store.ts';

let store: Awaited<ReturnType<typeof createDatabase>>;
let folder: string;
let server: number;
beforeAll(async () => {
  store = await createDatabase();
  const { rows } = await store.database.raw<{ rows: [{ version: string }] }>(
    "select current_setting('server_version_num') as version",
  );
  server = Math.floor(Number(rows[0].version) / 10_000);
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'registration-backup-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});
afterAll(() => store.drop());

const root = fileURLToPath(new URL('../..', import.meta.url));
type Ran = { code: number; out: string };
/** Runs a command with these programs in front of the others. */
const run = (command: 'backup' | 'restore', words: string[], path = `${folder}:${process.env.PATH ?? ''}`) =>
  new Promise<Ran>((resolve) => {
    const args = ['--import', 'tsx', `src/commands/${command}.ts`, ...words];
    const env = { PATH: path, DATABASE_URL: store.url, FOLDER: folder };
    execFile(process.execPath, args, { cwd: root, env }, (error, out, errors) => {
      resolve({ code: error ? Number(error.code) : 0, out: out + errors });
    });
  });
/** Puts a shell script in the place of a program. It notes how it was called. */
function program(name: string, script: string, version = server): void {
  const noted = `for a in "$@"; do printf '%s\\n' "$a"; done > "$FOLDER/args"; env > "$FOLDER/env"`;
  const lines = [
    `#!/bin/sh`,
    `if [ "$1" = --version ]; then echo "${name} (PostgreSQL) ${version}.1"; exit 0; fi`,
    ...[noted, script],
  ];
  writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
  chmodSync(join(folder, name), 0o755);
}
const noted = (what: 'args' | 'env') => readFileSync(join(folder, what), 'utf8');
const file = () => join(folder, 'backup.dump');

it('writes a file for its owner only, and never tells the password', { timeout: 60_000 }, async () => {
  program('pg_dump', 'for a in "$@"; do case "$a" in --file=*) echo dumped > "${a#--file=}";; esac; done');
  const { code, out } = await run('backup', [file()]);
  expect(out).toMatch(/backup\.dump: .* MB in .* s/);
  expect(code).toBe(0);
  expect(statSync(file()).mode & 0o777).toBe(0o600);
  const { password } = new URL(store.url);
  expect(password).not.toBe('');
  expect(noted('args').trim().split('\n')).toEqual([
    '--format=custom',
    '--no-password',
    `--file=${file()}.partial`,
  ]);
  expect(noted('env')).toContain(`PGPASSWORD=${password}\n`);
  expect(noted('env')).toContain(`PGDATABASE=${new URL(store.url).pathname.slice(1)}\n`);
  expect(existsSync(`${file()}.partial`)).toBe(false);
});

it('keeps the backup of before, and says why there is no new one', { timeout: 60_000 }, async () => {
  writeFileSync(file(), 'yesterday');
  program(
    'pg_dump',
    `echo 'pg_dump: error: connection to server failed' >&2; echo 'CONTEXT: COPY orders, line 1: Ada Example' >&2; exit 1`,
  );
  expect(await run('backup', [file()])).toEqual({
    code: 1,
    out: 'No backup was made: pg_dump has failed: connection to server failed\n',
  });
  program('pg_dump', '', server - 1);
  expect((await run('backup', [file()])).out).toContain(
    `pg_dump is of version ${server - 1}, and the server of version ${server}`,
  );
  expect((await run('backup', [file()], folder.replace('backup', 'none'))).out).toContain(
    'pg_dump is not installed, or not in PATH',
  );
  expect(readFileSync(file(), 'utf8')).toBe('yesterday');
  expect(existsSync(`${file()}.partial`)).toBe(false);
});

it(
  'restores into an empty database only, unless it is told to replace everything',
  { timeout: 60_000 },
  async () => {
    program('pg_restore', '');
    expect((await run('restore', [file()])).out).toContain(`There is no file ${file()}`);
    writeFileSync(file(), 'no backup');
    await store.database.destroy();
    expect(await run('restore', [file()])).toMatchObject({
      code: 1,
      out: expect.stringContaining('The database is not empty') as string,
    });
    store.database.initialize();
    expect(await store.database('events').pluck('id')).toEqual(['conference']);
    // Somebody is connected.
    expect((await run('restore', [file(), '--replace'])).out).toMatch(/\d+ others use the database/);
    program(
      'pg_restore',
      `echo 'pg_restore: error: input file does not appear to be a valid archive' >&2; exit 1`,
    );
    expect((await run('restore', [file(), '--replace'])).out).toContain('valid archive');
    expect(await store.database('events').pluck('id')).toEqual(['conference']);
  },
);

it('reads every part of the address, and gives a password that has to be escaped as it is', () => {
  expect(
    connectionOf('postgres://a%40b:p%2Fw@db.example:6432/reg%201?sslmode=no-verify&sslrootcert=/ca.pem'),
  ).toEqual({
    ...{ PGHOST: 'db.example', PGPORT: '6432', PGUSER: 'a@b', PGPASSWORD: 'p/w', PGDATABASE: 'reg 1' },
    ...{ PGSSLMODE: 'require', PGSSLROOTCERT: '/ca.pem' },
  });
  const verified = 'postgres://db.example/registration?sslmode=verify-full';
  expect(connectionOf(verified, { NODE_EXTRA_CA_CERTS: '/node.pem' }).PGSSLROOTCERT).toBe('/node.pem');
  expect(connectionOf('postgres:///registration?host=/run/postgresql')).toEqual({
    ...{ PGHOST: '/run/postgresql', PGDATABASE: 'registration' },
  });
});

/** The version of the program that is installed; 0 where there is none. */
function installed(): number {
  try {
    return Number(/(\d+)/.exec(execFileSync('pg_dump', ['--version'], { encoding: 'utf8' }))?.[1]);
  } catch {
    return 0;
  }
}
it('brings everything back with the real programs', { timeout: 60_000 }, async (context) => {
  if (installed() < server) {
    console.warn(
      `NOT TESTED: this needs pg_dump and pg_restore of PostgreSQL ${server}; installed is ${installed()}`,
    );
    context.skip(`pg_dump of PostgreSQL ${server} is not installed`);
  }
  const path = process.env.PATH ?? '';
  const before = await store.database('ticket_types').orderBy('id');
  await store.database.destroy();
  expect(await run('backup', [file()], path)).toMatchObject({ code: 0 });
  expect((await run('restore', [file()], path)).out).toContain('The database is not empty');
  store.database.initialize();
  await store.database('ticket_types').delete();
  await store.database.destroy();
  expect(await run('restore', [file(), '--replace'], path)).toMatchObject({ code: 0 });
  store.database.initialize();
  expect(await store.database('ticket_types').orderBy('id')).toEqual(before);
});
