/** Registrations in the middle of something, whose run does not go on, as they were found last. This file owns `stopped_runs`. */
import type { Database } from './connection.ts';

/**
 * What the run was about: a claimed seat with its payment, what follows the order, what an organizer adds, or a refund. `run` is the run's status; `GONE`
 * where there is no run any more.
 */
export type StoppedRun = {
  registration: string;
  kind: 'payment' | 'registration' | 'addition' | 'refund';
  run: string;
};

/** The registrations that were found by Temporal's list of stopped runs. */
export const findStoppedRegistrations = (database: Database): Promise<string[]> =>
  database('stopped_runs').whereIn('kind', ['registration', 'addition']).pluck<string[]>('registration_id');

/** Replaces what was found before. What was known already keeps the time at which it was found. */
export async function replaceStoppedRuns(database: Database, found: StoppedRun[]): Promise<void> {
  const rows = JSON.stringify(found);
  const given = `jsonb_to_recordset(?::jsonb) as f (registration uuid, kind text, run text)`;
  await database.transaction(async (trx) => {
    await trx.raw(
      `delete from stopped_runs s where not exists (
         select from ${given} where f.registration = s.registration_id and f.kind = s.kind)`,
      [rows],
    );
    await trx.raw(
      `insert into stopped_runs (registration_id, kind, run) select distinct on (1, 2) * from ${given}
       on conflict (registration_id, kind) do update set run = excluded.run`,
      [rows],
    );
  });
}
