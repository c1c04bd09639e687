/** Programs that npm does not bring: looked for on the machine, then downloaded, then built from a package registry. */
import {
  accessSync,
  chmodSync,
  constants,
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

/** The newest command line that `go install` can build: later ones replace a module by a folder of their repository. */
const TEMPORAL_CLI = 'v1.5.1';
const TEST_SERVER = '1.32.0';

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'event-registration');

/** A program by its name on the PATH, as an absolute path. */
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

/** Makes something in a folder of its own and moves it into the cache when it is whole: half of it is never found there. */
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

/** Has Temporal's SDK download a server, which it does on the way to starting one; undefined where it cannot. */
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
      if (!file) throw new Error('nothing was downloaded');
      return join(folder, file);
    });
  } catch {
    report('  the download is not possible here');
    return undefined;
  }
}

/**
 * The path of Temporal's command line, which holds the development server and its Web UI.
 * @throws Error with one sentence that names the ways to get it
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
      'No Temporal server: install the "temporal" command line (https://docs.temporal.io/cli), or Go 1.23 or newer so that it can be built, or allow the download from temporal.download.',
    );
  report(`Building the Temporal server ${TEMPORAL_CLI} with Go, once: this takes some minutes`);
  return intoCache(built, async (folder) => {
    let downloads = 0;
    const building = run(
      go,
      ['install', `github.com/temporalio/cli/cmd/temporal@${TEMPORAL_CLI}`],
      { env: { ...process.env, GOBIN: folder } },
      (line) => {
        if (line.startsWith('go: downloading')) downloads++;
      },
    );
    await whileWaiting(report, () => `still building, ${downloads} modules downloaded`, building);
    return join(folder, 'temporal');
  });
}

/**
 * The path of the time-skipping test server.
 * @throws Error with one sentence that names the ways to get it
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
      'No Temporal test server: install Java and Maven so that it can be fetched from Maven Central, or allow the download from temporal.download.',
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
    // It lives for a minute: what a compiler for long runs does would take most of it.
    const script = `#!/bin/sh\nexec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$(dirname "$0")/lib/*" io.temporal.testserver.TestServer "$@"\n`;
    writeFileSync(join(server, 'temporal-test-server'), script);
    chmodSync(join(server, 'temporal-test-server'), 0o755);
    return server;
  });
  return command;
}
