/**
 * The words of the domain: what a registration is made of, what it is called, and what it can come to.
 * Shared by api, worker and workflow, so it holds types and pure functions only.
 */
import type { Static } from 'typebox';
import type { Attendee, Billing } from './form.ts';
import type { Money } from './money.ts';

export const TASK_QUEUE = 'registration';
/**
 * Temporal's fairness keys. With VENDOR_RATE_LIMIT set, Temporal starts at most that many activities of a key per second,
 * for all workers together.
 */
export const RATE_LIMITED = {
  email: { fairnessKey: 'email', fairnessWeight: 1 },
  mailingList: { fairnessKey: 'mailing-list', fairnessWeight: 1 },
} as const;
/** Activities without a fairness key count as one key. The weight multiplies its rate, and this is the largest one allowed. */
export const NOT_RATE_LIMITED = { fairnessWeight: 1000 } as const;
export const WORKFLOW = 'registration';
/** Sends the confirmation of a saved order once more. */
export const RESEND_WORKFLOW = 'resendConfirmation';
/** Update: take the payment of one PayPal order. Its id is the PayPal order's id, or {@link FREE}. */
export const PAY = 'pay';
/** Query: how far the registration has come, as {@link Progress}. */
export const PROGRESS = 'progress';
/** Stands where a PayPal order would, for a ticket that costs nothing. */
export const FREE = 'free';

/** One registration has one workflow, so its id is all that is needed to find it. */
export const workflowId = (registrationId: string) => `registration-${registrationId}`;
/** The other way round. */
export const registrationId = (workflow: string) => workflow.slice('registration-'.length);

/** One resend of a registration at a time: while its run is open, another one is refused. */
export const resendWorkflowId = (registrationId: string) => `resend-${registrationId}`;

/** Where an attendee sees what became of a registration. */
export const statusUrl = (publicUrl: string, registrationId: string) =>
  `${publicUrl}/registrations/${registrationId}`;

/** How long a confirmation that was sent again blocks the next one. */
export const RESEND_PAUSE_MS = 600_000;

/** How long an api call waits for the outcome of a payment before it answers "not known yet". */
export const ANSWER_WITHIN_MS = 20_000;

/** The wording of the newsletter consent that the form shows; stored with each consent. Change both together. */
export const NEWSLETTER_WORDING = '2026-11';

/** The languages that people can be told things in; messages/ has a file for each. */
export const LANGUAGES = ['en', 'de'] as const;
export type Language = (typeof LANGUAGES)[number];

/** An event as a ticket to it names it. Times are ISO 8601 UTC, `timeZone` is an IANA name. */
export type EventFacts = {
  id: string;
  name: string;
  startsAt: string;
  endsAt: string;
  timeZone: string;
  venue: string;
  /** Name and address of who sells the ticket, one line each: the receipt needs it. */
  seller: string;
};

/** A newsletter consent: when it was given (ISO 8601) and to which wording. */
export type Consent = { at: string; wording: string };

/** What the workflow starts with. It never holds card data, because nobody here ever has any. */
export type Order = {
  id: string;
  event: EventFacts;
  ticketType: { id: string; name: string };
  attendee: Static<typeof Attendee>;
  billing: Static<typeof Billing>;
  newsletter: Consent | null;
  /** In which the attendee registered, and gets mail; runs from before there were languages have none, and get English. */
  language?: Language;
  amount: Money;
  /** The first PayPal order to take, null for a free ticket. */
  paypalOrderId: string | null;
};

/** Money taken (`paidAt`: ISO 8601); with a free ticket there was none to take, and both ids are null. */
export type Captured = {
  status: 'captured';
  paypalOrderId: string | null;
  captureId: string | null;
  paidAt: string;
  attempts: number;
};

/** Why a card or wallet was declined, as far as the attendee can act on it. */
export type DeclineReason =
  'insufficient-funds' | 'expired-card' | 'wrong-security-code' | 'not-authenticated' | 'declined';

/**
 * Why a PayPal order could not be taken although nobody declined it: the payer did not approve it, PayPal does not know
 * it, it is of another registration or amount; or PayPal would not process it, or did not before it was given up.
 */
export type RejectReason = 'not-approved' | 'unknown' | 'mismatch' | 'not-processed';

/**
 * What became of one PayPal order. Where nothing was taken, the seat is a hold again until `heldUntil` (ISO 8601; null
 * when there is none any more).
 */
export type Attempt =
  | Captured
  | { status: 'declined'; reason: DeclineReason; heldUntil: string | null; attempts: number }
  | { status: 'rejected'; reason: RejectReason; heldUntil: string | null; attempts: number }
  | { status: 'expired'; attempts: number };

/** What `pay` answers: the attempt's outcome, or that the run had come to an end without asking PayPal. */
export type PaymentAnswer = Attempt | { status: 'already-paid' | 'expired' | 'cancelled' | 'refunded' };

/**
 * What `pay` takes: the PayPal order, or {@link FREE}; and the order as it is now, where it may differ from what the run
 * was started with. Left out otherwise, for everything in an update stays in the history.
 */
export type PayArguments = [paypalOrderId: string, changed?: Order];

export const STATUSES = ['processing', 'confirmed', 'declined', 'expired', 'refunded', 'cancelled'] as const;
export type Status = (typeof STATUSES)[number];
/** The steps of a registration, in the order that people are shown them. */
export const STEP_NAMES = ['payment', 'order', 'email', 'mailing-list'] as const;
export type StepName = (typeof STEP_NAMES)[number];
export const STEP_STATES = ['waiting', 'running', 'retrying', 'done', 'failed', 'skipped'] as const;
export type StepState = (typeof STEP_STATES)[number];
/** States that a step does not stay in: something is still to come. */
const OPEN_STATES: readonly StepState[] = ['waiting', 'running', 'retrying'];
export const isOpen = ({ state }: { state: StepState }): boolean => OPEN_STATES.includes(state);
/** `attempts` counts how often it was tried so far; `at` is when its state last changed (ISO 8601). */
export type Step = { name: StepName; state: StepState; attempts: number; at: string | null };
export type Progress = { status: Status; steps: Step[] };

/** Mails besides the confirmation: what happened to a registration that is not, or no longer, one. */
export type NoticeKind = 'payment-failed' | 'refunded' | 'cancelled';
