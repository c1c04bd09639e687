/** Enters in the database how an attempt at a step ended, without making the step depend on the database. */
import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { answerWithin, type Database } from '../database/connection.ts';
import { noteAttempt, type Attempted, type LateStep } from '../database/steps.ts';
import { toFailure } from './failure.ts';

/** The longest time that a step waits for its outcome to be stored. */
const DATABASE_TIMEOUT_MS = 2000;
/** Failures of the first attempts are not worth a statement: most are over by then. This one is made after half a minute. */
const WORTH_NOTING = 6;
/** The registration is over, so that the step is not due any more. */
const OVER = 'NoTicket';

/**
 * Makes an attempt at a step, and enters how it ended, as well as that works within two seconds. What could not be entered is
 * found out later (registrations/catch-up.ts).
 */
export async function entered<T extends { attempts: number }>(
  database: Database,
  registration: string,
  step: LateStep,
  attempt: () => Promise<T>,
): Promise<T> {
  const note = (attempted: Attempted) =>
    answerWithin(DATABASE_TIMEOUT_MS, noteAttempt(database, registration, step, attempted), undefined);
  try {
    const done = await attempt();
    await note({ state: 'done', attempts: done.attempts });
    return done;
  } catch (error) {
    const failure = toFailure(error);
    if (failure instanceof ApplicationFailure) {
      const { type, nonRetryable } = failure;
      const { attempt: attempts } = activityInfo();
      const known = { type: type ?? 'Unexpected', word: wordOf(failure.message) };
      if (nonRetryable && type !== OVER) await note({ state: 'failed', attempts, failure: known });
      else if (!nonRetryable && attempts >= WORTH_NOTING)
        await note({ state: 'tried', attempts, failure: known });
    }
    throw failure;
  }
}

/** The vendor's word in the message of a failure (activities/failure.ts): `SendGridAuth 401 UNAUTHORIZED`. */
const wordOf = (message: string): string | undefined =>
  /^[A-Za-z]+(?: \d{3})?(?: ([\w.:-]{1,80}))?$/.exec(message)?.[1];
