/**
 * The words of the domain: what a registration is made of, what it is called, and what it can come to.
 * Shared by api, worker and workflow, so it holds types and pure functions only.
 */
import type { Static } from 'typebox';
import type { Source } from './addition.ts';
import type { Answers, Attendee, Billing } from './form.ts';
import type { Money } from './money.ts';

export const TASK_QUEUE = 'registration';
/**
 * Temporal's fairness keys. With VENDOR_RATE_LIMIT set, Temporal starts at most that many activities of a key per second,
 * for all workers together.
 */
export const RATE_LIMITED = {
  email: { fairnessKey: 'email', fairnessWeight: 1 },
  mailingList: { fairnessKey: 'mailing-list', fairnessWeight: 1 },
  // An organizer who signs in does not wait behind thousands of confirmations.
  signIn: { fairnessKey: 'sign-in', fairnessWeight: 1 },
} as const;
/** Activities without a fairness key count as one key. The weight multiplies its rate, and this is the largest one allowed. */
export const NOT_RATE_LIMITED = { fairnessWeight: 1000 } as const;
export const WORKFLOW = 'registration';
/** Sends the confirmation of a saved order again. */
export const RESEND_WORKFLOW = 'resendConfirmation';
/** Update: take the payment of one PayPal order. Its id is the PayPal order's id, or {@link FREE}. */
export const PAY = 'pay';
/** Query: how far the registration has come, as {@link Progress}. */
export const PROGRESS = 'progress';
/** Signal: somebody has opened the link that was mailed to the order's address. It brings the token of the link. */
export const CONFIRM_EMAIL = 'confirmEmail';
/** Signal: PayPal has told that it knows what became of a payment, so that the run need not wait to ask. */
export const PAYMENT_NEWS = 'paymentNews';
/** Takes the place of a PayPal order for a free ticket. */
export const FREE = 'free';
/** Takes the place of a PayPal order while the seat waits for the confirmation of an e-mail address. */
export const UNCONFIRMED = 'unconfirmed';

/** Each registration has one workflow, so its id is enough to find it. */
export const workflowId = (registrationId: string) => `registration-${registrationId}`;
/** The registration of a workflow id. */
export const registrationId = (workflow: string) => workflow.slice('registration-'.length);

/** A registration has one resend at a time: while its run is open, another one is refused. */
export const resendWorkflowId = (registrationId: string) => `resend-${registrationId}`;

const keyword = (name: string) => ({ name, type: 'KEYWORD' }) as const;
/**
 * What Temporal's list of runs shows and can be filtered by. Search attributes are never encrypted, so none of them tells
 * anything about a person.
 */
export const SEARCH_ATTRIBUTES = {
  reference: keyword('RegistrationReference'),
  status: keyword('RegistrationStatus'),
  event: keyword('EventId'),
  ticketType: keyword('TicketType'),
};

/** Where an attendee sees what became of a registration. */
export const statusUrl = (publicUrl: string, registrationId: string) =>
  `${publicUrl}/registrations/${registrationId}`;

/** Where the mailed link leads that confirms an e-mail address. */
export const confirmationUrl = (publicUrl: string, registrationId: string, token: string) =>
  `${statusUrl(publicUrl, registrationId)}/confirm/${token}`;

/** How long a confirmation that was sent again blocks the next one. */
export const RESEND_PAUSE_MS = 600_000;

/** How long a seat waits for the confirmation of an e-mail address. */
export const CONFIRM_WITHIN_MS = 3_600_000;

/** How long the api waits for the outcome of a payment before it answers "not known yet". */
export const ANSWER_WITHIN_MS = 20_000;

/** The version of the newsletter consent's wording on the form, stored with each consent. Change both together. */
export const NEWSLETTER_WORDING = '2026-11';

/** The languages of pages and mails; messages/ has a file for each. */
export const LANGUAGES = ['en', 'de'] as const;
export type Language = (typeof LANGUAGES)[number];

/** The facts of an event that pages, mails and calendar entries show. Times are ISO 8601 UTC, `timeZone` is an IANA name. */
export type EventFacts = {
  id: string;
  name: string;
  startsAt: string;
  endsAt: string;
  timeZone: string;
  venue: string;
  /** Name and address of the seller, separated by line breaks, for the receipt. */
  seller: string;
};

/** The name of an attendee as people write it. */
export const fullName = ({ firstName, lastName }: { firstName: string; lastName: string }): string =>
  `${firstName} ${lastName}`;

/** A newsletter consent: when it was given (ISO 8601) and to which wording. */
export type Consent = { at: string; wording: string };

/** The input of the workflow. It never holds card data, because this service never has any. */
export type Order = {
  id: string;
  event: EventFacts;
  ticketType: { id: string; name: string };
  attendee: Static<typeof Attendee>;
  /** Not asked for with a free ticket. */
  billing?: Static<typeof Billing>;
  newsletter: Consent | null;
  /** What the attendee answered to the event's questions. Runs from before there were questions have none, as those without any. */
  answers?: Answers;
  /** The language of the attendee's mails. Runs from before there were languages have none and use English. */
  language?: Language;
  amount: Money;
  /** The first PayPal order to take, null for a free ticket. */
  paypalOrderId: string | null;
  /** Where the ticket type asks for a confirmed e-mail address: the token in the link that confirms it. */
  confirmationToken?: string;
};

/** What an earlier run had found out, which was lost: the second input of the workflow, where there was one. */
export type FoundOut = { emailConfirmed?: true };

/**
 * Whether somebody must have received mail at the address of an order, or paid: made-up addresses do neither. What organizers add
 * (`source`) is theirs.
 */
export const isTrusted = ({
  amount,
  emailConfirmed,
  source = 'form',
}: {
  amount: Money;
  emailConfirmed?: boolean;
  source?: Source;
}): boolean => amount.minor > 0 || emailConfirmed === true || source !== 'form';

/** A payment that was taken (`paidAt`: ISO 8601). For a free ticket, both ids are null. */
export type Captured = {
  status: 'captured';
  paypalOrderId: string | null;
  captureId: string | null;
  paidAt: string;
  attempts: number;
  /** PayPal's fee, in minor units of the order's currency. Absent where PayPal did not say, and in runs from before it was read. */
  feeMinor?: number;
};

/** Why a card or wallet was declined, as far as the attendee can act on it. */
export type DeclineReason =
  'insufficient-funds' | 'expired-card' | 'wrong-security-code' | 'not-authenticated' | 'declined';

/**
 * Why a PayPal order could not be taken although nobody declined it: the payer did not approve it, PayPal does not know
 * it, it is for another registration or amount, or PayPal did not process it.
 */
export type RejectReason = 'not-approved' | 'unknown' | 'mismatch' | 'not-processed';

/**
 * The outcome of one PayPal order. When nothing was taken, the seat is held again until `heldUntil` (ISO 8601; null when
 * there is no hold any more).
 */
export type Attempt =
  | Captured
  | { status: 'declined'; reason: DeclineReason; heldUntil: string | null; attempts: number }
  | { status: 'rejected'; reason: RejectReason; heldUntil: string | null; attempts: number }
  | { status: 'expired'; attempts: number };

/**
 * What `pay` answers: the attempt's outcome, that the run has ended without asking PayPal, or that it waits for the
 * confirmation of the e-mail address.
 */
export type PaymentAnswer =
  Attempt | { status: 'already-paid' | 'expired' | 'cancelled' | 'refunded' } | { status: 'unconfirmed' };

/**
 * What `pay` takes: the PayPal order, or {@link FREE}; and the order as it is now, where it may differ from what the run
 * was started with. It is left out otherwise, because everything in an update stays in the history.
 */
export type PayArguments = [paypalOrderId: string, changed?: Order];

/** `unconfirmed`: it waits until its attendee opens the link that was mailed to them. */
export const STATUSES = [
  'processing',
  'unconfirmed',
  'confirmed',
  'declined',
  'expired',
  'refunded',
  'cancelled',
] as const;
export type Status = (typeof STATUSES)[number];
/** The steps of a registration, in the order in which pages show them. */
export const STEP_NAMES = ['payment', 'order', 'email', 'mailing-list'] as const;
export type StepName = (typeof STEP_NAMES)[number];
export const STEP_STATES = ['waiting', 'running', 'retrying', 'done', 'failed', 'skipped'] as const;
export type StepState = (typeof STEP_STATES)[number];
/** States that a step does not stay in. */
const OPEN_STATES: readonly StepState[] = ['waiting', 'running', 'retrying'];
export const isOpen = ({ state }: { state: StepState }): boolean => OPEN_STATES.includes(state);
/** `attempts` counts the attempts so far; `at` is when the state last changed (ISO 8601). */
export type Step = { name: StepName; state: StepState; attempts: number; at: string | null };
export type Progress = { status: Status; steps: Step[] };

/** Mails besides the confirmation, about a registration that is not, or no longer, confirmed. */
export type NoticeKind = 'payment-failed' | 'refunded' | 'cancelled' | 'refund-made';
