/** What PayPal is asked about an event that it sent: whether it sent the event, and what is true now. */
import { parseMoney, type Money } from '../../money.ts';
import { VendorError } from '../vendor-error.ts';
import { toCapture, toRefund, type Capture, type Refund } from './outcome.ts';
import type { Call } from './sdk.ts';

/** The headers of a delivery that PayPal has signed. */
export type Transmission = {
  id: string;
  /** ISO 8601. */
  time: string;
  signature: string;
  certUrl: string;
  algorithm: string;
};

/** A dispute about payments. Its words are PayPal's, and its times ISO 8601. */
export type PayPalDispute = {
  id: string;
  captureIds: string[];
  reason: string;
  amount: Money;
  status: string;
  outcome: string | null;
  openedAt: string;
  /** Null while it is open. */
  closedAt: string | null;
  changedAt: string;
};

type Amount = { currency_code: string; value: string };
type DisputeBody = {
  dispute_id?: string;
  create_time?: string;
  update_time?: string;
  reason?: string;
  status?: string;
  dispute_amount?: Amount;
  dispute_outcome?: { outcome_code?: string };
  disputed_transactions?: { seller_transaction_id?: string }[];
};

/** Calls to PayPal. Each throws {@link VendorError}, and takes the longest time it may last, in milliseconds. */
export function newsCalls(call: Call) {
  return {
    /**
     * Whether PayPal has sent this body to our webhook (Webhooks v1, verify-webhook-signature). The body goes to PayPal as it came,
     * because the signature is about its bytes. It has to be JSON.
     */
    async verifyWebhook(
      { webhookId, transmission, body }: { webhookId: string; transmission: Transmission; body: string },
      timeoutMs: number,
    ): Promise<boolean> {
      const facts = JSON.stringify({
        auth_algo: transmission.algorithm,
        cert_url: transmission.certUrl,
        transmission_id: transmission.id,
        transmission_sig: transmission.signature,
        transmission_time: transmission.time,
        webhook_id: webhookId,
      });
      const path = '/v1/notifications/verify-webhook-signature';
      const text = `${facts.slice(0, -1)},"webhook_event":${body}}`;
      const answer = await call(timeoutMs, ({ request }, options) =>
        request('POST', path, options, text),
      ).catch((error: unknown) => {
        // PayPal does not look at facts that cannot be its own.
        if (error instanceof VendorError && error.status === 400) return '{}';
        throw error;
      });
      const { verification_status: status } = read(answer) as { verification_status?: string };
      return status === 'SUCCESS';
    },

    /** A capture, with what its order was opened for; undefined when PayPal does not know it. */
    findCapture: (captureId: string, timeoutMs: number) =>
      ifKnown(async () => {
        const found = await call(timeoutMs, ({ payments }, options) =>
          payments.getCapturedPayment({ captureId }, options),
        );
        const capture: Capture | undefined = toCapture(found);
        return (
          capture && {
            capture,
            registrationId: found.customId,
            paypalOrderId: found.supplementaryData?.relatedIds?.orderId ?? null,
          }
        );
      }),

    /** A refund, with the capture that it is about; undefined when PayPal does not know it. */
    findRefund: (refundId: string, timeoutMs: number) =>
      ifKnown(async () => {
        const found = await call(timeoutMs, ({ payments }, options) =>
          payments.getRefund({ refundId }, options),
        );
        const refund: Refund | undefined = toRefund(found);
        const captureId = idOf(found.links?.find(({ rel }) => rel === 'up')?.href);
        return refund && captureId !== undefined ? { refund, captureId } : undefined;
      }),

    /** A dispute; undefined when PayPal does not know it. */
    findDispute: (id: string, timeoutMs: number) =>
      ifKnown(async () => {
        const path = `/v1/customer/disputes/${encodeURIComponent(id)}`;
        const answer = await call(timeoutMs, ({ request }, options) => request('GET', path, options));
        return toDispute(read(answer));
      }),
  };
}

/** The last part of the address of a capture. */
const idOf = (href: string | undefined) => /\/captures\/([^/?]+)$/.exec(href ?? '')?.[1];

async function ifKnown<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof VendorError && error.status === 404) return undefined;
    throw error;
  }
}

/** PayPal's edge may answer with a page instead of JSON. */
function read(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // It is asked again.
  }
  throw new VendorError({ vendor: 'PayPal', meaning: 'Unavailable', word: 'NOT_JSON' });
}

/** The states of a dispute that is over (Disputes v1, status). */
const OVER = ['RESOLVED'];

function toDispute(body: DisputeBody): PayPalDispute {
  const { dispute_id: id, create_time: openedAt, status, dispute_amount: disputed } = body;
  const amount = disputed && parseMoney(disputed.value, disputed.currency_code);
  if (id === undefined || openedAt === undefined || status === undefined || !amount)
    throw new VendorError({ vendor: 'PayPal', meaning: 'Unavailable', word: 'DISPUTE_WITHOUT_FACTS' });
  const changedAt = body.update_time ?? openedAt;
  return {
    ...{ id, amount, status, openedAt, changedAt },
    captureIds: (body.disputed_transactions ?? []).flatMap(({ seller_transaction_id: of }) => of ?? []),
    reason: body.reason ?? 'OTHER',
    outcome: body.dispute_outcome?.outcome_code ?? null,
    closedAt: OVER.includes(status) ? changedAt : null,
  };
}
