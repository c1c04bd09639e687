import type { Knex } from 'knex';

/**
 * The first hold of a registration, decided inside the database. In a rush everybody waits for the row of the ticket type. A
 * function locks it for two statements, and not also for their round trips to a busy process.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create function hold_new_seat(registration text, event text, ticket_type text, minutes integer)
    returns table (outcome text, amount_minor integer, currency char(3), held_until timestamptz)
    language plpgsql as $$
    declare
      type record;
      taken bigint;
    begin
      perform pg_advisory_xact_lock(hashtextextended(registration, 0));
      if exists (select from seat_holds h where h.id = registration::uuid)
        or exists (select from orders o where o.id = registration::uuid)
        or exists (select from ended_registrations r where r.id = registration::uuid) then
        return;
      end if;
      -- Twice: nearly all of a rush are told at the first time, without waiting for the row.
      for turn in 1..2 loop
        if turn = 2 then
          perform from ticket_types t where t.event_id = event and t.id = ticket_type for update;
        end if;
        select t.price_minor, t.capacity, t.sold, e.currency into type
        from ticket_types t join events e on e.id = t.event_id
        where t.event_id = event and t.id = ticket_type and e.ends_at > clock_timestamp();
        if not found then
          return query select 'unknown-ticket-type', 0, ''::char(3), null::timestamptz;
          return;
        end if;
        exit when type.capacity is null;
        select count(*) into taken from seat_holds h
        where h.event_id = event and h.ticket_type_id = ticket_type
          and (h.held_until is null or h.held_until > clock_timestamp());
        if type.sold + taken >= type.capacity then
          return query select case when type.sold >= type.capacity then 'sold-out' else 'all-held' end,
            0, ''::char(3), null::timestamptz;
          return;
        end if;
      end loop;
      return query
        insert into seat_holds as h (id, event_id, ticket_type_id, amount_minor, currency, held_until)
        values (registration::uuid, event, ticket_type, type.price_minor, type.currency,
          clock_timestamp() + make_interval(mins => minutes))
        returning 'held', h.amount_minor, h.currency, h.held_until;
    end $$`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop function hold_new_seat');
}
