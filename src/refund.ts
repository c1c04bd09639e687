/** The words of refunds and cancellations by organizers. Shared by api, worker and workflow: types and constants only. */
import type { Money } from './money.ts';

/** Refunds a part of a payment, or all of it, and may cancel the registration. */
export const REFUND_WORKFLOW = 'refund';
/** Cancels a registration without a refund. */
export const CANCEL_WORKFLOW = 'cancelRegistration';
/** Update of both: waits until it is decided whether the action is possible. */
export const DECIDED = 'decided';
/** Signal to the run of a registration: an organizer has ended the registration. It brings the {@link EndedStatus}. */
export const ENDED = 'ended';

/** An action has one run, so that the same action twice is one refund. A refund that is tried again has another run. */
export const refundWorkflowId = (action: string) => `refund-${action}`;
export const cancelWorkflowId = (action: string) => `cancel-${action}`;

/** Who asks for what about a registration: the ids of the registration, of the organizer, and of the action itself. */
export type OrganizerAction = { registration: string; action: string; organizer: string; reason: string };

/**
 * `amount` null: everything that is left. `cancels`: the registration ends once the money is on its way back. `again` is the
 * action of an organizer who has a refund tried again that PayPal refused.
 */
export type RefundRequest = OrganizerAction & { amount: Money | null; cancels: boolean; again?: string };

/** `unlessPaid`: a registration that has something left to refund stays as it is. */
export type CancelRequest = OrganizerAction & { unlessPaid?: true };

/**
 * Why a refund is not possible: there is no order yet, nothing was paid, or not through PayPal, nothing is left, or not as much as was asked for; or it
 * is to be tried again, and was not refused.
 */
export type RefundRefusal =
  | { status: 'not-refused' }
  | { status: 'no-order' }
  | { status: 'nothing-paid' }
  | { status: 'paid-elsewhere' }
  | { status: 'nothing-left' }
  | { status: 'too-much'; left: Money };
export type RefundDecision = { status: 'asked'; amount: Money } | RefundRefusal;

/** What an organizer's cancellation, or a run, has made of an order. */
export type EndedStatus = 'refunded' | 'cancelled';

/**
 * What became of a refund. `done`: `amount` went back (zero when everything had been refunded at PayPal before), and `ended` says
 * what it made of the registration, null for nothing. `refused`: `word` is PayPal's, and nothing went back.
 */
export type RefundOutcome =
  { status: 'done'; amount: Money; ended: EndedStatus | null } | { status: 'refused'; word: string };

/** What the run of a refund comes to. `asked` is what was entered in the ledger, whatever became of it. */
export type RefundResult = RefundRefusal | (RefundOutcome & { asked: Money });

/**
 * `ended`: the registration is cancelled. `open`: it has no order yet, so that its own run has to end it, and refunds what was
 * taken. `over`: it was not confirmed any more. `paid`: it is confirmed, has something left to refund, and was not to be
 * cancelled then.
 */
export type CancelDecision = { status: 'ended' | 'open' | 'over' | 'paid' };
