/** The product as in production, each part in a process that can be killed, with the sandbox as vendors. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { DECLINED_CARD } from '../sandbox/vendors/paypal/cards.ts';
import { addConference, type Ticket } from './conference.ts';
import { startPostgres } from '../sandbox/servers/postgres.ts';
import { freePort, start, until, type Running } from '../sandbox/servers/process.ts';
import { startSandbox, type settingsFor } from '../sandbox/vendors/server.ts';
import { startTemporal } from '../sandbox/servers/temporal.ts';
import { loadConfig } from '../src/config.ts';
import { connectDatabase } from '../src/database/connection.ts';
import { migrate } from '../src/database/migrations.ts';
import { TASK_QUEUE } from '../src/registration.ts';
import { connectTemporal } from '../src/temporal/client.ts';
import { buildProduct } from './build.ts';
import { PERSONAL } from './person.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const WORKERS = 2;
const TICKETS: Ticket[] = [
  { id: 'regular', name: 'Regular', price_minor: 12_000, capacity: null },
  { id: 'free', name: 'Free', price_minor: 0, capacity: null },
];
/** The parts that can be killed. Workers are numbered: `worker 1`, `worker 2`. */
export const PARTS = ['api', 'worker', 'PostgreSQL', 'Temporal'] as const;
export type Part = (typeof PARTS)[number];
const silence = () => undefined;

export type World = Awaited<ReturnType<typeof startWorld>>;

/** Starts the product, and the sandbox within this process, where it survives all kills. */
export async function startWorld(options: Pick<Options, 'preload' | 'settings' | 'tickets'> = {}) {
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
  postgresSettings?: Record<string, string>;
  workers?: number;
  tickets?: Ticket[];
};

/** Starts Temporal, PostgreSQL, the api and the workers as processes, the latter two from the build. */
export async function startProduct({
  folder,
  vendors,
  preload,
  settings: changed = {},
  postgresSettings = {},
  workers = WORKERS,
  tickets = TICKETS,
}: Options) {
  const log = (name: string) => join(folder, 'logs', `${name}.log`);
  const [apiPort, temporalPort, postgresPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const url = `http://127.0.0.1:${apiPort}`;

  const temporal = () =>
    startTemporal({
      report: silence,
      port: temporalPort,
      databaseFile: join(folder, 'temporal.sqlite'),
      logFile: log('temporal'),
      retentionDays: 1,
    });
  const postgres = () =>
    startPostgres({
      report: silence,
      port: postgresPort,
      dataFolder: join(folder, 'postgres'),
      logFile: log('postgresql'),
      settings: postgresSettings,
    });
  let stopped = false;
  const parts = new Map<string, Running>();
  const [temporalServer, postgresServer] = await Promise.all([temporal(), postgres(), buildProduct()]);
  parts.set('Temporal', temporalServer).set('PostgreSQL', postgresServer);
  const databaseUrl = postgresServer.url;

  const settings = {
    ...vendors,
    HOST: '127.0.0.1',
    PORT: String(apiPort),
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: `127.0.0.1:${temporalPort}`,
    EMAIL_FROM: 'Conference <registration@example.org>',
    ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    RATE_LIMIT: '0',
    LOG_LEVEL: 'debug',
    NO_PROXY: '127.0.0.1,localhost',
    ...changed,
  };
  const env = { ...process.env, ...settings };
  const before = preload ? ['--import', 'tsx', preload] : [];
  const launch = (name: string, file: string) =>
    start(name, process.execPath, [...before, join(root, 'dist/src', file)], {
      ...{ cwd: root, env },
      logFile: log(name),
    });
  const api = async () => {
    const running = await launch('api', 'api/server.js');
    await until(() => fetch(`${url}/healthz`), running);
    return running;
  };
  const launchers = new Map<string, () => Promise<Running>>([
    ['Temporal', temporal],
    ['PostgreSQL', postgres],
    ['api', api],
  ]);
  for (let n = 1; n <= workers; n++) launchers.set(`worker ${n}`, () => launch(`worker-${n}`, 'worker.js'));
  /** Starts those of the named parts that are down. */
  async function revive(names: Iterable<string>): Promise<void> {
    for (const name of names) {
      const again = launchers.get(name);
      if (again && !stopped && !parts.has(name)) parts.set(name, await again());
    }
  }

  const config = loadConfig(settings);
  const database = connectDatabase(databaseUrl);
  await migrate(database);
  await addConference(database, tickets);
  const client = connectTemporal(config);
  await revive(launchers.keys());
  // Otherwise a short plan could be over before the first worker polls.
  await workersPolling(client, TASK_QUEUE, workers, temporalServer);

  const namesOf = (part: Part) =>
    [...parts.keys()].filter((name) => name === part || name.startsWith(`${part} `));

  return {
    ...{ url, database, databaseUrl, client, folder },
    temporalAddress: temporalServer.address,

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

    /** The process ids of a part. */
    pidsOf: (part: Part) => namesOf(part).map((name) => parts.get(name)?.pid ?? 0),

    /** Stops a part gracefully, as a deployment does. Returns how the process ended. */
    async retire(name: string): Promise<string | undefined> {
      const running = parts.get(name);
      parts.delete(name);
      await running?.stop(60_000);
      return running?.ended;
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
      await Promise.all([...parts.values()].map((running) => running.stop(2000)));
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
