import type { Fault } from '../fault.ts';

const download = 'src/api/organizer/download.ts';
const csv = 'src/web/organizer/exports/csv.ts';
const lines = 'src/database/desk/money-lines.ts';
const money = 'src/web/organizer/exports/money.ts';
const files = 'test/api/organizer/exports.test.ts';
const downloads = 'test/api/organizer/download.test.ts';

/** The files that organizers download. */
export const EXPORTS: Fault[] = [
  {
    name: 'exports: a download that fails in the middle ends as if it were whole',
    file: download,
    find: `    throw brokenOff();
  }`,
    replace: '  }',
    caughtBy: { [downloads]: 'a download fails' },
  },
  {
    name: 'exports: a reader that goes away keeps its connection to the database',
    file: download,
    find: '    await snapshot?.close();\n',
    replace: '    if (progress.complete) await snapshot?.close();\n',
    caughtBy: { [downloads]: 'ends when its reader goes away' },
  },
  {
    name: 'exports: as many at a time as somebody wants',
    file: download,
    find: 'if (open >= AT_ONCE)',
    replace: 'if (open > 100)',
    caughtBy: { [downloads]: 'is one of two at a time' },
  },
  {
    name: 'exports: what was broken off is noted as complete',
    file: download,
    find: 'complete: progress.complete && !error',
    replace: 'complete: true',
    caughtBy: { [downloads]: 'ends when its reader goes away' },
  },
  {
    name: 'exports: the history has what was looked for',
    file: 'src/api/organizer/exports.ts',
    find: '(value === undefined ? [] : [name])',
    replace: '(value === undefined ? [] : [`${name} ${String(value)}`])',
    caughtBy: { [files]: 'but not what was looked for' },
  },
  {
    name: 'exports: a filter that cannot be understood is left out',
    file: 'src/api/organizer/exports.ts',
    find: 'if (faulty.length === 0) return undefined;',
    replace: 'if (faulty.length >= 0) return undefined;',
    caughtBy: { [files]: 'sends no file for' },
  },
  {
    name: 'exports: formulas are calculated',
    file: csv,
    find: 'return isAmount ? cell : inert(cell);',
    replace: 'return cell;',
    caughtBy: { [files]: 'is text in every column' },
  },
  {
    name: 'exports: a semicolon begins a formula',
    file: csv,
    find: '(^|[;,|\\t\\r\\n])',
    replace: '(^|[\\t\\r\\n])',
    caughtBy: { [files]: 'in the middle of a cell' },
  },
  {
    name: 'exports: a negative amount is text',
    file: csv,
    find: 'isAmount ? cell : inert(cell)',
    replace: 'isAmount ? inert(cell) : inert(cell)',
    caughtBy: { [files]: 'each payment, fee and refund' },
  },
  {
    name: 'exports: a fee that is not known is zero',
    file: lines,
    find: "select 'fee', 2, c.captured_at, -c.fee_minor,",
    replace: "select 'fee', 2, c.captured_at, -coalesce(c.fee_minor, 0),",
    caughtBy: { [files]: 'never zero' },
  },
  {
    name: 'exports: a refund that PayPal refused counts',
    file: lines,
    find: "where r.state = 'done' and r.amount_minor > 0",
    replace: 'where r.amount_minor > 0',
    caughtBy: { [files]: 'each payment, fee and refund' },
  },
  {
    name: 'exports: the sum leaves fees out',
    file: money,
    find: '{ ...total([...kinds.values()]), kind: null, currency }',
    replace:
      "{ ...total([...kinds].flatMap(([kind, sum]) => (kind === 'fee' ? [] : [sum]))), kind: null, currency }",
    caughtBy: { [files]: 'each payment, fee and refund' },
  },
  {
    name: 'exports: the fee of a payment is lost on its way to the ledger',
    file: 'src/activities/payment.ts',
    find: '...(answer.fee && { feeMinor: answer.fee.minor }),',
    replace: '',
    caughtBy: { 'test/activities/activities.test.ts': 'takes a payment with its fee' },
  },
  {
    name: 'exports: fees of refunds that were made by hand are never asked for',
    file: 'src/database/fees.ts',
    find: "const KINDS = ['capture', 'refund'] as const;",
    replace: "const KINDS = ['capture'] as const;",
    caughtBy: { 'test/registrations/fees.test.ts': 'asks for each fee once' },
  },
  {
    name: 'exports: what could not be asked for waits a day, because PayPal was away',
    file: 'src/database/fees.ts',
    find: '.update({ fee_asked_at: null });',
    replace: '.update({ fee_asked_at: database.fn.now() });',
    caughtBy: { 'test/registrations/fees.test.ts': 'goes on from there' },
  },
];
