/** What stores the data of `npm start` and `npm run cluster`: PostgreSQL and Temporal, unless they are configured. */
import { join } from 'node:path';
import { startBalancer } from './servers/balancer.ts';
import { makeNamespace, placeOf, prepareCluster, startNode, startWebUi } from './servers/cluster.ts';
import { startPostgres } from './servers/postgres.ts';
import type { Report } from './servers/process.ts';
import type { createSupervisor } from './servers/supervisor.ts';
import { FAIR, startTemporal } from './servers/temporal.ts';
import { startGate, type Place } from './servers/web-ui.ts';

const RETENTION_DAYS = 90;
/** Connections: of Temporal's servers 25 each, of the product's processes 10 each. */
const CLUSTER_CONNECTIONS = { max_connections: '300' };

type Stores = {
  say: Report;
  supervisor: ReturnType<typeof createSupervisor>;
  dataFolder: string;
  log: (name: string) => string;
  /** Undefined: it is configured, and not started here. */
  postgresPort: number | undefined;
  temporalPort: number | undefined;
  /** Where the Web UI itself listens, and the port of the gate before it. */
  webUi: Place;
  webUiPort: number;
  codecUrl: string;
  isRateLimited: boolean;
};

/** Starts them for one machine: Temporal is its development server. Returns the settings that point to what was started. */
export async function startStores(stores: Stores): Promise<Record<string, string>> {
  const { say, supervisor, temporalPort, webUi, dataFolder, log, codecUrl, isRateLimited } = stores;
  const temporal = async (port: number) => {
    await startGate(stores.webUiPort, webUi);
    const { address } = await supervisor.keep('Temporal', () =>
      startTemporal({
        ...{ report: say, port, ui: webUi, codecUrl, retentionDays: RETENTION_DAYS },
        databaseFile: join(dataFolder, 'temporal.sqlite'),
        logFile: log('temporal'),
        ...(isRateLimited ? { dynamicConfig: FAIR } : {}),
      }),
    );
    say('Temporal is up');
    return { TEMPORAL_ADDRESS: address };
  };
  const [temporalSettings, postgresSettings] = await Promise.all([
    temporalPort === undefined ? {} : temporal(temporalPort),
    keepPostgres(stores, {}),
  ]);
  return { ...temporalSettings, ...postgresSettings };
}

/** Starts several servers of Temporal on PostgreSQL, with a balancer before them. */
export async function startClusterStores(
  stores: Stores & { postgresPort: number; temporalPort: number },
  servers: number,
): Promise<Record<string, string>> {
  const { say, supervisor, dataFolder, log, temporalPort, webUi } = stores;
  const settings = await keepPostgres(stores, CLUSTER_CONNECTIONS);
  const cluster = await prepareCluster(say, settings.DATABASE_URL ?? '', join(dataFolder, 'temporal'));
  const names = Array.from({ length: servers }, (_, n) => n + 1);
  await Promise.all(
    names.map((n) => supervisor.keep(`Temporal ${n}`, () => startNode(cluster, n, log(`temporal-${n}`)))),
  );
  const address = `127.0.0.1:${temporalPort}`;
  const places = names.map((n) => placeOf(cluster, n));
  await startBalancer(temporalPort, () => places);
  await makeNamespace(address, RETENTION_DAYS);
  say(`${servers} servers of Temporal are up`);
  await startGate(stores.webUiPort, webUi);
  await supervisor.keep('Web UI', () => startWebUi(cluster, webUi, address, stores.codecUrl, log('web-ui')));
  return { ...settings, TEMPORAL_ADDRESS: address };
}

async function keepPostgres(
  { say, supervisor, postgresPort: port, dataFolder, log }: Stores,
  settings: Record<string, string>,
): Promise<Record<string, string>> {
  if (port === undefined) return {};
  const { url } = await supervisor.keep('PostgreSQL', () =>
    startPostgres({
      ...{ report: say, port, settings, dataFolder: join(dataFolder, 'postgres') },
      logFile: log('postgresql'),
    }),
  );
  say('PostgreSQL is up');
  return { DATABASE_URL: url };
}
