/** The servers that all tests share: Temporal's development server, PostgreSQL, and the path of the time-skipping server. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTestServer } from '../sandbox/servers/downloads.ts';
import { startPostgres } from '../sandbox/servers/postgres.ts';
import { freePort } from '../sandbox/servers/process.ts';
import { FAIR, startTemporal } from '../sandbox/servers/temporal.ts';

export type Addresses = {
  testServer: string;
  temporalAddress: string;
  postgresUrl: string;
  postgresLog: string;
};

/** Hands running servers over to a run of the suite, as JSON of {@link Addresses}. The run leaves them running. */
export const SERVERS_SETTING = 'TEST_SERVERS';

/** Starts the servers on free ports, with their data in a temporary folder that `stop` removes. */
export async function startServers(report: (line: string) => void): Promise<{
  addresses: Addresses;
  stop: () => Promise<void>;
}> {
  const folder = mkdtempSync(join(tmpdir(), 'registration-test-'));
  chmodSync(folder, 0o755);
  const [testServer, temporal, postgres] = await Promise.all([
    findTestServer(report),
    freePort().then((port) =>
      startTemporal({
        report,
        port,
        logFile: join(folder, 'temporal.log'),
        retentionDays: 1,
        // The deletion of a run that has just closed waits for this interval, which is 30 seconds by default.
        dynamicConfig: { ...FAIR, 'history.transferProcessorUpdateAckInterval': '"1s"' },
      }),
    ),
    freePort().then((port) =>
      startPostgres({
        report,
        port,
        dataFolder: join(folder, 'postgres'),
        logFile: join(folder, 'postgresql.log'),
        volatile: true,
        // Several test files at a time, each with pools of its own.
        settings: { max_connections: '300' },
      }),
    ),
  ]);
  return {
    addresses: {
      testServer,
      temporalAddress: temporal.address,
      postgresUrl: postgres.url,
      postgresLog: postgres.logFile,
    },
    async stop() {
      await Promise.all([temporal.stop(), postgres.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
