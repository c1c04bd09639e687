import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { findTemporal } from './downloads.ts';
import { start, until, type Report, type Running } from './process.ts';
import type { Place } from './web-ui.ts';

/** Single-machine settings: one partition per task queue, eager activities (docs/performance.md). */
const ON_ONE_MACHINE = {
  'matching.numTaskqueueReadPartitions': '1',
  'matching.numTaskqueueWritePartitions': '1',
  'system.enableActivityEagerExecution': 'true',
};

/** The server's HTTP API, at a random port, is for itself only: without this it answers any Host name. */
const OWN_HOST = { 'frontend.httpAllowedHosts': '["127.0.0.1:*"]' };

/** Required for the rate limits of emails and newsletter (docs/scaling.md). */
export const FAIR = { 'matching.enableFairness': 'true' };

type Options = {
  report: Report;
  port: number;
  /** Where the Web UI listens. Omit to disable it. */
  ui?: Place;
  /** The endpoint with which the Web UI decrypts payloads. */
  codecUrl?: string;
  /** Omit to keep all data in memory. */
  databaseFile?: string;
  logFile: string;
  /** Retention of closed runs: they are the audit trail and keep repeated requests from starting new runs. */
  retentionDays: number;
  /** The server's dynamic configuration, by name. */
  dynamicConfig?: Record<string, string>;
};

/** Starts Temporal's development server and waits until it is ready. */
export async function startTemporal(options: Options): Promise<Running & { address: string }> {
  const { report, port, ui, codecUrl, databaseFile, logFile, retentionDays, dynamicConfig = {} } = options;
  const binary = await findTemporal(report);
  const address = `127.0.0.1:${port}`;
  const running = await start(
    'Temporal',
    binary,
    [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'warn'],
      ...(ui === undefined ? ['--headless'] : ['--ui-ip', ui.address, '--ui-port', String(ui.port)]),
      ...(codecUrl === undefined ? [] : ['--ui-codec-endpoint', codecUrl]),
      // Three times faster than SQLite's defaults, and still consistent after a kill.
      ...(databaseFile === undefined ? [] : ['--db-filename', databaseFile]),
      ...(databaseFile === undefined
        ? []
        : ['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal']),
      ...Object.entries({ ...ON_ONE_MACHINE, ...OWN_HOST, ...dynamicConfig }).flatMap(([name, value]) => [
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
