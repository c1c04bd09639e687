/** How organizers fix registrations while any part may fail: corrections, moves, steps that are done again, and notes. */
import type { Change, ChangeDecision } from '../src/change.ts';
import { startChange } from '../src/temporal/runs.ts';
import { emailOf } from '../stage/person.ts';
import type { World } from '../stage/world.ts';
import type { Moment } from './acts.ts';
import type { Desk } from './desk.ts';
import { isConfirmed, untilAnswered, type Patience } from './organizer.ts';
import type { Client } from './plan.ts';

/** `resend` and `subscribe` do a step again. Each form is sent three times at once. */
export const FIXES = ['move', 'correct', 'resend', 'subscribe', 'note'] as const;
/** Moves are the most frequent, so that they compete for the few seats of the balcony. */
const ORDER = ['move', 'correct', 'move', 'resend', 'move', 'subscribe', 'note', 'move'] as const;
export type FixKind = (typeof FIXES)[number];
const AT_ONCE = 3;

export type Fix = {
  registration: string;
  ticketType: Client['ticketType'];
  kind: FixKind;
  moment: Exclude<Moment, 'soon'>;
  /** When the organizer begins, in milliseconds after the start of the run; for `settled`, after all others. */
  at: number;
  action: string;
};
/** What an organizer was answered; each of the three forms gets an answer. */
export type FixRuling = {
  registration: string;
  kind: FixKind;
  action: string;
  decision: ChangeDecision | { status: 'noted' | 'unanswered' };
};

/** Plans a fix of each registration. */
export const planFixes = (clients: Client[], uuid: () => string): Fix[] =>
  clients.map(({ id, ticketType, at }, n) => ({
    ...{ registration: id, ticketType, at, action: uuid() },
    kind: ORDER[n % ORDER.length] ?? 'note',
    moment: Math.floor(n / ORDER.length) % 2 === 1 ? 'settled' : 'confirmed',
  }));

/** The address that `correct` corrects to. */
export const correctedEmailOf = (id: string) => `new-${emailOf(id)}`;

/** A ticket type of the same price, if there is one: the few seats of the balcony are sold to attendees as well. */
const otherOf = (ticketType: Client['ticketType']) => (ticketType === 'balcony' ? 'regular' : 'balcony');

function changeOf({ registration, kind, ticketType }: Fix): Change {
  switch (kind) {
    case 'move':
      return { kind: 'move', ticketType: otherOf(ticketType) };
    case 'correct':
      return {
        kind: 'correct',
        firstName: 'Grace',
        lastName: 'Example',
        email: correctedEmailOf(registration),
      };
    default:
      return { kind: 'again', step: kind === 'subscribe' ? 'mailing-list' : 'email' };
  }
}

/** Does what is planned about one registration until it is answered. Returns the answers. */
export async function fix(
  world: World,
  desk: Desk,
  planned: Fix,
  { watchUntil, deadline }: Patience,
): Promise<FixRuling[]> {
  const { registration, action, kind, ticketType } = planned;
  if (planned.moment === 'confirmed' && !(await isConfirmed(world, registration, watchUntil))) return [];
  const about = { event: 'conference', ticketType, status: 'confirmed' } as const;
  const request = { registration, action, organizer: desk.organizer, reason: 'Asked by telephone' };
  const ask = () =>
    kind === 'note'
      ? desk.note(registration, action)
      : startChange(world.client, { ...request, change: changeOf(planned) }, about);
  const answers = Array.from({ length: AT_ONCE }, () => untilAnswered<FixRuling['decision']>(ask, deadline));
  return (await Promise.all(answers)).map((decision) => ({ registration, kind, action, decision }));
}
