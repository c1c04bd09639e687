/** The check of a file before anything is added: what would be, what is wrong, and what an organizer should know. */
import { createHmac, randomUUID } from 'node:crypto';
import { setImmediate as others } from 'node:timers/promises';
import { addedBefore, type NewAddition } from '../database/additions.ts';
import type { Database } from '../database/connection.ts';
import type { OpenEvent } from '../database/desk/open-events.ts';
import { identityKey, registeredAddresses } from '../database/imports.ts';
import type { Language } from '../registration.ts';
import type { FileRow, ReadFile } from './file.ts';
import type { Report } from './report.ts';
import { readRow } from './row.ts';

type Check = { event: OpenEvent; importId: string; organizer: string; language: Language };
const ROWS_AT_ONCE = 100;
type Candidate = NewAddition & { line: number; identity: string };

/** Checks the rows of a file. Returns what was found, and the registrations that would be added. */
export async function checkFile(
  database: Database,
  { rows, unused, unreadableFrom }: ReadFile & { status: 'read' },
  check: Check,
): Promise<{ report: Report; additions: NewAddition[] }> {
  const key = await identityKey(database, check.event.id);
  const faults: Report['faults'] = [];
  const twice: Report['twice'] = [];
  const first = new Map<string, number>();
  const candidates: Candidate[] = [];
  for (const [n, row] of rows.entries()) {
    // Attendees do not wait until a long file is checked.
    if (n % ROWS_AT_ONCE === 0) await others();
    const read = readRow(row.fields, check.event, check.language);
    if (read.status === 'faulty') {
      faults.push(...read.faults.map((fault) => ({ line: row.line, ...fault })));
      continue;
    }
    const candidate = toCandidate(row, read.addition, check, key);
    const before = first.get(candidate.identity);
    if (before !== undefined) twice.push({ line: row.line, first: before });
    else {
      first.set(candidate.identity, row.line);
      candidates.push(candidate);
    }
  }
  const before = await addedBefore(
    database,
    candidates.map(({ identity }) => identity),
  );
  const additions = candidates.filter(({ identity }) => !before.has(identity));
  const emails = additions.map(({ email }) => email.toLowerCase());
  const known = await registeredAddresses(database, check.event.id, emails);
  const linesOf = (some: Candidate[]) => some.map(({ line }) => line);
  return {
    additions,
    report: {
      ...{ rows: rows.length, faults, twice, unused, unreadableFrom },
      addedBefore: linesOf(candidates.filter(({ identity }) => before.has(identity))),
      registered: linesOf(additions.filter(({ email }) => known.has(email.toLowerCase()))),
    },
  };
}

type Addition = Omit<NewAddition, 'id' | 'organizer' | 'action'>;

function toCandidate(
  { line }: FileRow,
  addition: Addition,
  { importId, organizer }: Check,
  key: Buffer,
): Candidate {
  const identity = identityOf(addition, key);
  return { ...addition, id: randomUUID(), organizer, action: importId, importId, line, identity };
}

/** The same person with the same ticket, however the row is typed. Without the key, it tells nothing and cannot be guessed. */
function identityOf({ event, ticketType, firstName, lastName, email }: Addition, key: Buffer): string {
  const plain = [email, firstName, lastName].map((text) =>
    text.normalize('NFC').toLowerCase().replaceAll(/\s+/g, ' '),
  );
  return createHmac('sha256', key)
    .update(JSON.stringify([event, ticketType, ...plain]))
    .digest('base64url');
}
