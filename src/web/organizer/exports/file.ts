/** What a file is made of. */
import { memoize } from '../../../memoize.ts';
import type { Column } from './csv.ts';

export type ExportFile<Row> = {
  columns: Column<Row>[];
  /** Begins a file: what it returns gets each part, and gives the lines with sums at the end. */
  sums?: () => { add: (rows: Row[]) => void; lines: () => string };
};

const clocks = memoize(
  (timeZone: string) =>
    // The notation of Sweden is the one that spreadsheets of all languages read: 2027-05-14 09:00:00.
    new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium', timeZone }),
);

/** A moment as the clock in a time zone shows it: `2027-05-14 09:00:00`. */
export const localTime = (at: Date, timeZone: string): string => clocks(timeZone).format(at);

/** A moment in UTC (ISO 8601), to the second: `2027-05-14T07:00:00Z`. */
export const utcTime = (at: Date): string => at.toISOString().replace(/\.\d+Z$/, 'Z');
