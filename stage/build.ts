/** The product as it is installed: JavaScript in dist/. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../sandbox/servers/process.ts';
import { fingerprint } from '../src/temporal/bundle.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const stamp = join(root, 'dist/.sources');

/** `npm run build`, where a source has changed since the last one; but for the types, which lint checks. */
export async function buildProduct(): Promise<void> {
  const sources = fingerprint('src', 'migrations', 'tsconfig.build.json');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return;
  const node = (...args: string[]) => run(process.execPath, args, { cwd: root });
  await node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--noCheck');
  await node('--import', 'tsx', 'src/commands/build.ts');
  writeFileSync(stamp, sources);
}
