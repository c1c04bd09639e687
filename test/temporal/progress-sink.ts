/**
 * A test loads this interceptor into the workflows. After each activation it reports what the run's query
 * `progress` would answer.
 */
import { proxySinks, type WorkflowInterceptors } from '@temporalio/workflow';
import { PROGRESS } from '../../src/registration.ts';

/** `json` is the answer to the query. */
export type ProgressSinks = { progress: { told: (json: string) => void } };

const { progress } = proxySinks<ProgressSinks>();
type Activator = { queryHandlers: Map<string, { handler: () => unknown }> };

export const interceptors = (): WorkflowInterceptors => ({
  internals: [
    {
      concludeActivation(input, next) {
        const activator = (globalThis as { __TEMPORAL_ACTIVATOR__?: Activator }).__TEMPORAL_ACTIVATOR__;
        const query = activator?.queryHandlers.get(PROGRESS);
        if (query) progress.told(JSON.stringify(query.handler()));
        return next(input);
      },
    },
  ],
});
