/**
 * The order that a claimed seat is paid for, as PostgreSQL keeps it beside the claim: encrypted as the payloads in Temporal are, and bound
 * to its registration. With it, a new run can finish a payment whose run was lost.
 */
import { defaultPayloadConverter, type LoadedDataConverter, type PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { workflowId, type Order } from '../registration.ts';
import { isRefused } from './codec.ts';

const { Payload: Message } = proto.temporal.api.common.v1;

/** An order, and the PayPal order (or the word in its place) that was being taken for it. */
export type ClaimedOrder = { paypalOrderId: string; order: Order };

/** What is written for this place cannot be read as a payload of a run, nor the other way round. */
const boundTo = (id: string) =>
  ({ type: 'workflow', namespace: 'seat_holds', workflowId: workflowId(id) }) as const;

/** Encrypts it with the codecs of Temporal's payloads; without any, it is stored as it is. */
export async function sealClaimed(codecs: PayloadCodec[], claimed: ClaimedOrder): Promise<Buffer> {
  let payloads = [defaultPayloadConverter.toPayload(claimed)];
  for (const codec of codecs) payloads = await codec.encode(payloads, boundTo(claimed.order.id));
  return Buffer.from(Message.encode(payloads[0] ?? {}).finish());
}

/** Reads what was sealed for this registration; `unreadable` where its key is missing, or it was not written for it. */
export async function openClaimed(
  { payloadCodecs, payloadConverter }: Pick<LoadedDataConverter, 'payloadCodecs' | 'payloadConverter'>,
  id: string,
  sealed: Uint8Array,
): Promise<ClaimedOrder | 'unreadable'> {
  try {
    let payloads = [Message.decode(sealed) as Parameters<typeof isRefused>[0]];
    for (const codec of payloadCodecs) payloads = await codec.decode(payloads, boundTo(id));
    const [payload] = payloads;
    if (!payload || isRefused(payload)) return 'unreadable';
    const claimed = payloadConverter.fromPayload<ClaimedOrder>(payload);
    return claimed.order.id === id ? claimed : 'unreadable';
  } catch {
    return 'unreadable';
  }
}
