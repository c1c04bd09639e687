import type { Knex } from 'knex';

const ADDRESS = ['address_line1', 'city', 'country_code'];
const PERSON = ['first_name', 'last_name', 'email'];
const all = (columns: string[], state: string) =>
  columns.map((column) => `${column} is ${state}`).join(' and ');

/** A free ticket needs no billing address. Whoever pays is still whole, and erased data is gone as before. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('orders', (table) => {
    table.setNullable('country_code');
    table.dropChecks('orders_whole_or_erased');
    table.check(
      `case when erased_at is null then ${all(PERSON, 'not null')} and (amount_minor = 0 or ${all(ADDRESS, 'not null')})
       else ${all([...PERSON, 'address_line1', 'city'], 'null')} end`,
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
    .whereNull('erased_at')
    .whereNull('address_line1')
    .update({ address_line1: '', city: '' });
  await knex('orders').whereNull('country_code').update({ country_code: 'ZZ' });
  await knex.schema.alterTable('orders', (table) => {
    table.dropNullable('country_code');
    const whole = [...PERSON, 'address_line1', 'city'];
    table.check(
      `case when erased_at is null then ${all(whole, 'not null')} else ${all(whole, 'null')} end`,
      [],
      'orders_whole_or_erased',
    );
  });
}
