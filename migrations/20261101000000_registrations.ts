import type { Knex } from 'knex';

/** Events, their ticket types, the seats that registrations hold or claim, and the orders that they become. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('events', (table) => {
    table.text('id').primary();
    table.text('name').notNullable();
    table.timestamp('starts_at').notNullable();
    table.timestamp('ends_at').notNullable();
    table.text('time_zone').notNullable();
    table.text('venue').notNullable();
    table.specificType('currency', 'char(3)').notNullable();
    table
      .text('seller')
      .notNullable()
      .comment('Name and address of the seller, one line each, for the receipt');
    table.check('ends_at > starts_at', [], 'events_end_after_start');
  });

  await knex.schema.createTable('ticket_types', (table) => {
    table.text('event_id').notNullable().references('events.id');
    table.text('id').notNullable();
    table.text('name').notNullable();
    table.integer('position').notNullable().defaultTo(0);
    table.integer('price_minor').notNullable().comment('In the smallest unit of the currency of the event');
    table.integer('capacity').comment('Null: unlimited');
    table.integer('sold').notNullable().defaultTo(0);
    table.primary(['event_id', 'id']);
    table.check('price_minor >= 0', [], 'ticket_types_price_not_negative');
    table.check('sold >= 0 and (capacity is null or sold <= capacity)', [], 'ticket_types_never_oversold');
  });

  await knex.schema.createTable('seat_holds', (table) => {
    table.uuid('id').primary().comment('The registration');
    table.text('event_id').notNullable();
    table.text('ticket_type_id').notNullable();
    table.integer('amount_minor').notNullable();
    table.specificType('currency', 'char(3)').notNullable();
    table.timestamp('held_until').comment('Null while a payment attempt has claimed the seat');
    table.text('claimed_for').comment('The PayPal order of that attempt, or "free"');
    table.text('paypal_order_id').comment('The PayPal order that is open for the attendee to approve');
    table.timestamp('paypal_order_at');
    table
      .integer('paypal_orders')
      .notNullable()
      .defaultTo(1)
      .comment('How many were asked for: makes each PayPal-Request-Id new');
    table.timestamp('created_at').notNullable().defaultTo(knex.fn.now());
    table.foreign(['event_id', 'ticket_type_id']).references(['event_id', 'id']).inTable('ticket_types');
    table.index(['event_id', 'ticket_type_id', 'held_until']);
    table.check('(held_until is null) = (claimed_for is not null)', [], 'seat_holds_held_or_claimed');
  });

  await knex.schema.createTable('ended_registrations', (table) => {
    table.comment('Registrations that ended without an order: nothing that comes late may bring them back');
    table.uuid('id').primary();
    table.text('status').notNullable();
    table.timestamp('ended_at').notNullable().defaultTo(knex.fn.now());
  });

  await knex.schema.createTable('orders', (table) => {
    table.uuid('id').primary().comment('The registration');
    table.text('reference').notNullable().index();
    table.text('status').notNullable().defaultTo('confirmed');
    table.text('event_id').notNullable();
    table.text('ticket_type_id').notNullable();
    table.text('first_name').notNullable();
    table.text('last_name').notNullable();
    table.text('email').notNullable();
    table.text('organization');
    table.text('address_line1').notNullable();
    table.text('address_line2');
    table.text('city').notNullable();
    table.text('region');
    table.text('postal_code').notNullable();
    table.specificType('country_code', 'char(2)').notNullable();
    table.integer('amount_minor').notNullable();
    table.specificType('currency', 'char(3)').notNullable();
    table.text('paypal_order_id').unique();
    table.text('paypal_capture_id').unique();
    table.timestamp('paid_at').notNullable();
    table.timestamp('newsletter_consent_at');
    table.text('newsletter_wording');
    table.timestamp('created_at').notNullable().defaultTo(knex.fn.now());
    table.timestamp('updated_at').notNullable().defaultTo(knex.fn.now());
    table.foreign(['event_id', 'ticket_type_id']).references(['event_id', 'id']).inTable('ticket_types');
    table.index(['event_id', 'ticket_type_id']);
    table.check("status in ('confirmed', 'refunded', 'cancelled')", [], 'orders_status');
    table.check('amount_minor = 0 or paypal_capture_id is not null', [], 'orders_paid_or_free');
  });
}

export async function down(knex: Knex): Promise<void> {
  for (const table of ['orders', 'ended_registrations', 'seat_holds', 'ticket_types', 'events'])
    await knex.schema.dropTable(table);
}
