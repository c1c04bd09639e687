import type { Knex } from 'knex';
import { up as createAvailability } from './20261125120000_availability.ts';

/**
 * Whose a hold is, how many seats one owner may hold, and ticket types that ask for a confirmed e-mail address. Owners are
 * hashes (src/database/seats/owner.ts).
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('seat_holds', (table) => {
    table.text('secret_hash').comment('Of the secret that the browser got; null until it has one');
    table.text('email_hash').comment('Of the e-mail address in the last form');
    table.text('address_key').comment('Of the IP address; null where no limits apply');
    table.text('person_key').comment('Of the IP address and the e-mail address together');
    table.timestamp('held_since').notNullable().defaultTo(knex.fn.now()).comment('A hold has a longest life');
    table
      .uuid('confirmation_token')
      .notNullable()
      .defaultTo(knex.fn.uuid())
      .comment('In the link that confirms the e-mail address');
    table.index(['address_key', 'event_id']);
  });
  await knex.schema.alterTable('ticket_types', (table) => {
    table
      .boolean('confirm_email')
      .notNullable()
      .defaultTo(false)
      .comment('Whether a registration waits until its e-mail address is confirmed');
  });
  await knex.schema.alterTable('orders', (table) => {
    table.boolean('email_confirmed').notNullable().defaultTo(false);
    table
      .timestamp('in_audience_since')
      .comment('When an erased registration with the same address consented to the newsletter');
  });
  await knex.schema.createTable('free_registrations', (table) => {
    table.comment('Who held free tickets within the last day, for the limits; deleted after that');
    table.uuid('id').primary();
    table.text('event_id').notNullable();
    table.text('ticket_type_id').notNullable();
    table.text('address_key').notNullable();
    table.text('person_key').notNullable();
    table.timestamp('at').notNullable().defaultTo(knex.fn.now());
    table.index(['address_key', 'at']);
  });
  await knex.schema.createTable('recipient_mails', (table) => {
    table.comment('Mails that nobody paid for, within the last day, for the limit per recipient');
    table.text('recipient').notNullable().comment('A hash of the e-mail address');
    table.text('mail').notNullable();
    table.timestamp('at').notNullable().defaultTo(knex.fn.now());
    table.primary(['recipient', 'mail']);
  });

  // A view has the columns that its table had when it was made.
  await knex.raw(`
    create or replace view live_holds as
    select * from seat_holds where claimed_for is not null or held_until > clock_timestamp()`);
  await knex.raw(`
    create function refused_by_limits(registration uuid, event text, ticket_type text, price integer, free integer, owner jsonb)
    returns text language plpgsql stable as $$
    declare
      held record;
      registered record;
    begin
      if owner->>'addressKey' is null then
        return null;
      end if;
      select count(*) as by_address,
        count(*) filter (where h.person_key = owner->>'personKey') as by_person,
        count(*) filter (where h.ticket_type_id = ticket_type) as of_type
      into held from live_holds h
      where h.event_id = event and h.address_key = owner->>'addressKey' and h.id <> registration;
      select count(*) as by_address,
        count(*) filter (where f.person_key = owner->>'personKey') as by_person,
        count(*) filter (where f.ticket_type_id = ticket_type) as of_type
      into registered from free_registrations f
      where price = 0 and f.address_key = owner->>'addressKey' and f.at > clock_timestamp() - interval '1 day'
        and f.id <> registration and exists (select from orders o where o.id = f.id and o.status = 'confirmed');
      if price = 0 and (held.by_address + registered.by_address >= (owner->>'freePerAddress')::integer
        or held.by_person + registered.by_person >= (owner->>'freePerEmail')::integer) then
        return 'too-many-free';
      end if;
      -- Seats without a limit are not scarce. Of the others, nobody gets more than a share of what is left.
      if free is not null and (held.by_address >= (owner->>'holdsPerAddress')::integer
        or held.by_person >= (owner->>'holdsPerEmail')::integer
        or held.of_type + registered.of_type >= greatest((owner->>'fewSeats')::integer,
          (free + held.of_type) / (owner->>'shareOfSeats')::integer)) then
        return 'too-many-holds';
      end if;
      return null;
    end $$`);
  await createHoldNewSeat(knex);
  // An api of the former version may still run beside this one. Its holds have no owner.
  await knex.raw(`
    create or replace function hold_new_seat(registration text, event text, ticket_type text, minutes integer)
    returns table (outcome text, amount_minor integer, currency char(3), held_until timestamptz)
    language sql as $$ select * from hold_new_seat(registration, event, ticket_type, minutes, '{}') $$`);
}

/** The first hold of a registration, with its owner. A later migration takes it back to this. */
export async function createHoldNewSeat(knex: Knex): Promise<void> {
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
        where t.event_id = event and t.id = ticket_type and e.ends_at > clock_timestamp();
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
  await knex.raw('drop function hold_new_seat(text, text, text, integer)');
  await knex.raw('drop function hold_new_seat(text, text, text, integer, jsonb)');
  await knex.raw('drop function refused_by_limits');
  await knex.raw('drop view ticket_availability');
  await knex.raw('drop view live_holds');
  await knex.schema.dropTable('recipient_mails');
  await knex.schema.dropTable('free_registrations');
  await knex.schema.alterTable('orders', (table) => {
    table.dropColumns('email_confirmed', 'in_audience_since');
  });
  await knex.schema.alterTable('ticket_types', (table) => table.dropColumn('confirm_email'));
  await knex.schema.alterTable('seat_holds', (table) => {
    table.dropIndex(['address_key', 'event_id']);
    table.dropColumns(
      ...['secret_hash', 'email_hash', 'address_key', 'person_key', 'held_since', 'confirmation_token'],
    );
  });
  await createAvailability(knex);
}
