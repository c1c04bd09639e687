/** An organizer who refunds and cancels registrations while any part may fail, and the answers that they receive. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CancelDecision, OrganizerAction, RefundDecision, RefundRequest } from '../src/refund.ts';
import { startCancellation, startRefund } from '../src/temporal/runs.ts';
import type { World } from '../stage/world.ts';
import type { Act, Action } from './acts.ts';

const LOOK_EVERY_MS = 300;
const CURRENCY = 'EUR';
const NO_FUNDS = 'REFUND_FAILED_INSUFFICIENT_FUNDS';
/** What `by-hand` refunds in PayPal's dashboard. */
const BY_HAND = { currency_code: CURRENCY, value: '30.00' };

/** What an action was answered. `again` is set when a refund was asked for again. */
export type Ruling = {
  registration: string;
  action: string;
  again?: string | undefined;
  decision: RefundDecision | CancelDecision | { status: 'unanswered' };
};

/** The times (epoch ms) at which an organizer stops waiting for a confirmation, and stops altogether. */
export type Patience = { watchUntil: number; deadline: number };

/** Does what is planned about one registration, each action until it is answered. Returns the answers. */
export async function organize(world: World, act: Act, patience: Patience): Promise<Ruling[]> {
  const { registration, deed, organizer, ticketType } = act;
  if (act.moment === 'confirmed' && !(await isConfirmed(world, registration, patience.watchUntil))) return [];
  const rulings: Ruling[] = [];
  const about = { event: 'conference', ticketType, status: 'confirmed' } as const;
  const retry = <T>(ask: () => Promise<T>) => untilAnswered(ask, patience.deadline);
  const requestOf = (action: string): OrganizerAction => ({
    ...{ registration, action, organizer, reason: 'Asked by telephone' },
  });

  /** Asks for a refund, and again for as long as PayPal refuses it because there are no funds. */
  async function refund(
    { id: action, agains }: Action,
    minor: number | null,
    cancels = false,
  ): Promise<void> {
    const amount = minor === null ? null : { minor, currency: CURRENCY };
    const request: RefundRequest = { ...requestOf(action), amount, cancels };
    for (const again of [undefined, ...agains]) {
      const asked = again === undefined ? request : { ...request, again };
      const decision = await retry(() => startRefund(world.client, asked, about));
      rulings.push({ registration, action, again, decision });
      if (decision.status !== 'asked' || (await wordOf(world, action, patience.deadline)) !== NO_FUNDS)
        return;
      while (world.sandbox.account().funds !== null && Date.now() < patience.deadline)
        await sleep(LOOK_EVERY_MS);
    }
  }

  const [first, second = first] = act.actions;
  if (!first || !second) return [];
  switch (deed) {
    case 'part':
    case 'part-cancels':
      await refund(first, 4000, deed === 'part-cancels');
      break;
    case 'two-at-once':
      await Promise.all([refund(first, 7000), refund(second, 7000)]);
      break;
    case 'everything':
      await refund(first, null, true);
      break;
    case 'thrice':
      await Promise.all([1, 2, 3].map(() => refund(first, 4000)));
      break;
    case 'by-hand':
      await Promise.all([refundByHand(world, registration, patience.watchUntil), refund(first, null)]);
      break;
    case 'cancel': {
      const decision = await retry(() => startCancellation(world.client, requestOf(first.id), about));
      rulings.push({ registration, action: first.id, decision });
    }
  }
  return rulings;
}

/** Waits until there is an order. */
export async function isConfirmed({ database }: World, id: string, deadline: number): Promise<boolean> {
  while (Date.now() < deadline) {
    const order = await database('orders')
      .where({ id })
      .first<object | undefined>('id')
      .catch(() => undefined);
    if (order) return true;
    await sleep(LOOK_EVERY_MS);
  }
  return false;
}

/** Repeats the same action until it is answered. */
export async function untilAnswered<T>(
  ask: () => Promise<T | undefined>,
  deadline: number,
): Promise<T | { status: 'unanswered' }> {
  while (Date.now() < deadline) {
    const decision = await ask().catch(() => undefined);
    if (decision) return decision;
    await sleep(LOOK_EVERY_MS);
  }
  return { status: 'unanswered' };
}

/** Waits until a refund is done or refused. Returns why PayPal refused it, if it did. */
async function wordOf({ database }: World, action: string, deadline: number): Promise<string | undefined> {
  while (Date.now() < deadline) {
    const refund = await database('refunds')
      .where({ action })
      .first<{ state: string; word: string } | undefined>('state', 'word')
      .catch(() => undefined);
    if (refund && refund.state !== 'asked') return refund.state === 'refused' ? refund.word : undefined;
    await sleep(LOOK_EVERY_MS);
  }
  return undefined;
}

/** Refunds in PayPal's dashboard as soon as there is a capture, unless PayPal refuses it. */
async function refundByHand({ sandbox }: World, id: string, deadline: number): Promise<void> {
  while (Date.now() < deadline) {
    const capture = sandbox
      .ledger()
      .captures.find(({ custom_id, status }) => custom_id === id && status === 'COMPLETED');
    if (capture) {
      try {
        sandbox.refundByHand(capture.id, BY_HAND);
      } catch {
        // There are no funds now, or another refund has left less than that.
      }
      return;
    }
    await sleep(LOOK_EVERY_MS);
  }
}
