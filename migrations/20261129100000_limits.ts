import type { Knex } from 'knex';

/**
 * What rate limits count for all api processes together, in the columns that `rate-limiter-flexible` reads and writes. The counts are worth
 * minutes, so they need no log: after a crash of the database, counting starts again. Rows change often and keep their place in the page.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create unlogged table rate_limits (
      key varchar(255) primary key,
      points integer not null default 0,
      expire bigint
    ) with (fillfactor = 70)`);
  await knex.raw(`comment on column rate_limits.key is 'The limit, and a keyed hash of who is counted'`);
  await knex.raw(`comment on column rate_limits.expire is 'End of the time window, in ms since 1970'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('rate_limits');
}
