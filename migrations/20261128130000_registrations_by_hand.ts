import type { Knex } from 'knex';

const ADDRESS = ['address_line1', 'city', 'country_code'];
const PERSON = ['first_name', 'last_name', 'email'];
const all = (columns: string[], state: string) =>
  columns.map((column) => `${column} is ${state}`).join(' and ');
const wholeOrErased = (needsAddress: string) =>
  `case when erased_at is null then ${all(PERSON, 'not null')} and (not (${needsAddress}) or ${all(ADDRESS, 'not null')})
   else ${all([...PERSON, 'address_line1', 'city'], 'null')} end`;

/**
 * Registrations that organizers add, one by one or from a file; and for each order, where it came from and how it was paid. A
 * payment follows from the rest of its row, so that no version of the service can store one that contradicts it.
 */
export async function up(knex: Knex): Promise<void> {
  // The table is written anew, which takes longer than a statement of the service may.
  await knex.raw('set local statement_timeout = 0');
  await knex.schema.alterTable('orders', (table) => {
    table.text('source').notNullable().defaultTo('form');
    table.check("source in ('form', 'by-hand', 'import')", [], 'orders_source');
  });
  await knex.raw(`
    alter table orders add column payment text not null generated always as (
      case when paypal_capture_id is not null then 'paypal' when amount_minor > 0 then 'elsewhere' else 'none' end) stored`);
  await knex.schema.alterTable('orders', (table) => {
    for (const check of ['orders_paid_or_free', 'orders_whole_or_erased']) table.dropChecks(check);
    // Whoever registers with the form pays through PayPal. What organizers add is never paid there.
    table.check(
      `case when source = 'form' then amount_minor = 0 or paypal_capture_id is not null else paypal_capture_id is null end`,
      [],
      'orders_paid_or_free',
    );
    table.check(wholeOrErased('paypal_capture_id is not null'), [], 'orders_whole_or_erased');
  });

  await knex.schema.createTable('import_keys', (table) => {
    table.comment('With these, the identities of imported rows are made; deleted when the event is over');
    table.text('event_id').primary();
    table.binary('key').notNullable();
  });
  await knex.schema.createTable('imports', (table) => {
    table.comment(
      'Files of registrations; what they say about people is deleted as soon as it is not needed',
    );
    table.uuid('id').primary();
    table.text('event_id').notNullable().index();
    table.uuid('organizer_id').notNullable();
    table.text('state').notNullable().defaultTo('checked');
    table.jsonb('report').comment('What the check has found; null once the import is done');
    table.timestamp('created_at').notNullable().defaultTo(knex.fn.now()).index();
    table.timestamp('confirmed_at');
    table.timestamp('finished_at');
    table.check("state in ('checked', 'running', 'done')", [], 'imports_state');
    table.check("(state = 'done') = (report is null)", [], 'imports_report_until_done');
  });
  await knex.schema.createTable('additions', (table) => {
    table.comment('Registrations that organizers add; who it is for is in the order once it is saved');
    table.uuid('id').primary().comment('The registration');
    table.uuid('import_id').references('imports.id').onDelete('CASCADE').comment('Null: added by hand');
    table.integer('line').comment('In the file');
    table.uuid('organizer_id').notNullable();
    table.uuid('action').notNullable();
    table.text('event_id').notNullable();
    table.text('ticket_type_id').notNullable();
    table.text('first_name');
    table.text('last_name');
    table.text('email');
    table.text('organization');
    table.text('note');
    table.integer('amount_minor').notNullable();
    table.specificType('currency', 'char(3)').notNullable();
    table.text('language').notNullable();
    table.text('identity').comment('A keyed hash of who it is for, so that no import adds anybody twice');
    table.text('state').notNullable().defaultTo('waiting');
    table.text('reason').comment('Why nobody was added');
    table
      .boolean('has_run')
      .notNullable()
      .defaultTo(false)
      .comment('Whether the run that sends the mail exists');
    table.timestamp('created_at').notNullable().defaultTo(knex.fn.now()).index();
    table.index(['import_id', 'line']);
    table.check("state in ('waiting', 'added', 'failed')", [], 'additions_state');
    table.check("(state = 'failed') = (reason is not null)", [], 'additions_failed_with_a_reason');
    table.check(
      `case when state = 'waiting' then ${all(PERSON, 'not null')} else ${all([...PERSON, 'organization', 'note'], 'null')} end`,
      [],
      'additions_person_until_decided',
    );
  });
  await knex.raw("create unique index additions_once on additions (identity) where state = 'added'");
}

/** Orders that organizers have added do not fit into the former tables: their payment counts as none, their address as unknown. */
export async function down(knex: Knex): Promise<void> {
  for (const table of ['additions', 'imports', 'import_keys']) await knex.schema.dropTable(table);
  await knex.schema.alterTable('orders', (table) => {
    for (const check of ['orders_paid_or_free', 'orders_whole_or_erased', 'orders_source'])
      table.dropChecks(check);
  });
  await knex('orders').where({ payment: 'elsewhere' }).update({ amount_minor: 0 });
  await knex.schema.alterTable('orders', (table) => {
    table.dropColumns('payment', 'source');
    table.check('amount_minor = 0 or paypal_capture_id is not null', [], 'orders_paid_or_free');
    table.check(wholeOrErased('amount_minor > 0'), [], 'orders_whole_or_erased');
  });
}
