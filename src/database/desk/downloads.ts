/** The files that organizers downloaded, in the history of the desk: when one began, and how it ended. */
import type { Database } from '../connection.ts';
import { noteDesk } from '../desk-history.ts';

export type ExportName = 'registrations' | 'money';
/** Who takes which file. `filters` are the names of what was chosen, and never what was typed. */
export type Download = {
  id: string;
  organizer: string;
  file: ExportName;
  event: string | undefined;
  filters: string[];
};

/** Notes that a file begins to leave. Without this note, nothing is sent. */
export async function noteBeginning(
  database: Database,
  { id, organizer, file, event, filters }: Download,
): Promise<void> {
  await noteDesk(database, {
    ...{ kind: 'export-begun', organizer, event, action: id, facts: { file, filters } },
  });
}

/** Notes how a download ended: all of it was sent (`complete`), or it was broken off after some lines. */
export async function noteEnd(
  database: Database,
  { id, organizer, file, event, filters }: Download,
  outcome: { lines: number; complete: boolean },
): Promise<void> {
  await noteDesk(database, {
    ...{ kind: 'exported', organizer, event, action: id, facts: { file, filters, ...outcome } },
  });
}

/** `lines` and `complete` are null as long as the end is not known. */
export type ListedDownload = {
  at: Date;
  who: string | null;
  file: ExportName;
  filters: string[];
  lines: number | null;
  complete: boolean | null;
};

/** The last downloads, the newest first. */
export async function listDownloads(database: Database, most = 20): Promise<ListedDownload[]> {
  const { rows } = await database.raw<{ rows: ListedDownload[] }>(
    `select begun.at, coalesce(o.name, o.email) as who, begun.facts->>'file' as file, begun.facts->'filters' as filters,
       (ended.facts->>'lines')::integer as lines, (ended.facts->>'complete')::boolean as complete
     from organizer_events begun
     left join organizer_events ended on ended.kind = 'exported' and ended.action = begun.action
     left join organizers o on o.id = begun.organizer_id
     where begun.kind = 'export-begun'
     order by begun.position desc limit ?`,
    [most],
  );
  return rows;
}
