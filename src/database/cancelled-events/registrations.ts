/** The registrations that end with their event. This file owns the table `cancelled_registrations`. */
import type { CancellationToBegin } from '../../cancel-event.ts';
import type { Database } from '../connection.ts';
import { NOW } from '../seats/lock.ts';

/**
 * Lists every registration of an event that has to end, and is not listed yet: with a confirmed order, with a payment in flight,
 * with an e-mail address to be confirmed, or with a hold after a payment that was declined, whose run waits for another card.
 */
export async function enlist(trx: Database, event: string): Promise<void> {
  await trx.raw(
    `insert into cancelled_registrations (registration_id, event_id, action)
     select id, event_id, cancellation_action(event_id, id) from orders
     where event_id = :event and status = 'confirmed'
       and not exists (select from cancelled_registrations c where c.registration_id = orders.id)
     union
     select id, event_id, cancellation_action(event_id, id) from seat_holds
     where event_id = :event and (claimed_for is not null or (paypal_orders > 1 and held_until > ${NOW}))
     on conflict do nothing`,
    { event },
  );
}

/** What was begun, and left no trace in the database after this time, is begun again: a worker may have died before. */
const UNSEEN = `interval '30 seconds'`;
/** What has left a trace and does not end is begun again after this time: its run may have been terminated. */
const UNFINISHED = `interval '10 minutes'`;
/** A refund that takes longer does not keep others waiting. */
const SLOW = `interval '30 seconds'`;

/**
 * What can be begun now. An order with something left is refunded; one with nothing left, or that nobody paid for here, is
 * cancelled when no refund of it is under way. Without an order, the run of the registration undoes it.
 */
const TO_BEGIN = `
  select s.registration_id,
    case when s.is_confirmed and s.left_minor > 0 or s.is_refunding then 'refund' else 'cancel' end as wanted,
    s.is_refunding or exists (
      select from registration_events e
      where e.registration_id = s.registration_id and e.action = s.action and e.kind = 'cancel-asked') as is_seen,
    s.lacks_funds
  from cancellation_states s
  where s.event_id = :event
    and (s.state = 'left' or s.lacks_funds and (s.round < :round or not s.is_answered))
    and (s.left_minor > 0 or not s.is_asked or s.is_refunding or s.is_confirmed is not true)`;

type Row = {
  registration_id: string;
  action: string;
  does: 'refund' | 'cancel';
  reference: string | null;
  ticket_type: string;
  again: string | null;
};
type Turn = { event: string; round: number; atOnce: number };

/**
 * Takes up to `atOnce` registrations, less those that are under way, to begin their cancellation in this round. The same
 * registration comes again when what was begun is not seen after a while; its action stays the same.
 */
export async function takeNext(
  trx: Database,
  { event, round, atOnce }: Turn,
): Promise<Omit<CancellationToBegin, 'organizer' | 'reference'>[]> {
  const { rows } = await trx.raw<{ rows: Row[] }>(
    `with under_way as (
       select count(*) as number from cancellation_states
       where event_id = :event and state = 'left' and begun_at > ${NOW} - ${SLOW}),
     next as (
       select b.registration_id, b.wanted
       from (${TO_BEGIN}) b join cancelled_registrations c using (registration_id)
       where c.begun_at is null or b.lacks_funds and c.round < :round or c.does <> b.wanted and not b.is_seen
         or c.begun_at < ${NOW} - case when b.is_seen then ${UNFINISHED} else ${UNSEEN} end
       order by c.begun_at nulls first, c.registration_id
       limit greatest(0, :atOnce - (select number from under_way))),
     taken as (
       update cancelled_registrations c set does = next.wanted, round = :round, begun_at = ${NOW}
       from next where c.registration_id = next.registration_id
       returning c.registration_id, c.action, c.does)
     select t.*, s.ticket_type,
       case when s.lacks_funds then cancellation_action(s.event_id, s.registration_id, :round) end as again
     from taken t join cancellation_states s using (registration_id)`,
    { event, round, atOnce },
  );
  return rows.map(({ registration_id: registration, ticket_type: ticketType, action, does, again }) => ({
    ...{ registration, ticketType, action, does, again },
  }));
}
