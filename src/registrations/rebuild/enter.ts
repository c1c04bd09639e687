/** Enters effects of runs in a database that has lost them. What it still has stays as it is. */
import { addOrder, findWaiting } from '../../database/additions.ts';
import { applyChange } from '../../database/changes.ts';
import type { Database } from '../../database/connection.ts';
import { atTheTime, note } from '../../database/history.ts';
import { tracesOf } from '../../database/lost.ts';
import { findPayment, isErased, saveOrder } from '../../database/orders.ts';
import {
  askAgain,
  askOwnRefund,
  askRefund,
  findRefund,
  noteRefundsByHand,
  refuseRefund,
  settleRefund,
  withoutSettled,
  type Refund,
} from '../../database/refunds.ts';
import { cancelRegistration, end, findOutcome, giveSeatBack } from '../../database/registrations.ts';
import { locked } from '../../database/seats/lock.ts';
import { hasTicketType, makeRoom, takeSeatBack, type Oversold } from '../../database/seats/rebuilt.ts';
import { isDone, noteAttempt } from '../../database/steps.ts';
import { FREE } from '../../registration.ts';
import type { Money } from '../../money.ts';
import type { Refund as PayPalRefund } from '../../vendors/paypal/outcome.ts';
import type { Effect, Effects } from './effects.ts';

/**
 * Why a registration cannot be rebuilt, or not all of it: its event or ticket type is not in the database; who was added by hand stood
 * nowhere else; what an action was about is not there; or an action comes to something else now.
 */
export type Missing = 'unknown-ticket-type' | 'person-unknown' | 'order-unknown' | 'other-decision';

/** What was entered; `oversold` are the ticket types whose capacity had to be raised for it. */
export type Entered = { changed: boolean; missing: Missing[]; oversold: Oversold[] };

/** What is known of one registration: what its runs have done, in order, and the refunds of its payment at PayPal. */
export type Known = Effects & { registration: string; refundsAtPayPal: PayPalRefund[] };

/** Ends a transaction of which nothing is to stay. */
class Rollback extends Error {
  readonly entered: Entered;
  constructor(entered: Entered) {
    super('Nothing of it stays');
    this.entered = entered;
  }
}

/** Says what {@link enter} would change, by doing it and taking it back. */
export const tryToEnter = (database: Database, known: Known): Promise<Entered> =>
  database
    .transaction(async (trx): Promise<Entered> => {
      throw new Rollback(await enter(trx, known));
    })
    .catch((error: unknown) => {
      if (error instanceof Rollback) return error.entered;
      throw error;
    });

/** Enters everything about one registration, in one transaction. Repeating it changes nothing. */
export async function enter(database: Database, known: Known): Promise<Entered> {
  const { registration, effects, begun, taken, payment, refundsAtPayPal } = known;
  return locked(database, registration, async (trx) => {
    const before = await tracesOf(trx, registration);
    if (begun && !(await hasTicketType(trx, begun.order)))
      return { changed: false, missing: ['unknown-ticket-type'], oversold: [] };
    const missing = new Set<Missing>();
    const oversold: Oversold[] = [];
    const erased = await isErased(trx, registration);
    const hasRoom = async (event: string, ticketType: string) => {
      const full = await makeRoom(trx, { event, ticketType });
      if (full) oversold.push(full);
    };
    const claim = async (claimedFor: string) => {
      if (begun) await takeSeatBack(trx, begun, { claimedFor, heldUntil: null });
    };
    const settle = (refund: Refund, amount: Money, at: Date) => {
      const there = refundsAtPayPal.find(({ name }) => name === refund.action);
      return settleRefund(trx, refund, {
        ...{ refundId: there?.refundId ?? null, amount, byHand: false },
        at: there?.at ?? at.toISOString(),
        ...(there?.fee && { feeMinor: there.fee.minor }),
      });
    };

    async function add(effect: Effect): Promise<Missing | undefined> {
      switch (effect.kind) {
        case 'order': {
          const { order } = effect;
          if ((await findOutcome(trx, registration)).found !== 'none') return undefined;
          await claim(effect.payment.paypalOrderId ?? FREE);
          await hasRoom(order.event.id, order.ticketType.id);
          await saveOrder(trx, order, effect.payment);
          return undefined;
        }
        case 'addition':
          if ((await findOutcome(trx, registration)).found !== 'none') return undefined;
          if (!(await findWaiting(trx, registration))) return 'person-unknown';
          await addOrder(trx, registration);
          return undefined;
        case 'step':
          if (await isDone(trx, registration, effect.step)) return undefined;
          await noteAttempt(trx, registration, effect.step, effect.attempted);
          if (effect.note) await note(trx, { registration, kind: effect.note });
          return undefined;
        case 'own-refund': {
          if (effect.refunded === null) return undefined;
          const { captureId, paypalOrderId = null } = effect.paid;
          const amount = begun?.order.amount ?? effect.refunded;
          await claim(paypalOrderId ?? FREE);
          const paid = { captureId, paypalOrderId, amount, at: payment?.paidAt, feeMinor: payment?.feeMinor };
          const refund = await askOwnRefund(trx, registration, paid);
          if (refund !== undefined && refund !== 'unknown-payment')
            await settle(refund, effect.refunded, effect.at);
          return undefined;
        }
        case 'end':
          if ((await findOutcome(trx, registration)).found === 'none') await claim(FREE);
          if (effect.status === 'expired') await end(trx, registration, 'expired');
          else await giveSeatBack(trx, registration, effect.status);
          return undefined;
        case 'ask': {
          const request = { ...effect.request, ...(erased && { reason: '' }) };
          const { again } = request;
          const asked =
            again === undefined ? await askRefund(trx, request) : await askAgain(trx, request, again);
          if (asked.status === 'no-order') return 'order-unknown';
          return asked.status === 'asked' || asked.status === 'not-refused' ? undefined : 'other-decision';
        }
        case 'settle': {
          const refund = await findRefund(trx, effect.action);
          if (refund?.state !== 'asked') return undefined;
          if (effect.outcome.status === 'refused') await refuseRefund(trx, refund, effect.outcome.word);
          else await settle(refund, effect.outcome.amount, effect.at);
          return undefined;
        }
        case 'cancel': {
          const request = { ...effect.request, ...(erased && { reason: '' }) };
          const { status } = await cancelRegistration(trx, request);
          return status === 'paid' ? 'other-decision' : undefined;
        }
        case 'change': {
          const { request } = effect;
          if (erased) return undefined;
          if ((await findOutcome(trx, registration)).found !== 'order') return 'order-unknown';
          const { status } = await applyChange(trx, request);
          return status === 'changed' || status === 'same' ? undefined : 'other-decision';
        }
      }
    }

    for (const effect of effects) {
      const why = await atTheTime(trx, effect.at, () => add(effect));
      if (why) missing.add(why);
    }
    if (begun && taken) await takeSeatBack(trx, begun, taken);
    const paid = await findPayment(trx, registration);
    if (paid) {
      const byHand = refundsAtPayPal.filter(({ name, status }) => name === undefined && status === 'done');
      const gone = (await withoutSettled(trx, byHand)).flatMap(({ refundId, amount, at }) =>
        amount ? [{ refundId, amount, at }] : [],
      );
      await noteRefundsByHand(trx, { registration, ...paid }, gone);
    }
    const changed = (await tracesOf(trx, registration)) !== before;
    return { changed, missing: [...missing], oversold };
  });
}
