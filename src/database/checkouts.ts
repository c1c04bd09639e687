/**
 * Checkouts: how many people began one, and how many of them finished it. Nothing is counted when a seat is held: a checkout that
 * goes on is a hold, a finished one is an order, and one that was given up is counted when its hold is deleted. This file owns the
 * table `lapsed_checkouts`.
 */
import type { Database } from './connection.ts';

/** Deletes holds that lapsed more than a day ago, and counts them, in one statement. */
export async function purgeLapsedHolds(database: Database): Promise<void> {
  await database.raw(
    `with lapsed as (
       delete from seat_holds where claimed_for is null and held_until < now() - interval '1 day'
       returning event_id, created_at)
     insert into lapsed_checkouts as l (event_id, day, checkouts)
     select h.event_id, (h.created_at at time zone e.time_zone)::date as day, count(*)
     from lapsed h join events e on e.id = h.event_id group by h.event_id, day
     on conflict (event_id, day) do update set checkouts = l.checkouts + excluded.checkouts`,
  );
}

/** Checkouts of an event that began on a day (ISO 8601, in the event's time zone) and have no order. */
export type Unfinished = { day: string; checkouts: number };

/** Checkouts without an order, by the day on which they began: those that go on, and those that are over. One statement. */
export async function findUnfinishedCheckouts(database: Database, event: string): Promise<Unfinished[]> {
  const { rows } = await database.raw<{ rows: Unfinished[] }>(
    `select day::text as day, sum(checkouts)::integer as checkouts from (
       select (h.created_at at time zone e.time_zone)::date as day, count(*) as checkouts
       from seat_holds h join events e on e.id = h.event_id where h.event_id = ? group by day
       union all
       select (r.begun_at at time zone e.time_zone)::date as day, count(*)
       from ended_registrations r join events e on e.id = r.event_id where r.event_id = ? group by day
       union all
       select day, checkouts from lapsed_checkouts where event_id = ?) as each
     group by day order by day`,
    [event, event, event],
  );
  return rows;
}
