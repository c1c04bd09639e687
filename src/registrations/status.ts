/**
 * What became of a registration. Everybody who asks gets this one answer: the database says what the registration is, and
 * Temporal says how far its steps are.
 */
import type { Client } from '@temporalio/client';
import { answerWithin, type Database } from '../database/connection.ts';
import { findOutcome, type Outcome } from '../database/registrations.ts';
import type { StoredStep } from '../database/steps.ts';
import { reference } from '../reference.ts';
import { isOpen, type Progress, type Step, type StepName } from '../registration.ts';
import type { StepFailures } from '../temporal/failures.ts';
import { readProgress } from '../temporal/progress.ts';

export type RegistrationStatus = Progress & { id: string; reference: string };
/** `failures`: what the database knows of them. `unavailable`: what is needed to know more cannot be reached now. */
export type StatusAnswer =
  | { found: 'registration'; registration: RegistrationStatus; failures: StepFailures }
  | { found: 'none' }
  | { found: 'unavailable' };

/** Whether a registration may still change by itself, or by what its attendee does next. */
export const canChange = ({ status, steps }: Progress): boolean =>
  ['processing', 'unconfirmed', 'declined'].includes(status) ||
  (status === 'confirmed' && steps.some(isOpen));

/** The longest time to wait for the database: with Temporal's answer at hand, nobody has to wait until a pool gives up. */
const DATABASE_TIMEOUT_MS = 3000;
const UNREACHABLE = { found: 'unreachable' } as const;

/** Reads the status of a registration. While the database or Temporal is away, the other one answers alone if it can. */
export async function readStatus(
  { temporal, database }: { temporal: Client; database: Database },
  id: string,
): Promise<StatusAnswer> {
  const [outcome, run] = await Promise.all([
    answerWithin(DATABASE_TIMEOUT_MS, findOutcome(database, id), UNREACHABLE),
    readProgress(temporal, id),
  ]);
  const progress = run.found === 'run' ? run.progress : undefined;
  const known = combine(outcome, progress);
  if (known)
    return {
      found: 'registration',
      registration: { id, reference: reference(id), ...known },
      failures: outcome.found === 'order' ? failuresOf(outcome.steps) : {},
    };
  const complete = outcome.found !== 'unreachable' && run.found !== 'unreachable';
  return { found: complete ? 'none' : 'unavailable' };
}

function combine(outcome: Outcome | typeof UNREACHABLE, run: Progress | undefined): Progress | undefined {
  switch (outcome.found) {
    case 'order':
      return { status: outcome.status, steps: run?.steps ?? stepsOf(outcome) };
    case 'end':
      return { status: outcome.status, steps: run?.steps ?? [] };
    case 'none':
    case 'unreachable':
      return run;
  }
}

/** Without a run, the payment and the order are certain. Of the other steps, orders of before know nothing. */
function stepsOf({ status, amount, paidAt, steps }: Outcome & { found: 'order' }): Step[] {
  const done = (name: StepName): Step => ({ name, state: 'done', attempts: 1, at: paidAt });
  const payment: Step = { ...done('payment'), state: amount.minor > 0 ? 'done' : 'skipped' };
  // What is still open when a registration ends is not done any more.
  const late = steps.map(({ failure: _, ...step }): Step =>
    status !== 'confirmed' && isOpen(step) ? { ...step, state: 'skipped' } : step,
  );
  return [payment, done('order'), ...late];
}

const failuresOf = (steps: StoredStep[]): StepFailures =>
  Object.fromEntries(
    steps.flatMap(({ name, failure }) =>
      failure ? [[name, { type: failure.type, word: failure.word }]] : [],
    ),
  );
