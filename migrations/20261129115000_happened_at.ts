import type { Knex } from 'knex';

/** The columns that say when something happened, and what each of them was filled with before. */
const COLUMNS = [
  ['registration_events', 'at', 'clock_timestamp()'],
  ['step_outcomes', 'since', 'clock_timestamp()'],
  ['refunds', 'asked_at', 'clock_timestamp()'],
  ['orders', 'created_at', 'now()'],
  ['ended_registrations', 'ended_at', 'now()'],
] as const;

/**
 * What is rebuilt from Temporal's histories has happened before. A transaction that rebuilds says when, with the setting
 * `registration.happened_at`; in every other one it is the time of the clock.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create function happened_at() returns timestamptz language sql volatile as $$
      select coalesce(nullif(current_setting('registration.happened_at', true), '')::timestamptz, clock_timestamp())
    $$`);
  for (const [table, column] of COLUMNS)
    await knex.raw(`alter table ${table} alter column ${column} set default happened_at()`);
}

export async function down(knex: Knex): Promise<void> {
  for (const [table, column, before] of COLUMNS)
    await knex.raw(`alter table ${table} alter column ${column} set default ${before}`);
  await knex.raw('drop function happened_at()');
}
