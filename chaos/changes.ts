/** Compares what organizers fixed: the orders', the histories', the mails', the audience's, and what the organizers were told. */
import type { OrderRow } from '../src/database/orders.ts';
import type { Mail } from '../sandbox/vendors/sendgrid/api.ts';
import { emailOf } from '../stage/person.ts';
import { correctedEmailOf, type Fix, type FixKind, type FixRuling } from './fixes.ts';
import type { Strike } from './mails.ts';
import type { ActionRun, EventRow } from './refunds.ts';

export const CHANGE_INVARIANTS = [
  'fix without an answer, or with several',
  'fix told "done" that was not done once',
  'fix told "not possible" but done',
  'fix that did not end',
  'moved attendee in another ticket type',
  'corrected attendee without an email at the new address',
  'confirmation sent to the address of before',
  'address of before still in the audience',
] as const;
export type ChangeViolations = Record<(typeof CHANGE_INVARIANTS)[number], string[]>;

/** The entry of the history that tells each fix. */
const TOLD: Record<FixKind, string> = {
  move: 'moved',
  correct: 'corrected',
  resend: 'resend-asked',
  subscribe: 'subscribe-asked',
  note: 'note',
};
/** The entries of the history that tell that a confirmation goes out. */
export const SENDS = ['moved', 'corrected', 'resend-asked'];
const DONE = ['changed', 'noted'];
/** An email that was on its way may arrive after a correction. */
const LATE_MS = 15_000;
/** Mailchimp may add somebody after the caller has given up. */
const ADDS_LATE = 'mailchimp slow 12000';

export type ChangeRecords = {
  orders: OrderRow[];
  history: EventRow[];
  fixes: Fix[];
  rulings: FixRuling[];
  runs: ActionRun[];
  mailsOf: (id: string, ...categories: string[]) => Mail[];
  /** Who gets the newsletter, or was asked to confirm. */
  subscribed: Set<string>;
  struck: Strike[];
};

export function auditChanges(records: ChangeRecords): ChangeViolations {
  const { orders, history, fixes, rulings, runs, mailsOf, subscribed, struck } = records;
  const told = ({ registration, action, kind }: Pick<Fix, 'registration' | 'action' | 'kind'>) =>
    history.filter(
      (event) =>
        event.registration_id === registration && event.action === action && event.kind === TOLD[kind],
    ).length;
  const orderOf = new Map(orders.map((order) => [order.id, order]));
  const isConfirmed = (id: string) => orderOf.get(id)?.status === 'confirmed';
  const answersOf = ({ action }: Fix) => rulings.filter((ruling) => ruling.action === action);
  const actionsOf = (wrong: (each: Fix) => boolean) => fixes.filter(wrong).map(({ action }) => action);
  const isDone = (each: Fix) => told(each) > 0;
  const corrected = fixes.filter((each) => each.kind === 'correct' && isDone(each));
  const mailedTo = (id: string, email: string) =>
    mailsOf(id, 'confirmation').filter(({ to }) => to.some((one) => one.email === email));
  const correctedAt = (id: string) =>
    Math.min(
      ...history
        .filter(({ registration_id, kind }) => registration_id === id && kind === 'corrected')
        .map(({ at }) => at.getTime()),
    );

  return {
    'fix without an answer, or with several': actionsOf((each) => {
      const statuses = new Set(answersOf(each).map(({ decision }) => decision.status));
      return statuses.size > 1 || statuses.has('unanswered');
    }),
    'fix told "done" that was not done once': actionsOf(
      (each) => answersOf(each).some(({ decision }) => DONE.includes(decision.status)) && told(each) !== 1,
    ),
    'fix told "not possible" but done': actionsOf(
      (each) => answersOf(each).some(({ decision }) => !DONE.includes(decision.status)) && isDone(each),
    ),
    // A confirmation is not sent, and the run fails, where the registration was cancelled meanwhile.
    'fix that did not end': actionsOf(({ action, registration }) =>
      runs.some(
        (run) =>
          run.action === action &&
          run.status !== 'COMPLETED' &&
          !(run.status === 'FAILED' && !isConfirmed(registration)),
      ),
    ),
    'moved attendee in another ticket type': actionsOf((each) => {
      const type = orderOf.get(each.registration)?.ticket_type_id;
      return each.kind === 'move' && type !== undefined && (type !== each.ticketType) !== isDone(each);
    }),
    'corrected attendee without an email at the new address': corrected
      .filter(({ registration: id }) => isConfirmed(id) && mailedTo(id, correctedEmailOf(id)).length === 0)
      .map(({ action }) => action),
    'confirmation sent to the address of before': corrected
      .filter(({ registration: id }) =>
        mailedTo(id, emailOf(id)).some(({ at }) => Date.parse(at) > correctedAt(id) + LATE_MS),
      )
      .map(({ action }) => action),
    'address of before still in the audience': struck.some(({ what }) => what.startsWith(ADDS_LATE))
      ? []
      : corrected.filter(({ registration: id }) => subscribed.has(emailOf(id))).map(({ action }) => action),
  };
}
