/** PayPal as this service needs it: its own SDK behind five calls, and one kind of error that carries no secret. */
import {
  AbortError,
  ApiError,
  CaptureStatus,
  CheckoutPaymentIntent,
  Client,
  Environment,
  OrderApplicationContextShippingPreference,
  OrderApplicationContextUserAction,
  OrdersCardVerificationMethod,
  OrdersController,
  PaymentsController,
  RefundStatus,
  type CapturedPayment,
  type Order as PayPalOrder,
  type OrdersCapture,
  type Refund,
} from '@paypal/paypal-server-sdk';
import type { Config } from './config.ts';
import { decimal, type Money } from './registration.ts';
import { retryAfterMs } from './retry-after.ts';

export type { PayPalOrder };
/** A capture, from an order or asked for by itself. */
export type Capture = OrdersCapture | CapturedPayment;

/** What PayPal answers that another try may change, besides a broken or missing answer. 401 and 403: a key to be mended. */
const TEMPORARY = [401, 403, 408, 409, 425, 429];

/** A call to PayPal that brought no result. Made of PayPal's status and issue only: its SDK's errors carry requests and keys. */
export class PayPalFault extends Error {
  /** HTTP status; undefined when no answer came. */
  readonly status: number | undefined;
  /** PayPal's word for what is wrong, such as `ORDER_NOT_APPROVED`. */
  readonly issue: string;
  /** What PayPal asked to wait before the next try, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(issue: string, status?: number, debugId?: string, retryAfterMs?: number) {
    super(['PayPal', status, issue, debugId && `debug_id=${debugId}`].filter(Boolean).join(' '));
    this.name = 'PayPalFault';
    this.status = status;
    this.issue = issue;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same call may succeed later. */
  get temporary(): boolean {
    return this.status === undefined || this.status >= 500 || TEMPORARY.includes(this.status);
  }
}

/** The SDK has no option for the address of the service; this swaps the origin of every request, the token's too. */
class ClientAt extends Client {
  readonly #origin: string | undefined;

  constructor(config: ConstructorParameters<typeof Client>[0], origin: string | undefined) {
    super(config);
    this.#origin = origin;
  }

  override getRequestBuilderFactory(): ReturnType<Client['getRequestBuilderFactory']> {
    const make = super.getRequestBuilderFactory();
    return (method, path) => {
      const builder = make(method, path);
      const origin = this.#origin;
      if (origin)
        builder.interceptRequest((request) => {
          const { pathname, search } = new URL(request.url);
          return { ...request, url: origin + pathname + search };
        });
      return builder;
    };
  }
}

export type PayPal = ReturnType<typeof connectPayPal>;

/** Calls to PayPal. Each throws {@link PayPalFault}, and takes the milliseconds it may last at most. */
export function connectPayPal(config: Config['paypal']) {
  const connect = () => {
    const client = new ClientAt(
      {
        environment: Environment.Production,
        clientCredentialsAuthCredentials: {
          oAuthClientId: config.clientId,
          oAuthClientSecret: config.clientSecret,
        },
      },
      config.baseUrl,
    );
    return { orders: new OrdersController(client), payments: new PaymentsController(client) };
  };
  let api = connect();

  /**
   * The SDK keeps a token that PayPal refused, and keeps a request for one that failed, for ever: either way a new client
   * takes over. After a refusal (401) the call is made once more.
   */
  async function call<T>(
    timeoutMs: number,
    send: (paypal: typeof api, options: { abortSignal: AbortSignal }) => Promise<{ result: T }>,
  ): Promise<T> {
    const options = { abortSignal: AbortSignal.timeout(timeoutMs) };
    for (let again = true; ; again = false) {
      const used = api;
      try {
        return (await send(used, options)).result;
      } catch (error) {
        const answer = error instanceof ApiError ? error : undefined;
        const refused = answer?.statusCode === 401;
        const withoutToken = !answer || answer.request.url.includes('/oauth2/');
        if ((refused || withoutToken) && api === used) api = connect();
        if (!refused || !again) throw toFault(error);
      }
    }
  }

  const calls = {
    /** Opens an order for the payer to approve. The same request id within 6 hours gives the same order. */
    async createOrder(
      order: { requestId: string; registrationId: string; amount: Money; description: string },
      timeoutMs: number,
    ) {
      const body = {
        intent: CheckoutPaymentIntent.Capture,
        purchaseUnits: [
          {
            customId: order.registrationId,
            description: order.description.slice(0, 127),
            amount: { currencyCode: order.amount.currency, value: decimal(order.amount) },
          },
        ],
        // The payer's bank asks the payer where the law wants it to. Nothing else of a card may ever stand here.
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
      if (!id) throw new PayPalFault('ORDER_WITHOUT_ID');
      return id;
    },

    getOrder: (id: string, timeoutMs: number): Promise<PayPalOrder> =>
      call(timeoutMs, ({ orders }, options) => orders.getOrder({ id }, options)),

    /** Takes the money of an approved order. The same request id within 6 hours takes it once. */
    captureOrder: (id: string, requestId: string, timeoutMs: number): Promise<PayPalOrder> =>
      call(timeoutMs, ({ orders }, options) =>
        orders.captureOrder({ id, paypalRequestId: requestId, prefer: 'return=representation' }, options),
      ),

    getCapture: (captureId: string, timeoutMs: number): Promise<Capture> =>
      call(timeoutMs, ({ payments }, options) => payments.getCapturedPayment({ captureId }, options)),

    /** Gives back all of a capture. The same request id within 45 days refunds once. */
    refundCapture: (captureId: string, requestId: string, timeoutMs: number): Promise<Refund> =>
      call(timeoutMs, ({ payments }, options) =>
        payments.refundCapturedPayment(
          { captureId, paypalRequestId: requestId, prefer: 'return=minimal' },
          options,
        ),
      ),
  };

  return {
    ...calls,

    /**
     * Gives back all that was paid for a registration, once; a capture that is refunded already, by whomever, is done.
     * Two calls, each of which may last `timeoutMs`.
     * @returns undefined when the money is on its way, else the status of the refund that failed
     */
    async refundRegistration(registrationId: string, captureId: string, timeoutMs: number) {
      const { status } = await calls.getCapture(captureId, timeoutMs);
      if (status === CaptureStatus.Refunded) return undefined;
      try {
        const refund = await calls.refundCapture(captureId, `${registrationId}:refund:1`, timeoutMs);
        const failed = refund.status === RefundStatus.Failed || refund.status === RefundStatus.Cancelled;
        return failed ? refund.status : undefined;
      } catch (error) {
        if (error instanceof PayPalFault && error.issue === 'CAPTURE_FULLY_REFUNDED') return undefined;
        throw error;
      }
    },
  };
}

/** The capture of an order, if there is one: ours have one purchase unit and are captured once. */
export const captureOf = (order: PayPalOrder): Capture | undefined =>
  order.purchaseUnits?.[0]?.payments?.captures?.[0];

function toFault(error: unknown): PayPalFault {
  if (error instanceof ApiError) {
    const body = parse(error.body);
    const issue = body.details?.[0]?.issue ?? body.name ?? body.error ?? 'UNKNOWN';
    return new PayPalFault(
      issue,
      error.statusCode,
      body.debug_id,
      retryAfterMs(error.headers['retry-after']),
    );
  }
  if (error instanceof AbortError) return new PayPalFault('TIMEOUT');
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'NO_ANSWER';
  return new PayPalFault(code);
}

type ErrorBody = { name?: string; error?: string; debug_id?: string; details?: { issue?: string }[] };

/** PayPal's edge may answer with a page instead of JSON; then only the status speaks. */
function parse(body: unknown): ErrorBody {
  try {
    return (JSON.parse(String(body)) ?? {}) as ErrorBody;
  } catch {
    return {};
  }
}
