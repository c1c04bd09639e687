import type { Knex } from 'knex';

/** Events that are cancelled, and what becomes of each of their registrations. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('event_cancellations', (table) => {
    table.comment('Events that an organizer has cancelled, and how far their run is');
    table.text('event_id').primary().references('events.id');
    table.uuid('organizer_id').notNullable().comment('Who cancelled it');
    table.timestamp('asked_at').notNullable().defaultTo(knex.raw('clock_timestamp()'));
    table
      .integer('round')
      .notNullable()
      .defaultTo(1)
      .comment('Counts how often the run was begun or resumed');
    table.text('paused').comment('Why nothing new is begun; null while it goes on');
    table.integer('pauses').notNullable().defaultTo(0).comment('How often money was missing');
    table.timestamp('finished_at');
    table.check("paused in ('organizer', 'funds')", [], 'event_cancellations_paused');
  });
  await knex.schema.createTable('cancelled_registrations', (table) => {
    table.comment('Registrations that end because their event is cancelled');
    table.uuid('registration_id').primary();
    table.text('event_id').notNullable().references('event_id').inTable('event_cancellations').index();
    table.uuid('action').notNullable().unique().comment('Of its refund or its cancellation');
    table.text('does').comment('What was begun last');
    table.integer('round').comment('In which round it was begun last');
    table.timestamp('begun_at').comment('When it was begun last; null: not yet');
    table.check("does in ('refund', 'cancel')", [], 'cancelled_registrations_does');
  });
  // A name-based UUID of version 8 (RFC 9562, B.2): whoever asks again for the same registration asks under the same name.
  await knex.raw(`
    create function cancellation_action(event text, registration uuid, round integer default null) returns uuid
    language sql immutable as $$
      select (substr(hex, 1, 12) || '8' || substr(hex, 14, 3) || '8' || substr(hex, 18, 15))::uuid
      from encode(sha256(convert_to(
        concat_ws(' ', 'event cancelled', event, registration::text, round::text), 'UTF8')), 'hex') hex
    $$`);
  await knex.raw(`
    create view cancellation_states as
    select c.event_id, c.registration_id, c.action, c.does, c.round, c.begun_at,
      o.ticket_type_id, o.reference, o.currency,
      o.status = 'confirmed' as is_confirmed, h.id is not null as is_held,
      coalesce(h.ticket_type_id, o.ticket_type_id) as ticket_type,
      m.left_minor, m.is_asked, coalesce(r.state = 'asked', false) as is_refunding, r.word,
      coalesce(r.settled_at >= c.begun_at, false) as is_answered,
      case
        when o.status = 'confirmed' and r.state = 'refused' and m.left_minor > 0 then 'refused'
        when o.status = 'confirmed' or (o.id is null and h.id is not null) or r.state = 'asked' then 'left'
        else 'done'
      end as state,
      coalesce(o.status = 'confirmed' and r.state = 'refused' and r.word = 'REFUND_FAILED_INSUFFICIENT_FUNDS'
        and r.amount_minor <= m.left_minor, false) as lacks_funds
    from cancelled_registrations c
    left join orders o on o.id = c.registration_id
    left join seat_holds h on h.id = c.registration_id
    left join refunds r on r.action = c.action
    left join lateral (
      select case when o.paypal_capture_id is null then 0
          else o.amount_minor - coalesce(sum(f.amount_minor) filter (where f.state <> 'refused'), 0)
        end::integer as left_minor,
        coalesce(bool_or(f.state = 'asked'), false) as is_asked
      from refunds f where f.registration_id = c.registration_id) m on true`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop view cancellation_states');
  await knex.schema.dropTable('cancelled_registrations');
  await knex.schema.dropTable('event_cancellations');
  await knex.raw('drop function cancellation_action');
}
