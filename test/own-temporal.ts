/** A Temporal server for one test file, which is empty at its start: its list of runs has those of this file only. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../sandbox/servers/process.ts';
import { FAIR, startTemporal } from '../sandbox/servers/temporal.ts';

export async function startOwnTemporal(): Promise<{ address: string; stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'registration-temporal-'));
  const server = await startTemporal({
    report: () => undefined,
    port: await freePort(),
    logFile: join(folder, 'temporal.log'),
    retentionDays: 1,
    dynamicConfig: { ...FAIR, 'history.transferProcessorUpdateAckInterval': '"1s"' },
  });
  return {
    address: server.address,
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
