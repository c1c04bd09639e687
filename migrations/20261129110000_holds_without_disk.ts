import type { Knex } from 'knex';
import { createHoldThatWaits } from './20261128105000_event_editor.ts';

/**
 * The hold of a ticket that is paid for does not wait for the disk while it has the row of the ticket type, for which everybody else waits.
 * A crash of the database can take back the last moments of what was not waited for, never something in between: whatever was
 * committed later, and waited, is on disk only with all that came before. So no seat is sold twice.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create or replace function hold_new_seat(registration text, event text, ticket_type text, minutes integer, owner jsonb)
    returns table (outcome text, amount_minor integer, currency char(3), held_until timestamptz)
    language plpgsql as $$
    declare
      type record;
      unlimited boolean;
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
        if turn = 2 and unlimited then
          perform from ticket_types t where t.event_id = event and t.id = ticket_type for key share;
        elsif turn = 2 then
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
        -- It was limited since, so it needs the other lock, and the ordinary way of a transaction.
        if turn = 2 and unlimited and type.free is not null then
          return;
        end if;
        unlimited := type.free is null;
        continue when turn = 1 and unlimited;
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
      end loop;
      if type.price_minor = 0 and owner->>'addressKey' is not null then
        insert into free_registrations (id, event_id, ticket_type_id, address_key, person_key)
        values (registration::uuid, event, ticket_type, owner->>'addressKey', owner->>'personKey')
        on conflict do nothing;
      end if;
      -- Nobody is answered before the PayPal order is noted, and that waits until both are on disk.
      if type.price_minor > 0 then
        perform set_config('synchronous_commit', 'off', true);
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
  await createHoldThatWaits(knex);
}
