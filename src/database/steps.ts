/**
 * What became of the steps after the order: the e-mail and the newsletter entry. It outlives the runs. This file owns the table
 * `step_outcomes`. An order enters its steps as open; the activities enter how they ended, in whatever order both happen.
 */
import type { RETRIABLE } from '../change.ts';
import type { Step } from '../registration.ts';
import type { Database } from './connection.ts';

/** The steps that nobody waits for, and that can give up. */
export type LateStep = (typeof RETRIABLE)[number];
/** Type of a failure, such as `SendGridAuth`, and the vendor's own word. */
export type KnownFailure = { type: string; word?: string | undefined };
/** A step as it is stored, with the last failure if there was one. */
export type StoredStep = Step & { failure?: KnownFailure };

/** The common table expression that enters the steps of an order as open, beside the order `ordered`. */
export const stepsInsert = (wantsNewsletter: boolean): string => `, opened as (
  insert into step_outcomes (registration_id, step)
  select id, step from ordered, unnest(array['email'${wantsNewsletter ? ", 'mailing-list'" : ''}]) as step
  on conflict do nothing)`;

/** Enters that an organizer has a step done again: it is due from now on. */
export async function openStep(trx: Database, registration: string, step: LateStep): Promise<void> {
  await trx('step_outcomes')
    .insert({ registration_id: registration, step, by_desk: true })
    .onConflict(['registration_id', 'step'])
    .merge({
      ...{ state: 'open', since: trx.raw('happened_at()'), by_desk: true },
      ...{ attempts: 0, failure: null, word: null },
    });
}

/** How an attempt ended. `failed` is for good; `tried` will be tried again. */
export type Attempted =
  | { state: 'done'; attempts: number }
  | { state: 'failed' | 'tried'; attempts: number; failure: KnownFailure };

/** Enters how an attempt at a step ended. One that is tried again changes only what is open. */
export async function noteAttempt(
  database: Database,
  registration: string,
  step: LateStep,
  attempted: Attempted,
): Promise<void> {
  const { state, attempts } = attempted;
  const failure = 'failure' in attempted ? attempted.failure : undefined;
  const columns = { attempts, failure: failure?.type ?? null, word: failure?.word ?? null };
  const key = { registration_id: registration, step };
  if (state === 'tried') {
    await database('step_outcomes')
      .where({ ...key, state: 'open' })
      .update(columns);
    return;
  }
  await database('step_outcomes')
    .insert({ ...key, ...columns, state })
    .onConflict(['registration_id', 'step'])
    .merge({ ...columns, state, since: database.raw('happened_at()') });
}

/** After this time, no run tries any more. */
const GIVEN_UP_DAYS = 31;

/** Registrations with a step that is due for more than `minutes`, and that a run may still do. */
export const findOpenRegistrations = (database: Database, minutes: number): Promise<string[]> =>
  database('step_outcomes')
    .where({ state: 'open' })
    .whereRaw('since < now() - make_interval(mins => ?)', [minutes])
    .whereRaw(`since > now() - interval '${GIVEN_UP_DAYS} days'`)
    .distinct()
    .pluck<string[]>('registration_id');

/** The steps of a registration that are neither done nor given up. */
export const findOpenSteps = (database: Database, registration: string): Promise<LateStep[]> =>
  database('step_outcomes')
    .where({ registration_id: registration, state: 'open' })
    .orderBy('step')
    .pluck<LateStep[]>('step');

/** Whether a step is done, as far as is known. */
export const isDone = async (trx: Database, registration: string, step: LateStep): Promise<boolean> =>
  !!(await trx('step_outcomes').where({ registration_id: registration, step, state: 'done' }).first('step'));

/**
 * Steps that the run of their registration does, which are open for longer than `minutes` and were not asked about for as long. They
 * count as asked now.
 */
export async function takeOpenSteps(
  database: Database,
  { minutes, most }: { minutes: number; most: number },
): Promise<{ registration: string; step: LateStep }[]> {
  const { rows } = await database.raw<{ rows: { registration: string; step: LateStep }[] }>(
    `with taken as (
       select registration_id, step from step_outcomes
       where state = 'open' and not by_desk and coalesce(checked_at, since) < now() - make_interval(mins => ?)
       order by checked_at nulls first, since limit ? for update skip locked)
     update step_outcomes s set checked_at = now() from taken
     where s.registration_id = taken.registration_id and s.step = taken.step
     returning s.registration_id as registration, s.step`,
    [minutes, most],
  );
  return rows;
}

/**
 * Those of some registrations whose order is confirmed and, as far as is known, has a step that is not done; and those that an
 * organizer adds and that have no order yet.
 */
export async function findUnfinished(
  database: Database,
  registrations: string[],
): Promise<{ id: string; isOrdered: boolean }[]> {
  const { rows } = await database.raw<{ rows: { id: string; isOrdered: boolean }[] }>(
    `select o.id, true as "isOrdered" from orders o where o.id = any(?::uuid[]) and o.status = 'confirmed'
       and (select count(*) filter (where s.state = 'done') from step_outcomes s where s.registration_id = o.id)
         < case when o.newsletter_consent_at is null then 1 else 2 end
     union all
     select a.id, false from additions a where a.id = any(?::uuid[]) and a.state = 'waiting'`,
    [registrations, registrations],
  );
  return rows;
}

/** The steps of the registration `r` in a query, as JSON for {@link toSteps}; null where nothing is known of them. */
export const STEPS = `(select jsonb_agg(jsonb_build_object('step', s.step, 'attempts', s.attempts, 'at', s.since,
    'state', case when s.state = 'open' and s.since < now() - interval '${GIVEN_UP_DAYS} days' then 'failed' else s.state end,
    'failure', s.failure, 'word', s.word))
  from step_outcomes s where s.registration_id = r.id)`;
export type StoredSteps =
  | {
      step: LateStep;
      state: 'open' | 'done' | 'failed';
      attempts: number;
      at: string;
      failure: string | null;
      word: string | null;
    }[]
  | null;

const STATES = { done: 'done', failed: 'failed' } as const;

/** The steps in the order in which pages show them. An order with an e-mail and no newsletter entry has not asked for one. */
export function toSteps(stored: StoredSteps): StoredStep[] {
  if (!stored) return [];
  const steps = stored.map(({ step, state, attempts, at, failure, word }): StoredStep => ({
    name: step,
    state: state === 'open' ? (attempts > 0 ? 'retrying' : 'running') : STATES[state],
    attempts: Math.max(1, attempts),
    at: new Date(at).toISOString(),
    ...(failure !== null && { failure: { type: failure, word: word ?? undefined } }),
  }));
  const email = steps.filter(({ name }) => name === 'email');
  const list = steps.filter(({ name }) => name === 'mailing-list');
  const none: StoredStep = { name: 'mailing-list', state: 'skipped', attempts: 0, at: null };
  return email.length > 0 && list.length === 0 ? [...email, none] : [...email, ...list];
}
