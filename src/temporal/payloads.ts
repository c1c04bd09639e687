import type { LoadedDataConverter } from '@temporalio/common';

export type Payloads = Parameters<LoadedDataConverter['payloadCodecs'][number]['decode']>[0];
/** Decrypts payloads and reads their values. Rejects where a key is missing. */
export type Decode = (payloads: Payloads | null | undefined) => Promise<unknown[]>;

/** Reads payloads as a client or worker with this converter wrote them. */
export const decoderOf =
  ({ payloadConverter, payloadCodecs }: LoadedDataConverter): Decode =>
  async (payloads) => {
    let plain = payloads ?? [];
    for (const codec of payloadCodecs) plain = await codec.decode(plain);
    return plain.map((payload) => payloadConverter.fromPayload<unknown>(payload));
  };
