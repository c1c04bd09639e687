/** Somebody who registers, over a network and with a service that may fail at any moment; and what they were told. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DECLINED_CARD } from '../sandbox/vendors/paypal/cards.ts';
import { formOf } from '../stage/person.ts';
import type { World } from '../stage/world.ts';
import type { Client } from './plan.ts';

const ANSWER_WITHIN_MS = 25_000;
const IMPATIENT_MS = 400;

/** An answer that came: `paypalOrderId` is what it was about, where it was about a payment. */
export type Told = {
  id: string;
  at: number;
  method: string;
  status: number;
  /** Said that nothing was charged: in so many words, or by a status that means it. */
  notCharged: boolean;
  /** The status of the registration, where the answer tells one. */
  state: string | undefined;
  paypalOrderId: string | null | undefined;
};
type Checkout = { paypalOrderId: string | null };
type Body = { detail?: string; status?: unknown } & Partial<Checkout>;

/** Statuses that a registration stays in, unless it is undone. */
export const ENDS = ['confirmed', 'expired', 'refunded', 'cancelled'];
const UNPAID = ['declined', 'expired'];
const LOOK_EVERY_MS = 500;

/** What a client says whatever was charged before, so that it means this request only, is not counted as "not charged". */
const NOT_CHARGED = 'You have not been charged.';

/** Asks for the status of a registration. */
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

/**
 * Goes the client's way to its end, or to `deadline` (epoch ms); whoever only watches does so no longer than `watchUntil`.
 * @returns all answers that arrived
 */
export async function register(
  world: World,
  client: Client,
  { deadline, watchUntil }: { deadline: number; watchUntil: number },
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
  /** Asks until there is an answer that says more than "not now". */
  async function insist(method: string, path: string, body: object) {
    while (Date.now() < deadline) {
      const reply = await ask(method, path, body).catch(() => undefined);
      if (reply && reply.status !== 503) return reply;
      await sleep(300);
    }
    return undefined;
  }

  /** Looks at the status until it is an end, whatever the answers. */
  async function watch() {
    while (Date.now() < watchUntil) {
      const seen = await look(world, id).catch(() => undefined);
      if (seen) told.push(seen);
      if (ENDS.includes(seen?.state ?? '')) return;
      await sleep(LOOK_EVERY_MS);
    }
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
