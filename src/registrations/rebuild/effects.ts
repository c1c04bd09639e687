/**
 * What a run has done to the database, from its history: the activities that were completed, in order. The same effects, entered once
 * more in a database that has lost them, make it what it was.
 */
import { tsToMs } from '@temporalio/common/lib/time.js';
import type { Activities } from '../../activities/index.ts';
import type { Added } from '../../addition.ts';
import type { ChangeDecision, ChangeRequest } from '../../change.ts';
import type { EventKind } from '../../database/history.ts';
import type { Begun, Taken } from '../../database/seats/rebuilt.ts';
import type { Attempted, LateStep } from '../../database/steps.ts';
import type { Money } from '../../money.ts';
import type {
  CancelDecision,
  CancelRequest,
  EndedStatus,
  RefundDecision,
  RefundOutcome,
  RefundRequest,
} from '../../refund.ts';
import {
  FREE,
  UNCONFIRMED,
  type Attempt,
  type Captured,
  type Order,
  type PayArguments,
} from '../../registration.ts';
import type { HistoryEvent } from '../../temporal/history.ts';
import type { Decode } from '../../temporal/payloads.ts';

type Paid = Parameters<Activities['refundPayment']>[0];

/** One effect of a run, without its time. `refunded` null: nothing went back. */
export type Made =
  | { kind: 'order'; order: Order; payment: Captured }
  | { kind: 'addition' }
  | { kind: 'step'; step: LateStep; attempted: Attempted; note?: EventKind | undefined }
  | { kind: 'own-refund'; paid: Paid; refunded: Money | null }
  | { kind: 'end'; status: EndedStatus | 'expired' }
  | { kind: 'ask'; request: RefundRequest }
  | { kind: 'settle'; action: string; outcome: RefundOutcome }
  | { kind: 'cancel'; request: CancelRequest }
  | { kind: 'change'; request: ChangeRequest };
export type Effect = { registration: string; at: Date } & Made;

/**
 * `begun`: of the run of a registration; `taken`: what its seat is held or claimed for at the end of the history; `payment`: what PayPal
 * has captured.
 */
export type Effects = {
  effects: Effect[];
  begun?: Begun | undefined;
  taken?: Taken | undefined;
  payment?: Captured | undefined;
};

type Name = keyof Activities;
type Scheduled = { name: Name; id: string | null | undefined; args: unknown[] };

/** The activities that are attempts at a late step. */
const STEP_OF: Partial<Record<Name, LateStep>> = {
  sendConfirmation: 'email',
  confirmAdded: 'email',
  sendAgain: 'email',
  addToMailingList: 'mailing-list',
  subscribeAgain: 'mailing-list',
};
/** What they leave in the history of the registration. */
const NOTE_OF: Partial<Record<Name, EventKind>> = { sendAgain: 'email-sent', subscribeAgain: 'subscribed' };

/** Reads them. Rejects where payloads of the history cannot be decoded. */
export async function effectsOf(
  registration: string,
  events: HistoryEvent[],
  decode: Decode,
): Promise<Effects> {
  const effects: Effect[] = [];
  const activities = new Map<string, Scheduled>();
  const asked = new Map<string, Order>();
  let begunAt = new Date(0);
  let order: Order | undefined;
  let taken: Taken | undefined;
  let payment: Captured | undefined;

  function scheduled({ name, args }: Scheduled) {
    if (name === 'takePayment') {
      const { paypalOrderId } = args[0] as Parameters<Activities['takePayment']>[0];
      order = asked.get(paypalOrderId) ?? order;
      taken = { claimedFor: paypalOrderId, heldUntil: null };
    } else if (name === 'claimUnconfirmed') {
      order = [...asked.values()].at(-1) ?? order;
      taken = { claimedFor: UNCONFIRMED, heldUntil: null };
    } else if (name === 'saveOrder') {
      order = args[0] as Order;
    }
  }

  /** A payment that took nothing leaves a hold, or nothing. */
  function paying(result: Attempt | { status: 'pending' }) {
    if (result.status === 'captured') payment = result;
    else if ('heldUntil' in result && result.heldUntil !== null)
      taken = { claimedFor: null, heldUntil: result.heldUntil };
    else if (result.status !== 'pending') taken = undefined;
  }

  function completed({ name, args }: Scheduled, result: unknown): Made | undefined {
    const step = STEP_OF[name];
    if (step) {
      const { attempts } = result as { attempts: number };
      return { kind: 'step', step, attempted: { state: 'done', attempts }, note: NOTE_OF[name] };
    }
    switch (name) {
      case 'takePayment':
      case 'settlePayment':
        paying(result as Attempt | { status: 'pending' });
        return undefined;
      case 'claimUnconfirmed':
        if (result !== true) taken = undefined;
        return undefined;
      case 'releaseHold':
        taken = result === null ? undefined : { claimedFor: null, heldUntil: result as string };
        return result === null ? { kind: 'end', status: 'expired' } : undefined;
      case 'saveOrder':
        taken = undefined;
        return { kind: 'order', order: args[0] as Order, payment: args[1] as Captured };
      case 'addOrder':
        return (result as Added).decision.status === 'added' ? { kind: 'addition' } : undefined;
      case 'refundPayment': {
        // Runs of earlier versions did not say what went back: it was everything.
        const { refunded } = (result ?? { refunded: order?.amount ?? null }) as { refunded: Money | null };
        return { kind: 'own-refund', paid: args[0] as Paid, refunded };
      }
      case 'giveSeatBack':
        taken = undefined;
        return { kind: 'end', status: args[1] as EndedStatus };
      case 'askRefund':
        return (result as RefundDecision).status === 'asked'
          ? { kind: 'ask', request: args[0] as RefundRequest }
          : undefined;
      case 'sendRefund':
        return { kind: 'settle', action: args[0] as string, outcome: result as RefundOutcome };
      case 'cancelOrder':
        return ['ended', 'open'].includes((result as CancelDecision).status)
          ? { kind: 'cancel', request: args[0] as CancelRequest }
          : undefined;
      case 'changeOrder':
        return (result as ChangeDecision).status === 'changed'
          ? { kind: 'change', request: args[0] as ChangeRequest }
          : undefined;
      default:
        return undefined;
    }
  }

  for (const event of events) {
    const at = new Date(tsToMs(event.eventTime));
    const add = (made: Made | undefined) => made && effects.push({ registration, at, ...made });
    const started = event.workflowExecutionStartedEventAttributes;
    const update = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input;
    const activity = event.activityTaskScheduledEventAttributes;
    const done = event.activityTaskCompletedEventAttributes;
    const failed = event.activityTaskFailedEventAttributes ?? event.activityTaskTimedOutEventAttributes;

    if (started) {
      begunAt = at;
      const [first] = (await decode(started.input?.payloads)) as [Order | object];
      if (!('attendee' in first)) continue;
      order = first;
      asked.set(first.paypalOrderId ?? FREE, first);
    } else if (update?.name === 'pay') {
      const [paypalOrderId, changed] = (await decode(update.args?.payloads)) as PayArguments;
      const current = changed ?? order;
      if (current && !asked.has(paypalOrderId)) asked.set(paypalOrderId, current);
    } else if (activity) {
      const args = await decode(activity.input?.payloads, activity.activityId);
      const known = { name: activity.activityType?.name as Name, id: activity.activityId, args };
      activities.set(String(event.eventId), known);
      scheduled(known);
    } else if (done) {
      const of = activities.get(String(done.scheduledEventId));
      if (of) add(completed(of, (await decode(done.result?.payloads, of.id))[0]));
    } else if (failed) {
      const of = activities.get(String(failed.scheduledEventId));
      const step = of && STEP_OF[of.name];
      const type = failed.failure?.applicationFailureInfo?.type ?? 'Timeout';
      // The registration is over, and the step is not due any more.
      if (step && type !== 'NoTicket')
        add({ kind: 'step', step, attempted: { state: 'failed', attempts: 1, failure: { type } } });
    }
  }
  const begun = order && { order, begunAt, paypalOrders: asked.size };
  return { effects, begun, taken, payment };
}
