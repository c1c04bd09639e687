import type { Knex } from 'knex';

/** The columns that tell about a person. The country is not one of them, because it decides about taxes. */
const PERSONAL = ['first_name', 'last_name', 'email', 'address_line1', 'city'];

/** An order stays when its person is erased: accounting needs what was paid, and when, for years. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('orders', (table) => {
    table.timestamp('erased_at').comment('When the personal data was taken out');
    for (const column of PERSONAL) table.setNullable(column);
    const all = (state: string) => PERSONAL.map((column) => `${column} is ${state}`).join(' and ');
    table.check(
      `case when erased_at is null then ${all('not null')} else ${all('null')} end`,
      [],
      'orders_whole_or_erased',
    );
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('orders', (table) => {
    table.dropChecks('orders_whole_or_erased');
  });
  await knex('orders')
    .whereNotNull('erased_at')
    .update(Object.fromEntries(PERSONAL.map((column) => [column, ''])));
  await knex.schema.alterTable('orders', (table) => {
    for (const column of PERSONAL) table.dropNullable(column);
    table.dropColumn('erased_at');
  });
}
