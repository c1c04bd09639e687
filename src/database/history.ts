/**
 * The history of each registration, which outlives its runs. This file owns the table `registration_events`. A row is written
 * in the transaction of what it tells, and is never changed.
 */
import type { Database } from './connection.ts';

/** What happened. `facts` are JSON without personal data; see each kind where it is noted. */
export const EVENT_KINDS = [
  'registered',
  'refund-asked',
  'refund-asked-again',
  'refund-refused',
  'refunded',
  'refunded-at-paypal',
  'payment-reversed',
  'reversal-cancelled',
  'dispute-opened',
  'dispute-resolved',
  'mail-bounce',
  'mail-dropped',
  'mail-spamreport',
  'cancel-asked',
  'cancelled',
  'note',
  'corrected',
  'answers-corrected',
  'moved',
  'resend-asked',
  'email-sent',
  'subscribe-asked',
  'subscribed',
  'audience-changed',
  'audience-refused',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

export type HistoryEntry = {
  registration: string;
  kind: EventKind;
  /** The id of the organizer who did it; without one, the service did it itself. */
  organizer?: string | undefined;
  /** The action that it belongs to, such as a refund. */
  action?: string | undefined;
  facts?: object;
  /** What the organizer wrote. It may be about a person, so an erasure takes it out. */
  text?: string | undefined;
};

/** Notes what happened, in the transaction in which it happens. */
export async function note(trx: Database, entry: HistoryEntry): Promise<void> {
  await trx('registration_events').insert({
    registration_id: entry.registration,
    kind: entry.kind,
    organizer_id: entry.organizer ?? null,
    action: entry.action ?? null,
    facts: JSON.stringify(entry.facts ?? {}),
    text: entry.text === '' ? null : (entry.text ?? null),
  });
}

/** Does something in a transaction as if it were then: it has happened before, and is only entered now. */
export async function atTheTime<T>(trx: Database, at: Date, work: () => Promise<T>): Promise<T> {
  const set = (time: string) => trx.raw("select set_config('registration.happened_at', ?, true)", [time]);
  await set(at.toISOString());
  const done = await work();
  await set('');
  return done;
}

/** Whether an organizer has cancelled a registration that had no order yet. */
export const isCancelAsked = async (database: Database, registration: string): Promise<boolean> =>
  !!(await database('registration_events')
    .where({ registration_id: registration, kind: 'cancel-asked' satisfies EventKind })
    .first('position'));

/** The first mark that an action has left in the history of a registration; undefined when there is none yet. */
export async function findAction(
  trx: Database,
  registration: string,
  action: string,
): Promise<EventKind | undefined> {
  const row = await trx('registration_events')
    .where({ registration_id: registration, action })
    .orderBy('position')
    .first<{ kind: EventKind } | undefined>('kind');
  return row?.kind;
}

/** When an action was entered first; undefined when it was not. */
export async function findTimeOf(
  database: Database,
  registration: string,
  action: string,
): Promise<Date | undefined> {
  const row = await database('registration_events')
    .where({ registration_id: registration, action })
    .orderBy('position')
    .first<{ at: Date } | undefined>('at');
  return row?.at;
}

/** The actions of organizers about a registration: each may have had a run of its own. */
export const findActions = (database: Database, registration: string): Promise<string[]> =>
  database('registration_events')
    .where({ registration_id: registration })
    .whereNotNull('action')
    .distinct()
    .pluck<string[]>('action');

/** Takes out what organizers wrote about a registration, because it may be about its person. */
export async function eraseTexts(database: Database, registration: string): Promise<void> {
  await database('registration_events')
    .where({ registration_id: registration })
    .whereNotNull('text')
    .update({ text: null });
}
