/** The words of registrations that organizers add, by hand or from a file. Shared by api, worker and workflows: no I/O. */
import type { Money } from './money.ts';
import type { Progress } from './registration.ts';

/** Adds one registration. Its run is the registration's own, `registration-<id>`, so that all who look for that find it. */
export const ADD_WORKFLOW = 'addRegistration';
/** Adds the registrations of a file, each of which then has a run of its own. */
export const IMPORT_WORKFLOW = 'importRegistrations';
export const importWorkflowId = (id: string) => `import-${id}`;

/** Where a registration came from: the attendee's form, an organizer's form, or an organizer's file. */
export type Source = 'form' | 'by-hand' | 'import';
/** Who took the money: PayPal, the organizers in another way, or nobody. */
export type Payment = 'paypal' | 'elsewhere' | 'none';

/** How an organizer says that a registration is paid. `complimentary` and `free` cost nothing, whatever the ticket type costs. */
export const ADDED_AS = ['complimentary', 'free', 'elsewhere'] as const;
export type AddedAs = (typeof ADDED_AS)[number];
/** How a registration was paid, as receipts and pages say it. */
export type PaidBy = AddedAs | 'paypal';

/** How an order was paid. `price` is that of its ticket type, in minor units. */
export function paidBy({
  source,
  payment,
  price,
}: {
  source: Source;
  payment: Payment;
  price: number;
}): PaidBy {
  if (payment !== 'none') return payment;
  return source !== 'form' && price > 0 ? 'complimentary' : 'free';
}

/** A registration to be added. It is in the database before its run starts, which takes the ids alone. */
export type Addition = {
  /** The registration. */
  id: string;
  event: string;
  ticketType: string;
  firstName: string;
  lastName: string;
  email: string;
  organization?: string | undefined;
  amount: Money;
  /** For organizers, such as the number of an invoice; an erasure takes it out. */
  note?: string | undefined;
  language: string;
};

/** The input of the run: ids. */
export type AddRequest = { registration: string; action: string; organizer: string };

/**
 * Why nobody was added: no seat is free; the event is over or cancelled; there is no such ticket type; an import has added the same
 * row before; the registration was cancelled before; its data was deleted, because it waited for too long; or it cannot be stored.
 */
export const NOT_ADDED = [
  'sold-out',
  'event-over',
  'unknown-ticket-type',
  'added-before',
  'over',
  'forgotten',
  'impossible',
] as const;
export type NotAdded = (typeof NOT_ADDED)[number];
export type AddDecision = { status: 'added' } | { status: NotAdded };

/** What the attempt to add a registration comes to. `paid`: whether it costs something, which was paid elsewhere. */
export type Added = { decision: AddDecision; paid: boolean; attempts: number };

/** A registration whose turn it is in the run of an import: ids, and what Temporal's list of runs shows. */
export type NextAddition = AddRequest & { reference: string; event: string; ticketType: string };

/** What a run that adds a registration comes to. */
export type AddResult = Progress & { decision: AddDecision };
