/** `npm run build`: JavaScript, templates and the bundled workflows in dist/, all that a production image needs. */
import { cpSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

const root = new URL('../', import.meta.url);
for (const folder of ['views', 'emails', 'public'])
  cpSync(new URL(`src/web/${folder}`, root), new URL(`dist/src/web/${folder}`, root), { recursive: true });
const { code } = await bundleWorkflowCode({
  workflowsPath: fileURLToPath(new URL('src/workflows/registration.ts', root)),
});
writeFileSync(new URL('dist/src/workflow-bundle.js', root), code);
