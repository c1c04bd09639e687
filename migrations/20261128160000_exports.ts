import type { Knex } from 'knex';

/** What the export of money needs: PayPal's fees and times, the event of each payment, and when PayPal was asked for a fee. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('captures', (table) => {
    table.text('event_id').comment('Null where the registration ended before this was recorded');
    table.timestamp('fee_asked_at').comment('When PayPal was last asked for the fee by itself');
  });
  await knex.raw(
    'update captures c set event_id = o.event_id from orders o where o.id = c.registration_id and c.event_id is null',
  );
  await knex.raw('create index captures_without_fee on captures (fee_asked_at) where fee_minor is null');
  await knex.schema.alterTable('refunds', (table) => {
    table
      .integer('fee_minor')
      .comment("What PayPal gave back of its fee, in the refund's currency; null until known");
    table.timestamp('made_at').comment("PayPal's time of the refund; null where it did not say");
    table.timestamp('fee_asked_at').comment('When PayPal was last asked for the fee by itself');
  });
  await knex.raw(`create index refunds_without_fee on refunds (fee_asked_at)
    where fee_minor is null and state = 'done' and paypal_refund_id is not null`);
  // The page of exports finds the end of each download by its action.
  await knex.raw(
    "create index organizer_events_exported on organizer_events (action) where kind = 'exported'",
  );
  await knex.raw(
    "create index organizer_events_export_begun on organizer_events (position) where kind = 'export-begun'",
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index organizer_events_export_begun, organizer_events_exported');
  await knex.schema.alterTable('refunds', (table) =>
    table.dropColumns('fee_minor', 'made_at', 'fee_asked_at'),
  );
  await knex.schema.alterTable('captures', (table) => table.dropColumns('event_id', 'fee_asked_at'));
}
