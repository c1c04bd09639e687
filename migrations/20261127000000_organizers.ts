import type { Knex } from 'knex';

/** Organizers, the links by which they sign in, their sessions, and what they have already done once. */
export async function up(knex: Knex): Promise<void> {
  const organizer = (table: Knex.CreateTableBuilder) =>
    table.uuid('organizer_id').notNullable().references('organizers.id').onDelete('CASCADE');

  await knex.schema.createTable('organizers', (table) => {
    table.uuid('id').primary().defaultTo(knex.fn.uuid());
    table.text('email').notNullable();
    table.text('name').comment('null: only the e-mail address is known');
    table.text('role').notNullable().checkIn(['owner', 'organizer', 'accountant', 'door'], 'organizers_role');
    table.text('language').notNullable().comment('Of the mails; the one of the last sign-in');
    table.timestamp('created_at').notNullable().defaultTo(knex.fn.now());
    table.timestamp('removed_at').comment('The row stays, so that the history says who did what');
  });
  await knex.raw(
    'create unique index organizers_email on organizers (lower(email)) where removed_at is null',
  );

  await knex.schema.createTable('sign_in_links', (table) => {
    table.text('token_hash').primary().comment('Of the token in the link, which is not stored');
    organizer(table).index();
    table.text('request').comment('The run that mailed the link; null for a link that a command printed');
    table.timestamp('created_at').notNullable().defaultTo(knex.fn.now());
    table.timestamp('expires_at').notNullable();
    table.timestamp('used_at');
  });

  await knex.schema.createTable('organizer_sessions', (table) => {
    table.text('token_hash').primary().comment('Of the token in the cookie, which is not stored');
    organizer(table).index();
    table.text('csrf_secret').notNullable();
    table.timestamp('created_at').notNullable().defaultTo(knex.fn.now()).comment('The sign-in');
    table.timestamp('last_seen_at').notNullable().defaultTo(knex.fn.now());
    table.timestamp('expires_at').notNullable();
  });

  await knex.schema.createTable('organizer_actions', (table) => {
    table.comment('What became of an action, so that the same one twice has one effect and one answer');
    organizer(table);
    table.uuid('action').notNullable().comment('Made with the page that has the form');
    table.jsonb('outcome').notNullable();
    table.timestamp('at').notNullable().defaultTo(knex.fn.now());
    table.primary(['organizer_id', 'action']);
  });
}

export async function down(knex: Knex): Promise<void> {
  for (const table of ['organizer_actions', 'organizer_sessions', 'sign_in_links', 'organizers'])
    await knex.schema.dropTable(table);
}
