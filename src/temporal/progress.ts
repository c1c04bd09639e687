/** How far the run of a registration has come, from whoever can tell: the run itself, its result, or its history. */
import { WorkflowNotFoundError } from '@temporalio/common';
import type { Client, WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import type { Activities } from '../activities/index.ts';
import { PROGRESS, workflowId, type Progress, type Step } from '../registration.ts';
import { progressFromHistory, STEP_OF } from './history.ts';
import { decoderOf } from './payloads.ts';

/** Limits of the calls to Temporal. A query is answered by a worker, and there may be none. */
const CALL_TIMEOUT_MS = 3000;
const QUERY_TIMEOUT_MS = 1000;

/** `unreachable`: Temporal did not answer, or its answer cannot be read. */
export type RunProgress =
  { found: 'run'; progress: Progress } | { found: 'no-run' } | { found: 'unreachable' };

/** Reads the progress of a run, open or closed. It needs no worker. */
export async function readProgress(temporal: Client, registrationId: string): Promise<RunProgress> {
  const owner = { namespace: temporal.options.namespace, workflowId: workflowId(registrationId) };
  const handle = temporal.workflow.getHandle<() => Promise<Progress>>(owner.workflowId);
  const within = <T>(ms: number, ask: () => Promise<T>) => temporal.withDeadline(Date.now() + ms, ask);
  const fromHistory = async () => {
    const { events } = await within(CALL_TIMEOUT_MS, () => handle.fetchHistory());
    return progressFromHistory(events ?? [], decoderOf(temporal.options.loadedDataConverter, owner));
  };
  try {
    const run = await within(CALL_TIMEOUT_MS, () => handle.describe());
    const open = run.status.name === 'RUNNING';
    const told = open ? query(handle, within) : within(CALL_TIMEOUT_MS, () => resultOf(handle));
    // An open run without a worker, and one that was terminated, leave their history.
    const progress = await told.catch(fromHistory);
    return { found: 'run', progress: open ? withAttempts(progress, run) : progress };
  } catch (error) {
    return { found: error instanceof WorkflowNotFoundError ? 'no-run' : 'unreachable' };
  }
}

/** The result of a run that adds a registration tells more than its progress. */
async function resultOf(handle: WorkflowHandle<() => Promise<Progress>>): Promise<Progress> {
  const { status, steps } = await handle.result();
  return { status, steps };
}

const query = (handle: WorkflowHandle, within: <T>(ms: number, ask: () => Promise<T>) => Promise<T>) =>
  within(QUERY_TIMEOUT_MS, () => handle.query<Progress>(PROGRESS));

/** Only the server knows how often a pending activity was tried. */
function withAttempts(progress: Progress, { raw }: WorkflowExecutionDescription): Progress {
  const attempts = new Map(
    raw.pendingActivities?.map(({ activityType, attempt }) => [
      STEP_OF[activityType?.name as keyof Activities],
      attempt ?? 1,
    ]),
  );
  const steps = progress.steps.map((step): Step => {
    const tried = attempts.get(step.name) ?? 0;
    return tried > 1 ? { ...step, state: 'retrying', attempts: tried } : step;
  });
  return { ...progress, steps };
}
