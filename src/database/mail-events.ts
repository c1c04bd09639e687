/**
 * What became of mails after SendGrid had taken them. This file owns the tables `mail_problems` and `mail_deliveries`. The address
 * is never stored: a problem belongs to the address that the order has, and ends when a mail arrives or the address is corrected.
 */
import type { Database } from './connection.ts';
import { note } from './history.ts';
import { onceForEvent } from './webhook-events.ts';

export const MAIL_PROBLEMS = ['bounce', 'dropped', 'spamreport'] as const;
export type MailProblemKind = (typeof MAIL_PROBLEMS)[number];

/** An event of SendGrid about a mail. `email` is compared and then forgotten. `code` is SendGrid's short word, without text. */
export type MailEvent = {
  id: string;
  registration: string;
  kind: MailProblemKind | 'delivered';
  category: string;
  email: string;
  code: string | null;
  at: Date;
};
export type MailProblem = { kind: MailProblemKind; category: string; code: string | null; at: Date };

type Known = { id: string; email: string | null; ordered: boolean };

/** The registrations that exist among some ids, with the address in the order; null where the person was erased. */
async function findKnown(database: Database, ids: string[]): Promise<Map<string, Known>> {
  const { rows } = await database.raw<{ rows: Known[] }>(
    `select r.id, o.email, o.id is not null as ordered from unnest(?::uuid[]) as r (id)
     left join orders o on o.id = r.id
     where o.id is not null or exists (select from seat_holds h where h.id = r.id)
       or exists (select from ended_registrations e where e.id = r.id)`,
    [[...new Set(ids)]],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/**
 * Notes what became of mails. Events about registrations of another installation, and about an address that was corrected since,
 * count for nothing. Repeating it changes nothing.
 */
export async function noteMailEvents(database: Database, events: MailEvent[]): Promise<void> {
  const known = await findKnown(
    database,
    events.map(({ registration }) => registration),
  );
  const ours = events.filter(({ registration, email }) => {
    const found = known.get(registration);
    return found && (!found.ordered || found.email?.toLowerCase() === email.toLowerCase());
  });
  for (const event of ours) {
    if (event.kind === 'delivered') await noteDelivery(database, event);
    else await noteProblem(database, event, event.kind);
  }
}

async function noteDelivery(database: Database, { registration, category, at }: MailEvent): Promise<void> {
  await database.raw(
    `insert into mail_deliveries (registration_id, category, at) values (?, ?, ?)
     on conflict (registration_id, category) do update set at = greatest(mail_deliveries.at, excluded.at)`,
    [registration, category, at],
  );
  await database('mail_problems')
    .where({ registration_id: registration, cleared_at: null })
    .andWhere('at', '<', at)
    .update({ cleared_at: database.fn.now() });
}

async function noteProblem(database: Database, event: MailEvent, kind: MailProblemKind): Promise<void> {
  const { id, registration, category, code, at } = event;
  await onceForEvent(database, { vendor: 'SendGrid', id, kind }, registration, async (trx) => {
    // A mail that has arrived since says more. SendGrid tells of events in any order.
    const since = await trx('mail_deliveries')
      .where({ registration_id: registration })
      .andWhere('at', '>', at)
      .first<object | undefined>('at');
    await trx('mail_problems')
      .insert({
        ...{ sg_event_id: id, registration_id: registration, kind, category, code, at },
        cleared_at: since ? trx.fn.now() : null,
      })
      .onConflict('sg_event_id')
      .ignore();
    await note(trx, { registration, kind: `mail-${kind}`, facts: { category, word: code ?? '' } });
  });
}

/** Ends the problems with an address that was corrected since, once a mail goes to the new one. */
export async function clearCorrected(database: Database, registration: string): Promise<void> {
  await database.raw(
    `update mail_problems p set cleared_at = now()
     where p.registration_id = ? and p.cleared_at is null and exists (
       select from registration_events e where e.registration_id = p.registration_id
         and e.kind = 'corrected' and e.facts->'fields' @> '"email"' and e.at > p.noted_at)`,
    [registration],
  );
}
