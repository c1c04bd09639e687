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
import {
  ADD_WORKFLOW,
  IMPORT_WORKFLOW,
  importWorkflowId,
  type AddDecision,
  type AddRequest,
  type AddResult,
} from '../addition.ts';
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
  PAYMENT_NEWS,
  RESEND_WORKFLOW,
  resendWorkflowId,
  SEARCH_ATTRIBUTES,
  TASK_QUEUE,
  WORKFLOW,
  workflowId,
  type FoundOut,
  type Order,
  type PayArguments,
  type PaymentAnswer,
  type Status,
} from '../registration.ts';
import type { Activities } from '../activities/index.ts';
import { hasGrpcStatus, ifThere } from './client.ts';
import { hasSearchAttributes, searchAttributes, type Attributes } from './search-attributes.ts';

/** Starts a run with search attributes, or without them where the namespace has none. */
export async function indexed<T>(
  client: Client,
  attributes: Partial<Attributes>,
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
 * Starts the run of a registration anew whose run was lost, after its payment was begun. The run that exists, or has existed since, is
 * left alone.
 */
export async function finishRegistration(
  client: Client,
  order: Order,
  taskQueue: string = TASK_QUEUE,
): Promise<void> {
  const [event, ticketType] = [order.event.id, order.ticketType.id];
  const attributes = { reference: reference(order.id), status: 'processing', event, ticketType } as const;
  // A payment is attempted once the address is confirmed, where that is asked for.
  const known: FoundOut = order.confirmationToken === undefined ? {} : { emailConfirmed: true };
  const start = (typedSearchAttributes?: TypedSearchAttributes) =>
    client.workflow.start(WORKFLOW, {
      workflowId: workflowId(order.id),
      taskQueue,
      args: [order, known],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      priority: NOT_RATE_LIMITED,
      staticSummary: `${attributes.reference} · ${event} · ${ticketType} · ${formatMoney(order.amount)}`,
      ...(typedSearchAttributes && { typedSearchAttributes }),
    });
  await client
    .withDeadline(Date.now() + ANSWER_WITHIN_MS, () => indexed(client, attributes, start))
    .catch((error: unknown) => {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    });
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

/** The activity that asks PayPal what became of a payment, at intervals of up to an hour. */
const ASKING: keyof Activities = 'settlePayment';

/**
 * Tells the run of a registration that PayPal knows what became of its payment. Only a run that waits to ask again is told; every other
 * one asks PayPal by itself within seconds, or is over.
 */
export async function tellPaymentNews(client: Client, id: string): Promise<void> {
  await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, async () => {
    const run = client.workflow.getHandle(workflowId(id));
    const pending = (await ifThere(run.describe()))?.raw.pendingActivities ?? [];
    if (pending.some(({ activityType }) => activityType?.name === ASKING))
      await ifThere(run.signal(PAYMENT_NEWS));
  });
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

/**
 * Starts the run that adds a registration, or finds the one that exists, as {@link startRefund} does. What is to be added is in the
 * database by then.
 */
export const startAddition = (
  client: Client,
  request: AddRequest,
  about: Omit<About, 'status'>,
  options: Started = {},
) =>
  startAction<AddDecision>(
    client,
    request,
    { ...about, status: 'processing' },
    {
      ...options,
      decisionOf: (result) => (result as AddResult).decision,
      workflow: ADD_WORKFLOW,
      workflowId: workflowId(request.registration),
      updateId: request.action,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      summary: `${about.event} · ${about.ticketType} · added by hand`,
    },
  );

/** Starts the run of an import, or lets the one that is open go on. One that was stopped is followed by another. */
export async function startImport(
  client: Client,
  { id, event }: { id: string; event: string },
  taskQueue = TASK_QUEUE,
): Promise<void> {
  const isIndexed = await hasSearchAttributes(client);
  await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
    client.workflow.start(IMPORT_WORKFLOW, {
      workflowId: importWorkflowId(id),
      taskQueue,
      args: [id],
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
      priority: NOT_RATE_LIMITED,
      staticSummary: `${event} · import`,
      ...(isIndexed && { typedSearchAttributes: [{ key: SEARCH_ATTRIBUTES.event, value: event }] }),
    }),
  );
}

/** Whether the run of an import is open; undefined while Temporal cannot be reached. */
export async function isImportOpen(client: Client, id: string): Promise<boolean | undefined> {
  const described = client.withDeadline(Date.now() + DESCRIBE_MS, () =>
    ifThere(client.workflow.getHandle(importWorkflowId(id)).describe()),
  );
  return described.then(
    (run) => run?.status.name === 'RUNNING',
    () => undefined,
  );
}
const DESCRIBE_MS = 3000;

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
  request: { registration: string },
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
