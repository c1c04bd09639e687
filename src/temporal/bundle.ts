/** The workflows as a worker runs them: one piece of JavaScript. */
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
import { bundleWorkflowCode, type BundleOptions } from '@temporalio/worker';
import { failureConverterPath } from './client.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** What is bundled, for whoever does it. */
export const BUNDLE: BundleOptions = { workflowsPath: path('../workflows/index.ts'), failureConverterPath };

/**
 * The file to run. A build has one; without a build it is made at the first start, which takes more than a second, and kept
 * for as long as nothing that it could be made of has changed.
 */
export async function findWorkflowBundle(): Promise<{ codePath: string } | { code: string }> {
  const built = path('./workflow-bundle.js');
  if (existsSync(built)) return { codePath: built };
  const folder = path('../../node_modules/.cache/workflows');
  // More than it is made of, and never less.
  const kept = join(folder, `${fingerprint('src')}.js`);
  if (existsSync(kept)) return { codePath: kept };
  const { code } = await bundleWorkflowCode(BUNDLE);
  try {
    mkdirSync(folder, { recursive: true });
    // Several workers may start at once, and none may read half a file.
    const written = join(folder, randomUUID());
    writeFileSync(written, code);
    renameSync(written, kept);
  } catch {
    // Where nothing can be kept, the next start takes its second again.
    return { code };
  }
  return { codePath: kept };
}

/** Of files, and folders with all that is in them, by their paths in the repository; and of the SDK's version. */
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
