/** The parts of PayPal's API that a checkout uses, as strict as PayPal: OAuth 2, Orders v2, Payments v2. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { applyFaults, type Faults } from '../faults.ts';
import type { Journal } from '../journal.ts';
import { openDisputes, publicDispute } from './disputes.ts';
import { openLedger } from './ledger.ts';
import { withNews } from './news.ts';
import { isObject, refuseCardData } from './order-request.ts';
import type { Order } from './records.ts';
import { inProgress, newId, notFound, oauthError, plainError, requestIdRequired } from './refusals.ts';
import { publicCapture, publicOrder, publicRefund } from './shown.ts';
import { createWebhooks } from './webhooks.ts';

type Answer = { status: number; body: unknown };

/** How long PayPal stores a PayPal-Request-Id (developer.paypal.com, idempotency). */
const ORDERS_KEEP_MS = 6 * 3_600_000;
const REFUNDS_KEEP_MS = 45 * 24 * 3_600_000;
const TOKEN_S = 32_400;

export type PayPalSandbox = ReturnType<typeof createPayPal>;

export function createPayPal(
  journal: Journal,
  { clientId, clientSecret, webhookId }: { clientId: string; clientSecret: string; webhookId: string },
  faults: Faults,
) {
  const webhooks = createWebhooks(journal, webhookId);
  const records = openLedger(journal);
  const ledger = withNews(records, openDisputes(journal, records), webhooks);
  const answers = journal.map<Answer & { at: number }>('paypal.answers');
  /** Access tokens and their expiry. They are not persisted, so clients must handle their loss. */
  const tokens = new Map<string, number>();
  const basic = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;
  const base = (request: FastifyRequest) => `${request.protocol}://${request.host}`;

  /** The idempotency key: a PayPal-Request-Id applies to one method and URL. */
  const keyOf = ({ method, url, headers }: FastifyRequest): string | undefined => {
    const id = headers['paypal-request-id'];
    return typeof id === 'string' && method === 'POST' ? `${url} ${id}` : undefined;
  };

  /** Processes a PayPal-Request-Id once and repeats its response with 200. Errors are not stored. */
  function once(request: FastifyRequest, keepMs: number, work: () => unknown): Answer {
    const key = keyOf(request);
    const earlier = key === undefined ? undefined : answers.get(key);
    if (earlier && earlier.at + keepMs > Date.now()) return { status: 200, body: earlier.body };
    return journal.together(() => {
      const answer = { status: 201, body: work() };
      if (key !== undefined) answers.set(key, { ...answer, at: Date.now() });
      return answer;
    });
  }

  /** Refuses a PayPal-Request-Id until its request is processed, even if the client has disconnected. */
  function refuseWhileInProgress(app: FastifyInstance): void {
    const running = new Map<string, FastifyRequest>();
    app.addHook('onRequest', (request, _reply, done) => {
      const key = keyOf(request);
      if (key !== undefined && running.has(key)) {
        done(inProgress());
        return;
      }
      if (key !== undefined) running.set(key, request);
      done();
    });
    app.addHook('onSend', (request, _reply, payload, done) => {
      const key = keyOf(request);
      if (key !== undefined && running.get(key) === request) running.delete(key);
      done(null, payload);
    });
  }

  type Id = { Params: { id: string } };

  function eventRoutes(app: FastifyInstance, textOf: (request: FastifyRequest) => string): void {
    app.post('/v1/notifications/verify-webhook-signature', (request) =>
      webhooks.verify(request.body, textOf(request)),
    );
    app.get<Id>('/v1/customer/disputes/:id', ({ params }) => {
      const dispute = ledger.dispute(params.id);
      return publicDispute(dispute, ledger.capture(dispute.captureId).amount);
    });
  }

  function moneyRoutes(app: FastifyInstance): void {
    const shown = (order: Order, request: FastifyRequest) =>
      publicOrder(
        order,
        order.captureId === undefined ? undefined : ledger.capture(order.captureId),
        order.captureId === undefined ? [] : ledger.refundsOf(order.captureId),
        base(request),
      );

    app.post('/v2/checkout/orders', (request, reply) => {
      if (isObject(request.body) && request.body.payment_source !== undefined && keyOf(request) === undefined)
        throw requestIdRequired();
      const { status, body } = once(request, ORDERS_KEEP_MS, () => {
        const order = shown(ledger.createOrder(request.body), request);
        if (request.headers.prefer === 'return=representation') return order;
        return { id: order.id, status: order.status, links: order.links };
      });
      return reply.code(status).send(body);
    });
    app.get<Id>('/v2/checkout/orders/:id', (request) => shown(ledger.order(request.params.id), request));
    app.post<Id>('/v2/checkout/orders/:id/capture', (request, reply) => {
      if (isObject(request.body)) refuseCardData(request.body.payment_source);
      const capture = () => shown(ledger.captureOrder(request.params.id), request);
      const { status, body } = once(request, ORDERS_KEEP_MS, capture);
      return reply.code(status).send(body);
    });
    app.get<Id>('/v2/payments/captures/:id', ({ params }) => publicCapture(ledger.capture(params.id)));
    app.post<Id>('/v2/payments/captures/:id/refund', (request, reply) => {
      const { status, body } = once(request, REFUNDS_KEEP_MS, () => {
        const refund = publicRefund(ledger.refund(request.params.id, request.body), base(request));
        if (request.headers.prefer === 'return=representation') return refund;
        return { id: refund.id, status: refund.status, links: refund.links };
      });
      return reply.code(status).send(body);
    });
    app.get<Id>('/v2/payments/refunds/:id', (request) => {
      const refund = ledger.refunds.get(request.params.id);
      if (!refund) throw notFound();
      return publicRefund(refund, base(request));
    });
  }

  /** @param textOf gives the body of a request as it came */
  function routes(app: FastifyInstance, textOf: (request: FastifyRequest) => string): void {
    app.register((api, _options, done) => {
      applyFaults(api, 'paypal', faults, { body: plainError });
      api.addHook('onSend', (_request, reply, payload, sent) => {
        reply.header('paypal-debug-id', newId(13).toLowerCase());
        sent(null, payload);
      });

      api.post('/v1/oauth2/token', (request) => {
        if (request.headers.authorization !== basic)
          throw oauthError(401, 'invalid_client', 'Client Authentication failed');
        const grant = new URLSearchParams(String(request.body)).get('grant_type');
        if (grant !== 'client_credentials')
          throw oauthError(400, 'unsupported_grant_type', 'Grant Type is not supported');
        const token = `A21${newId(40)}`;
        tokens.set(token, Date.now() + TOKEN_S * 1000);
        return { access_token: token, token_type: 'Bearer', expires_in: TOKEN_S, scope: '', nonce: newId() };
      });

      api.register((authorized, _none, ready) => {
        authorized.addHook('onRequest', (request, _reply, next) => {
          const token = request.headers.authorization?.replace(/^Bearer /, '') ?? '';
          const known = (tokens.get(token) ?? 0) > Date.now();
          next(known ? undefined : oauthError(401, 'invalid_token', 'The token passed in was not found'));
        });
        refuseWhileInProgress(authorized);
        moneyRoutes(authorized);
        eventRoutes(authorized, textOf);
        ready();
      });
      done();
    });
  }

  return { ...ledger, webhooks, clientId, routes };
}
