import type { Knex } from 'knex';
import { up as createHoldNewSeat } from './20261125000000_hold_new_seat.ts';

/**
 * The rule of capacity, `sold + live holds <= capacity`, written once: what a live hold is, and how many seats are free. The
 * function `hold_new_seat` and every query of the service use these two views.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create view live_holds as
    select * from seat_holds where claimed_for is not null or held_until > clock_timestamp()`);
  await knex.raw(`
    comment on view live_holds is
    'Seats that are held now, or claimed by a payment in flight. A hold that has lapsed does not count.'`);
  await createTicketAvailability(knex);
  await knex.raw(`
    create or replace function hold_new_seat(registration text, event text, ticket_type text, minutes integer)
    returns table (outcome text, amount_minor integer, currency char(3), held_until timestamptz)
    language plpgsql as $$
    declare
      type record;
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
        exit when type.free is null;
        if type.free <= 0 then
          return query select case when type.sold_out then 'sold-out' else 'all-held' end,
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

/** How many seats are free. A later migration takes the view back to this. */
export async function createTicketAvailability(knex: Knex): Promise<void> {
  // The case expressions keep holds of unlimited ticket types uncounted.
  await knex.raw(`
    create view ticket_availability as
    select event_id, id as ticket_type_id,
      case when capacity is not null then
        capacity - sold - (
          select count(*) from live_holds h where h.event_id = t.event_id and h.ticket_type_id = t.id)::integer
      end as free,
      sold >= capacity as sold_out
    from ticket_types t`);
  await knex.raw(`
    comment on view ticket_availability is
    'Free seats: capacity minus sold minus live holds, null without a limit. Below zero would mean oversold.'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop function hold_new_seat');
  await knex.raw('drop view ticket_availability');
  await knex.raw('drop view live_holds');
  await createHoldNewSeat(knex);
}
