/**
 * Files of registrations, from the check to the end of their run. This file owns the tables `imports` and `import_keys`; the rows of
 * a file are `additions`.
 */
import { randomBytes } from 'node:crypto';
import type { NextAddition, NotAdded } from '../addition.ts';
import type { Report } from '../imports/report.ts';
import { reference } from '../reference.ts';
import type { AdditionRow, NewAddition } from './additions.ts';
import { storeAdditions } from './additions.ts';
import type { Database } from './connection.ts';
import { noteDesk } from './desk-history.ts';

/** Registrations that one task of the run of an import takes. */
const BATCH = 100;

/** The key by which the rows of an event's files are recognized. It exists as long as the event is not over. */
export async function identityKey(database: Database, event: string): Promise<Buffer> {
  await database('import_keys')
    .insert({ event_id: event, key: randomBytes(32) })
    .onConflict('event_id')
    .ignore();
  const row = await database('import_keys').where({ event_id: event }).first<{ key: Buffer }>('key');
  return row.key;
}

type NewImport = { id: string; event: string; organizer: string; report: Report };

/** Stores a file that was checked, so that it can be confirmed. The same one again changes nothing. */
export async function saveImport(
  database: Database,
  { id, event, organizer, report }: NewImport,
  rows: NewAddition[],
): Promise<void> {
  await database.transaction(async (trx) => {
    const saved = await trx('imports')
      .insert({ id, event_id: event, organizer_id: organizer, report: JSON.stringify(report) })
      .onConflict('id')
      .ignore()
      .returning('id');
    if (saved.length > 0) await storeAdditions(trx, rows);
  });
}

export type ImportState = 'checked' | 'running' | 'done';
/** A registration of a file that was not added, and why. */
export type FailedRow = { line: number; reason: NotAdded };
/** How far an import is. `report` is null once it is done; `wanted` counts the seats that are still needed, by ticket type. */
export type Import = {
  id: string;
  event: { id: string; name: string; timeZone: string };
  state: ImportState;
  report: Report | null;
  createdAt: Date;
  counts: Record<AdditionRow['state'], number>;
  failed: FailedRow[];
  wanted: { ticketType: string; name: string; count: number; free: number | null }[];
};

type Row = {
  id: string;
  event_id: string;
  event_name: string;
  time_zone: string;
  state: ImportState;
  report: Report | null;
  created_at: Date;
};
type Counted = { import_id: string; state: AdditionRow['state']; count: number };

const imports = (database: Database) =>
  database('imports as i')
    .join('events as e', 'e.id', 'i.event_id')
    .select<Row[]>(
      'i.id',
      'i.event_id',
      'e.name as event_name',
      'e.time_zone',
      'i.state',
      'i.report',
      'i.created_at',
    );

async function countsOf(database: Database, ids: string[]) {
  const rows = await database('additions')
    .whereIn('import_id', ids)
    .groupBy('import_id', 'state')
    .select<Counted[]>('import_id', 'state', database.raw('count(*)::integer as count'));
  return (id: string) =>
    Object.assign(
      { waiting: 0, added: 0, failed: 0 },
      ...rows.filter((row) => row.import_id === id).map(({ state, count }) => ({ [state]: count })),
    ) as Import['counts'];
}

/** An import with all that its page tells; undefined when there is none (any more). */
export async function findImport(database: Database, id: string): Promise<Import | undefined> {
  const [row] = await imports(database).where('i.id', id);
  if (!row) return undefined;
  const [counts, failed, { rows: wanted }] = await Promise.all([
    countsOf(database, [id]),
    database('additions')
      .where({ import_id: id, state: 'failed' })
      .orderBy('line')
      .select<FailedRow[]>('line', 'reason'),
    database.raw<{ rows: Import['wanted'] }>(
      `select x.ticket_type_id as "ticketType", t.name, count(*)::integer as count, a.free
       from additions x
       join ticket_types t on t.event_id = x.event_id and t.id = x.ticket_type_id
       join ticket_availability a on a.event_id = t.event_id and a.ticket_type_id = t.id
       where x.import_id = ? and x.state = 'waiting'
       group by x.ticket_type_id, t.name, t.position, a.free order by t.position, x.ticket_type_id`,
      [id],
    ),
  ]);
  return { ...toListed(row), report: row.report, counts: counts(id), failed, wanted };
}

/** An import in the list. */
export type ListedImport = Pick<Import, 'id' | 'event' | 'state' | 'createdAt' | 'counts'>;
const toListed = ({
  id,
  event_id,
  event_name: name,
  time_zone: timeZone,
  state,
  created_at: createdAt,
}: Row) => ({
  ...{ id, event: { id: event_id, name, timeZone }, state, createdAt },
});

/** The last imports, the newest first. */
export async function listImports(database: Database, most = 10): Promise<ListedImport[]> {
  const rows = await imports(database).orderBy('i.created_at', 'desc').limit(most);
  const counts = await countsOf(
    database,
    rows.map(({ id }) => id),
  );
  return rows.map((row) => ({ ...toListed(row), counts: counts(row.id) }));
}

/**
 * Begins an import that was checked, with its entry in the history of the desk. Repeating it changes nothing.
 * @returns false when there is no such import
 */
export async function beginImport(database: Database, id: string, organizer: string): Promise<boolean> {
  return database.transaction(async (trx) => {
    const [begun] = await trx('imports')
      .where({ id, state: 'checked' })
      .update({ state: 'running', confirmed_at: trx.fn.now() })
      .returning<{ event_id: string }[]>('event_id');
    if (!begun) return !!(await trx('imports').where({ id }).first('id'));
    const { waiting } = (await countsOf(trx, [id]))(id);
    await noteDesk(trx, {
      ...{ kind: 'import-begun', organizer, event: begun.event_id, action: id, facts: { count: waiting } },
    });
    return true;
  });
}

/** The next registrations of an import that was confirmed: not decided yet, or added and without a run. */
export async function nextAdditions(database: Database, id: string): Promise<NextAddition[]> {
  const rows = await database('additions as a')
    .join('imports as i', 'i.id', 'a.import_id')
    .where({ 'i.id': id, 'i.state': 'running' })
    .whereRaw("(a.state = 'waiting' or (a.state = 'added' and not a.has_run))")
    .orderBy('a.line')
    .limit(BATCH)
    .select<Pick<AdditionRow, 'id' | 'action' | 'organizer_id' | 'event_id' | 'ticket_type_id'>[]>(
      ...['a.id', 'a.action', 'a.organizer_id', 'a.event_id', 'a.ticket_type_id'],
    );
  return rows.map(({ id: registration, action, organizer_id, event_id, ticket_type_id }) => ({
    ...{ registration, action, organizer: organizer_id, reference: reference(registration) },
    ...{ event: event_id, ticketType: ticket_type_id },
  }));
}

/** Ends an import, with its entry in the history of the desk: what the file said about people is gone. Once. */
export async function finishImport(database: Database, id: string): Promise<void> {
  await database.transaction(async (trx) => {
    const [done] = await trx('imports')
      .where({ id, state: 'running' })
      .update({ state: 'done', report: null, finished_at: trx.fn.now() })
      .returning<{ event_id: string; organizer_id: string }[]>(['event_id', 'organizer_id']);
    if (!done) return;
    const { added, failed } = (await countsOf(trx, [id]))(id);
    const facts = { added, failed };
    await noteDesk(trx, { kind: 'import-done', event: done.event_id, action: id, facts });
  });
}

/** Deletes files that nobody has confirmed within a day, and what is left of imports when the event is over. */
export async function purgeImports(database: Database): Promise<void> {
  const aDayAgo = database.raw("now() - interval '1 day'");
  await database('imports').where({ state: 'checked' }).where('created_at', '<', aDayAgo).delete();
  const over = database('events').where('ends_at', '<', aDayAgo).select('id');
  await database('imports').whereIn('event_id', over).delete();
  await database('import_keys').whereIn('event_id', over).delete();
}

/** Those of these e-mail addresses, in small letters, with which somebody is registered for an event. */
export async function registeredAddresses(
  database: Database,
  event: string,
  emails: string[],
): Promise<Set<string>> {
  const found = await database('orders')
    .where({ event_id: event, status: 'confirmed' })
    .whereRaw('lower(email) = any(?)', [emails])
    .distinct(database.raw('lower(email) as email'))
    .pluck<string[]>('email');
  return new Set(found);
}
