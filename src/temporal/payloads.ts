import type {
  LoadedDataConverter,
  SerializationContext,
  WorkflowSerializationContext,
} from '@temporalio/common';

export type Payloads = Parameters<LoadedDataConverter['payloadCodecs'][number]['decode']>[0];
/** The run that payloads belong to. */
export type Owner = Pick<WorkflowSerializationContext, 'namespace' | 'workflowId'>;
/**
 * Decrypts payloads of a run, or of one of its activities, and reads their values. Rejects where a key is missing, and where
 * they were not written for this run.
 */
export type Decode = (
  payloads: Payloads | null | undefined,
  activityId?: string | null,
) => Promise<unknown[]>;

/** Reads payloads as a client or worker with this converter wrote them. */
export const decoderOf =
  ({ payloadConverter, payloadCodecs }: LoadedDataConverter, owner: Owner): Decode =>
  async (payloads, activityId) => {
    const context: SerializationContext =
      typeof activityId === 'string'
        ? { type: 'activity', ...owner, activityId, isLocal: false }
        : { type: 'workflow', ...owner };
    let plain = payloads ?? [];
    for (const codec of payloadCodecs) plain = await codec.decode(plain, context);
    return plain.map((payload) => payloadConverter.fromPayload<unknown>(payload, context));
  };
