/**
 * `npm start`: runs everything on one machine until Ctrl-C, each part as its own process. `npm run cluster` (`--cluster`) does the
 * same with several processes of each kind, and with a real Temporal cluster.
 */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadDatabaseUrl } from '../src/config.ts';
import { LINK_MINUTES } from '../src/organizer.ts';
import { ownersLink, prepareDatabase } from './database.ts';
import { startBalancer } from './servers/balancer.ts';
import { openDataFolder } from './servers/data-folder.ts';
import { serverUser } from './servers/postgres.ts';
import { freePort, isTaken, start, until, whileWaiting, type Running } from './servers/process.ts';
import { generatedKeys, standInsFor } from './settings.ts';
import { createSupervisor } from './servers/supervisor.ts';
import { hiddenPlace } from './servers/web-ui.ts';
import { startClusterStores, startStores } from './stores.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const startedAt = Date.now();
const say = (line: string) =>
  process.stdout.write(`${((Date.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${line}\n`);

const given = process.env;
const isCluster = process.argv.includes('--cluster');
const number = (name: string, fallback: number) => Number(given[name] ?? '') || fallback;
/** How many processes of each kind a cluster has. */
const counts = {
  servers: number('CLUSTER_SERVERS', 2),
  apis: isCluster ? number('CLUSTER_APIS', 2) : 1,
  workers: isCluster ? number('CLUSTER_WORKERS', 2) : 1,
};
const ports = {
  PORT: number('PORT', 3000),
  SANDBOX_PORT: number('SANDBOX_PORT', 4010),
  SANDBOX_TEMPORAL_PORT: number('SANDBOX_TEMPORAL_PORT', 7233),
  SANDBOX_TEMPORAL_UI_PORT: number('SANDBOX_TEMPORAL_UI_PORT', 8233),
  SANDBOX_POSTGRES_PORT: number('SANDBOX_POSTGRES_PORT', 5433),
};
const publicUrl = (given.PUBLIC_URL ?? `http://localhost:${ports.PORT}`).replace(/\/+$/, '');
const dataFolder = resolve(root, given.DATA_DIR ?? (isCluster ? '.data-cluster' : '.data'));
const log = (name: string) => join(dataFolder, 'logs', `${name}.log`);

// A configured server replaces the embedded one.
const ownTemporal = isCluster || !given.TEMPORAL_ADDRESS;
const ownPostgres = isCluster || !given.DATABASE_URL;
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
function startServers(): Promise<Record<string, string>> {
  const stores = {
    ...{ say, supervisor, dataFolder, log, webUi, webUiPort: ports.SANDBOX_TEMPORAL_UI_PORT },
    codecUrl: `${publicUrl}/codec`,
    isRateLimited: !!given.VENDOR_RATE_LIMIT,
  };
  const [temporalPort, postgresPort] = [ports.SANDBOX_TEMPORAL_PORT, ports.SANDBOX_POSTGRES_PORT];
  if (isCluster) return startClusterStores({ ...stores, temporalPort, postgresPort }, counts.servers);
  return startStores({
    ...stores,
    temporalPort: ownTemporal ? temporalPort : undefined,
    postgresPort: ownPostgres ? postgresPort : undefined,
  });
}

async function main(): Promise<void> {
  await checkPorts();
  openDataFolder(dataFolder, ownPostgres ? serverUser() : {});
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
        logFile: log(name.replace(' ', '-')),
      }),
    );

  const prepared = prepareDatabase(loadDatabaseUrl(env), say);
  const sandbox =
    standIns &&
    keep('sandbox', 'sandbox/vendors/server.ts', {
      SANDBOX_PORT: String(ports.SANDBOX_PORT),
      SANDBOX_WEBHOOKS_TO: `http://127.0.0.1:${ports.PORT}`,
      DATA_DIR: dataFolder,
    });
  await Promise.all([prepared, sandbox]);

  const each = <T>(count: number, make: (n: number) => Promise<T>) =>
    Promise.all(Array.from({ length: count }, (_, n) => make(n + 1)));
  const nameOf = (kind: string, n: number) => (isCluster ? `${kind} ${n}` : kind);
  // The processes cannot share a port: the apis have the first ones, and the workers those after them.
  const metrics = (n: number): Record<string, string> =>
    given.METRICS_PORT ? { METRICS_PORT: String(number('METRICS_PORT', 0) + n - 1) } : {};
  const workers = each(counts.workers, (n) =>
    keep(nameOf('worker', n), 'src/worker.ts', metrics(counts.apis + n)),
  );
  const apiPorts = isCluster ? await each(counts.apis, () => freePort()) : [ports.PORT];
  const apis = each(counts.apis, (n) =>
    keep(nameOf('api', n), 'src/api/server.ts', { PORT: String(apiPorts[n - 1]), ...metrics(n) }),
  );
  const apiPlaces = apiPorts.map((port) => ({ address: '127.0.0.1', port }));
  if (isCluster) await startBalancer(ports.PORT, () => apiPlaces);
  const isReady = (running: Running, port?: number) =>
    until(async () => {
      const ready =
        port === undefined
          ? running.isReady()
          : (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 200;
      if (!ready) throw new Error(`${running.name} is not ready: see ${running.logFile}`);
    }, running);
  await whileWaiting(
    say,
    () => 'still waiting for the worker and the api',
    Promise.all([
      ...(await workers).map((worker) => isReady(worker)),
      ...(await apis).map((api, n) => isReady(api, apiPorts[n])),
    ]),
  );
  say('Ready');

  const rows = [
    ['Registration form', publicUrl],
    ['Status of a registration', `${publicUrl}/registrations/<id>`],
    [`Organizers (${LINK_MINUTES} minutes, one sign-in)`, await ownersLink(loadDatabaseUrl(env), publicUrl)],
    ...(standIns ? [['Payments, inbox, audience, switches', sandboxUrl]] : []),
    ...(ownTemporal ? [["Temporal's Web UI", uiUrl]] : []),
    ['HTTP API', `${publicUrl}/documentation`],
    ['Data and logs', dataFolder],
  ];
  const table = rows.map(([name = '', where = '']) => `  ${name.padEnd(38)}${where}`).join('\n');
  process.stdout.write(`\n${table}\n\n  Ctrl-C stops everything; the next start uses the same data.\n`);
}

main().catch(fail);
