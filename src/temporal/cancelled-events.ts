/** The run that cancels all registrations of an event. */
import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
  type Client,
} from '@temporalio/client';
import type { TypedSearchAttributes } from '@temporalio/common';
import {
  CANCEL_EVENT_WORKFLOW,
  cancelEventWorkflowId,
  LOOK,
  type CancelEventRequest,
} from '../cancel-event.ts';
import { answerWithin } from '../database/connection.ts';
import { ANSWER_WITHIN_MS, NOT_RATE_LIMITED, TASK_QUEUE } from '../registration.ts';
import { ifThere } from './client.ts';
import { indexed } from './runs.ts';

type Options = { taskQueue?: string | undefined; timeoutMs?: number | undefined };

/**
 * Starts the run of a cancelled event, or joins the one that exists. Where the last one has failed or was terminated, another one
 * starts, and finds in the database what is left.
 * @throws anything when it is not known whether the run has started
 */
export async function startCancelEvent(
  client: Client,
  event: string,
  { taskQueue = TASK_QUEUE, timeoutMs = ANSWER_WITHIN_MS }: Options = {},
): Promise<void> {
  const start = (typedSearchAttributes?: TypedSearchAttributes) =>
    client.workflow.start(CANCEL_EVENT_WORKFLOW, {
      workflowId: cancelEventWorkflowId(event),
      taskQueue,
      args: [{ event } satisfies CancelEventRequest],
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
      priority: NOT_RATE_LIMITED,
      staticSummary: `${event} · event cancelled`,
      ...(typedSearchAttributes && { typedSearchAttributes }),
    });
  await client
    .withDeadline(Date.now() + timeoutMs, () => indexed(client, { event }, start))
    .catch((error: unknown) => {
      // It has come to its end already.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    });
}

/** Has the run look at what an organizer has decided, if there is such a run. */
export async function wakeCancelEvent(client: Client, event: string): Promise<void> {
  const run = client.workflow.getHandle(cancelEventWorkflowId(event));
  await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () => ifThere(run.signal(LOOK)));
}

const DESCRIBE_MS = 2000;

/** What is known of a run: Temporal's word for its status, `GONE` where there is none (any more). */
export const statusOfCancelEvent = async (client: Client, event: string): Promise<string> =>
  (await ifThere(client.workflow.getHandle(cancelEventWorkflowId(event)).describe()))?.status.name ?? 'GONE';

/** Whether the run of an event is open; undefined while Temporal cannot be reached. */
export async function isCancelEventRunning(client: Client, event: string): Promise<boolean | undefined> {
  const asked = client.withDeadline(Date.now() + DESCRIBE_MS, () => statusOfCancelEvent(client, event));
  const status = await answerWithin(DESCRIBE_MS, asked, undefined);
  return status === undefined ? undefined : ['RUNNING', 'CONTINUED_AS_NEW'].includes(status);
}
