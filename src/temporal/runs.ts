/** Starts the runs of the workflows, and joins those that exist. */
import {
  WithStartWorkflowOperation,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
  type Client,
} from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import { formatMoney } from '../money.ts';
import { reference } from '../reference.ts';
import {
  ANSWER_WITHIN_MS,
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
} from '../registration.ts';

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
  const startWorkflowOperation = new WithStartWorkflowOperation(WORKFLOW, {
    workflowId: workflowId(order.id),
    taskQueue,
    args: [order],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    priority: NOT_RATE_LIMITED,
    staticSummary: `${reference(order.id)} · ${order.event.id} · ${order.ticketType.id} · ${formatMoney(order.amount)}`,
  });
  return client.withDeadline(Date.now() + timeoutMs, () =>
    client.workflow.executeUpdateWithStart<Workflow, PaymentAnswer, PayArguments>(PAY, {
      updateId: paypalOrderId,
      args: mayDiffer ? [paypalOrderId, order] : [paypalOrderId],
      startWorkflowOperation,
    }),
  );
}

/**
 * Starts the run that sends a confirmation again.
 * @throws WorkflowExecutionAlreadyStartedError while the last one is open
 */
export async function startResend(client: Client, id: string, taskQueue = TASK_QUEUE): Promise<void> {
  await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
    client.workflow.start(RESEND_WORKFLOW, {
      workflowId: resendWorkflowId(id),
      taskQueue,
      args: [id],
      staticSummary: `${reference(id)} · e-mail sent again`,
    }),
  );
}
