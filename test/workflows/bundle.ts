import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundle } from '@temporalio/worker';
import { failureConverterPath } from '../../src/temporal.ts';

/**
 * The workflows as a worker gets them.
 * @param insteadOf modules to be taken in place of those that the workflows import by these names
 */
export const bundleWorkflows = (insteadOf: Record<string, string> = {}): Promise<WorkflowBundle> =>
  bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url)),
    failureConverterPath,
    logger: new DefaultLogger('ERROR', () => undefined),
    webpackConfigHook: ({ resolve, ...config }) => ({
      ...config,
      resolve: { ...resolve, alias: Object.assign({}, resolve?.alias, insteadOf) },
    }),
  });
