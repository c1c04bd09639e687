/**
 * What owners are told needs attention, and which mails say so. This file owns the tables `attention_items`, `alerts` and
 * `alert_mails`. Everything is decided in the database, so that it does not matter which worker does it, or how many.
 */
import type { Language } from '../registration.ts';
import type { Database } from './connection.ts';
import { CONDITIONS, registrationsOf, type Condition } from './desk/attention.ts';
import { locked } from './seats/lock.ts';

/** Something that needs attention for this long is told to the owners. */
export const ALERT_AFTER_MINUTES = 60;
/** Whoever tries to send a mail has it for this time, longer than the call to SendGrid takes. */
const TRY_MINUTES = 2;
const KEPT_DAYS = 365;

/**
 * Looks at everything that needs attention. An alert begins when a registration has needed attention for an hour without a break,
 * as far as somebody looked, and is over when no registration needs it any more. It has one mail for each owner both times.
 */
export async function decideAlerts(database: Database): Promise<void> {
  await locked(database, 'alerts', async (trx) => {
    for (const condition of CONDITIONS) await decide(trx, condition);
  });
}

async function decide(trx: Database, condition: Condition): Promise<void> {
  const { rows } = await trx.raw<{ rows: [{ count: number; isLong: boolean }] }>(
    `with found as materialized (select distinct registration_id from (${registrationsOf(condition)}) as x),
     gone as (
       delete from attention_items i where condition = ?
         and not exists (select from found f where f.registration_id = i.registration_id)),
     appeared as (
       insert into attention_items (condition, registration_id) select ?, registration_id from found
       on conflict do nothing)
     select count(*)::integer as count,
       coalesce(bool_or(i.since <= now() - interval '${ALERT_AFTER_MINUTES} minutes'), false) as "isLong"
     from found left join attention_items i on i.condition = ? and i.registration_id = found.registration_id`,
    [condition, condition, condition],
  );
  const [{ count, isLong }] = rows;
  if (count === 0) await end(trx, condition);
  else if (isLong) await begin(trx, condition, count);
}

/** The index `alerts_one_at_a_time` lets one alert of a condition begin. */
const begin = (trx: Database, condition: Condition, count: number) =>
  trx.raw(
    `with begun as (
       insert into alerts (condition, count) values (?, ?)
       on conflict (condition) where over_at is null do nothing returning id)
     insert into alert_mails (alert_id, kind, organizer_id)
     select begun.id, 'begun', o.id from begun, organizers o where o.role = 'owner' and o.removed_at is null`,
    [condition, count],
  );

/** Those who were told that it began are told that it is over. */
const end = (trx: Database, condition: Condition) =>
  trx.raw(
    `with ended as (
       update alerts set over_at = clock_timestamp() where condition = ? and over_at is null returning id)
     insert into alert_mails (alert_id, kind, organizer_id)
     select m.alert_id, 'over', m.organizer_id from ended join alert_mails m on m.alert_id = ended.id
     where m.kind = 'begun'`,
    [condition],
  );

type Key = { alert: string; organizer: string; kind: 'begun' | 'over' };
/** A mail that is to be sent. `to` is null when the organizer was removed, or is no owner any more. */
export type AlertMail = Key & {
  condition: Condition;
  /** Registrations, when it began. */
  count: number;
  beganAt: Date;
  to: { email: string; name: string | null; language: Language } | null;
};

type Row = Key & {
  condition: Condition;
  count: number;
  began_at: Date;
  isOwner: boolean;
  email: string;
  name: string | null;
  language: Language;
};

/** Takes the next mail that nobody else is sending. That something is over is told after it was told that it began. */
export async function takeAlertMail(database: Database): Promise<AlertMail | undefined> {
  const { rows } = await database.raw<{ rows: Row[] }>(
    `with next as (
       select m.alert_id, m.kind, m.organizer_id from alert_mails m
       where m.settled_at is null
         and (m.tried_at is null or m.tried_at < clock_timestamp() - interval '${TRY_MINUTES} minutes')
         and not (m.kind = 'over' and exists (select from alert_mails b
           where b.alert_id = m.alert_id and b.organizer_id = m.organizer_id and b.kind = 'begun' and b.settled_at is null))
       order by m.alert_id, m.kind limit 1 for update skip locked)
     update alert_mails m set tried_at = clock_timestamp()
     from next, alerts a, organizers o
     where m.alert_id = next.alert_id and m.kind = next.kind and m.organizer_id = next.organizer_id
       and a.id = m.alert_id and o.id = m.organizer_id
     returning m.alert_id as alert, m.organizer_id as organizer, m.kind, a.condition, a.count, a.began_at,
       o.email, o.name, o.language, o.removed_at is null and o.role = 'owner' as "isOwner"`,
  );
  const [row] = rows;
  if (!row) return undefined;
  const { began_at: beganAt, isOwner, email, name, language, ...mail } = row;
  return { ...mail, beganAt, to: isOwner ? { email, name, language } : null };
}

/** Enters that a mail needs no further try. */
export async function settleAlertMail(database: Database, { alert, organizer, kind }: Key): Promise<void> {
  await database('alert_mails')
    .where({ alert_id: alert, organizer_id: organizer, kind })
    .update({ settled_at: database.raw('clock_timestamp()') });
}

/** Deletes alerts that are long over. */
export async function purgeAlerts(database: Database): Promise<void> {
  await database('alerts')
    .where('over_at', '<', database.raw(`now() - interval '${KEPT_DAYS} days'`))
    .delete();
}
