/** Reads the file of an import: CSV by RFC 4180, as spreadsheets write it. */
import { CsvError, parse } from 'csv-parse/sync';
import { COLUMNS, type Column } from './report.ts';

export const MOST_BYTES = 2 * 1024 * 1024;
export const MOST_ROWS = 5000;

/** A row: the line on which it begins, and what stands in its columns. */
export type FileRow = { line: number; fields: Partial<Record<Column, string>> };
export type ReadFile =
  | { status: 'read'; rows: FileRow[]; unused: string[]; unreadableFrom: number | null }
  | { status: 'empty' | 'not-utf8' | 'too-many' }
  | { status: 'missing' | 'twice'; columns: Column[] };

/** What the header may call each column, in small letters without spaces and hyphens. */
const NAMES: Record<Column, string[]> = {
  firstName: ['firstname', 'givenname', 'vorname'],
  lastName: ['lastname', 'familyname', 'surname', 'nachname', 'familienname'],
  email: ['email', 'emailaddress', 'mail', 'emailadresse'],
  organization: ['organization', 'organisation', 'company', 'firma'],
  ticketType: ['tickettype', 'ticket', 'ticketart', 'tickettyp'],
  payment: ['payment', 'paid', 'zahlung', 'bezahlt'],
  amount: ['amount', 'betrag'],
  note: ['note', 'notiz', 'bemerkung'],
  language: ['language', 'sprache'],
};
const NEEDED: Column[] = ['firstName', 'lastName', 'email', 'ticketType'];
const DELIMITERS = [';', '\t', ','];

/** Reads bytes that were uploaded, or text that was pasted. */
export function readFile(content: Buffer | string): ReadFile {
  const decoded = typeof content === 'string' ? content : decode(content);
  if (decoded === undefined || decoded.includes('\0')) return { status: 'not-utf8' };
  const text = decoded.replace(/^\uFEFF/, '').replaceAll(/\r\n?/g, '\n');
  const { records, brokenAt } = recordsOf(text);
  const [header, ...rest] = records;
  if (!header || rest.length === 0) return { status: 'empty' };
  if (rest.length > MOST_ROWS) return { status: 'too-many' };

  const columns = header.cells.map(columnOf);
  const missing = NEEDED.filter((column) => !columns.includes(column));
  if (missing.length > 0) return { status: 'missing', columns: missing };
  const twice = COLUMNS.filter((column) => columns.filter((other) => other === column).length > 1);
  if (twice.length > 0) return { status: 'twice', columns: twice };
  return {
    status: 'read',
    rows: rest.map(({ line, cells }) => ({ line, fields: fieldsOf(columns, cells) })),
    unused: header.cells.filter((name, index) => name !== '' && columns[index] === undefined),
    unreadableFrom: brokenAt,
  };
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

type FileRecord = { line: number; cells: string[] };
type Parsed = { record: string[]; raw: string; info: { lines: number } };

/** The records that have anything in them, up to a quotation mark that is never closed. */
function recordsOf(text: string): { records: FileRecord[]; brokenAt: number | null } {
  const records: FileRecord[] = [];
  let end = 0;
  const keep = ({ record, raw, info }: Parsed): null => {
    // The parser counts the lines up to the end of a record.
    const breaks = raw.replace(/^\n+/, '').replace(/\n$/, '').split('\n').length - 1;
    end = info.lines;
    const cells = record.map((cell) => cell.trim());
    if (cells.some((cell) => cell !== '')) records.push({ line: info.lines - breaks, cells });
    return null;
  };
  try {
    parse(text, {
      delimiter: delimiterOf(text),
      record_delimiter: '\n',
      info: true,
      raw: true,
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      max_record_size: MOST_BYTES,
      on_record: keep as never,
    });
    return { records, brokenAt: null };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return { records, brokenAt: end + 1 };
  }
}

/** The delimiter that the header has most often outside of quotes. */
function delimiterOf(text: string): string {
  const [header = ''] = text.trimStart().split('\n', 1);
  const bare = header.replaceAll(/"[^"]*"/g, '');
  const count = (delimiter: string) => bare.split(delimiter).length;
  return DELIMITERS.reduce((best, delimiter) => (count(delimiter) > count(best) ? delimiter : best));
}

function columnOf(name: string): Column | undefined {
  const plain = name.toLowerCase().replaceAll(/[\s_-]/g, '');
  return COLUMNS.find((column) => NAMES[column].includes(plain));
}

const fieldsOf = (columns: (Column | undefined)[], cells: string[]) =>
  Object.fromEntries(
    columns.flatMap((column, index) => (column && cells[index] ? [[column, cells[index]]] : [])),
  ) as FileRow['fields'];
