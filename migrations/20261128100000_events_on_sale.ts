import type { Knex } from 'knex';
import { createTicketAvailability } from './20261125120000_availability.ts';
import { createHoldNewSeat } from './20261126000000_checkout_owners.ts';

/**
 * What is on sale: ticket types of a live event that is not over, which are not hidden, within their sale window. The rule is the
 * column `on_sale` of the view `ticket_availability`. And two records: of all money that came in, and of what organizers did that
 * is not about one registration.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('events', (table) => {
    table.text('state').notNullable().defaultTo('live');
    table
      .integer('version')
      .notNullable()
      .defaultTo(1)
      .comment('Changes with each edit, so that of two editors the second one is told');
    table.check("state in ('draft', 'live', 'cancelled')", [], 'events_state');
  });
  await knex.schema.alterTable('ticket_types', (table) => {
    table.timestamp('sale_starts_at').comment('Null: at once');
    table.timestamp('sale_ends_at').comment('Null: until the event is over');
    table.boolean('hidden').notNullable().defaultTo(false).comment('Neither shown nor sold');
    table.check('sale_ends_at > sale_starts_at', [], 'ticket_types_sale_ends_after_start');
  });
  // A view is extended at its end only.
  await knex.raw(`
    create or replace view ticket_availability as
    select t.event_id, t.id as ticket_type_id,
      case when t.capacity is not null then
        t.capacity - t.sold - (
          select count(*) from live_holds h where h.event_id = t.event_id and h.ticket_type_id = t.id)::integer
      end as free,
      t.sold >= t.capacity as sold_out,
      e.state = 'live' and e.ends_at > clock_timestamp() and not t.hidden
        and coalesce(t.sale_starts_at <= clock_timestamp(), true)
        and coalesce(t.sale_ends_at > clock_timestamp(), true) as on_sale
    from ticket_types t join events e on e.id = t.event_id`);
  await createHoldOnSale(knex);

  await knex.schema.createTable('captures', (table) => {
    table.comment('Payments that PayPal has captured, also of registrations that were undone');
    table.text('paypal_capture_id').primary();
    table.uuid('registration_id').notNullable().index();
    table.text('paypal_order_id');
    table.integer('amount_minor').notNullable();
    table.specificType('currency', 'char(3)').notNullable();
    table.integer('fee_minor').comment("PayPal's fee, in the same currency; null until it is known");
    table.timestamp('captured_at').notNullable().index();
  });
  await knex.raw(`
    insert into captures (paypal_capture_id, registration_id, paypal_order_id, amount_minor, currency, captured_at)
    select paypal_capture_id, id, paypal_order_id, amount_minor, currency, paid_at
    from orders where paypal_capture_id is not null
    union all
    select r.paypal_capture_id, r.registration_id, min(r.paypal_order_id), sum(r.amount_minor)::integer, r.currency, min(r.asked_at)
    from refunds r
    where not exists (select from orders o where o.paypal_capture_id = r.paypal_capture_id) and r.state <> 'refused'
    group by r.paypal_capture_id, r.registration_id, r.currency`);

  await knex.schema.createTable('organizer_events', (table) => {
    table.comment(
      'What organizers did that is not about one registration: append-only, without personal data',
    );
    table.specificType('position', 'bigint generated always as identity').primary();
    table.timestamp('at').notNullable().defaultTo(knex.raw('clock_timestamp()'));
    table.text('kind').notNullable();
    table.uuid('organizer_id').comment('Who did it; null for the service itself');
    table.text('event_id').comment('The event that it is about');
    table.uuid('action');
    table.jsonb('facts').notNullable().defaultTo('{}');
    table.index(['event_id', 'position']);
  });
  await knex.raw(`
    create function refuse_any_change() returns trigger language plpgsql as $$
    begin
      raise exception 'The history of the desk is append-only';
    end $$`);
  await knex.raw(`
    create trigger organizer_events_append_only before update or delete on organizer_events
    for each row execute function refuse_any_change()`);
}

/** The first hold of a registration, of what is on sale. A later migration takes it back to this. */
export async function createHoldOnSale(knex: Knex): Promise<void> {
  await knex.raw(`
    create or replace function hold_new_seat(registration text, event text, ticket_type text, minutes integer, owner jsonb)
    returns table (outcome text, amount_minor integer, currency char(3), held_until timestamptz)
    language plpgsql as $$
    declare
      type record;
      refusal text;
    begin
      perform pg_advisory_xact_lock(hashtextextended(registration, 0));
      if exists (select from seat_holds h where h.id = registration::uuid)
        or exists (select from orders o where o.id = registration::uuid)
        or exists (select from ended_registrations r where r.id = registration::uuid) then
        return;
      end if;
      -- In a rush, most people are refused in the first turn, without waiting for the row.
      for turn in 1..2 loop
        if turn = 2 then
          perform from ticket_types t where t.event_id = event and t.id = ticket_type for update;
        end if;
        select t.price_minor, e.currency, a.free, a.sold_out into type
        from ticket_types t
        join events e on e.id = t.event_id
        join ticket_availability a on a.event_id = t.event_id and a.ticket_type_id = t.id
        where t.event_id = event and t.id = ticket_type and a.on_sale;
        if not found then
          return query select 'unknown-ticket-type', 0, ''::char(3), null::timestamptz;
          return;
        end if;
        if type.free <= 0 then
          return query select case when type.sold_out then 'sold-out' else 'all-held' end,
            0, ''::char(3), null::timestamptz;
          return;
        end if;
        refusal := refused_by_limits(registration::uuid, event, ticket_type, type.price_minor, type.free, owner);
        if refusal is not null then
          return query select refusal, 0, ''::char(3), null::timestamptz;
          return;
        end if;
        exit when type.free is null;
      end loop;
      if type.price_minor = 0 and owner->>'addressKey' is not null then
        insert into free_registrations (id, event_id, ticket_type_id, address_key, person_key)
        values (registration::uuid, event, ticket_type, owner->>'addressKey', owner->>'personKey')
        on conflict do nothing;
      end if;
      return query
        insert into seat_holds as h (id, event_id, ticket_type_id, amount_minor, currency, held_until,
          secret_hash, email_hash, address_key, person_key)
        values (registration::uuid, event, ticket_type, type.price_minor, type.currency,
          clock_timestamp() + make_interval(mins => minutes),
          owner->>'secretHash', owner->>'emailHash', owner->>'addressKey', owner->>'personKey')
        returning 'held', h.amount_minor, h.currency, h.held_until;
    end $$`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('organizer_events');
  await knex.raw('drop function refuse_any_change');
  await knex.schema.dropTable('captures');
  await createHoldNewSeat(knex);
  // A view cannot lose a column.
  await knex.raw('drop view ticket_availability');
  await createTicketAvailability(knex);
  await knex.schema.alterTable('ticket_types', (table) => {
    table.dropChecks('ticket_types_sale_ends_after_start');
    table.dropColumns('hidden', 'sale_ends_at', 'sale_starts_at');
  });
  await knex.schema.alterTable('events', (table) => {
    table.dropChecks('events_state');
    table.dropColumns('version', 'state');
  });
}
