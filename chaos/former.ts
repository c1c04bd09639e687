/** Another version of the product: what a commit of this repository contained, built. */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../sandbox/servers/process.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const LOCK = 'package-lock.json';

async function git(...args: string[]): Promise<string> {
  const lines: string[] = [];
  await run('git', args, { cwd: root }, (line) => lines.push(line)).catch((error: unknown) => {
    throw new Error('Another version can only be had from a git repository with its history', {
      cause: error,
    });
  });
  return lines.join('\n').trim();
}

/** The commit before the last one that changed the workflows, abbreviated. */
export async function lastOtherVersion(): Promise<string> {
  const changed = await git('rev-list', '--max-count=1', '--no-merges', 'HEAD', '--', 'src/workflows');
  return git('rev-parse', '--short', `${changed}^`);
}

/** Builds the version of a commit in a folder of its own, which has to be empty. */
export async function buildFormer(commit: string, folder: string): Promise<void> {
  const archive = join(folder, 'source.tar');
  mkdirSync(folder, { recursive: true });
  await git('archive', `--output=${archive}`, commit);
  await run('tar', ['--extract', '--file', archive, '--directory', folder]);
  rmSync(archive);
  const locks = [root, folder].map((of) => readFileSync(join(of, LOCK), 'utf8'));
  // What is installed here fits another version as well, if that one asks for the same.
  if (locks[0] === locks[1]) symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  else await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder });
  const node = (...args: string[]) => run(process.execPath, args, { cwd: folder });
  await node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--noCheck');
  await node('--import', 'tsx', 'src/commands/build.ts');
  if (!existsSync(join(folder, 'dist/src/worker.js'))) throw new Error(`${commit} was not built`);
}
