/**
 * Starts the servers that all tests share, once per run of the suite. Each test file has its own database and
 * task queue.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { buildProduct } from '../stage/build.ts';
import { findChromium } from '../stage/chromium.ts';
import { findTestServer } from '../sandbox/servers/downloads.ts';
import { freePort } from '../sandbox/servers/process.ts';
import { startPostgres } from '../sandbox/servers/postgres.ts';
import { FAIR, startTemporal } from '../sandbox/servers/temporal.ts';
import { connectDatabase } from '../src/database/connection.ts';
import { migrate } from '../src/database/migrations.ts';
import { TEMPLATE_DATABASE } from './store.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    testServer: string;
    temporalAddress: string;
    postgresUrl: string;
    postgresLog: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'registration-test-'));
  chmodSync(folder, 0o755);
  const report = (line: string) => void process.stdout.write(`${line}\n`);
  const [testServer, , , temporal, postgres] = await Promise.all([
    findTestServer(report),
    // Chromium is installed once for all files, because concurrent installations break each other.
    findChromium(report),
    // The build happens here because several test processes start the whole product at the same time.
    buildProduct(),
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
      }),
    ),
  ]);

  const admin = connectDatabase(postgres.url);
  await admin.raw(`create database ${TEMPLATE_DATABASE}`);
  await admin.destroy();
  const template = connectDatabase(postgres.url.replace(/[^/]+$/, TEMPLATE_DATABASE));
  await migrate(template);
  await template.destroy();

  project.provide('testServer', testServer);
  project.provide('temporalAddress', temporal.address);
  project.provide('postgresUrl', postgres.url);
  project.provide('postgresLog', postgres.logFile);
  return async () => {
    await Promise.all([temporal.stop(), postgres.stop()]);
    rmSync(folder, { recursive: true, force: true });
  };
}
