/** `npm start`: runs everything on one machine until Ctrl-C, each part as its own process. */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadDatabaseUrl } from '../src/config.ts';
import { connectDatabase } from '../src/database/connection.ts';
import { seedExampleEvent } from '../src/database/events.ts';
import { migrate } from '../src/database/migrations.ts';
import { addOrganizer, decideOnPeople, listOrganizers } from '../src/database/organizers.ts';
import { addLink } from '../src/database/sessions.ts';
import { hash } from '../src/hash.ts';
import { LINK_MINUTES, signInUrl } from '../src/organizer.ts';
import { newToken } from '../src/token.ts';
import { openDataFolder } from './servers/data-folder.ts';
import { serverUser, startPostgres } from './servers/postgres.ts';
import { isTaken, start, until, whileWaiting } from './servers/process.ts';
import { generatedKeys, standInsFor } from './settings.ts';
import { createSupervisor } from './servers/supervisor.ts';
import { FAIR, startTemporal } from './servers/temporal.ts';
import { hiddenPlace, startGate } from './servers/web-ui.ts';

const RETENTION_DAYS = 90;
/** The owner that `npm start` adds where there is no organizer yet. */
const OWNER = { email: 'organizer@example.org', role: 'owner', language: 'en' } as const;
const root = fileURLToPath(new URL('..', import.meta.url));
const startedAt = Date.now();
const say = (line: string) =>
  process.stdout.write(`${((Date.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${line}\n`);

const given = process.env;
const port = (name: string, fallback: number) => Number(given[name] ?? '') || fallback;
const ports = {
  PORT: port('PORT', 3000),
  SANDBOX_PORT: port('SANDBOX_PORT', 4010),
  SANDBOX_TEMPORAL_PORT: port('SANDBOX_TEMPORAL_PORT', 7233),
  SANDBOX_TEMPORAL_UI_PORT: port('SANDBOX_TEMPORAL_UI_PORT', 8233),
  SANDBOX_POSTGRES_PORT: port('SANDBOX_POSTGRES_PORT', 5433),
};
const publicUrl = (given.PUBLIC_URL ?? `http://localhost:${ports.PORT}`).replace(/\/+$/, '');
const dataFolder = resolve(root, given.DATA_DIR ?? '.data');
const log = (name: string) => join(dataFolder, 'logs', `${name}.log`);

// A configured server replaces the embedded one.
const ownTemporal = !given.TEMPORAL_ADDRESS;
const ownPostgres = !given.DATABASE_URL;
const sandboxUrl = `http://127.0.0.1:${ports.SANDBOX_PORT}`;
const standIns = standInsFor(sandboxUrl, given);
const webUi = await hiddenPlace();

const supervisor = createSupervisor(say, fail);
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    if (interrupted) {
      supervisor.kill();
      process.exit(1);
    }
    interrupted = true;
    say('Stopping (press Ctrl-C again to stop immediately)');
    end(0);
  });

/** Stops the parts that accept requests first, and those that store data last. */
function end(exitCode: number): void {
  supervisor.stop('api', 'worker', 'sandbox').then(
    () => {
      say('Stopped');
      process.exit(exitCode);
    },
    () => process.exit(1),
  );
}

/** Prints the error message and stops all parts. */
function fail(error: unknown): void {
  process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
  end(1);
}

async function checkPorts(): Promise<void> {
  const needed: (keyof typeof ports)[] = [
    'PORT',
    ...(standIns ? (['SANDBOX_PORT'] as const) : []),
    ...(ownTemporal ? (['SANDBOX_TEMPORAL_PORT', 'SANDBOX_TEMPORAL_UI_PORT'] as const) : []),
    ...(ownPostgres ? (['SANDBOX_POSTGRES_PORT'] as const) : []),
  ];
  const taken = await Promise.all(needed.map(async (name) => ((await isTaken(ports[name])) ? [name] : [])));
  const sentences = taken
    .flat()
    .map(
      (name) =>
        `Port ${ports[name]} is taken: stop the process that uses it, or choose another port with ${name}.`,
    );
  if (sentences.length) throw new Error(sentences.join('\n'));
}

/** Starts Temporal and PostgreSQL unless they are configured; returns the settings that point to them. */
async function startServers(): Promise<Record<string, string>> {
  const temporal = () =>
    startTemporal({
      report: say,
      port: ports.SANDBOX_TEMPORAL_PORT,
      ui: webUi,
      codecUrl: `${publicUrl}/codec`,
      databaseFile: join(dataFolder, 'temporal.sqlite'),
      logFile: log('temporal'),
      retentionDays: RETENTION_DAYS,
      ...(given.VENDOR_RATE_LIMIT ? { dynamicConfig: FAIR } : {}),
    });
  const postgres = () =>
    startPostgres({
      report: say,
      port: ports.SANDBOX_POSTGRES_PORT,
      dataFolder: join(dataFolder, 'postgres'),
      logFile: log('postgresql'),
    });
  const [temporalSettings, postgresSettings] = await Promise.all([
    ownTemporal &&
      supervisor.keep('Temporal', temporal).then(({ address }) => {
        say('Temporal is up');
        return { TEMPORAL_ADDRESS: address };
      }),
    ownPostgres &&
      supervisor.keep('PostgreSQL', postgres).then(({ url }) => {
        say('PostgreSQL is up');
        return { DATABASE_URL: url };
      }),
  ]);
  return { ...temporalSettings, ...postgresSettings };
}

/** Replaces `npm run migrate` and `npm run seed`, because two more processes would take seconds. */
async function prepareDatabase(url: string): Promise<void> {
  const database = connectDatabase(url);
  try {
    const names = await migrate(database);
    if (names.length > 0) say(`Applied migrations: ${names.join(', ')}`);
    if (await seedExampleEvent(database)) say('Added the example event');
  } finally {
    await database.destroy();
  }
}

/** Makes a link with which the example's owner, or else the first owner, signs in. */
async function ownersLink(url: string): Promise<string> {
  const database = connectDatabase(url);
  try {
    const organizers = await decideOnPeople(database, async (people) => {
      if ((await listOrganizers(people)).length === 0) await addOrganizer(people, OWNER);
      return listOrganizers(people);
    });
    const owners = organizers.filter(({ role }) => role === 'owner');
    const owner = owners.find(({ email }) => email === OWNER.email) ?? owners[0];
    if (!owner) return 'there is no owner: npm run organizer -- add <email> owner';
    const token = newToken();
    await addLink(database, owner.id, hash(token));
    return signInUrl(publicUrl, token);
  } finally {
    await database.destroy();
  }
}

async function main(): Promise<void> {
  await checkPorts();
  openDataFolder(dataFolder, ownPostgres ? serverUser() : {});
  if (ownTemporal) await startGate(ports.SANDBOX_TEMPORAL_UI_PORT, webUi);
  const servers = await startServers();
  const uiUrl = `http://localhost:${ports.SANDBOX_TEMPORAL_UI_PORT}`;
  const env = {
    HOST: '127.0.0.1',
    PORT: String(ports.PORT),
    PUBLIC_URL: publicUrl,
    EMAIL_FROM: 'Open Knowledge Days <registration@example.org>',
    TEMPORAL_UI_URL: uiUrl,
    ...generatedKeys(dataFolder),
    ...standIns,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== '')),
    ...servers,
    // Local servers must never be reached through a proxy.
    NO_PROXY: [given.NO_PROXY, '127.0.0.1', 'localhost'].filter(Boolean).join(','),
  };
  const script = (file: string) => ['--import', 'tsx', join(root, file)];
  const keep = (name: string, file: string, more: Record<string, string> = {}) =>
    supervisor.keep(name, () =>
      start(name, process.execPath, script(file), {
        cwd: root,
        env: { ...env, ...more },
        logFile: log(name),
      }),
    );

  const prepared = prepareDatabase(loadDatabaseUrl(env));
  const sandbox =
    standIns &&
    keep('sandbox', 'sandbox/vendors/server.ts', {
      SANDBOX_PORT: String(ports.SANDBOX_PORT),
      SANDBOX_WEBHOOKS_TO: `http://127.0.0.1:${ports.PORT}`,
      DATA_DIR: dataFolder,
    });
  await Promise.all([prepared, sandbox]);

  const [worker, api] = await Promise.all([
    keep('worker', 'src/worker.ts'),
    keep('api', 'src/api/server.ts'),
  ]);
  const workerIsReady = () => {
    if (!worker.isReady()) throw new Error(`The worker is not ready: see ${log('worker')}`);
  };
  const apiIsReady = async () => {
    const { status } = await fetch(`http://127.0.0.1:${ports.PORT}/readyz`);
    if (status !== 200) throw new Error(`The api is not ready: see ${log('api')}`);
  };
  await whileWaiting(
    say,
    () => 'still waiting for the worker and the api',
    Promise.all([until(workerIsReady, worker), until(apiIsReady, api)]),
  );
  say('Ready');

  const rows = [
    ['Registration form', publicUrl],
    ['Status of a registration', `${publicUrl}/registrations/<id>`],
    [`Organizers (${LINK_MINUTES} minutes, one sign-in)`, await ownersLink(loadDatabaseUrl(env))],
    ...(standIns ? [['Payments, inbox, audience, switches', sandboxUrl]] : []),
    ...(ownTemporal ? [["Temporal's Web UI", uiUrl]] : []),
    ['HTTP API', `${publicUrl}/documentation`],
    ['Data and logs', dataFolder],
  ];
  const table = rows.map(([name = '', where = '']) => `  ${name.padEnd(38)}${where}`).join('\n');
  process.stdout.write(`\n${table}\n\n  Ctrl-C stops everything; the next start uses the same data.\n`);
}

main().catch(fail);
