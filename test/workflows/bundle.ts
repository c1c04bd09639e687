import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundle } from '@temporalio/worker';
import { failureConverterPath } from '../../src/temporal.ts';

let released: Promise<WorkflowBundle> | undefined;
/** The workflows as a worker gets them, bundled once for all test files of a process. */
export const bundleWorkflows = (): Promise<WorkflowBundle> => (released ??= bundleChanged({}));

/** The same with modules taken in place of those that the workflows import by these names. */
export const bundleChanged = (insteadOf: Record<string, string>): Promise<WorkflowBundle> =>
  bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url)),
    failureConverterPath,
    logger: new DefaultLogger('ERROR', () => undefined),
    webpackConfigHook: ({ resolve, ...config }) => ({
      ...config,
      resolve: { ...resolve, alias: Object.assign({}, resolve?.alias, insteadOf) },
    }),
  });
