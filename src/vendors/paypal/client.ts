/** PayPal as this service needs it. */
import {
  CheckoutPaymentIntent,
  OrderApplicationContextShippingPreference,
  OrderApplicationContextUserAction,
  OrdersCardVerificationMethod,
} from '@paypal/paypal-server-sdk';
import type { Config } from '../../config.ts';
import { decimal, type Money } from '../../money.ts';
import { VendorError } from '../vendor-error.ts';
import { captureOf, DECLINED, NOT_APPROVED, toCapture, toCheckoutOrder, toRefund } from './outcome.ts';
import type { Capture, CheckoutOrder, Refund } from './outcome.ts';
import { newsCalls } from './news.ts';
import { connectSdk } from './sdk.ts';

/** What became of a capture that was asked for: `not-approved` by its payer, or declined without a capture. */
export type CaptureAnswer =
  Capture | { status: 'declined'; captureId: null; reason: 'declined' } | { status: 'not-approved' };

/** What became of a refund that was asked for. `refused` has PayPal's word for why, such as `CAPTURE_FULLY_REFUNDED`. */
export type RefundAnswer = { status: 'made'; refund: Refund } | { status: 'refused'; word: string };

export type PayPal = ReturnType<typeof connectPayPal>;

/** Calls to PayPal. Each throws {@link VendorError}, and takes the longest time it may last, in milliseconds. */
export function connectPayPal(config: Config['paypal']) {
  const call = connectSdk(config);

  async function getCapture(captureId: string, timeoutMs: number): Promise<Capture> {
    return certain(
      toCapture(
        await call(timeoutMs, ({ payments }, options) => payments.getCapturedPayment({ captureId }, options)),
      ),
    );
  }

  return {
    ...newsCalls(call),

    /** Opens an order for the payer to approve. The same request id within 6 hours gives the same order. */
    async createOrder(
      order: { requestId: string; registrationId: string; amount: Money; description: string },
      timeoutMs: number,
    ): Promise<string> {
      const body = {
        intent: CheckoutPaymentIntent.Capture,
        purchaseUnits: [
          {
            customId: order.registrationId,
            description: order.description.slice(0, 127),
            amount: { currencyCode: order.amount.currency, value: decimal(order.amount) },
          },
        ],
        // The bank asks the payer where the law requires it. Nothing else about a card may ever be added here.
        paymentSource: {
          card: {
            attributes: { verification: { method: OrdersCardVerificationMethod.ScaWhenRequired } },
          },
        },
        applicationContext: {
          shippingPreference: OrderApplicationContextShippingPreference.NoShipping,
          userAction: OrderApplicationContextUserAction.PayNow,
        },
      };
      const { id } = await call(timeoutMs, ({ orders }, options) =>
        orders.createOrder({ paypalRequestId: order.requestId, prefer: 'return=minimal', body }, options),
      );
      return certain(id, 'ORDER_WITHOUT_ID');
    },

    /** An order; undefined when PayPal does not know it (any more): then it was never captured. */
    async findOrder(id: string, timeoutMs: number): Promise<CheckoutOrder | undefined> {
      try {
        return toCheckoutOrder(
          await call(timeoutMs, ({ orders }, options) => orders.getOrder({ id }, options)),
        );
      } catch (error) {
        if (error instanceof VendorError && error.status === 404) return undefined;
        throw error;
      }
    },

    /**
     * Takes the money of an approved order. The same request id within 6 hours takes it once, and an order that was captured
     * before answers with that capture. Up to two calls, together within `timeoutMs`.
     */
    async captureOrder(id: string, requestId: string, timeoutMs: number): Promise<CaptureAnswer> {
      const deadline = Date.now() + timeoutMs;
      try {
        const order = await call(timeoutMs, ({ orders }, options) =>
          orders.captureOrder({ id, paypalRequestId: requestId, prefer: 'return=representation' }, options),
        );
        return certain(captureOf(order));
      } catch (error) {
        const issue = error instanceof VendorError && error.final ? (error.word ?? '') : '';
        if (issue === 'ORDER_ALREADY_CAPTURED') {
          const left = Math.max(1, deadline - Date.now());
          return certain(
            captureOf(await call(left, ({ orders }, options) => orders.getOrder({ id }, options))),
          );
        }
        if (DECLINED.includes(issue)) return { status: 'declined', captureId: null, reason: 'declined' };
        if (NOT_APPROVED.includes(issue)) return { status: 'not-approved' };
        throw error;
      }
    },

    getCapture,

    /** A refund that was made. */
    async getRefund(refundId: string, timeoutMs: number): Promise<Refund> {
      const made = await call(timeoutMs, ({ payments }, options) =>
        payments.getRefund({ refundId }, options),
      );
      return certain(toRefund(made), 'REFUND_WITHOUT_ID');
    },

    /**
     * Refunds a part of a capture, or all of it. The same request id within 45 days refunds once. `name` comes back with the
     * order (`Refund.name`): letters, digits, hyphens, underscores, points and commas.
     */
    async refundCapture(
      {
        captureId,
        requestId,
        name,
        amount,
      }: { captureId: string; requestId: string; name: string; amount: Money },
      timeoutMs: number,
    ): Promise<RefundAnswer> {
      const body = { customId: name, amount: { currencyCode: amount.currency, value: decimal(amount) } };
      try {
        const made = await call(timeoutMs, ({ payments }, options) =>
          payments.refundCapturedPayment(
            { captureId, paypalRequestId: requestId, prefer: 'return=representation', body },
            options,
          ),
        );
        return { status: 'made', refund: certain(toRefund(made), 'REFUND_WITHOUT_ID') };
      } catch (error) {
        if (!(error instanceof VendorError) || !error.final) throw error;
        return { status: 'refused', word: error.word ?? 'UNKNOWN' };
      }
    },
  };
}

/** What an answer has to contain. PayPal is asked again when it does not. */
function certain<T>(value: T | undefined, word = 'ORDER_WITHOUT_CAPTURE'): T {
  if (value === undefined) throw new VendorError({ vendor: 'PayPal', meaning: 'Unavailable', word });
  return value;
}
