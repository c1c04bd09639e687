import type { Knex } from 'knex';

/**
 * Questions that organizers ask in the form of an event, and the answers. A question is never deleted, because answers are to stay
 * readable: it is retired.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('questions', (table) => {
    table.comment('What organizers ask in the form of an event, in their own words');
    table.text('event_id').notNullable().references('events.id').onDelete('cascade');
    table.text('id').notNullable().comment('Within the event; the key of the answers');
    table.integer('position').notNullable();
    table.text('kind').notNullable();
    table.text('label').notNullable();
    table.jsonb('choices').comment('Of a choice: texts, which are the answers');
    table.boolean('required').notNullable().defaultTo(false);
    table.jsonb('ticket_type_ids').comment('Ids of the ticket types that it is asked for; null for all');
    table.timestamp('created_at').notNullable().defaultTo(knex.fn.now());
    table.timestamp('removed_at').comment('Since when it is not asked any more');
    table.primary(['event_id', 'id']);
    table.check("kind in ('text', 'choice', 'checkbox')", [], 'questions_kind');
    table.check("(kind = 'choice') = (choices is not null)", [], 'questions_choices');
  });
  await knex.schema.alterTable('orders', (table) => {
    table.jsonb('answers').comment('Ids of questions with a text, a choice, or true or false; null for none');
    table.check('answers is null or erased_at is null', [], 'orders_erased_without_answers');
  });
  // A query for an answer can use it, because it never finds an order without any.
  await knex.raw(
    'create index orders_answers on orders using gin (answers jsonb_path_ops) where answers is not null',
  );
  await knex.schema.alterTable('seat_holds', (table) => {
    table.text('answers_hash').comment('Recognizes the answers that were accepted with the hold');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('seat_holds', (table) => table.dropColumn('answers_hash'));
  await knex.raw('drop index orders_answers');
  await knex.schema.alterTable('orders', (table) => {
    table.dropChecks('orders_erased_without_answers');
    table.dropColumn('answers');
  });
  await knex.schema.dropTable('questions');
}
