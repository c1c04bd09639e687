import { bundleWorkflowCode, DefaultLogger, type WorkflowBundle } from '@temporalio/worker';
import { BUNDLE } from '../../src/temporal/bundle.ts';

let released: Promise<WorkflowBundle> | undefined;
/** The workflows as a worker gets them, bundled once for all test files of a process. */
export const bundleWorkflows = (): Promise<WorkflowBundle> => (released ??= bundleChanged({}));

/** The same with modules taken in place of those that the workflows import by these names. */
export const bundleChanged = (insteadOf: Record<string, string>): Promise<WorkflowBundle> =>
  bundleWorkflowCode({
    ...BUNDLE,
    logger: new DefaultLogger('ERROR', () => undefined),
    webpackConfigHook: ({ resolve, ...config }) => ({
      ...config,
      resolve: { ...resolve, alias: Object.assign({}, resolve?.alias, insteadOf) },
    }),
  });
