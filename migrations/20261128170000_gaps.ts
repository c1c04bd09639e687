import type { Knex } from 'knex';

/**
 * A corrected e-mail address changes the audience, too. Until that is done, the order keeps the address of before, and with it since
 * when this service may have added that address.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('orders', (table) => {
    table
      .timestamp('email_since')
      .comment('When an organizer corrected the e-mail address of somebody with a consent to the newsletter');
    table
      .jsonb('former_addresses')
      .notNullable()
      .defaultTo('[]')
      .comment('Addresses of before that may have to leave the audience: action, email, since');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('orders', (table) => table.dropColumns('former_addresses', 'email_since'));
}
