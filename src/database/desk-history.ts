/**
 * What organizers did that is not about one registration: events that they changed, files that they downloaded. This file owns the
 * table `organizer_events`. A row is written in the transaction of what it tells, and is never changed.
 */
import type { Database } from './connection.ts';

export type DeskEntry = {
  /** What happened, such as `event-changed`; each kind has a message `organizer.desk-history.<kind>`. */
  kind: string;
  /** The id of the organizer who did it; without one, the service did it itself. */
  organizer?: string | undefined;
  /** The id of the event that it is about. */
  event?: string | undefined;
  action?: string | undefined;
  /** JSON without personal data. */
  facts?: object;
};

/** Notes what happened, in the transaction in which it happens. */
export async function noteDesk(trx: Database, entry: DeskEntry): Promise<void> {
  await trx('organizer_events').insert({
    kind: entry.kind,
    organizer_id: entry.organizer ?? null,
    event_id: entry.event ?? null,
    action: entry.action ?? null,
    facts: JSON.stringify(entry.facts ?? {}),
  });
}

/** An entry with the name of who did it; null for the service itself. */
export type ListedDeskEntry = { at: Date; kind: string; who: string | null; facts: Record<string, unknown> };

/** What was done about an event, the newest first; without an event, everything. */
export async function listDeskEntries(
  database: Database,
  { event, most = 50 }: { event?: string; most?: number } = {},
): Promise<ListedDeskEntry[]> {
  const rows = await database('organizer_events as h')
    .leftJoin('organizers as o', 'o.id', 'h.organizer_id')
    .modify((query) => {
      if (event !== undefined) void query.where('h.event_id', event);
    })
    .orderBy('h.position', 'desc')
    .limit(most)
    .select<(Omit<ListedDeskEntry, 'who'> & { name: string | null; email: string | null })[]>(
      ...['h.at', 'h.kind', 'h.facts', 'o.name', 'o.email'],
    );
  return rows.map(({ name, email, ...entry }) => ({ ...entry, who: name ?? email }));
}
