/** A copy of the project in which a fault can be tried without touching the project. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SERVERS_SETTING, type Addresses } from '../test/servers.ts';
import { apply, type Fault } from './fault.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const LEFT_OUT = ['node_modules', '.git', 'dist', '.data', 'coverage'];
/** A fault may leave a test waiting. Then the run is over after this time, and counts as failed. */
const LONGEST_MS = 240_000;

/** What became of the tests: the names of those that failed, and how many passed. */
export type Result = { failed: string[]; passed: number };
type Report = { testResults: { assertionResults: { fullName: string; status: string }[] }[] };

export function makeCopy(addresses: Addresses) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'registration-mutants-')));
  cpSync(root, folder, {
    recursive: true,
    filter: (path) => !LEFT_OUT.includes(basename(path)),
  });
  symlinkSync(realpathSync(join(root, 'node_modules')), join(folder, 'node_modules'));
  let end = (): void => undefined;
  const env = { ...process.env, [SERVERS_SETTING]: JSON.stringify(addresses), CI: '1' };

  /**
   * Runs tests whose names contain `only`, up to the first one that fails.
   * @returns undefined when no test was run
   */
  async function test(files: string[], only: string, bail = 1): Promise<Result | undefined> {
    const report = join(folder, 'report.json');
    rmSync(report, { force: true });
    const options = ['--reporter=json', `--outputFile=${report}`, `--bail=${bail}`, '--maxWorkers=2'];
    const name = only ? ['-t', only.replaceAll(/[^\w ]/g, '\\$&')] : [];
    await vitest(['run', ...files, ...options, ...name]);
    if (!existsSync(report))
      return { failed: [`the run, which did not end within ${LONGEST_MS / 1000} s`], passed: 0 };
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
    const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
    const of = (wanted: string) => tests.filter(({ status }) => status === wanted);
    const failed = of('failed').map(({ fullName }) => fullName.trim());
    const passed = of('passed').length;
    return failed.length + passed > 0 ? { failed, passed } : undefined;
  }

  /** Runs vitest in a process group of its own, which `end` kills with all that is left of it. */
  async function vitest(args: string[]): Promise<void> {
    const script = join(folder, 'node_modules/vitest/vitest.mjs');
    const child = spawn(process.execPath, [script, ...args], {
      ...{ cwd: folder, env, stdio: 'ignore', detached: true },
    });
    const closed = once(child, 'close');
    end = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // Everything has ended.
      }
    };
    const tooLong = setTimeout(end, LONGEST_MS);
    await closed;
    clearTimeout(tooLong);
    end();
  }

  return {
    test,

    /** Runs the tests of a fault with the fault in place. Returns what became of them, for each of their files. */
    async tryOut(fault: Fault): Promise<(Result | undefined)[]> {
      const file = join(folder, fault.file);
      const source = readFileSync(file, 'utf8');
      writeFileSync(file, apply(fault, source));
      try {
        const results: (Result | undefined)[] = [];
        for (const [tests, only] of Object.entries(fault.caughtBy))
          // On a busy machine a server may not start in time. Then no test is run.
          results.push((await test([tests], only)) ?? (await test([tests], only)));
        return results;
      } finally {
        writeFileSync(file, source);
      }
    },

    /** Ends the tests that run. */
    end: () => end(),

    // A test that has just been ended may still write its last files.
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }),
  };
}
