/** The workflows as a worker runs them: bundled into one file of JavaScript. */
import { createHash, randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type BundleOptions, type Logger } from '@temporalio/worker';
import { failureConverterPath } from './client.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** What is bundled. */
export const BUNDLE: BundleOptions = {
  workflowsPath: path('../workflows/index.ts'),
  workflowInterceptorModules: [path('../workflows/refused-signals.ts'), path('../workflows/trace.ts')],
  failureConverterPath,
};

/**
 * Finds or makes the bundle. A build contains one. Without a build, the first start makes it, which takes more than a second,
 * and later starts use it until a source file changes.
 */
export async function findWorkflowBundle(logger: Logger): Promise<{ codePath: string } | { code: string }> {
  const built = path('./workflow-bundle.js');
  if (existsSync(built)) return { codePath: built };
  const folder = path('../../node_modules/.cache/workflows');
  // The fingerprint covers more files than the bundle contains, never fewer.
  const kept = join(folder, `${fingerprint('src')}.js`);
  if (existsSync(kept)) return { codePath: kept };
  const { code } = await bundleWorkflowCode({ ...BUNDLE, logger });
  try {
    mkdirSync(folder, { recursive: true });
    // Several workers may start at once, and none of them may read half a file.
    const written = join(folder, randomUUID());
    writeFileSync(written, code);
    renameSync(written, kept);
  } catch {
    // In a read-only folder each start makes its own bundle.
    return { code };
  }
  return { codePath: kept };
}

/**
 * Names the version of the workflows in the events of a history. The SDK's own name of it has 92 characters, in ten events of each
 * run.
 */
export function buildIdOf(bundle: { codePath: string } | { code: string }): string {
  const code = 'code' in bundle ? bundle.code : readFileSync(bundle.codePath);
  return createHash('sha256').update(code).digest('hex').slice(0, 12);
}

/** A hash of files and folders, given by their paths in the repository, and of the SDK's version. */
export function fingerprint(...places: string[]): string {
  const hash = createHash('sha256');
  const { version } = createRequire(import.meta.url)('@temporalio/worker/package.json') as {
    version: string;
  };
  hash.update(version);
  const at = (place: string) => path(`../../${place}`);
  const filesIn = (place: string): string[] =>
    statSync(at(place)).isDirectory()
      ? readdirSync(at(place))
          .toSorted()
          .flatMap((name) => filesIn(`${place}/${name}`))
      : [place];
  for (const file of places.flatMap(filesIn)) hash.update(`\n${file}\n`).update(readFileSync(at(file)));
  return hash.digest('hex').slice(0, 16);
}
