/** What organizers have already done. This file owns the table `organizer_actions`. */
import { SESSION_DAYS } from '../organizer.ts';
import type { Database } from './connection.ts';
import { locked } from './seats/lock.ts';

/** Who acts, and the UUID that was made with the form. */
export type Action = { organizer: string; action: string };

/** The outcome of an action of this organizer, if it was done before. */
export async function findOutcome<T>(
  database: Database,
  { organizer, action }: Action,
): Promise<T | undefined> {
  const row = await database('organizer_actions')
    .where({ organizer_id: organizer, action })
    .first<{ outcome: T } | undefined>('outcome');
  return row?.outcome;
}

/**
 * Does something once: the same action again, at once or later, has no further effect and gets the first outcome.
 * @param act runs in the transaction that stores the outcome, which is JSON without personal data
 */
export async function once<T extends object>(
  database: Database,
  key: Action,
  act: (trx: Database) => Promise<T>,
): Promise<T> {
  return locked(database, `action ${key.organizer} ${key.action}`, async (trx) => {
    const before = await findOutcome<T>(trx, key);
    if (before) return before;
    const outcome = await act(trx);
    await trx('organizer_actions').insert({
      ...{ organizer_id: key.organizer, action: key.action, outcome: JSON.stringify(outcome) },
    });
    return outcome;
  });
}

/** Deletes what no form can repeat any more: a form is valid as long as the session for which it was made. */
export async function purgeActions(database: Database): Promise<void> {
  await database('organizer_actions')
    .where('at', '<', database.raw(`now() - interval '${SESSION_DAYS} days'`))
    .delete();
}
