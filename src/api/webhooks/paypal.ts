/** `POST /webhooks/paypal`: PayPal tells of captures, refunds, reversals and disputes. */
import type { IncomingHttpHeaders } from 'node:http';
import { applyPaypalEvent, type PaypalEvent } from '../../registrations/paypal-events.ts';
import type { Transmission } from '../../vendors/paypal/news.ts';
import type { App, Dependencies } from '../dependencies.ts';
import { NotSigned } from './index.ts';

/** Bytes of a body. An event has some kilobytes; one about a dispute repeats the messages that were written about it. */
const BODY_LIMIT = 256 * 1024;
/** PayPal's own check of the signature. */
const VERIFY_WITHIN_MS = 8000;

/** What the headers look like (Webhooks v1, verify-webhook-signature). */
const HEADERS = {
  id: ['paypal-transmission-id', /^(?!\d+$)\w\S{1,49}$/],
  time: ['paypal-transmission-time', /^\d{4}-\d\d-\d\dT[\d:.]{5,20}(Z|[+-]\d\d:?\d\d)$/],
  signature: ['paypal-transmission-sig', /^(?!\d+$)\w\S{1,499}$/],
  certUrl: ['paypal-cert-url', /^https?:\/\/\S{1,490}$/],
  algorithm: ['paypal-auth-algo', /^[a-zA-Z0-9]{1,100}$/],
} as const;

export function paypalRoute(app: App, dependencies: Dependencies, webhookId: string): void {
  app.post<{ Body: Buffer | undefined }>(
    '/paypal',
    { bodyLimit: BODY_LIMIT, schema: { hide: true } },
    async ({ headers, body }, reply) => {
      const text = body?.toString() ?? '';
      const transmission = readHeaders(headers);
      const event = readEvent(text);
      if (!transmission || !event) throw new NotSigned();
      const { paypal } = dependencies;
      if (!(await paypal.verifyWebhook({ webhookId, transmission, body: text }, VERIFY_WITHIN_MS)))
        throw new NotSigned();
      await applyPaypalEvent(dependencies, event);
      return reply.code(204).send();
    },
  );
}

/** What PayPal has signed with; undefined when it cannot have been PayPal, which then need not be asked. */
function readHeaders(headers: IncomingHttpHeaders): Transmission | undefined {
  const found = Object.entries(HEADERS).map(([name, [header, shape]]) => {
    const value = headers[header];
    return typeof value === 'string' && shape.test(value) ? ([name, value] as const) : undefined;
  });
  return found.includes(undefined)
    ? undefined
    : (Object.fromEntries(found.filter((entry) => entry !== undefined)) as Transmission);
}

/** An id of PayPal's: of an event, a capture, a refund, a dispute. */
const ID = /^[\w-]{1,100}$/;

function readEvent(text: string): PaypalEvent | undefined {
  const body = parse(text) as {
    id?: unknown;
    event_type?: unknown;
    resource_type?: unknown;
    resource?: { id?: unknown; dispute_id?: unknown };
  } | null;
  if (typeof body?.id !== 'string' || !ID.test(body.id) || typeof body.event_type !== 'string')
    return undefined;
  const about = body.resource?.dispute_id ?? body.resource?.id;
  return {
    id: body.id,
    kind: body.event_type,
    about: typeof about === 'string' && ID.test(about) ? about : '',
    isCapture: body.resource_type === 'capture',
  };
}

/** @returns null for what is no JSON, or no object */
function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}
