/** The words of what organizers change about a registration, or have done once more. Types and constants only. */
import type { OrganizerAction } from './refund.ts';

/** Changes a confirmed registration and sends its confirmation, or does one step again. */
export const CHANGE_WORKFLOW = 'changeRegistration';
/** An action has one run. */
export const changeWorkflowId = (action: string) => `change-${action}`;

/** The steps that can give up, and that organizers can have done again. */
export const RETRIABLE = ['email', 'mailing-list'] as const;

/**
 * `correct`: another name or e-mail address. `answers`: other answers to the event's questions; null takes one out. `move`: another ticket type of the same price. `again`: a step once more; for
 * `email`, that is the confirmation.
 */
export type Change =
  | { kind: 'correct'; firstName: string; lastName: string; email: string }
  | { kind: 'answers'; answers: Record<string, string | boolean | null> }
  | { kind: 'move'; ticketType: string }
  | { kind: 'again'; step: (typeof RETRIABLE)[number] };
export type ChangeRequest = OrganizerAction & { change: Change };

/**
 * `changed`: it is done, and the confirmation goes out. Otherwise nothing was changed: there is no confirmed order, it is like
 * that already, the ticket type does not exist, has another price or is sold out, or there is no consent to the newsletter.
 */
export type ChangeDecision = {
  status:
    'changed' | 'not-confirmed' | 'same' | 'unknown-ticket-type' | 'other-price' | 'sold-out' | 'no-consent';
  /** The audience has to follow a corrected address. Runs of earlier versions leave it out. */
  audience?: true;
};

/** What the confirmation says has been changed; nothing where it is only sent again. */
export type ChangeMade = 'corrected' | 'moved';
