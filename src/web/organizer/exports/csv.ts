/** CSV as RFC 4180 describes it, which spreadsheets open safely and importers read exactly. */
import { stringify } from 'csv-stringify/sync';

/** A column. `isAmount`: a number that this service has written, so that a minus at its beginning stays one. */
export type Column<Row> = { name: string; of: (row: Row) => string | null | undefined; isAmount?: true };

/** Without this mark, Excel does not read a file as UTF-8. */
const BOM = '\uFEFF';

/**
 * Text that a spreadsheet shows and does not calculate, by the advice of OWASP (CSV Injection): an apostrophe precedes a character
 * that begins a formula, full-width ones included, at the beginning of a cell. It also does after a character that a spreadsheet with
 * other settings may take for the end of a cell, because quotes protect a text in the middle of a cell from the usual separator only.
 */
export const inert = (text: string): string =>
  text.replaceAll(/(^|[;,|\t\r\n])(?=["'\s]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])|^(?=[\t\r\n])/g, "$1'");

const write = (lines: (string | null)[][]): string => stringify(lines, { record_delimiter: 'windows' });

/** The beginning of a file: the names of its columns. */
export const header = (columns: Column<never>[]): string => BOM + write([columns.map(({ name }) => name)]);

/** Some lines of a file. */
export const lines = <Row>(columns: Column<Row>[], rows: Row[]): string =>
  write(
    rows.map((row) =>
      columns.map(({ of, isAmount }) => {
        const cell = of(row) ?? '';
        return isAmount ? cell : inert(cell);
      }),
    ),
  );

/** The last line of a file that is whole. `count` is the number of lines between the header and the sums or this line. */
export const ending = (columns: Column<never>[], count: number): string =>
  write([columns.map((_column, n) => (n === 0 ? `# end of file: ${count} lines` : ''))]);
