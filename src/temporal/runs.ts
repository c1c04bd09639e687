/** Starts the runs of the workflows, and joins those that exist. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowUpdateFailedError,
  WithStartWorkflowOperation,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
  type Client,
} from '@temporalio/client';
import type { TypedSearchAttributes, Workflow } from '@temporalio/common';
import { CHANGE_WORKFLOW, changeWorkflowId, type ChangeDecision, type ChangeRequest } from '../change.ts';
import { formatMoney } from '../money.ts';
import { LINK_MINUTES, SIGN_IN_WORKFLOW, signInWorkflowId } from '../organizer.ts';
import { reference } from '../reference.ts';
import {
  CANCEL_WORKFLOW,
  cancelWorkflowId,
  DECIDED,
  REFUND_WORKFLOW,
  refundWorkflowId,
  type CancelDecision,
  type OrganizerAction,
  type RefundDecision,
  type RefundRequest,
  type RefundResult,
} from '../refund.ts';
import {
  ANSWER_WITHIN_MS,
  CONFIRM_EMAIL,
  FREE,
  NOT_RATE_LIMITED,
  PAY,
  RESEND_WORKFLOW,
  resendWorkflowId,
  TASK_QUEUE,
  WORKFLOW,
  workflowId,
  type Order,
  type PayArguments,
  type PaymentAnswer,
  type Status,
} from '../registration.ts';
import { hasGrpcStatus } from './client.ts';
import { hasSearchAttributes, searchAttributes, type Attributes } from './search-attributes.ts';

/** Starts a run with search attributes, or without them where the namespace has none. */
async function indexed<T>(
  client: Client,
  attributes: Attributes,
  start: (typedSearchAttributes?: TypedSearchAttributes) => Promise<T>,
): Promise<T> {
  if (!(await hasSearchAttributes(client))) return start();
  return start(searchAttributes(attributes)).catch((error: unknown) => {
    const cause = error instanceof ServiceError ? error.cause : error;
    // A server of a cluster may not have heard of them yet. It has started nothing.
    if (hasGrpcStatus(cause, 'INVALID_ARGUMENT')) return start();
    throw error;
  });
}

/**
 * Starts the run of a registration, or finds the one that exists, and asks it to take the order's PayPal order. The same
 * call again, while the run is open or long after, joins the same attempt.
 *
 * @param mayDiffer whether a run may exist that was started with another state of this order
 *
 * @returns what became of the payment
 * @throws WorkflowExecutionAlreadyStartedError when the run is over and never attempted this PayPal order;
 *   anything else, a missed deadline included, means: not known
 */
export async function payRegistration(
  client: Client,
  order: Order,
  mayDiffer: boolean,
  {
    taskQueue = TASK_QUEUE,
    timeoutMs = ANSWER_WITHIN_MS,
  }: { taskQueue?: string | undefined; timeoutMs?: number | undefined } = {},
): Promise<PaymentAnswer> {
  const paypalOrderId = order.paypalOrderId ?? FREE;
  const [event, ticketType] = [order.event.id, order.ticketType.id];
  const attributes = { reference: reference(order.id), status: 'processing', event, ticketType } as const;
  const start = (typedSearchAttributes?: TypedSearchAttributes) =>
    client.workflow.executeUpdateWithStart<Workflow, PaymentAnswer, PayArguments>(PAY, {
      updateId: paypalOrderId,
      args: mayDiffer ? [paypalOrderId, order] : [paypalOrderId],
      startWorkflowOperation: new WithStartWorkflowOperation(WORKFLOW, {
        workflowId: workflowId(order.id),
        taskQueue,
        args: [order],
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
        workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
        priority: NOT_RATE_LIMITED,
        staticSummary: `${attributes.reference} · ${event} · ${ticketType} · ${formatMoney(order.amount)}`,
        ...(typedSearchAttributes && { typedSearchAttributes }),
      }),
    });
  return client.withDeadline(Date.now() + timeoutMs, () => indexed(client, attributes, start));
}

/**
 * Tells a run that somebody has opened the link that was mailed to the order's address.
 * @throws WorkflowNotFoundError when it is over
 */
export async function confirmEmail(client: Client, id: string, token: string): Promise<void> {
  await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
    client.workflow.getHandle(workflowId(id)).signal(CONFIRM_EMAIL, token),
  );
}

/**
 * Starts the run that sends a confirmation again.
 * @throws WorkflowExecutionAlreadyStartedError while the last one is open
 */
export async function startResend(
  client: Client,
  { id, event, ticketType }: { id: string; event: string; ticketType: string },
  taskQueue = TASK_QUEUE,
): Promise<void> {
  const attributes = { reference: reference(id), status: 'confirmed', event, ticketType } as const;
  const start = (typedSearchAttributes?: TypedSearchAttributes) =>
    client.workflow.start(RESEND_WORKFLOW, {
      workflowId: resendWorkflowId(id),
      taskQueue,
      args: [id],
      staticSummary: `${attributes.reference} · e-mail sent again`,
      ...(typedSearchAttributes && { typedSearchAttributes }),
    });
  await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () => indexed(client, attributes, start));
}

/** What the search attributes of a run about a registration say. */
type About = { event: string; ticketType: string; status: Status };
type Started = { taskQueue?: string | undefined; timeoutMs?: number | undefined };

/**
 * Starts the run of a refund, or finds the one that exists, and waits until it is decided whether the refund is possible.
 * @param resumes the id of a run that was stopped, where the refund is in the ledger already
 * @throws anything when that is not known in time; the run goes on
 */
export const startRefund = (
  client: Client,
  request: RefundRequest,
  about: About,
  { resumes, ...options }: Started & { resumes?: string } = {},
) =>
  startAction<RefundDecision>(client, request, about, {
    ...options,
    decisionOf: (result) => decisionOf(result as RefundResult),
    workflow: REFUND_WORKFLOW,
    workflowId: refundWorkflowId(request.action),
    // A run that has answered an update answers it for ever, so another run needs another one.
    updateId: resumes ?? request.again ?? request.action,
    updateArgs: request.again === undefined ? [] : [request.again],
    workflowIdReusePolicy: (request.again ?? resumes) ? 'ALLOW_DUPLICATE' : 'REJECT_DUPLICATE',
    summary: request.cancels ? 'refund and cancellation' : 'refund',
  });

const decisionOf = (result: RefundResult): RefundDecision =>
  'asked' in result ? { status: 'asked', amount: result.asked } : result;

/** Starts the run that cancels a registration without a refund, as {@link startRefund} does. */
export const startCancellation = (
  client: Client,
  request: OrganizerAction,
  about: About,
  options: Started = {},
) =>
  startAction<CancelDecision>(client, request, about, {
    ...options,
    workflow: CANCEL_WORKFLOW,
    workflowId: cancelWorkflowId(request.action),
    updateId: request.action,
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    summary: 'cancellation',
  });

/** Starts the run that changes a registration, or does a step again, as {@link startRefund} does. */
export const startChange = (client: Client, request: ChangeRequest, about: About, options: Started = {}) =>
  startAction<ChangeDecision>(client, request, about, {
    ...options,
    workflow: CHANGE_WORKFLOW,
    workflowId: changeWorkflowId(request.action),
    updateId: request.action,
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    summary: CHANGES[request.change.kind],
  });
const CHANGES = {
  correct: 'correction',
  answers: 'corrected answers',
  move: 'another ticket type',
  again: 'a step again',
};
/** How long to wait before the next look whether a run has closed. */
const UNTIL_CLOSED_MS = 200;

type ActionRun<Decision> = Started & {
  workflow: string;
  workflowId: string;
  updateId: string;
  updateArgs?: [again: string] | [];
  workflowIdReusePolicy: 'ALLOW_DUPLICATE' | 'REJECT_DUPLICATE';
  summary: string;
  /** What was decided in a run, as its result tells; where it is left out, the result is the decision. */
  decisionOf?: (result: unknown) => Decision;
};

async function startAction<Decision>(
  client: Client,
  request: OrganizerAction,
  about: About,
  {
    workflow,
    updateId,
    updateArgs = [],
    summary,
    decisionOf: decided = (result) => result as Decision,
    taskQueue = TASK_QUEUE,
    timeoutMs = ANSWER_WITHIN_MS,
    ...ids
  }: ActionRun<Decision>,
): Promise<Decision> {
  const attributes = { ...about, reference: reference(request.registration) };
  const start = (typedSearchAttributes?: TypedSearchAttributes) =>
    client.workflow.executeUpdateWithStart<Workflow, Decision, [again?: string]>(DECIDED, {
      updateId,
      args: updateArgs,
      startWorkflowOperation: new WithStartWorkflowOperation(workflow, {
        ...ids,
        taskQueue,
        args: [request],
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
        priority: NOT_RATE_LIMITED,
        staticSummary: `${attributes.reference} · ${summary}`,
        ...(typedSearchAttributes && { typedSearchAttributes }),
      }),
    });
  const deadline = Date.now() + timeoutMs;
  return client.withDeadline(deadline, async () => {
    for (;;)
      try {
        return await indexed(client, attributes, start);
      } catch (error) {
        // A server that restarts forgets an update that no worker had accepted. The run is over without it.
        if (error instanceof WorkflowExecutionAlreadyStartedError)
          return decided(await client.workflow.getHandle(ids.workflowId).result());
        // The run of the try before is about to end. Then this one gets a run of its own.
        if (!(error instanceof WorkflowUpdateFailedError) || Date.now() > deadline) throw error;
        await sleep(UNTIL_CLOSED_MS);
      }
  });
}

/**
 * Starts the run that mails the link to sign in to an organizer, or to nobody (null). A request that no worker has served in time
 * is of no use any more.
 */
export async function startSignIn(
  client: Client,
  organizer: string | null,
  taskQueue = TASK_QUEUE,
): Promise<void> {
  await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
    client.workflow.start(SIGN_IN_WORKFLOW, {
      workflowId: signInWorkflowId(randomUUID()),
      taskQueue,
      args: [organizer],
      workflowExecutionTimeout: `${LINK_MINUTES} minutes`,
      staticSummary: 'link to sign in',
    }),
  );
}
