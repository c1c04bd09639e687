import type { Knex } from 'knex';

/** What PayPal and SendGrid tell by themselves: events that were acted on, disputes, and mails that did not arrive. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('webhook_events', (table) => {
    table.comment(
      'Events that were acted on, so that the same one again changes nothing: ids and kinds only',
    );
    table.text('vendor').notNullable();
    table.text('id').notNullable();
    table.text('kind').notNullable();
    table.uuid('registration_id').notNullable();
    table.timestamp('at').notNullable().defaultTo(knex.raw('clock_timestamp()')).index();
    table.primary(['vendor', 'id']);
    table.check("vendor in ('PayPal', 'SendGrid')", [], 'webhook_events_vendor');
  });

  await knex.schema.createTable('disputes', (table) => {
    table.comment('Payments that a payer disputes at PayPal or at the bank');
    table.text('id').notNullable().comment("PayPal's");
    table.text('paypal_capture_id').notNullable();
    table.uuid('registration_id').notNullable().index();
    table.text('reason').notNullable().comment("PayPal's word");
    table.integer('amount_minor').notNullable();
    table.specificType('currency', 'char(3)').notNullable();
    table.text('status').notNullable().comment("PayPal's word, such as WAITING_FOR_SELLER_RESPONSE");
    table.text('outcome').comment("PayPal's word for how it ended");
    table.timestamp('opened_at').notNullable();
    table.timestamp('closed_at').comment('Null while it is open');
    table
      .timestamp('changed_at')
      .notNullable()
      .comment('When it changed last at PayPal: an older reading does not count');
    table.primary(['id', 'paypal_capture_id']);
  });
  await knex.raw('create index disputes_open on disputes (registration_id) where closed_at is null');

  await knex.schema.createTable('mail_problems', (table) => {
    table.comment('Mails that did not arrive or were not wanted. The address is not stored');
    table.text('sg_event_id').primary().comment("SendGrid's");
    table.uuid('registration_id').notNullable();
    table.text('kind').notNullable();
    table.text('category').notNullable().comment('Which mail, such as confirmation');
    table.text('code').comment("SendGrid's short word: the type of a bounce, and its status, such as 5.1.1");
    table.timestamp('at').notNullable().comment('When it happened, as SendGrid says');
    table.timestamp('noted_at').notNullable().defaultTo(knex.raw('clock_timestamp()'));
    table.timestamp('cleared_at').comment('When a mail has arrived since, or went to a corrected address');
    table.index(['registration_id', 'at']);
    table.check("kind in ('bounce', 'dropped', 'spamreport')", [], 'mail_problems_kind');
  });
  await knex.raw(
    'create index mail_problems_open on mail_problems (registration_id) where cleared_at is null',
  );

  await knex.schema.createTable('mail_deliveries', (table) => {
    table.comment('When the last mail of a kind about a registration has arrived');
    table.uuid('registration_id').notNullable();
    table.text('category').notNullable();
    table.timestamp('at').notNullable();
    table.primary(['registration_id', 'category']);
  });

  await knex.schema.alterTable('refunds', (table) => {
    table
      .boolean('reversed')
      .notNullable()
      .defaultTo(false)
      .comment('Whether PayPal or the bank took the money back, and nobody refunded it');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('refunds', (table) => table.dropColumn('reversed'));
  for (const table of ['mail_deliveries', 'mail_problems', 'disputes', 'webhook_events'])
    await knex.schema.dropTable(table);
}
