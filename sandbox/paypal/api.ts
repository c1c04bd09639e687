/** PayPal's REST API as far as a checkout needs it: OAuth 2, Orders v2, Payments v2, each as strict as the vendor. */
import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { applyFaults, type Faults } from '../faults.ts';
import type { Journal } from '../journal.ts';
import type { CardFacts, Outcome } from './cards.ts';

type Amount = { currency_code: string; value: string };
type Unit = {
  reference_id: string;
  amount: Amount;
  custom_id?: string;
  description?: string;
  invoice_id?: string;
};
export type Order = {
  id: string;
  intent: 'CAPTURE';
  status: 'CREATED' | 'APPROVED' | 'COMPLETED';
  unit: Unit;
  createTime: string;
  returnUrl?: string;
  /** Set when the payer approved: what a capture will come to. */
  outcome?: Outcome;
  source?: { card: CardFacts } | { paypal: { email_address: string; account_id: string } };
  captureId?: string;
};
export type Capture = {
  id: string;
  status: 'COMPLETED' | 'DECLINED' | 'PENDING' | 'FAILED' | 'REFUNDED' | 'PARTIALLY_REFUNDED';
  amount: Amount;
  custom_id?: string;
  order_id: string;
  create_time: string;
  processor_response?: { response_code: string };
  refunded: number;
};
export type Refund = {
  id: string;
  status: 'COMPLETED';
  amount: Amount;
  capture_id: string;
  create_time: string;
};
type Answer = { status: number; body: unknown };

/** PayPal-Request-Ids are kept this long (developer.paypal.com, idempotency). */
const ORDERS_KEEP_MS = 6 * 3_600_000;
const REFUNDS_KEEP_MS = 45 * 24 * 3_600_000;
const NO_DECIMALS = ['HUF', 'JPY', 'TWD'];

const newId = (length = 17) =>
  [...randomBytes(length)].map((byte) => 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'.charAt(byte % 32)).join('');

/** An answer in the shape of PayPal's errors. */
export function paypalError(
  status: number,
  name: string,
  issue?: string,
  description?: string,
  field?: string,
): Answer {
  const detail = { ...(field ? { field } : {}), issue, description: description ?? issue };
  const debug_id = newId(13).toLowerCase();
  return {
    status,
    body: {
      name,
      message: description ?? name,
      debug_id,
      ...(issue ? { details: [detail] } : {}),
      links: [],
    },
  };
}
const notFound = () =>
  paypalError(404, 'RESOURCE_NOT_FOUND', 'INVALID_RESOURCE_ID', 'The specified resource does not exist.');
const unprocessable = (issue: string, description?: string) =>
  paypalError(422, 'UNPROCESSABLE_ENTITY', issue, description);
const invalid = (field: string, issue: string) =>
  paypalError(400, 'INVALID_REQUEST', issue, `${field}: ${issue}`, field);

export function createPayPal(
  journal: Journal,
  credentials: { clientId: string; clientSecret: string },
  faults: Faults,
) {
  const orders = journal.map<Order>('paypal.orders');
  const captures = journal.map<Capture>('paypal.captures');
  const refunds = journal.map<Refund>('paypal.refunds');
  const answers = journal.map<Answer & { at: number }>('paypal.answers');
  const tokens = new Map<string, number>();

  const publicCapture = ({ refunded: _refunded, order_id: _orderId, ...capture }: Capture) => ({
    ...capture,
    final_capture: true,
  });

  function publicOrder(order: Order, base: string) {
    const capture = order.captureId === undefined ? undefined : captures.get(order.captureId);
    return {
      id: order.id,
      intent: order.intent,
      status: order.status,
      create_time: order.createTime,
      ...(order.source ? { payment_source: order.source } : {}),
      purchase_units: [
        { ...order.unit, ...(capture ? { payments: { captures: [publicCapture(capture)] } } : {}) },
      ],
      links: [
        { href: `${base}/v2/checkout/orders/${order.id}`, rel: 'self', method: 'GET' },
        { href: `${base}/checkoutnow?token=${order.id}`, rel: 'approve', method: 'GET' },
        { href: `${base}/v2/checkout/orders/${order.id}/capture`, rel: 'capture', method: 'POST' },
      ],
    };
  }

  type Body = Record<string, unknown>;
  const isObject = (value: unknown): value is Body =>
    typeof value === 'object' && value !== null && !Array.isArray(value);

  function checkAmount(amount: unknown, field: string): Answer | Amount {
    if (!isObject(amount)) return invalid(field, 'MISSING_REQUIRED_PARAMETER');
    const { currency_code: currency, value } = amount;
    if (typeof currency !== 'string' || !/^[A-Z]{3}$/.test(currency))
      return invalid(`${field}/currency_code`, 'INVALID_PARAMETER_SYNTAX');
    if (typeof value !== 'string' || !/^\d{1,7}(\.\d{1,2})?$/.test(value))
      return invalid(`${field}/value`, 'INVALID_PARAMETER_SYNTAX');
    if (NO_DECIMALS.includes(currency) ? value.includes('.') : !/\.\d\d$/.test(value))
      return unprocessable('DECIMAL_PRECISION');
    if (Number(value) === 0) return unprocessable('CANNOT_BE_ZERO_OR_NEGATIVE');
    return { currency_code: currency, value };
  }

  function createOrder(body: unknown): Answer | Order {
    if (!isObject(body)) return paypalError(400, 'INVALID_REQUEST', 'MALFORMED_REQUEST_JSON');
    if (body.intent !== 'CAPTURE')
      return invalid(
        '/intent',
        body.intent === undefined ? 'MISSING_REQUIRED_PARAMETER' : 'INVALID_PARAMETER_VALUE',
      );
    const units = body.purchase_units;
    if (!Array.isArray(units) || units.length === 0)
      return invalid('/purchase_units', 'MISSING_REQUIRED_PARAMETER');
    if (units.length > 1) return unprocessable('MULTIPLE_PURCHASE_UNITS_NOT_SUPPORTED_HERE');
    const [unit] = units as unknown[];
    if (!isObject(unit)) return invalid('/purchase_units/0', 'INVALID_PARAMETER_SYNTAX');
    for (const field of ['custom_id', 'description', 'invoice_id'] as const) {
      const value = unit[field];
      if (value !== undefined && (typeof value !== 'string' || value.length < 1 || value.length > 127))
        return invalid(`/purchase_units/0/${field}`, 'INVALID_STRING_LENGTH');
    }
    const amount = checkAmount(unit.amount, '/purchase_units/0/amount');
    if ('status' in amount) return amount;
    const context = isObject(body.application_context) ? body.application_context : {};
    return {
      id: newId(),
      intent: 'CAPTURE',
      status: 'CREATED',
      createTime: new Date().toISOString(),
      unit: { ...(unit as Unit), reference_id: 'default', amount },
      ...(typeof context.return_url === 'string' ? { returnUrl: context.return_url } : {}),
    };
  }

  function capture(order: Order): Answer | Capture {
    if (order.status === 'COMPLETED')
      return unprocessable(
        'ORDER_ALREADY_CAPTURED',
        'Order already captured. If intent=CAPTURE only one capture per order is allowed.',
      );
    const outcome = order.outcome;
    if (order.status !== 'APPROVED' || !outcome)
      return unprocessable('ORDER_NOT_APPROVED', 'Payer has not yet approved the Order for payment.');
    if (outcome.status === 'REFUSED') return unprocessable(outcome.issue);
    const taken: Capture = {
      id: newId(),
      status: outcome.status,
      amount: order.unit.amount,
      ...(order.unit.custom_id === undefined ? {} : { custom_id: order.unit.custom_id }),
      order_id: order.id,
      create_time: new Date().toISOString(),
      processor_response: { response_code: outcome.status === 'DECLINED' ? outcome.responseCode : '0000' },
      refunded: 0,
    };
    captures.set(taken.id, taken);
    // COMPLETED even when the card was declined: that is how PayPal answers, too.
    orders.set(order.id, { ...order, status: 'COMPLETED', captureId: taken.id });
    return taken;
  }

  function refund(taken: Capture, body: unknown): Answer | Refund {
    if (taken.status !== 'COMPLETED' && taken.status !== 'PARTIALLY_REFUNDED')
      return unprocessable(taken.status === 'REFUNDED' ? 'CAPTURE_FULLY_REFUNDED' : 'CAPTURE_STATUS_INVALID');
    const asked =
      isObject(body) && body.amount !== undefined ? checkAmount(body.amount, '/amount') : undefined;
    if (asked && 'status' in asked) return asked;
    if (asked && asked.currency_code !== taken.amount.currency_code)
      return unprocessable('REFUND_CAPTURE_CURRENCY_MISMATCH');
    const cents = (value: string) => Math.round(Number(value) * 100);
    const left = cents(taken.amount.value) - taken.refunded;
    const amount = asked ? cents(asked.value) : left;
    if (amount > left) return unprocessable('REFUND_AMOUNT_EXCEEDED');
    const digits = NO_DECIMALS.includes(taken.amount.currency_code) ? 0 : 2;
    const given: Refund = {
      id: newId(),
      status: 'COMPLETED',
      amount: { ...taken.amount, value: (amount / 100).toFixed(digits) },
      capture_id: taken.id,
      create_time: new Date().toISOString(),
    };
    refunds.set(given.id, given);
    captures.set(taken.id, {
      ...taken,
      refunded: taken.refunded + amount,
      status: amount === left ? 'REFUNDED' : 'PARTIALLY_REFUNDED',
    });
    return given;
  }

  const isAnswer = (value: object): value is Answer => 'body' in value;

  function routes(app: FastifyInstance): void {
    const base = (request: FastifyRequest) => `${request.protocol}://${request.host}`;
    const send = (reply: FastifyReply, { status, body }: Answer) =>
      reply.code(status).header('paypal-debug-id', newId(13).toLowerCase()).send(body);
    const inProgress = new Set<string>();
    const keyOf = (request: FastifyRequest) => {
      const id = request.headers['paypal-request-id'];
      return typeof id === 'string' && request.method === 'POST' ? `${request.url} ${id}` : undefined;
    };

    app.post('/v1/oauth2/token', (request, reply) => {
      const expected = `Basic ${Buffer.from(`${credentials.clientId}:${credentials.clientSecret}`).toString('base64')}`;
      if (request.headers.authorization !== expected)
        return send(reply, {
          status: 401,
          body: { error: 'invalid_client', error_description: 'Client Authentication failed' },
        });
      if (new URLSearchParams(request.body as string).get('grant_type') !== 'client_credentials')
        return send(reply, {
          status: 400,
          body: { error: 'unsupported_grant_type', error_description: 'Grant type is not supported' },
        });
      const token = `A21${newId(40)}`;
      tokens.set(token, Date.now() + 32_400_000);
      return send(reply, {
        status: 200,
        body: {
          scope: 'sandbox',
          access_token: token,
          token_type: 'Bearer',
          app_id: 'APP-SANDBOX',
          expires_in: 32_400,
          nonce: newId(),
        },
      });
    });

    void app.register((api, _options, done) => {
      api.addHook('preHandler', async (request, reply) => {
        const token = request.headers.authorization?.replace(/^Bearer /, '') ?? '';
        if ((tokens.get(token) ?? 0) < Date.now())
          return send(reply, {
            status: 401,
            body: {
              error: 'invalid_token',
              error_description: 'The token passed in was not found in the system',
            },
          });
        const key = keyOf(request);
        if (key === undefined) return undefined;
        if (inProgress.has(key))
          return send(reply, paypalError(409, 'RESOURCE_CONFLICT', 'PREVIOUS_REQUEST_IN_PROGRESS'));
        inProgress.add(key);
        reply.raw.once('close', () => inProgress.delete(key));
        return undefined;
      });
      applyFaults(
        api,
        'paypal',
        faults,
        (status) =>
          paypalError(status, status === 503 ? 'SERVICE_UNAVAILABLE' : 'INTERNAL_SERVER_ERROR').body,
      );

      /** Does the work once for a PayPal-Request-Id; the same id again gets the same answer, with 200. Errors are not kept. */
      const once = (request: FastifyRequest, reply: FastifyReply, keepMs: number, work: () => Answer) => {
        const key = keyOf(request);
        const earlier = key === undefined ? undefined : answers.get(key);
        if (earlier && earlier.at + keepMs > Date.now())
          return send(reply, { status: 200, body: earlier.body });
        const answer = work();
        if (key !== undefined && answer.status < 300) answers.set(key, { ...answer, at: Date.now() });
        return send(reply, answer);
      };

      api.post('/v2/checkout/orders', (request, reply) =>
        once(request, reply, ORDERS_KEEP_MS, () => {
          const order = createOrder(request.body);
          if (isAnswer(order)) return order;
          orders.set(order.id, order);
          const { id, status, links, ...rest } = publicOrder(order, base(request));
          return {
            status: 201,
            body:
              request.headers.prefer === 'return=representation'
                ? { id, status, ...rest, links }
                : { id, status, links },
          };
        }),
      );
      api.get<{ Params: { id: string } }>('/v2/checkout/orders/:id', (request, reply) => {
        const order = orders.get(request.params.id);
        return send(reply, order ? { status: 200, body: publicOrder(order, base(request)) } : notFound());
      });
      api.post<{ Params: { id: string } }>('/v2/checkout/orders/:id/capture', (request, reply) =>
        once(request, reply, ORDERS_KEEP_MS, () => {
          const order = orders.get(request.params.id);
          if (!order) return notFound();
          const taken = capture(order);
          if (isAnswer(taken)) return taken;
          return { status: 201, body: publicOrder(orders.get(order.id) ?? order, base(request)) };
        }),
      );
      api.get<{ Params: { id: string } }>('/v2/payments/captures/:id', (request, reply) => {
        const taken = captures.get(request.params.id);
        return send(reply, taken ? { status: 200, body: publicCapture(taken) } : notFound());
      });
      api.post<{ Params: { id: string } }>('/v2/payments/captures/:id/refund', (request, reply) =>
        once(request, reply, REFUNDS_KEEP_MS, () => {
          const taken = captures.get(request.params.id);
          if (!taken) return notFound();
          const given = refund(taken, request.body);
          return isAnswer(given) ? given : { status: 201, body: given };
        }),
      );
      api.get<{ Params: { id: string } }>('/v2/payments/refunds/:id', (request, reply) => {
        const given = refunds.get(request.params.id);
        return send(reply, given ? { status: 200, body: given } : notFound());
      });
      done();
    });
  }

  return {
    orders,
    captures,
    refunds,
    routes,
    /** The payer approves an order. Throws when there is nothing (any more) to approve. */
    approve(orderId: string, source: NonNullable<Order['source']>, outcome: Outcome): void {
      const order = orders.get(orderId);
      if (!order) throw new Error('There is no such PayPal order');
      if (order.status === 'COMPLETED') throw new Error('This PayPal order is completed already');
      orders.set(orderId, { ...order, status: 'APPROVED', source, outcome });
    },
    /** Ends the review of a PENDING capture. */
    settle(captureId: string, status: 'COMPLETED' | 'DECLINED' | 'FAILED'): void {
      const taken = captures.get(captureId);
      if (taken?.status !== 'PENDING') throw new Error('This capture is not pending');
      captures.set(captureId, { ...taken, status });
    },
  };
}
export type PayPalSandbox = ReturnType<typeof createPayPal>;
