import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { findTemporal } from './downloads.ts';
import { start, until, type Report, type Running } from './process.ts';

/** For a server on one machine: a task queue in one part, and tasks handed to the worker that makes them (docs/performance.md). */
const ON_ONE_MACHINE = {
  'matching.numTaskqueueReadPartitions': '1',
  'matching.numTaskqueueWritePartitions': '1',
  'system.enableActivityEagerExecution': 'true',
};

/** Without it a pace that is set for mails and newsletter is not kept (docs/scaling.md). */
export const FAIR = { 'matching.enableFairness': 'true' };

type Options = {
  report: Report;
  port: number;
  /** Without one there is no Web UI. */
  uiPort?: number;
  /** Where the Web UI has encrypted payloads read. */
  codecUrl?: string;
  /** Without one everything is gone when the server stops. */
  databaseFile?: string;
  logFile: string;
  /** How long closed runs stay: the audit trail, and what keeps a repeated request from starting a second run. */
  retentionDays: number;
  /** Settings of the server itself (temporal, dynamic configuration), by name. */
  dynamicConfig?: Record<string, string>;
};

/** Temporal's development server, ready to use. */
export async function startTemporal(options: Options): Promise<Running & { address: string }> {
  const {
    report,
    port,
    uiPort,
    codecUrl,
    databaseFile,
    logFile,
    retentionDays,
    dynamicConfig = {},
  } = options;
  const binary = await findTemporal(report);
  const address = `127.0.0.1:${port}`;
  const running = await start(
    'Temporal',
    binary,
    [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'warn'],
      ...(uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort)]),
      ...(codecUrl === undefined ? [] : ['--ui-codec-endpoint', codecUrl]),
      // Three times faster than SQLite's defaults, and still whole after a kill.
      ...(databaseFile === undefined ? [] : ['--db-filename', databaseFile]),
      ...(databaseFile === undefined
        ? []
        : ['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal']),
      ...Object.entries({ ...ON_ONE_MACHINE, ...dynamicConfig }).flatMap(([name, value]) => [
        '--dynamic-config-value',
        `${name}=${value}`,
      ]),
    ],
    { logFile },
  );
  await until(async () => {
    const connection = await Connection.connect({ address, connectTimeout: 2000 });
    try {
      await connection.workflowService.updateNamespace({
        namespace: 'default',
        config: { workflowExecutionRetentionTtl: msToTs(`${retentionDays} days`) },
      });
    } finally {
      await connection.close();
    }
  }, running);
  return { ...running, address };
}
