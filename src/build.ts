/** `npm run build`: JavaScript, templates and the bundled workflows in dist/, all that a production image needs. */
import { cpSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import { BUNDLE } from './bundle.ts';
import { failureConverterPath } from './temporal.ts';

const root = new URL('../', import.meta.url);
for (const folder of ['messages', 'web/views', 'web/emails', 'web/public'])
  cpSync(new URL(`src/${folder}`, root), new URL(`dist/src/${folder}`, root), { recursive: true });
cpSync(failureConverterPath, new URL('dist/src/failure-converter.cjs', root));
const preloadModules = [fileURLToPath(new URL('workflows/no-stacks.ts', import.meta.url))];
const { code } = await bundleWorkflowCode({ ...BUNDLE, preloadModules });
writeFileSync(new URL('dist/src/workflow-bundle.js', root), code);
