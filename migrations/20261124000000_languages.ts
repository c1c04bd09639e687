import type { Knex } from 'knex';

/** Mails are in the language that the attendee registered in. Some countries have no postal codes. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('orders', (table) => {
    table.text('language').notNullable().defaultTo('en').comment('ISO 639-1');
    table.setNullable('postal_code');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex('orders').whereNull('postal_code').update({ postal_code: '' });
  await knex.schema.alterTable('orders', (table) => {
    table.dropNullable('postal_code');
    table.dropColumn('language');
  });
}
