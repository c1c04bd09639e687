/** The columns of money.csv, and its sums. The names of columns and kinds are stable: add some, and never rename one. */
import { MONEY_KINDS, type MoneyKind, type MoneyLine } from '../../../database/desk/money-lines.ts';
import { decimal } from '../../../money.ts';
import { reference } from '../../../reference.ts';
import { lines, type Column } from './csv.ts';
import { localTime, utcTime, type ExportFile } from './file.ts';

/** A fee that PayPal has not told. An empty amount alone could be taken for zero. */
const UNKNOWN = 'not known yet';

const COLUMNS: Column<MoneyLine>[] = [
  { name: 'kind', of: (line) => line.kind },
  { name: 'time', of: (line) => localTime(line.at, line.time_zone ?? 'UTC') },
  { name: 'time_zone', of: (line) => line.time_zone ?? 'UTC' },
  { name: 'time_utc', of: (line) => utcTime(line.at) },
  {
    name: 'amount',
    of: ({ amount_minor: minor, currency }) => (minor === null ? null : decimal({ minor, currency })),
    isAmount: true,
  },
  { name: 'currency', of: (line) => line.currency },
  { name: 'note', of: (line) => (line.amount_minor === null ? UNKNOWN : null) },
  { name: 'reference', of: (line) => reference(line.registration_id) },
  { name: 'event_id', of: (line) => line.event_id },
  { name: 'event', of: (line) => line.event },
  { name: 'paypal_id', of: (line) => line.paypal_id },
  { name: 'paypal_capture_id', of: (line) => line.paypal_capture_id },
  { name: 'paypal_order_id', of: (line) => line.paypal_order_id },
  { name: 'registration_id', of: (line) => line.registration_id },
];

/** What was added up: an amount in minor units, and how many amounts are not known. */
type Sum = { minor: number; unknown: number };
type SumLine = Sum & { kind: MoneyKind | null; currency: string };

/** A sum is a line with the same columns, of which it fills some. */
const SUM_COLUMNS: Column<SumLine>[] = COLUMNS.map(({ name }) => {
  switch (name) {
    case 'kind':
      return { name, of: ({ kind }) => (kind === null ? 'sum' : `sum-${kind}`) };
    case 'amount':
      return { name, of: ({ minor, currency }) => decimal({ minor, currency }), isAmount: true };
    case 'currency':
      return { name, of: ({ currency }) => currency };
    case 'note':
      return { name, of: ({ unknown }) => (unknown > 0 ? `${unknown} ${UNKNOWN}` : null) };
    default:
      return { name, of: () => null };
  }
});

const total = (sums: Sum[]): Sum => ({
  minor: sums.reduce((sum, { minor }) => sum + minor, 0),
  unknown: sums.reduce((sum, { unknown }) => sum + unknown, 0),
});

/** Adds up the amounts of each currency, by kind. */
function startSums() {
  const currencies = new Map<string, Map<MoneyKind, Sum>>();
  return {
    add: (rows: MoneyLine[]) => {
      for (const { currency, kind, amount_minor: minor } of rows) {
        const kinds = currencies.get(currency) ?? new Map<MoneyKind, Sum>();
        currencies.set(currency, kinds);
        const before = kinds.get(kind) ?? { minor: 0, unknown: 0 };
        kinds.set(kind, total([before, { minor: minor ?? 0, unknown: minor === null ? 1 : 0 }]));
      }
    },
    /** For each currency, the sum of each kind, and of everything. */
    lines: () =>
      lines(
        SUM_COLUMNS,
        [...currencies]
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .flatMap(([currency, kinds]) => [
            ...MONEY_KINDS.flatMap((kind) => {
              const sum = kinds.get(kind);
              return sum ? [{ ...sum, kind, currency }] : [];
            }),
            { ...total([...kinds.values()]), kind: null, currency },
          ]),
      ),
  };
}

export const MONEY: ExportFile<MoneyLine> = { columns: COLUMNS, sums: startSums };
