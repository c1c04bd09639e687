/** A real Temporal cluster on one machine: several servers, each with all four services, on PostgreSQL. */
import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Connection } from '@temporalio/client';
import { hasGrpcStatus } from '../../src/temporal/client.ts';
import { msToTs } from '@temporalio/common/lib/time.js';
import { findClusterPrograms } from './downloads.ts';
import { isTaken, run, start, until, type Report, type Running } from './process.ts';
import type { Place } from './web-ui.ts';

/** The number of history shards, which is fixed when the databases are made. */
export const SHARDS = 16;
/** What is deployed. */
const DYNAMIC_CONFIG = fileURLToPath(new URL('../../deploy/temporal/dynamic-config.yaml', import.meta.url));
/** How often a server reads its dynamic configuration again. */
export const DYNAMIC_CONFIG_SECONDS = 10;
const DATABASES = { temporal: 'temporal', temporal_visibility: 'visibility' } as const;

/** Ports of a server's services. All servers have the same ones, each at an address of its own. */
type Ports = Record<'frontend' | 'history' | 'matching' | 'worker', { grpc: number; membership: number }>;
export type Cluster = {
  programs: Awaited<ReturnType<typeof findClusterPrograms>>;
  postgresUrl: string;
  ports: Ports;
  folder: string;
  /** The file of the dynamic configuration. */
  dynamicConfig: string;
};

/** Finds or builds the programs, makes Temporal's databases where they are missing, and chooses the ports. */
export async function prepareCluster(
  report: Report,
  postgresUrl: string,
  folder: string,
  dynamicConfig = DYNAMIC_CONFIG,
): Promise<Cluster> {
  const programs = await findClusterPrograms(report);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { hostname, port, username, password } = new URL(postgresUrl);
  const sql = (database: string, ...command: string[]) =>
    run(programs.sqlTool, [
      ...['--plugin', 'postgres12', '--ep', hostname, '--port', port, '--db', database],
      ...['--user', username, '--password', decodeURIComponent(password), ...command],
    ]);
  const made = join(folder, 'schema-made');
  for (const [database, schema] of Object.entries(DATABASES)) {
    if (!existsSync(made)) {
      await sql(database, 'create-database');
      await sql(database, 'setup-schema', '--version', '0.0');
    }
    await sql(database, 'update-schema', '--schema-dir', join(programs.schemas, schema, 'versioned'));
  }
  writeFileSync(made, '');
  const ports = await choosePorts();
  return { programs, postgresUrl, ports, folder, dynamicConfig };
}

/** Temporal's table of its own services has signed numbers of two bytes for their ports. */
const LARGEST_PORT = 32_767;

async function choosePorts(): Promise<Ports> {
  const base = randomInt(10_000, LARGEST_PORT - 8);
  const numbers = Array.from({ length: 8 }, (_, n) => base + n);
  const taken = await Promise.all(numbers.map(isTaken));
  if (taken.some(Boolean)) return choosePorts();
  const pair = (n: number) => ({ grpc: base + n, membership: base + n + 1 });
  return { frontend: pair(0), history: pair(2), matching: pair(4), worker: pair(6) };
}

/** Where the nth server's frontend listens. On Linux, all of 127.0.0.0/8 is the machine itself. */
export const placeOf = ({ ports }: Pick<Cluster, 'ports'>, n: number): Place => ({
  address: `127.0.0.${n}`,
  port: ports.frontend.grpc,
});

/** Starts the nth server of a cluster, counted from 1. It is ready when its frontend answers. */
export async function startNode(cluster: Cluster, n: number, logFile: string): Promise<Running> {
  const { programs, folder } = cluster;
  const place = placeOf(cluster, n);
  const { address: host, port } = place;
  const configs = join(folder, `node-${n}`);
  mkdirSync(configs, { recursive: true, mode: 0o700 });
  // JSON is YAML, too.
  writeFileSync(join(configs, 'node.yaml'), JSON.stringify(configOf(cluster, host)), {
    mode: 0o600,
  });
  const running = await start(
    `Temporal ${n}`,
    programs.server,
    ['--root', folder, '--config', `node-${n}`, '--env', 'node', '--allow-no-auth', 'start'],
    { logFile, cwd: dirname(configs) },
  );
  await until(async () => {
    const connection = await Connection.connect({ address: `${host}:${port}`, connectTimeout: 2000 });
    await connection.close();
  }, running);
  return running;
}

function configOf({ postgresUrl, ports, dynamicConfig }: Cluster, host: string) {
  const { host: connectAddr, username: user, password } = new URL(postgresUrl);
  const store = (databaseName: string, maxConns: number) => ({
    sql: {
      ...{ pluginName: 'postgres12', databaseName, connectAddr, connectProtocol: 'tcp' },
      ...{
        user,
        password: decodeURIComponent(password),
        maxConns,
        maxIdleConns: maxConns,
        maxConnLifetime: '1h',
      },
    },
  });
  return {
    log: { stdout: true, level: 'warn' },
    persistence: {
      ...{ defaultStore: 'default', visibilityStore: 'visibility', numHistoryShards: SHARDS },
      datastores: { default: store('temporal', 20), visibility: store('temporal_visibility', 5) },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: host } },
    services: Object.fromEntries(
      Object.entries(ports).map(([service, { grpc, membership }]) => [
        service,
        { rpc: { grpcPort: grpc, membershipPort: membership, bindOnIP: host } },
      ]),
    ),
    clusterMetadata: {
      ...{ enableGlobalNamespace: false, failoverVersionIncrement: 10 },
      ...{ masterClusterName: 'active', currentClusterName: 'active' },
      clusterInformation: {
        active: {
          ...{ enabled: true, initialFailoverVersion: 1, rpcName: 'frontend' },
          rpcAddress: `${host}:${ports.frontend.grpc}`,
        },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    dynamicConfigClient: { filepath: dynamicConfig, pollInterval: `${DYNAMIC_CONFIG_SECONDS}s` },
  };
}

/** Makes the namespace `default`, whose closed runs are kept for this many days, where it is missing. */
export async function makeNamespace(address: string, retentionDays: number): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    await connection.workflowService
      .registerNamespace({
        namespace: 'default',
        workflowExecutionRetentionPeriod: msToTs(`${retentionDays} days`),
      })
      .catch((error: unknown) => {
        if (!hasGrpcStatus(error, 'ALREADY_EXISTS')) throw error;
      });
  } finally {
    await connection.close();
  }
}

/** Starts the Web UI of a cluster. */
export async function startWebUi(
  { programs, folder }: Cluster,
  { address, port }: Place,
  temporalAddress: string,
  codecUrl: string,
  logFile: string,
): Promise<Running> {
  const configs = join(folder, 'web-ui');
  mkdirSync(configs, { recursive: true, mode: 0o700 });
  writeFileSync(
    join(configs, 'web-ui.yaml'),
    JSON.stringify({
      ...{
        host: address,
        port,
        temporalGrpcAddress: temporalAddress,
        enableUi: true,
        defaultNamespace: 'default',
      },
      ...{ notifyOnNewVersion: false, codec: { endpoint: codecUrl } },
    }),
  );
  return start(
    'Web UI',
    programs.webUi,
    ['--root', folder, '--config', 'web-ui', '--env', 'web-ui', 'start'],
    {
      logFile,
      cwd: folder,
    },
  );
}
