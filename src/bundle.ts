/** The workflows as a worker runs them: one piece of JavaScript. */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type BundleOptions } from '@temporalio/worker';
import { failureConverterPath } from './temporal.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** What is bundled, for whoever does it. */
export const BUNDLE: BundleOptions = { workflowsPath: path('./workflows/index.ts'), failureConverterPath };

/**
 * The file to run. A build has one; without a build it is made at the first start, which takes more than a second, and kept
 * for as long as nothing that it could be made of has changed.
 */
export async function findWorkflowBundle(): Promise<{ codePath: string } | { code: string }> {
  const built = path('./workflow-bundle.js');
  if (existsSync(built)) return { codePath: built };
  const folder = path('../node_modules/.cache/workflows');
  const kept = join(folder, `${fingerprint()}.js`);
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

/** Of all sources and the SDK's version: more than the bundle is made of, and never less. */
function fingerprint(): string {
  const hash = createHash('sha256');
  const { version } = createRequire(import.meta.url)('@temporalio/worker/package.json') as {
    version: string;
  };
  hash.update(version);
  const files = readdirSync(path('.'), { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => /\.(ts|cjs)$/.test(name)).toSorted())
    hash.update(`\n${file}\n`).update(readFileSync(path(file)));
  return hash.digest('hex').slice(0, 16);
}
