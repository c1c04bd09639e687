/** Builds the product as it is deployed: JavaScript in dist/. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../sandbox/servers/process.ts';
import { fingerprint } from '../src/temporal/bundle.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const stamp = join(root, 'dist/.sources');

/** Runs `npm run build` if a source has changed since the last build. Skips type checks, which lint does. */
export async function buildProduct(): Promise<void> {
  const sources = fingerprint('src', 'migrations', 'tsconfig.build.json', 'package-lock.json');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return;
  const node = (...args: string[]) => run(process.execPath, args, { cwd: root });
  await node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--noCheck');
  await node('--import', 'tsx', 'src/commands/build.ts');
  writeFileSync(stamp, sources);
}
