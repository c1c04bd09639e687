/**
 * Prepares what all tests share, once per run of the suite: the servers, unless they are handed over, and a template of the
 * database. Each test file has its own database and task queue.
 */
import { randomBytes } from 'node:crypto';
import type { TestProject } from 'vitest/node';
import { buildProduct } from '../stage/build.ts';
import { findChromium } from '../stage/chromium.ts';
import { connectDatabase } from '../src/database/connection.ts';
import { migrate } from '../src/database/migrations.ts';
import { SERVERS_SETTING, startServers, type Addresses } from './servers.ts';

declare module 'vitest' {
  export interface ProvidedContext extends Addresses {
    templateDatabase: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const report = (line: string) => void process.stdout.write(`${line}\n`);
  const given = process.env[SERVERS_SETTING];
  const { addresses, stop } = given
    ? { addresses: JSON.parse(given) as Addresses, stop: () => Promise.resolve() }
    : await start(report);

  const template = `template_${randomBytes(6).toString('hex')}`;
  const admin = connectDatabase(addresses.postgresUrl);
  await admin.raw(`create database ${template}`);
  const database = connectDatabase(addresses.postgresUrl.replace(/[^/]+$/, template));
  await migrate(database);
  await database.destroy();

  for (const [name, value] of Object.entries(addresses)) project.provide(name as keyof Addresses, value);
  project.provide('templateDatabase', template);
  return async () => {
    await admin.raw(`drop database ${template}`);
    await admin.destroy();
    await stop();
  };
}

async function start(report: (line: string) => void) {
  const [servers] = await Promise.all([
    startServers(report),
    // Chromium is installed once for all files, because concurrent installations break each other.
    findChromium(report),
    // The build happens here because several test processes start the whole product at the same time.
    buildProduct(),
  ]);
  return servers;
}
