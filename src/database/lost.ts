/** What the database knows of runs: it may have been restored from a backup that is older than they are. It only reads. */
import type { Database } from './connection.ts';

/** What is known of a registration; `open`: whether a step is. */
export type KnownRegistration = {
  id: string;
  status: string | null;
  ended: boolean;
  open: boolean;
};

/** What is known of some registrations, one entry for each. */
export async function findKnown(database: Database, ids: string[]): Promise<KnownRegistration[]> {
  const { rows } = await database.raw<{ rows: KnownRegistration[] }>(
    `select r.id, o.status, e.id is not null as ended,
       exists (select from step_outcomes s where s.registration_id = r.id and s.state = 'open') as open
     from unnest(?::uuid[]) as r (id)
     left join orders o on o.id = r.id
     left join ended_registrations e on e.id = r.id`,
    [ids],
  );
  return rows;
}

/**
 * Those of some actions of organizers that have left all their traces: an entry in a history, the end of their refund, and the end of a
 * step that they had done again.
 */
export async function findKnownActions(database: Database, actions: string[]): Promise<Set<string>> {
  const { rows } = await database.raw<{ rows: { action: string }[] }>(
    `select distinct n.action from registration_events n
     left join refunds r on r.action = n.action
     where n.action = any(?::uuid[]) and coalesce(r.state = 'done', true)
       and not exists (select from step_outcomes s
         where s.registration_id = n.registration_id and s.state = 'open' and s.by_desk)`,
    [actions],
  );
  return new Set(rows.map(({ action }) => action));
}

/** Those of some events whose cancellation is known. */
export const findCancelled = (database: Database, events: string[]): Promise<string[]> =>
  database('event_cancellations').whereIn('event_id', events).pluck<string[]>('event_id');

/** Everything that a registration has left, in a form that can be compared. */
export async function tracesOf(trx: Database, id: string): Promise<string> {
  const { rows } = await trx.raw<{ rows: [{ traces: string }] }>(
    `select jsonb_build_array(
       (select to_jsonb(o) from orders o where o.id = r.id),
       (select to_jsonb(e) from ended_registrations e where e.id = r.id),
       (select to_jsonb(h) from seat_holds h where h.id = r.id),
       (select jsonb_agg(c order by c.paypal_capture_id) from captures c where c.registration_id = r.id),
       (select jsonb_agg(f order by f.action) from refunds f where f.registration_id = r.id),
       (select jsonb_agg(s order by s.step) from step_outcomes s where s.registration_id = r.id),
       (select count(*) from registration_events n where n.registration_id = r.id))::text as traces
     from (values (?::uuid)) as r (id)`,
    [id],
  );
  return rows[0].traces;
}
