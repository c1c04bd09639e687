import type { Knex } from 'knex';
import { up as createHoldWithoutDisk } from './20261129110000_holds_without_disk.ts';

/**
 * A bound for the live holds of a ticket type, so that a hold need not count them while there is certainly a seat.
 *
 * `held_at_most` never falls when a hold lapses, ends or is sold: it is at least the number of live holds, and no more is needed to say that a
 * seat is free. It grows whenever a hold begins to live, by triggers, so that no path can forget it. Where it leaves no seat, the holds
 * are counted as before, and the bound becomes that number. Nothing but a hold that begins writes it, which has the row of its ticket type
 * anyway, so that nobody waits for another row than before.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('ticket_types', (table) => {
    table
      .integer('held_at_most')
      .comment('At least the number of live holds; null while it is not known, and without a limit');
  });
  await knex.raw(`
    create function count_new_holds() returns trigger language plpgsql as $$
    begin
      update ticket_types t set held_at_most = t.held_at_most + n.holds
      from (select event_id, ticket_type_id, count(*)::integer as holds from new_holds group by 1, 2) as n
      where t.event_id = n.event_id and t.id = n.ticket_type_id and t.capacity is not null;
      return null;
    end $$`);
  await knex.raw(`
    create trigger count_new_holds after insert on seat_holds
    referencing new table as new_holds for each statement execute function count_new_holds()`);
  await knex.raw(`
    create function count_revived_hold() returns trigger language plpgsql as $$
    begin
      update ticket_types t set held_at_most = t.held_at_most + 1
      where t.event_id = new.event_id and t.id = new.ticket_type_id and t.capacity is not null;
      return null;
    end $$`);
  // It had lapsed, or is of another ticket type now. A hold that goes on, or is claimed, was counted when it began.
  await knex.raw(`
    create trigger count_revived_hold after update on seat_holds for each row
    when (old.event_id <> new.event_id or old.ticket_type_id <> new.ticket_type_id
      or (old.claimed_for is null and old.held_until <= clock_timestamp()
        and (new.claimed_for is not null or new.held_until > old.held_until)))
    execute function count_revived_hold()`);
  // Holds without a limit are not counted, so that they need not take turns.
  await knex.raw(`
    create function forget_held_at_most() returns trigger language plpgsql as $$
    begin
      new.held_at_most := null;
      return new;
    end $$`);
  await knex.raw(`
    create trigger forget_held_at_most before update of capacity on ticket_types for each row
    when (old.capacity is null or new.capacity is null) execute function forget_held_at_most()`);
  // Without `free`, because PostgreSQL would count for it, whether it is read or not: the times are from a volatile function.
  await knex.raw(`
    create view ticket_sales as
    select t.event_id, t.id as ticket_type_id, t.sold >= t.capacity as sold_out, ${ON_SALE} as on_sale
    from ticket_types t join events e on e.id = t.event_id`);
  await knex.raw(`
    create or replace view ticket_availability as
    select t.event_id, t.id as ticket_type_id, ${FREE} as free, s.sold_out, s.on_sale
    from ticket_types t join ticket_sales s on s.event_id = t.event_id and s.ticket_type_id = t.id`);
  await createHoldByBound(knex);
}

const ON_SALE = `e.state = 'live' and e.ends_at > clock_timestamp() and not t.hidden
  and coalesce(t.sale_starts_at <= clock_timestamp(), true) and coalesce(t.sale_ends_at > clock_timestamp(), true)`;
const FREE = `case when t.capacity is not null then
    t.capacity - t.sold - (
      select count(*) from live_holds h where h.event_id = t.event_id and h.ticket_type_id = t.id)::integer
  end`;

async function createHoldByBound(knex: Knex): Promise<void> {
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
        select t.price_minor, e.currency, t.capacity, t.capacity - t.sold - t.held_at_most as free, s.sold_out into type
        from ticket_types t
        join events e on e.id = t.event_id
        join ticket_sales s on s.event_id = t.event_id and s.ticket_type_id = t.id
        where t.event_id = event and t.id = ticket_type and s.on_sale;
        if not found then
          return query select 'unknown-ticket-type', 0, ''::char(3), null::timestamptz;
          return;
        end if;
        -- It was limited since, so it needs the other lock, and the ordinary way of a transaction.
        if turn = 2 and unlimited and type.capacity is not null then
          return;
        end if;
        unlimited := type.capacity is null;
        continue when turn = 1 and unlimited;
        refusal := refused_by_limits(registration::uuid, event, ticket_type, type.price_minor, type.free, owner);
        -- By the bound there may be no seat, or too few for one owner's share. Only the number itself may refuse somebody.
        if not unlimited and (type.free is null or type.free <= 0 or refusal is not null) then
          select a.free into type.free from ticket_availability a
          where a.event_id = event and a.ticket_type_id = ticket_type;
          if turn = 2 then
            update ticket_types t set held_at_most = t.capacity - t.sold - type.free
            where t.event_id = event and t.id = ticket_type;
          end if;
          if type.free <= 0 then
            return query select case when type.sold_out then 'sold-out' else 'all-held' end,
              0, ''::char(3), null::timestamptz;
            return;
          end if;
          refusal := refused_by_limits(registration::uuid, event, ticket_type, type.price_minor, type.free, owner);
        end if;
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
  await createHoldWithoutDisk(knex);
  await knex.raw(`
    create or replace view ticket_availability as
    select t.event_id, t.id as ticket_type_id, ${FREE} as free, t.sold >= t.capacity as sold_out, ${ON_SALE} as on_sale
    from ticket_types t join events e on e.id = t.event_id`);
  await knex.raw('drop view ticket_sales');
  await knex.raw('drop trigger forget_held_at_most on ticket_types');
  for (const trigger of ['count_new_holds', 'count_revived_hold'])
    await knex.raw('drop trigger ?? on seat_holds', [trigger]);
  for (const name of ['count_new_holds', 'count_revived_hold', 'forget_held_at_most'])
    await knex.raw(`drop function ${name}`);
  await knex.schema.alterTable('ticket_types', (table) => {
    table.dropColumn('held_at_most');
  });
}
