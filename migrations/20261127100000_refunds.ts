import type { Knex } from 'knex';

/** The ledger of refunds, and the history of each registration. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('refunds', (table) => {
    table.comment('Money that goes back, or went back: never more than was captured');
    table
      .uuid('action')
      .primary()
      .comment('Of the organizer; the registration itself where its own run undoes it');
    table.uuid('registration_id').notNullable();
    table.integer('number').comment('In the PayPal-Request-Id; null for a refund made at PayPal by hand');
    table.text('paypal_capture_id').notNullable();
    table.text('paypal_order_id');
    table.integer('amount_minor').notNullable();
    table.specificType('currency', 'char(3)').notNullable();
    table.boolean('rest').notNullable().comment('Whether it was meant to be everything that was left');
    table.boolean('cancels').notNullable().comment('Whether the registration ends with it');
    table.text('state').notNullable().defaultTo('asked');
    table.text('word').comment('Why PayPal refused it the last time');
    table.text('paypal_refund_id').unique();
    table.timestamp('asked_at').notNullable().defaultTo(knex.raw('clock_timestamp()'));
    table.timestamp('settled_at').comment('When it was done or refused');
    table.unique(['registration_id', 'number']);
    table.check("state in ('asked', 'done', 'refused')", [], 'refunds_state');
    table.check("amount_minor > 0 or (amount_minor = 0 and state = 'done')", [], 'refunds_of_something');
    table.check("state <> 'refused' or word is not null", [], 'refunds_refused_with_a_word');
  });
  await knex.raw("create index refunds_open on refunds (asked_at) where state <> 'done'");

  await knex.schema.createTable('registration_events', (table) => {
    table.comment('What was done about a registration, and by whom: append-only, without personal data');
    table.specificType('position', 'bigint generated always as identity').primary();
    table.uuid('registration_id').notNullable();
    table.timestamp('at').notNullable().defaultTo(knex.raw('clock_timestamp()'));
    table.text('kind').notNullable();
    table.uuid('organizer_id').comment('Who did it; null for the service itself');
    table.uuid('action').comment('What it belongs to, such as a refund');
    table.jsonb('facts').notNullable().defaultTo('{}');
    table.text('text').comment('What an organizer wrote; taken out when the person is erased');
    table.index(['registration_id', 'position']);
  });
  await knex.raw(`
    create function refuse_change() returns trigger language plpgsql as $$
    begin
      if tg_op = 'UPDATE' and new.text is null and to_jsonb(new) - 'text' = to_jsonb(old) - 'text' then
        return new;
      end if;
      raise exception 'The history of a registration is append-only';
    end $$`);
  await knex.raw(`
    create trigger registration_events_append_only before update or delete on registration_events
    for each row execute function refuse_change()`);
  await knex.raw(`
    insert into registration_events (registration_id, at, kind)
    select id, created_at, 'registered' from orders
    union all
    select id, ended_at, status from ended_registrations where status <> 'expired'
    order by 2`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('registration_events');
  await knex.raw('drop function refuse_change');
  await knex.schema.dropTable('refunds');
}
