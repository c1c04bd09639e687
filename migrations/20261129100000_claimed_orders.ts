import type { Knex } from 'knex';

/**
 * A claim keeps what is bought with it, so that a payment is not left without its order when Temporal has lost the run. Workers of the
 * version before do not write the column, and drop it with the row.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('seat_holds', (table) => {
    table
      .binary('claimed_order')
      .comment('While it is claimed for a payment: the order, encrypted where ENCRYPTION_KEY is set');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('seat_holds', (table) => table.dropColumn('claimed_order'));
}
