/**
 * A Temporal server for one test file, which is empty at its start: its list of runs has those of this file only. `lose` puts another
 * one in its place, at the same address, which is empty.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../sandbox/servers/process.ts';
import { FAIR, startTemporal } from '../sandbox/servers/temporal.ts';

export async function startOwnTemporal(): Promise<{
  address: string;
  lose: () => Promise<void>;
  stop: () => Promise<void>;
}> {
  const folder = mkdtempSync(join(tmpdir(), 'registration-temporal-'));
  const port = await freePort();
  const start = () =>
    startTemporal({
      ...{ report: () => undefined, port, logFile: join(folder, 'temporal.log'), retentionDays: 1 },
      dynamicConfig: { ...FAIR, 'history.transferProcessorUpdateAckInterval': '"1s"' },
    });
  let server = await start();
  return {
    address: server.address,
    async lose() {
      await server.stop();
      server = await start();
    },
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
