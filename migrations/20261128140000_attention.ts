import type { Knex } from 'knex';

/**
 * What the dashboard reads: how the steps of each registration ended, runs that were stopped, checkouts that nobody finished; and
 * what owners are told about. Orders of before have no outcomes: how their steps ended is not known here.
 */
export async function up(knex: Knex): Promise<void> {
  // An index of all orders takes longer than a statement of the service may.
  await knex.raw('set local statement_timeout = 0');
  await knex.schema.createTable('step_outcomes', (table) => {
    table.comment('What became of the e-mail and the newsletter entry of each order');
    table.uuid('registration_id').notNullable();
    table.text('step').notNullable();
    table.text('state').notNullable().defaultTo('open');
    table
      .timestamp('since')
      .notNullable()
      .defaultTo(knex.raw('clock_timestamp()'))
      .comment('Of the state; of an open step, since when it is due');
    table.integer('attempts').notNullable().defaultTo(0);
    table.text('failure').comment('Type of the last failure, such as SendGridAuth');
    table.text('word').comment("The vendor's own word for it");
    table
      .boolean('by_desk')
      .notNullable()
      .defaultTo(false)
      .comment('Whether an organizer has it done again, by a run of its own');
    table.timestamp('checked_at').comment('When Temporal was last asked what became of an open step');
    table.primary(['registration_id', 'step']);
    table.check("step in ('email', 'mailing-list')", [], 'step_outcomes_step');
    table.check("state in ('open', 'done', 'failed')", [], 'step_outcomes_state');
  });
  await knex.raw("create index step_outcomes_not_done on step_outcomes (step, since) where state <> 'done'");

  await knex.schema.createTable('stopped_runs', (table) => {
    table.comment('Registrations in the middle of something, whose run does not go on');
    table.uuid('registration_id').notNullable();
    table.text('kind').notNullable();
    table.text('run').notNullable().comment('The status of the run; GONE where there is none any more');
    table.timestamp('found_at').notNullable().defaultTo(knex.raw('clock_timestamp()'));
    table.primary(['registration_id', 'kind']);
    table.check("kind in ('payment', 'registration', 'addition', 'refund')", [], 'stopped_runs_kind');
  });
  await knex.schema.createTable('background_jobs', (table) => {
    table.comment('What one worker at a time does every few minutes');
    table.text('name').primary();
    table.timestamp('begun_at').notNullable();
    table.timestamp('succeeded_at').comment('When it last did all of it');
  });

  await knex.schema.createTable('attention_items', (table) => {
    table.comment('What needed attention at the last look, and since which look');
    table.text('condition').notNullable();
    table.uuid('registration_id').notNullable();
    table.timestamp('since').notNullable().defaultTo(knex.raw('clock_timestamp()'));
    table.primary(['condition', 'registration_id']);
  });
  await knex.schema.createTable('alerts', (table) => {
    table.comment('What owners were told needs attention');
    table.specificType('id', 'bigint generated always as identity').primary();
    table.text('condition').notNullable();
    table.integer('count').notNullable().comment('Registrations, when it began');
    table.timestamp('began_at').notNullable().defaultTo(knex.raw('clock_timestamp()'));
    table.timestamp('over_at').comment('When nothing was left of it');
  });
  await knex.raw('create unique index alerts_one_at_a_time on alerts (condition) where over_at is null');
  await knex.schema.createTable('alert_mails', (table) => {
    table.comment(
      'Mails of alerts, one for each owner: never more than one when it begins and one when it is over',
    );
    table.bigInteger('alert_id').notNullable().references('alerts.id').onDelete('CASCADE');
    table.text('kind').notNullable();
    table.uuid('organizer_id').notNullable();
    table.timestamp('tried_at').comment('Whoever tries it has it for a while');
    table.timestamp('settled_at').comment('When it was sent, or SendGrid refused it for good');
    table.primary(['alert_id', 'kind', 'organizer_id']);
    table.check("kind in ('begun', 'over')", [], 'alert_mails_kind');
  });
  await knex.raw('create index alert_mails_to_send on alert_mails (alert_id) where settled_at is null');

  await knex.schema.createTable('lapsed_checkouts', (table) => {
    table.comment(
      'Checkouts that nobody finished and whose holds are deleted, by the day on which they began',
    );
    table.text('event_id').notNullable();
    table.date('day').notNullable().comment("In the event's time zone");
    table.integer('checkouts').notNullable();
    table.primary(['event_id', 'day']);
  });
  await knex.schema.alterTable('seat_holds', (table) => {
    table.timestamp('claimed_at').comment('Since when it is claimed for the same payment');
  });
  await knex.raw('create index seat_holds_claimed on seat_holds (claimed_at) where claimed_for is not null');
  await knex.schema.alterTable('ended_registrations', (table) => {
    table.text('event_id').comment('Where it ended without an order: what its seat was for');
    table.text('ticket_type_id');
    table.timestamp('begun_at').comment('When its seat was first held');
  });
  await knex.raw(
    'create index ended_registrations_of_event on ended_registrations (event_id) where event_id is not null',
  );
  // Where there is one event, nothing else can have been meant.
  await knex.raw(`
    update ended_registrations r set event_id = (select min(id) from events), begun_at = r.ended_at
    where (select count(*) from events) = 1 and not exists (select from orders o where o.id = r.id)`);
  await knex.raw(
    'create index orders_of_event on orders (event_id, created_at) include (id, ticket_type_id, status, source, amount_minor, currency)',
  );
  await knex.raw(
    'create index orders_paid_elsewhere on orders (event_id) where paypal_capture_id is null and amount_minor > 0',
  );
}

export async function down(knex: Knex): Promise<void> {
  for (const index of ['orders_paid_elsewhere', 'orders_of_event', 'seat_holds_claimed'])
    await knex.raw(`drop index ${index}`);
  await knex.schema.alterTable('ended_registrations', (table) =>
    table.dropColumns('begun_at', 'ticket_type_id', 'event_id'),
  );
  await knex.schema.alterTable('seat_holds', (table) => table.dropColumn('claimed_at'));
  for (const table of ['lapsed_checkouts', 'alert_mails', 'alerts', 'attention_items', 'background_jobs'])
    await knex.schema.dropTable(table);
  for (const table of ['stopped_runs', 'step_outcomes']) await knex.schema.dropTable(table);
}
