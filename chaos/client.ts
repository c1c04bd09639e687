/** Somebody who registers, over a network and with a service that may fail at any moment; and what they were told. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DECLINED_CARD } from '../sandbox/paypal/cards.ts';
import type { Client } from './plan.ts';
import type { World } from './world.ts';

const ANSWER_WITHIN_MS = 25_000;
const IMPATIENT_MS = 400;

/** An answer that came: `paypalOrderId` is what it was about, where it was about a payment. */
export type Told = {
  id: string;
  at: number;
  method: string;
  status: number;
  /** Said in so many words that nothing was charged. */
  notCharged: boolean;
  confirmed: boolean;
  paypalOrderId: string | null | undefined;
};
type Checkout = { paypalOrderId: string | null };
type Body = { detail?: string; status?: unknown } & Partial<Checkout>;

/** What a client says whatever was charged before, so that it means this request only, is not counted as "not charged". */
const NOT_CHARGED = 'You have not been charged.';

/**
 * Goes the client's way to its end, or to `deadline` (epoch ms).
 * @returns all answers that arrived
 */
export async function register(world: World, client: Client, deadline: number): Promise<Told[]> {
  const { id, manner, ticketType, newsletter } = client;
  const told: Told[] = [];
  const form = {
    event: 'conference',
    ticketType,
    attendee: { firstName: 'Ada', lastName: 'Example', email: `${id}@example.org` },
    billing: { addressLine1: 'Street 2', city: 'Hamburg', postalCode: '20457', countryCode: 'DE' },
    newsletter,
  };

  async function ask(method: string, path: string, body: object, withinMs = ANSWER_WITHIN_MS) {
    const response = await fetch(world.url + path, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(withinMs),
    });
    const answer = (await response.json()) as Body;
    told.push({
      ...{ id, at: Date.now(), method, status: response.status },
      notCharged: response.status >= 400 && (answer.detail ?? '').includes(NOT_CHARGED),
      confirmed: answer.status === 'confirmed',
      paypalOrderId: (body as Partial<Checkout>).paypalOrderId,
    });
    return { status: response.status, answer };
  }
  /** Asks until there is an answer that says more than "not now". */
  async function insist(method: string, path: string, body: object) {
    while (Date.now() < deadline) {
      const reply = await ask(method, path, body).catch(() => undefined);
      if (reply && reply.status !== 503) return reply;
      await sleep(300);
    }
    return undefined;
  }

  const hold = () => insist('PUT', `/api/checkouts/${id}`, form);
  const payment = (paypalOrderId: string | null) => ({ ...form, id, paypalOrderId });
  const pay = (paypalOrderId: string | null) => insist('POST', '/api/registrations', payment(paypalOrderId));
  /** Holds the seat and has PayPal approve its order, with a good card unless told otherwise; undefined when there is no seat. */
  async function checkout(card = {}): Promise<Checkout | undefined> {
    const held = await hold();
    if (!held || held.status >= 300) return undefined;
    const { paypalOrderId = null } = held.answer;
    if (paypalOrderId !== null) world.sandbox.approve(paypalOrderId, card);
    return { paypalOrderId };
  }

  if (manner === 'leaves' || manner === 'declined-first') {
    const first = await checkout({ number: DECLINED_CARD });
    if (first) await pay(first.paypalOrderId);
    if (manner === 'leaves') return told;
  }
  const open = await checkout().catch(() => undefined);
  if (!open) return told;
  const { paypalOrderId } = open;
  switch (manner) {
    case 'once':
      await ask('POST', '/api/registrations', payment(paypalOrderId)).catch(() => undefined);
      break;
    case 'impatient':
      for (let tries = 0; tries < 3; tries++)
        await ask('POST', '/api/registrations', payment(paypalOrderId), IMPATIENT_MS).catch(() => undefined);
      await pay(paypalOrderId);
      break;
    case 'thrice':
      await Promise.all([hold(), hold(), pay(paypalOrderId), pay(paypalOrderId), pay(paypalOrderId)]);
      break;
    default:
      await pay(paypalOrderId);
  }
  return told;
}
