/** Somebody without the key can signal a run, but cannot hold it up. */
import { decode } from '@temporalio/common/lib/encoding.js';
import { patched, workflowInfo, type WorkflowInterceptorsFactory } from '@temporalio/workflow';

type Activate = NonNullable<
  NonNullable<ReturnType<WorkflowInterceptorsFactory>['internals']>[number]['activate']
>;
type Signal = NonNullable<
  NonNullable<Parameters<Activate>[0]['activation']['jobs']>[number]['signalWorkflow']
>;

/** Whether the codec has refused a payload of a signal (temporal/codec.ts). */
const isRefused = ({ input }: Signal): boolean =>
  (input ?? []).some(({ metadata }) => decode(metadata?.encoding ?? new Uint8Array()).startsWith('refused/'));

/**
 * Leaves out each signal with a payload that the codec has refused: otherwise its workflow task would fail until somebody resets
 * the run. A marker in the history says that it was left out, so that a replay does the same whatever keys there are by then.
 */
export const interceptors: WorkflowInterceptorsFactory = () => {
  let signals = 0;
  const isLeftOut = (signal: Signal): boolean => {
    const marker = `refused-signal-${++signals}`;
    return workflowInfo().unsafe.isReplaying ? patched(marker) : isRefused(signal) && patched(marker);
  };
  return {
    internals: [
      {
        activate({ activation, ...input }, next) {
          const jobs = (activation.jobs ?? []).filter(
            ({ signalWorkflow }) => !signalWorkflow || !isLeftOut(signalWorkflow),
          );
          next({ ...input, activation: { ...activation, jobs } });
        },
      },
    ],
  };
};
