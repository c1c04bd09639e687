/** A sandbox with the product's PayPal client and a payer, shared by the PayPal tests. */
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { credentials, startSandbox, type Sandbox } from '../../../sandbox/vendors/server.ts';
import type { Order } from '@paypal/paypal-server-sdk';
import { connectPayPal } from '../../../src/vendors/paypal/client.ts';
import { connectSdk } from '../../../src/vendors/paypal/sdk.ts';

/** The timeout of a call, in milliseconds. */
export const TIMEOUT_MS = 5000;
const { paypalClientId: clientId, paypalClientSecret } = credentials;

/** PayPal's SDK with unmodified responses. Orders are created as the product creates them. */
export function connect(url: string, clientSecret = paypalClientSecret) {
  const config = { baseUrl: url, webUrl: url, clientId, clientSecret };
  const call = connectSdk(config);
  const paypal = connectPayPal(config);
  return {
    createOrder: (...order: Parameters<typeof paypal.createOrder>) => paypal.createOrder(...order),
    getOrder: (id: string, timeoutMs: number) =>
      call(timeoutMs, ({ orders }, options) => orders.getOrder({ id }, options)),
    captureOrder: (id: string, paypalRequestId: string, timeoutMs: number) =>
      call(timeoutMs, ({ orders }, options) =>
        orders.captureOrder({ id, paypalRequestId, prefer: 'return=representation' }, options),
      ),
    getCapture: (captureId: string, timeoutMs: number) =>
      call(timeoutMs, ({ payments }, options) => payments.getCapturedPayment({ captureId }, options)),
    refundCapture: (captureId: string, paypalRequestId: string, timeoutMs: number) =>
      call(timeoutMs, ({ payments }, options) =>
        payments.refundCapturedPayment(
          { captureId, paypalRequestId, prefer: 'return=representation' },
          options,
        ),
      ),
  };
}
export type PayPalSdk = ReturnType<typeof connect>;

export const captureOf = (order: Order) => order.purchaseUnits?.[0]?.payments?.captures?.[0];

/** Creates a PayPal order for 120 euros. */
export const openOrder = (paypal: Pick<PayPalSdk, 'createOrder'>): Promise<string> =>
  paypal.createOrder(
    {
      requestId: randomUUID(),
      registrationId: 'registration-1',
      amount: { minor: 12_000, currency: 'EUR' },
      description: 'A ticket',
    },
    TIMEOUT_MS,
  );

export type Payer = Awaited<ReturnType<typeof startPayer>>;

export async function startPayer() {
  const sandbox: Sandbox = await startSandbox();
  const paypal = connect(sandbox.url);
  const open = () => openOrder(paypal);
  const capture = (orderId: string, requestId: string = randomUUID()) =>
    paypal.captureOrder(orderId, requestId, TIMEOUT_MS);

  /** Creates an order that is approved with a card. */
  async function approved(number?: string): Promise<string> {
    const orderId = await open();
    expect(sandbox.approve(orderId, number === undefined ? {} : { number })).toBeUndefined();
    return orderId;
  }

  /** Sends a POST that the SDK would not send. A string body is sent unchanged. */
  async function send(path: string, body: unknown, headers: Record<string, string> = {}) {
    const granted = await fetch(`${sandbox.url}/v1/oauth2/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${clientId}:${paypalClientSecret}`).toString('base64')}`,
      },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    const { access_token: token } = (await granted.json()) as { access_token: string };
    const answer = await fetch(sandbox.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    type Problem = { name: string; details?: { field?: string; issue: string }[] };
    return { status: answer.status, body: (await answer.json()) as Problem };
  }

  return {
    sandbox,
    paypal,
    send,
    open,
    approved,
    capture,
    refund: (captureId: string, requestId: string = randomUUID()) =>
      paypal.refundCapture(captureId, requestId, TIMEOUT_MS),
    getCapture: (captureId: string) => paypal.getCapture(captureId, TIMEOUT_MS),
    /** Creates a completed capture and returns its id. */
    paid: async (): Promise<string> => captureOf(await capture(await approved()))?.id ?? '',
    /** Returns the captures of an order. */
    capturesOf: (orderId: string) => sandbox.ledger().captures.filter((taken) => taken.order_id === orderId),
  };
}
