/** What api and worker must agree on when they talk to Temporal, and the workflow as the api sees it. */
import { fileURLToPath } from 'node:url';
import {
  Client,
  Connection,
  isGrpcServiceError,
  WithStartWorkflowOperation,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
} from '@temporalio/client';
import { WorkflowNotFoundError, type DataConverter, type Workflow } from '@temporalio/common';
import proto from '@temporalio/proto';
import { createCodec } from './codec.ts';
import type { Config } from './config.ts';
import { reference } from './reference.ts';
import {
  ANSWER_WITHIN_MS,
  formatMoney,
  FREE,
  PAY,
  RESEND_WORKFLOW,
  resendWorkflowId,
  TASK_QUEUE,
  UNPACED,
  WORKFLOW,
  workflowId,
  type Order,
  type PayArguments,
  type PaymentAnswer,
} from './registration.ts';

const { TASK_QUEUE_TYPE_ACTIVITY } = proto.temporal.api.enums.v1.TaskQueueType;

/** Where Temporal finds how failures are written; a bundle of the workflows needs it, too. */
export const failureConverterPath = fileURLToPath(new URL('failure-converter.cjs', import.meta.url));

/**
 * How payloads and failures are written to Temporal: the same for client and worker, or neither could read the other.
 * Without keys they are readable to whoever can read Temporal's store.
 */
export const dataConverter = ({ encryptionKeys }: Pick<Config, 'encryptionKeys'>): DataConverter =>
  encryptionKeys.length > 0
    ? { payloadCodecs: [createCodec(encryptionKeys)], failureConverterPath }
    : { failureConverterPath };

/** A client that connects at its first call, so that a process starts and stays up while Temporal is away. */
export function connectTemporal(config: Pick<Config, 'temporal' | 'encryptionKeys'>): Client {
  const { connectionOptions, namespace } = config.temporal;
  return new Client({
    connection: Connection.lazy(connectionOptions),
    dataConverter: dataConverter(config),
    ...(namespace ? { namespace } : {}),
  });
}

/** gRPC's code for what is not there (grpc.io, Status codes). */
const NOT_FOUND = 5;

/** What was asked of a run; undefined where Temporal has no such run (any more). */
export const ifThere = <T>(asked: Promise<T>): Promise<T | undefined> =>
  asked.catch((error: unknown) => {
    const notFound = isGrpcServiceError(error) && (error.code as number) === NOT_FOUND;
    if (notFound || error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  });

/** For how long Temporal is taken to be there after it has answered. */
const PROBE_STANDS_MS = 250;

/** Probes that a rush of requests shares; one that has failed stands for nobody who comes later. */
export function sharedProbe(client: Client): () => Promise<void> {
  let last: { at: number; probe: Promise<void> } | undefined;
  return () => {
    if (last && Date.now() - last.at < PROBE_STANDS_MS) return last.probe;
    const probe = probeTemporal(client);
    last = { at: Date.now(), probe };
    probe.catch(() => {
      if (last?.probe === probe) last = undefined;
    });
    return probe;
  };
}

/** Resolves when Temporal answers within `timeoutMs`, and rejects otherwise. */
export async function probeTemporal(client: Client, timeoutMs = 2000): Promise<void> {
  const { namespace } = client.options;
  await client.connection.withDeadline(Date.now() + timeoutMs, () =>
    client.connection.workflowService.describeNamespace({ namespace }),
  );
}

/**
 * Sets how many mails, and as many entries of the mailing list, are begun in a second at most, for all workers together. It
 * stays until it is set again; 0 takes it away. A server whose task queues know no fairness (`matching.enableFairness`) takes
 * note of it and does nothing.
 */
export async function setPace(
  { workflowService }: Pick<Connection, 'workflowService'>,
  perSecond: number,
  {
    namespace = 'default',
    taskQueue = TASK_QUEUE,
  }: { namespace?: string | undefined; taskQueue?: string } = {},
): Promise<void> {
  await workflowService.updateTaskQueueConfig({
    namespace,
    taskQueue,
    taskQueueType: TASK_QUEUE_TYPE_ACTIVITY,
    updateFairnessKeyRateLimitDefault: {
      reason: 'the rate limits of SendGrid and Mailchimp',
      ...(perSecond > 0 ? { rateLimit: { requestsPerSecond: perSecond } } : {}),
    },
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
  const startWorkflowOperation = new WithStartWorkflowOperation(WORKFLOW, {
    workflowId: workflowId(order.id),
    taskQueue,
    args: [order],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    priority: UNPACED,
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
 * Starts the run that sends a confirmation once more.
 * @throws WorkflowExecutionAlreadyStartedError while the last one is open
 */
export async function startResend(client: Client, id: string, taskQueue = TASK_QUEUE): Promise<void> {
  await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
    client.workflow.start(RESEND_WORKFLOW, {
      workflowId: resendWorkflowId(id),
      taskQueue,
      args: [id],
      staticSummary: `${reference(id)} · e-mail once more`,
    }),
  );
}
