/** An attendee who registers while any part may fail at any moment, and the responses that they receive. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DECLINED_CARD } from '../sandbox/vendors/paypal/cards.ts';
import { wordFor } from '../src/trace.ts';
import { formOf } from '../stage/person.ts';
import type { World } from '../stage/world.ts';
import type { Client } from './plan.ts';

const ANSWER_WITHIN_MS = 25_000;
const IMPATIENT_MS = 400;

/** A response that arrived. `paypalOrderId` is set when the request was about a payment. */
export type Told = {
  id: string;
  at: number;
  method: string;
  status: number;
  /** Whether the response states, in its text or by its status, that nothing was charged. */
  notCharged: boolean;
  /** The status of the registration, if the response contains one. */
  state: string | undefined;
  paypalOrderId: string | null | undefined;
};
type Checkout = { paypalOrderId: string | null };
type Body = { detail?: string; status?: unknown } & Partial<Checkout>;

/** Final statuses; only undoing a registration changes them. */
export const ENDS = ['confirmed', 'expired', 'refunded', 'cancelled'];
const UNPAID = ['declined', 'expired'];
const LOOK_EVERY_MS = 500;

/** Matches only this statement: weaker ones refer to the single request and not to earlier charges. */
const NOT_CHARGED = 'You have not been charged.';

/** `fetch` wraps what the connection has said. */
const reasonOf = (error: unknown) => wordFor((Object(error) as { cause?: unknown }).cause ?? error);

/** Requests the status of a registration. */
export async function look(world: World, id: string): Promise<Told> {
  const response = await fetch(`${world.url}/api/registrations/${id}`, {
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  });
  return toTold({ id, method: 'GET', paypalOrderId: undefined }, response, (await response.json()) as Body);
}

function toTold(
  asked: Pick<Told, 'id' | 'method' | 'paypalOrderId'>,
  { status, ok }: Response,
  { status: told, detail = '' }: Body,
): Told {
  const state = ok && typeof told === 'string' ? told : undefined;
  const notCharged = ok ? UNPAID.includes(state ?? '') : detail.includes(NOT_CHARGED);
  return { ...asked, at: Date.now(), status, state, notCharged };
}

/** `onLost` is told of each request that got no answer, unless the client gave up early on purpose. */
export type Patience = { deadline: number; watchUntil: number; onLost?: (what: string) => void };

/**
 * Runs a client according to its manner until `deadline` (epoch ms). Clients that only watch stop at
 * `watchUntil`.
 * @returns all responses that arrived
 */
export async function register(
  world: World,
  client: Client,
  { deadline, watchUntil, onLost }: Patience,
): Promise<Told[]> {
  const { id, manner } = client;
  const told: Told[] = [];
  const form = formOf(id, client);

  async function ask(method: string, path: string, body: object, withinMs = ANSWER_WITHIN_MS) {
    const response = await fetch(world.url + path, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(withinMs),
    });
    const answer = (await response.json()) as Body;
    const { paypalOrderId } = body as Partial<Checkout>;
    told.push(toTold({ id, method, paypalOrderId }, response, answer));
    return { status: response.status, answer };
  }
  /** Makes a request. Without an answer, the client does not know what became of it. */
  const tryTo = (method: string, path: string, body: object) =>
    ask(method, path, body).catch((error: unknown) => {
      onLost?.(`${method} ${reasonOf(error)}`);
      return undefined;
    });
  /** Repeats a request until a response other than 503 arrives. */
  async function retry(method: string, path: string, body: object) {
    while (Date.now() < deadline) {
      const reply = await tryTo(method, path, body);
      if (reply && reply.status !== 503) return reply;
      await sleep(300);
    }
    return undefined;
  }

  /** Polls the status until it is final. */
  async function watch() {
    while (Date.now() < watchUntil) {
      const seen = await look(world, id).catch((error: unknown) => {
        onLost?.(`GET ${reasonOf(error)}`);
        return undefined;
      });
      if (seen) told.push(seen);
      if (ENDS.includes(seen?.state ?? '')) return;
      await sleep(LOOK_EVERY_MS);
    }
  }

  const hold = () => retry('PUT', `/api/checkouts/${id}`, form);
  const payment = (paypalOrderId: string | null) => ({ ...form, id, paypalOrderId });
  const pay = (paypalOrderId: string | null) => retry('POST', '/api/registrations', payment(paypalOrderId));
  /** Holds a seat and approves its PayPal order, by default with a valid card. Undefined without a seat. */
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
      await tryTo('POST', '/api/registrations', payment(paypalOrderId));
      await watch();
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
