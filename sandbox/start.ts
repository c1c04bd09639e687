/** `npm start`: everything on one machine, each part as a process of its own, until Ctrl-C. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isTaken, run, start, tail, until, whileWaiting, type Running } from './process.ts';
import { startPostgres } from './postgres.ts';
import { settingsFor } from './providers.ts';
import { startTemporal } from './temporal.ts';

const RETENTION_DAYS = 90;
const root = fileURLToPath(new URL('..', import.meta.url));
const begun = Date.now();
const say = (line: string) =>
  process.stdout.write(`${((Date.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${line}\n`);

const given = process.env;
const port = (name: string, fallback: number) => Number(given[name] ?? '') || fallback;
const ports = {
  PORT: port('PORT', 3000),
  SANDBOX_PORT: port('SANDBOX_PORT', 4010),
  SANDBOX_TEMPORAL_PORT: port('SANDBOX_TEMPORAL_PORT', 7233),
  SANDBOX_TEMPORAL_UI_PORT: port('SANDBOX_TEMPORAL_UI_PORT', 8233),
  SANDBOX_POSTGRES_PORT: port('SANDBOX_POSTGRES_PORT', 5433),
};
const dataFolder = resolve(root, given.DATA_DIR ?? '.data');
const log = (name: string) => join(dataFolder, 'logs', `${name}.log`);

// What is given wins over the embedded part.
const ownTemporal = !given.TEMPORAL_ADDRESS;
const ownPostgres = !given.DATABASE_URL;
const VENDORS = ['PAYPAL', 'SENDGRID', 'MAILCHIMP'];
const isGiven = (vendor: string) =>
  Object.entries(given).some(
    ([name, value]) =>
      value && name.startsWith(`${vendor}_`) && /_(BASE_URL|API_KEY|CLIENT_ID|CLIENT_SECRET)$/.test(name),
  );
const standIns = VENDORS.filter((vendor) => !isGiven(vendor));

const running: Running[] = [];
let stopping: Promise<void> | undefined;

/** Stops what was started, last first; what nothing else needs stops together. */
function stop(why: string): Promise<void> {
  stopping ??= (async () => {
    say(why);
    const parts = new Set(['api', 'worker', 'sandbox']);
    for (const group of [
      ['api'],
      ['worker'],
      ['sandbox'],
      running.map(({ name }) => name).filter((name) => !parts.has(name)),
    ])
      await Promise.all(
        running
          .filter(({ name }) => group.includes(name))
          .map((part) => part.stop(part.name === 'worker' ? 25_000 : 15_000)),
      );
    say('Stopped');
  })();
  return stopping;
}

let asked = 0;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    if (++asked > 1) {
      for (const { pid } of running) kill(pid);
      process.exit(1);
    }
    stop('Stopping (again to stop at once)').then(() => process.exit(0), fail);
  });

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already, which is what was wanted.
  }
}

/** Says what is wrong in one sentence, stops what was started, and ends with an error. */
function fail(error: unknown): void {
  process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
  stop('Stopping').then(
    () => process.exit(1),
    () => process.exit(1),
  );
}

/** Watches a part for as long as the product runs: without any one of them it is not the product. */
function keep<T extends Running>(part: T): T {
  running.push(part);
  part.ended.then((how) => {
    if (stopping) return;
    const file = log(part.name.toLowerCase());
    fail(new Error(`${part.name} ended unexpectedly (${how}). The end of ${file}:\n${tail(file)}`));
  }, fail);
  return part;
}

/** Keys that a first start makes and later starts need again, or the old data could not be read. */
function generatedKeys(): Record<string, string> {
  const file = join(dataFolder, 'keys.json');
  if (!existsSync(file))
    writeFileSync(
      file,
      JSON.stringify(
        {
          ENCRYPTION_KEY: randomBytes(32).toString('base64'),
          ORGANIZER_PASSWORD: randomBytes(12).toString('base64url'),
        },
        null,
        2,
      ),
      { mode: 0o600 },
    );
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
}

async function checkPorts(): Promise<void> {
  const needed: (keyof typeof ports)[] = [
    'PORT',
    ...(standIns.length ? (['SANDBOX_PORT'] as const) : []),
    ...(ownTemporal ? (['SANDBOX_TEMPORAL_PORT', 'SANDBOX_TEMPORAL_UI_PORT'] as const) : []),
    ...(ownPostgres ? (['SANDBOX_POSTGRES_PORT'] as const) : []),
  ];
  const taken = await Promise.all(needed.map(async (name) => ((await isTaken(ports[name])) ? [name] : [])));
  const sentences = taken
    .flat()
    .map((name) => `Port ${ports[name]} is taken: stop what uses it, or choose another one with ${name}.`);
  if (sentences.length) throw new Error(sentences.join('\n'));
}

async function main(): Promise<void> {
  await checkPorts();
  mkdirSync(join(dataFolder, 'logs'), { recursive: true });
  const [temporal, postgres] = await Promise.all([
    ownTemporal
      ? startTemporal({
          report: say,
          port: ports.SANDBOX_TEMPORAL_PORT,
          uiPort: ports.SANDBOX_TEMPORAL_UI_PORT,
          databaseFile: join(dataFolder, 'temporal.sqlite'),
          logFile: log('temporal'),
          retentionDays: RETENTION_DAYS,
        }).then((part) => (say('Temporal is up'), keep(part)))
      : undefined,
    ownPostgres
      ? startPostgres({
          report: say,
          port: ports.SANDBOX_POSTGRES_PORT,
          dataFolder: join(dataFolder, 'postgres'),
          logFile: log('postgresql'),
        }).then((part) => (say('PostgreSQL is up'), keep(part)))
      : undefined,
  ]);

  const publicUrl = given.PUBLIC_URL ?? `http://localhost:${ports.PORT}`;
  const sandboxUrl = `http://127.0.0.1:${ports.SANDBOX_PORT}`;
  const sandboxSettings = Object.entries(settingsFor(sandboxUrl)).filter(([name]) =>
    standIns.some((vendor) => name.startsWith(`${vendor}_`)),
  );
  const env = {
    HOST: '127.0.0.1',
    PORT: String(ports.PORT),
    PUBLIC_URL: publicUrl,
    EMAIL_FROM: 'Open Knowledge Days <registration@example.org>',
    TEMPORAL_UI_URL: `http://localhost:${ports.SANDBOX_TEMPORAL_UI_PORT}`,
    ...generatedKeys(),
    ...Object.fromEntries(sandboxSettings),
    // Nothing here is behind a proxy, whatever the machine's own settings say.
    NO_PROXY: [given.NO_PROXY, '127.0.0.1', 'localhost'].filter(Boolean).join(','),
    ...Object.fromEntries(
      Object.entries(given).filter(([name, value]) => value !== '' && name !== 'NO_PROXY'),
    ),
    ...(temporal ? { TEMPORAL_ADDRESS: temporal.address } : {}),
    ...(postgres ? { DATABASE_URL: postgres.url } : {}),
  };
  const script = (file: string) => ['--import', 'tsx', join(root, file)];
  const part = async (name: string, file: string, more: Record<string, string> = {}) =>
    keep(
      await start(name, process.execPath, script(file), {
        cwd: root,
        env: { ...env, ...more },
        logFile: log(name),
      }),
    );

  const migrations = (async () => {
    for (const file of ['src/database/migrate.ts', 'src/database/seed.ts'])
      await run(process.execPath, script(file), { cwd: root, env }, say);
  })();
  const sandbox = standIns.length
    ? part('sandbox', 'sandbox/providers.ts', {
        SANDBOX_PORT: String(ports.SANDBOX_PORT),
        DATA_DIR: dataFolder,
      })
    : undefined;
  await Promise.all([migrations, sandbox]);

  const workerLog = log('worker');
  const before = existsSync(workerLog) ? readFileSync(workerLog).length : 0;
  const [worker, api] = await Promise.all([
    part('worker', 'src/worker.ts'),
    part('api', 'src/api/server.ts'),
  ]);
  const ready = async (url: string) => {
    if (!(await fetch(url)).ok) throw new Error(`${url} is not ready`);
  };
  const polling = async () => {
    const written = await Promise.resolve(readFileSync(workerLog).subarray(before).toString());
    if (!written.includes('worker ready'))
      throw new Error(`The worker is not ready. The end of ${workerLog}:\n${tail(workerLog)}`);
  };
  await whileWaiting(
    say,
    () => 'still waiting for worker and api',
    Promise.all([until(polling, worker), until(() => ready(`http://127.0.0.1:${ports.PORT}/readyz`), api)]),
  );
  say('Ready');

  const rows = [
    ['Registration form', publicUrl],
    ['Status of a registration', `${publicUrl}/registrations/<id>`],
    ...(standIns.length ? [['Payments, inbox, audience, switches', sandboxUrl]] : []),
    ...(ownTemporal ? [["Temporal's Web UI", `http://localhost:${ports.SANDBOX_TEMPORAL_UI_PORT}`]] : []),
    ['HTTP API', `${publicUrl}/documentation`],
    ['Data and logs', dataFolder],
  ];
  process.stdout.write(
    `\n${rows.map(([name = '', where = '']) => `  ${name.padEnd(38)}${where}`).join('\n')}\n\n  Ctrl-C stops everything; the next start finds all data again.\n`,
  );
}

main().catch(fail);
