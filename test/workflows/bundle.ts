import { bundleWorkflowCode, DefaultLogger, type WorkflowBundle } from '@temporalio/worker';
import { BUNDLE } from '../../src/temporal/bundle.ts';

let released: Promise<WorkflowBundle> | undefined;
/** Bundles the workflows as a worker runs them, once for all test files of a process. */
export const bundleWorkflows = (): Promise<WorkflowBundle> => (released ??= bundleChanged({}));

/** Bundles the workflows with replacements for the modules that they import by these names. */
export const bundleChanged = (insteadOf: Record<string, string>): Promise<WorkflowBundle> =>
  bundleWorkflowCode({
    ...BUNDLE,
    logger: new DefaultLogger('ERROR', () => undefined),
    webpackConfigHook: ({ resolve, ...config }) => ({
      ...config,
      resolve: { ...resolve, alias: Object.assign({}, resolve?.alias, insteadOf) },
    }),
  });
