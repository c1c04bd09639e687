/** The product as in production, each part in a process that can be killed, with the sandbox as vendors. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { DECLINED_CARD } from '../sandbox/vendors/paypal/cards.ts';
import { addConference, type Ticket } from './conference.ts';
import { startBalancer } from '../sandbox/servers/balancer.ts';
import { makeNamespace, placeOf, prepareCluster, startNode } from '../sandbox/servers/cluster.ts';
import { startPostgres } from '../sandbox/servers/postgres.ts';
import { freePort, start, until, type Running } from '../sandbox/servers/process.ts';
import { startSandbox, type settingsFor } from '../sandbox/vendors/server.ts';
import { startTemporal } from '../sandbox/servers/temporal.ts';
import type { Place } from '../sandbox/servers/web-ui.ts';
import { loadConfig } from '../src/config.ts';
import { connectDatabase } from '../src/database/connection.ts';
import { migrate } from '../src/database/migrations.ts';
import { TASK_QUEUE } from '../src/registration.ts';
import { connectTemporal } from '../src/temporal/client.ts';
import { buildProduct } from './build.ts';
import { PERSONAL } from './person.ts';
import { startPgbouncer } from './pgbouncer.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const WORKERS = 2;
const TICKETS: Ticket[] = [
  { id: 'regular', name: 'Regular', price_minor: 12_000, capacity: null },
  { id: 'free', name: 'Free', price_minor: 0, capacity: null },
];
/** The parts that can be killed. Workers, and in a cluster all but PostgreSQL, are numbered: `worker 1`, `worker 2`. */
export const PARTS = ['api', 'worker', 'PostgreSQL', 'Temporal'] as const;
export type Part = (typeof PARTS)[number];
const silence = () => undefined;
const RETRY_MS = 500;
/** Those of Temporal's servers come to those of the product. */
const CLUSTER_CONNECTIONS = { max_connections: '300' };
const numbered = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n + 1));

export type World = Awaited<ReturnType<typeof startWorld>>;

/** Starts the product, and the sandbox within this process, where it survives all kills. */
export async function startWorld(
  options: Pick<
    Options,
    'preload' | 'settings' | 'tickets' | 'cluster' | 'workers' | 'build' | 'pooler'
  > = {},
) {
  const folder = emptyFolder('registration-stage');
  const sandbox = await startSandbox({ dataFile: join(folder, 'sandbox.jsonl') });
  const product = await startProduct({ ...options, folder, vendors: sandbox.settings });
  return {
    ...product,
    sandbox,
    async stop(keep: boolean) {
      await product.stop(keep);
      await sandbox.close();
    },
  };
}

/** Creates a folder for data and logs that PostgreSQL's user can access. */
export function emptyFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  chmodSync(folder, 0o755);
  return folder;
}

type Options = {
  /** The folder for data and logs. */
  folder: string;
  /** The settings that point to the vendors. */
  vendors: ReturnType<typeof settingsFor>;
  /** A module that the api and the workers run first. It imports the actual script, given as its argument. */
  preload?: string;
  /** Overrides of the settings of the api and the workers. */
  settings?: Record<string, string>;
  /** Settings of one process, by its name: `api`, `worker-1`. */
  settingsOf?: (process: string) => Record<string, string>;
  postgresSettings?: Record<string, string>;
  workers?: number;
  /** A real Temporal cluster, and several apis, each behind a balancer; otherwise the development server and one api. */
  cluster?: Cluster;
  tickets?: Ticket[];
  /** Whether api and workers reach PostgreSQL through a transaction pooler. */
  pooler?: boolean;
  /** The folder of the build that api and workers start from, where it is another version's. */
  build?: string;
};
export type Cluster = {
  servers: number;
  apis: number;
  /** The file of Temporal's dynamic configuration, where it is not the one that is deployed. */
  dynamicConfig?: string;
};

/** Starts Temporal, PostgreSQL, the api and the workers as processes, the latter two from the build. */
export async function startProduct({
  folder,
  vendors,
  preload,
  settings: changed = {},
  settingsOf = () => ({}),
  postgresSettings = {},
  workers = WORKERS,
  cluster,
  tickets = TICKETS,
  build = root,
  pooler = false,
}: Options) {
  const log = (name: string) => join(folder, 'logs', `${name}.log`);
  const [apiPort, temporalPort, postgresPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const url = `http://127.0.0.1:${apiPort}`;

  const postgres = () =>
    startPostgres({
      report: silence,
      port: postgresPort,
      dataFolder: join(folder, 'postgres'),
      logFile: log('postgresql'),
      settings: { ...(cluster && CLUSTER_CONNECTIONS), ...postgresSettings },
    });
  const launchers = new Map<string, () => Promise<Running>>([['PostgreSQL', postgres]]);
  let stopped = false;
  const parts = new Map<string, Running>();
  /** Starts those of the named parts that are down. */
  async function revive(names: Iterable<string>): Promise<void> {
    for (const name of names) {
      const again = launchers.get(name);
      if (again && !stopped && !parts.has(name)) parts.set(name, await again());
    }
  }
  /** Temporal's server ends where PostgreSQL is away for too long at its start. Whatever looks after it starts it again. */
  async function keepNode(name: string, launch: () => Promise<Running>): Promise<Running> {
    let running: Running | undefined;
    while (!running) running = await launch().catch(() => sleep(RETRY_MS, undefined));
    const { ended, pid } = running;
    ended
      .then(async () => {
        if (parts.get(name)?.pid !== pid) return;
        parts.delete(name);
        await revive([name]);
      })
      .catch(() => undefined);
    return running;
  }
  const balancers: Server[] = [];
  const balance = async (port: number, servers: () => Place[]) =>
    balancers.push(await startBalancer(port, servers));

  const [{ url: databaseUrl }] = await Promise.all([
    postgres().then((running) => {
      parts.set('PostgreSQL', running);
      return running;
    }),
    buildProduct(),
  ]);
  const pooled = pooler
    ? await startPgbouncer({
        ...{ databaseUrl, port: await freePort(), folder: join(folder, 'pgbouncer') },
        logFile: log('pgbouncer'),
      })
    : undefined;
  const temporalAddress = `127.0.0.1:${temporalPort}`;
  if (cluster) {
    const prepared = await prepareCluster(
      silence,
      databaseUrl,
      join(folder, 'temporal'),
      cluster.dynamicConfig,
    );
    const places = numbered(cluster.servers, (n) => {
      launchers.set(`Temporal ${n}`, () =>
        keepNode(`Temporal ${n}`, () => startNode(prepared, n, log(`temporal-${n}`))),
      );
      return placeOf(prepared, n);
    });
    await balance(temporalPort, () => places);
    await revive(launchers.keys());
    await makeNamespace(temporalAddress, 1);
  } else {
    launchers.set('Temporal', () =>
      startTemporal({
        report: silence,
        port: temporalPort,
        databaseFile: join(folder, 'temporal.sqlite'),
        logFile: log('temporal'),
        retentionDays: 1,
      }),
    );
    await revive(launchers.keys());
  }

  const settings = {
    ...vendors,
    HOST: '127.0.0.1',
    PORT: String(apiPort),
    DATABASE_URL: pooled?.url ?? databaseUrl,
    TEMPORAL_ADDRESS: temporalAddress,
    EMAIL_FROM: 'Conference <registration@example.org>',
    ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    RATE_LIMIT: '0',
    LOG_LEVEL: 'debug',
    NO_PROXY: '127.0.0.1,localhost',
    ...changed,
  };
  const env = { ...process.env, ...settings };
  const before = preload ? ['--import', 'tsx', preload] : [];
  const launch = (name: string, file: string, own: Record<string, string> = {}, from = build) =>
    start(name, process.execPath, [...before, join(from, 'dist/src', file)], {
      ...{ cwd: from, env: { ...env, ...own, ...settingsOf(name) } },
      logFile: log(name),
    });
  const api = async (name: string, port: number, from = build) => {
    const running = await launch(name, 'api/server.js', { PORT: String(port) }, from);
    await until(() => fetch(`http://127.0.0.1:${port}/healthz`), running);
    return running;
  };
  /** The apis that get connections from the balancer, by name. */
  const apis = new Map<string, Place>();
  if (cluster) {
    const ports = await Promise.all(numbered(cluster.apis, () => freePort()));
    ports.forEach((port, n) => {
      apis.set(`api ${n + 1}`, { address: '127.0.0.1', port });
      launchers.set(`api ${n + 1}`, () => api(`api-${n + 1}`, port));
    });
    await balance(apiPort, () => [...apis.values()]);
  } else launchers.set('api', () => api('api', apiPort));
  numbered(workers, (n) => launchers.set(`worker ${n}`, () => launch(`worker-${n}`, 'worker.js')));

  const config = loadConfig(settings);
  const database = connectDatabase(databaseUrl);
  await migrate(database);
  await addConference(database, tickets);
  const client = connectTemporal(config);
  await revive(launchers.keys());
  // Otherwise a short plan could be over before the first worker polls.
  const worker = parts.get('worker 1');
  if (worker && !cluster) await workersPolling(client, TASK_QUEUE, workers, worker);
  // Of a task queue with several partitions, a worker need not poll the one that tells who polls.
  if (worker && cluster)
    await until(() => {
      const waiting = numbered(workers, (n) => `worker ${n}`).filter((name) => !parts.get(name)?.isReady());
      if (waiting.length > 0) throw new Error(`Not ready: ${waiting.join(', ')}`);
    }, worker);

  const namesOf = (part: Part) =>
    [...parts.keys()].filter((name) => name === part || name.startsWith(`${part} `));

  return {
    ...{ url, database, databaseUrl, client, folder, settings },
    temporalAddress,

    /** Kills one process of a part, or all of them; returns their names. */
    async kill(part: Part, which: 'one' | 'all' = 'one'): Promise<string[]> {
      const names = which === 'all' ? namesOf(part) : namesOf(part).slice(0, 1);
      for (const name of names) {
        const running = parts.get(name);
        parts.delete(name);
        running?.kill();
        await running?.ended;
      }
      return names;
    },

    /** Whether the process of a worker has said that it is ready. */
    isReady: (name: string) => parts.get(name)?.isReady() ?? false,

    /** The process ids of a part. */
    pidsOf: (part: Part) => namesOf(part).map((name) => parts.get(name)?.pid ?? 0),

    /** Puts a new, empty server in Temporal's place, at the same address (not in a cluster). The workers must be down. */
    async loseTemporal(): Promise<void> {
      const running = parts.get('Temporal');
      parts.delete('Temporal');
      running?.kill();
      await running?.ended;
      for (const name of readdirSync(folder))
        if (name.startsWith('temporal.sqlite')) rmSync(join(folder, name));
      await revive(['Temporal']);
    },

    /** Stops a part gracefully, as a deployment does. Returns how the process ended. */
    async retire(name: string): Promise<string | undefined> {
      const running = parts.get(name);
      parts.delete(name);
      await running?.stop(60_000);
      return running?.ended;
    },

    /**
     * Replaces a worker, or an api of a cluster, by one of this source, as a rolling update of Kubernetes does: the new one is ready before
     * the old one gets no more connections, and the old one is told to end `waitMs` later (preStop). Returns how it ended.
     */
    async replace(name: string, waitMs: number): Promise<string | undefined> {
      const old = parts.get(name);
      const logName = `${name.replace(' ', '-')}-new`;
      let running: Running;
      if (apis.has(name)) {
        const port = await freePort();
        running = await api(logName, port, root);
        await until(async () => {
          const { status } = await fetch(`http://127.0.0.1:${port}/readyz`);
          if (status !== 200) throw new Error(`${name} is not ready: ${status}`);
        }, running);
        apis.set(name, { address: '127.0.0.1', port });
      } else {
        running = await launch(logName, 'worker.js', {}, root);
        const { isReady } = running;
        await until(() => {
          if (!isReady()) throw new Error(`${name} is not ready`);
        }, running);
      }
      parts.set(name, running);
      await sleep(waitMs);
      await old?.stop(60_000);
      return old?.ended;
    },

    revive,

    /** Returns the names of logs that contain personal data, a card number or a key. */
    revealing(): string[] {
      const { PAYPAL_CLIENT_SECRET, SENDGRID_API_KEY, MAILCHIMP_API_KEY, ENCRYPTION_KEY } = settings;
      const secrets = [
        PAYPAL_CLIENT_SECRET,
        SENDGRID_API_KEY,
        MAILCHIMP_API_KEY,
        ENCRYPTION_KEY,
        ...PERSONAL,
        DECLINED_CARD,
      ];
      const logs = join(folder, 'logs');
      return readdirSync(logs).filter((name) => {
        const text = readFileSync(join(logs, name), 'utf8');
        return secrets.some((secret) => text.includes(secret));
      });
    },

    /** Starts all parts that are down. */
    reviveAll: () => revive(launchers.keys()),

    /** @param keep whether to keep data and logs for troubleshooting */
    async stop(keep: boolean): Promise<void> {
      stopped = true;
      await client.connection.close();
      await database.destroy();
      for (const balancer of balancers) balancer.close();
      await Promise.all([...parts.values()].map((running) => running.stop(2000)));
      await pooled?.stop(2000);
      if (!keep) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until the given number of workers poll the task queue. */
export const workersPolling = (client: Client, taskQueue: string, count: number, running: Running) =>
  until(async () => {
    const { namespace } = client.options;
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: taskQueue },
    });
    if (pollers.length < count) throw new Error(`Only ${pollers.length} of ${count} workers are polling`);
  }, running);
