/** What api and worker must agree on when they talk to Temporal. */
import { fileURLToPath } from 'node:url';
import { Client, Connection, isGrpcServiceError, type WorkflowClientInterceptor } from '@temporalio/client';
import { WorkflowNotFoundError, type DataConverter } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { Config } from '../config.ts';
import { TASK_QUEUE } from '../registration.ts';
import { createCodec } from './codec.ts';

const { TASK_QUEUE_TYPE_ACTIVITY } = proto.temporal.api.enums.v1.TaskQueueType;

/** Path of the module that encodes failures; a bundle of the workflows needs it, too. */
export const failureConverterPath = fileURLToPath(new URL('failure-converter.cjs', import.meta.url));

type Encryption = Pick<Config, 'encryptionKeys'> & Partial<Pick<Config, 'encryptionAcceptPlain'>>;

/**
 * How payloads and failures are written to Temporal. Client and worker use the same converter. Without keys, anyone who can
 * reach Temporal can read them, and forge them.
 */
export const dataConverter = ({ encryptionKeys, encryptionAcceptPlain }: Encryption): DataConverter =>
  encryptionKeys.length > 0
    ? {
        payloadCodecs: [createCodec(encryptionKeys, { acceptPlain: encryptionAcceptPlain })],
        failureConverterPath,
      }
    : { failureConverterPath };

/**
 * A client that connects at its first call, so that a process starts and stays up while Temporal is away.
 * @param workflow see what the client asks of runs
 */
export function connectTemporal(
  config: Pick<Config, 'temporal'> & Encryption,
  workflow: WorkflowClientInterceptor[] = [],
): Client {
  const { connectionOptions, namespace } = config.temporal;
  return new Client({
    connection: Connection.lazy(connectionOptions),
    dataConverter: dataConverter(config),
    interceptors: { workflow },
    ...(namespace ? { namespace } : {}),
  });
}

/** gRPC's status codes (grpc.io, Status codes). */
const GRPC_STATUS = { INVALID_ARGUMENT: 3, NOT_FOUND: 5, ALREADY_EXISTS: 6 };

/** Whether Temporal's server answered a call with this status. */
export const hasGrpcStatus = (error: unknown, status: keyof typeof GRPC_STATUS): boolean =>
  isGrpcServiceError(error) && (error.code as number) === GRPC_STATUS[status];

/** The answer of a run; undefined where Temporal has no such run (any more). */
export const ifThere = <T>(asked: Promise<T>): Promise<T | undefined> =>
  asked.catch((error: unknown) => {
    if (hasGrpcStatus(error, 'NOT_FOUND') || error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  });

/** For how long after an answer Temporal counts as reachable. */
const PROBE_VALID_MS = 250;

/** A probe that a rush of requests shares. One that failed counts for nobody who comes later. */
export function sharedProbe(client: Client): () => Promise<void> {
  let last: { at: number; probe: Promise<void> } | undefined;
  return () => {
    if (last && Date.now() - last.at < PROBE_VALID_MS) return last.probe;
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
 * Sets how many mails, and as many entries of the mailing list, Temporal starts per second, for all workers together. The
 * limit stays until it is set again; 0 removes it. A server without fairness (`matching.enableFairness`) stores the limit and
 * does not apply it.
 */
export async function setVendorRateLimit(
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
