/** `npm run build`: JavaScript, templates and the bundled workflows in dist/: everything that a production image needs. */
import { cpSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import { BUNDLE } from '../temporal/bundle.ts';

const src = new URL('../', import.meta.url);
const dist = new URL('../dist/src/', src);
// The compiler has written the TypeScript files already; everything else is used as it is.
cpSync(src, dist, { recursive: true, filter: (source) => !source.endsWith('.ts') });
const preloadModules = [fileURLToPath(new URL('workflows/no-stacks.ts', src))];
const { code } = await bundleWorkflowCode({ ...BUNDLE, preloadModules });
writeFileSync(new URL('temporal/workflow-bundle.js', dist), code);
