/** The words of cancelling an event. Shared by api, worker and workflow: types and constants only. */

/** Cancels all registrations of an event, with a refund of everything that is left. */
export const CANCEL_EVENT_WORKFLOW = 'cancelEvent';
/** Tells the owners that the run of an event has paused by itself. */
export const TELL_OWNERS_WORKFLOW = 'tellOwners';
/** Signal: an organizer has paused or resumed. The database says which. */
export const LOOK = 'look';

/** An event is cancelled once, by one run. */
export const cancelEventWorkflowId = (event: string) => `cancel-event-${event}`;
/** The owners are told once for each pause. */
export const tellOwnersWorkflowId = (event: string, pause: number) => `cancel-event-${event}-pause-${pause}`;

/** PayPal's word for a refund that fails because the account has not enough money. */
export const NO_FUNDS = 'REFUND_FAILED_INSUFFICIENT_FUNDS';
/** How many registrations are being cancelled at the same time. */
export const AT_ONCE = 10;

/** Why nothing new is begun: an organizer has paused, or PayPal has refused a refund for want of money. */
export type Pause = 'organizer' | 'funds';

/** `eventsPerRun`: the length of a history after which the run continues as a new one; for tests. */
export type CancelEventRequest = { event: string; eventsPerRun?: number };

/**
 * One registration whose cancellation is to be begun: a refund of what is left with the cancellation, or a cancellation alone.
 * `again` is set where PayPal has refused that refund for want of money.
 */
export type CancellationToBegin = {
  does: 'refund' | 'cancel';
  registration: string;
  reference: string;
  ticketType: string;
  action: string;
  organizer: string;
  again: string | null;
};

/** How far the cancellation of an event is, in registrations. `refused`: PayPal has refused the refund. */
export type CancellationCounts = { done: number; refused: number; left: number };

/** `pauses` counts how often it has paused for want of money. */
export type NextCancellations = {
  begin: CancellationToBegin[];
  paused: Pause | null;
  pauses: number;
  finished: boolean;
  counts: CancellationCounts;
};
