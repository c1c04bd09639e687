/** A copy of the project in which a fault can be tried without touching the project. */
import { spawn } from 'node:child_process';
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
type Report = {
  testResults: {
    message: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
  }[];
};

export function makeCopy(addresses: Addresses) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'registration-mutants-')));
  cpSync(root, folder, {
    recursive: true,
    filter: (path) => !LEFT_OUT.includes(basename(path)),
  });
  symlinkSync(realpathSync(join(root, 'node_modules')), join(folder, 'node_modules'));
  const env = { ...process.env, [SERVERS_SETTING]: JSON.stringify(addresses), CI: '1' };

  /**
   * Runs tests whose names contain `only`, and stops at the first one that fails.
   * @throws when no test was run
   */
  async function test(files: string[], only: string, bail = 1): Promise<Result> {
    const report = join(folder, 'report.json');
    rmSync(report, { force: true });
    const escaped = only.replaceAll(/[^\w ]/g, '\\$&');
    const options = ['--reporter=json', `--outputFile=${report}`, `--bail=${bail}`, '--maxWorkers=2'];
    const output = await run(['run', ...files, ...options, ...(only ? ['-t', escaped] : [])]);
    if (!existsSync(report))
      return { failed: [`the run, which did not end within ${LONGEST_MS / 1000} s`], passed: 0 };
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
    const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
    const of = (wanted: string) => tests.filter(({ status }) => status === wanted);
    const failed = of('failed').map(({ fullName }) => fullName.trim());
    if (failed.length + of('passed').length === 0)
      throw new Error([...testResults.map(({ message }) => message), output.slice(-2000)].join('\n'));
    return { failed, passed: of('passed').length };
  }

  function run(args: string[]): Promise<string> {
    const vitest = join(folder, 'node_modules/vitest/vitest.mjs');
    const child = spawn(process.execPath, [vitest, ...args], {
      ...{ cwd: folder, env, timeout: LONGEST_MS, killSignal: 'SIGKILL' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    return new Promise((resolve, reject) => {
      child.once('error', reject).once('close', () => resolve(output));
    });
  }

  return {
    test,

    /** Runs the tests of a fault with the fault in place. Returns, for each of their files, what became of them. */
    async tryOut(fault: Fault): Promise<Result[]> {
      const file = join(folder, fault.file);
      const source = readFileSync(file, 'utf8');
      writeFileSync(file, apply(fault, source));
      try {
        const results: Result[] = [];
        for (const [tests, only] of Object.entries(fault.caughtBy)) results.push(await test([tests], only));
        return results;
      } finally {
        writeFileSync(file, source);
      }
    },

    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
