/** What organizers type about a registration, and each thing that can be wrong with it. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readFile } from '../../src/imports/file.ts';
import { readRow, type Typed } from '../../src/imports/row.ts';

const EVENT = {
  ...{ id: 'conference', name: 'Conference', currency: 'EUR' },
  ticketTypes: [
    { id: 'regular', name: 'Regular', price: { minor: 12_000, currency: 'EUR' }, free: null },
    { id: 'free', name: 'Free', price: { minor: 0, currency: 'EUR' }, free: 10 },
    { id: 'one', name: 'Same', price: { minor: 100, currency: 'EUR' }, free: 10 },
    { id: 'two', name: 'same', price: { minor: 100, currency: 'EUR' }, free: 10 },
  ],
};
const ADA: Typed = {
  ...{ firstName: 'Ada', lastName: 'Example', email: 'ada@example.org', ticketType: 'regular' },
  payment: 'complimentary',
};
const read = (typed: Typed) => readRow({ ...ADA, ...typed }, EVENT, 'de');
const amountOf = (typed: Typed) => {
  const row = read(typed);
  return row.status === 'read' ? row.addition.amount.minor : row.faults;
};

it('takes the example of the documentation', () => {
  const page = readFileSync(new URL('../../docs/organizers.md', import.meta.url), 'utf8');
  const example = readFile(/```csv\n([^`]*)```/.exec(page)?.[1] ?? '');
  const rows = example.status === 'read' ? example.rows : [];
  expect(rows.map(({ fields }) => readRow(fields, EVENT, 'en').status)).toEqual(['read', 'read']);
  expect(rows.map(({ fields }) => amountOf({ payment: undefined, ...fields }))).toEqual([12_000, 0]);
});

describe('what is paid', () => {
  it('is nothing when it is complimentary or free, and the price or an amount when it is paid elsewhere', () => {
    expect(amountOf({})).toBe(0);
    expect(amountOf({ ticketType: 'FREE', payment: 'kostenlos', amount: '0' })).toBe(0);
    expect(amountOf({ ticketType: 'free', payment: undefined })).toBe(0);
    expect(amountOf({ payment: 'Elsewhere', note: '2026-118' })).toBe(12_000);
    expect(amountOf({ payment: 'anderswo', note: '2026-118', amount: '99,50' })).toBe(9950);
    expect(amountOf({ ticketType: 'free', payment: 'elsewhere', note: '2026-118', amount: '5' })).toBe(500);
  });

  it.each<[Typed, string, string]>([
    [{ payment: undefined }, 'payment', 'needed'],
    [{ payment: 'cash' }, 'payment', 'payment'],
    [{ payment: 'free' }, 'payment', 'not-free'],
    [{ payment: 'elsewhere' }, 'note', 'note-needed'],
    [{ amount: '12' }, 'amount', 'amount-nothing'],
    [{ payment: 'elsewhere', note: 'x', amount: '1.234' }, 'amount', 'amount'],
    [{ payment: 'elsewhere', note: 'x', amount: '99999999' }, 'amount', 'amount'],
    [{ payment: 'elsewhere', note: 'x', amount: '-1' }, 'amount', 'amount'],
    [{ payment: 'elsewhere', note: 'x', amount: '0' }, 'amount', 'amount-needed'],
    [{ payment: 'elsewhere', note: 'x', ticketType: 'free' }, 'amount', 'amount-needed'],
  ])('%j has a fault in %s: %s', (typed, column, fault) => {
    expect(read(typed)).toEqual({ status: 'faulty', faults: [{ column, fault }] });
  });
});

it.each<[Typed, string, string]>([
  [{ firstName: undefined }, 'firstName', 'needed'],
  [{ lastName: 'see www.example.org' }, 'lastName', 'name'],
  [{ lastName: 'a\u0000b' }, 'lastName', 'name'],
  [{ lastName: '\ud800' }, 'lastName', 'name'],
  [{ lastName: '4111 1111 1111 1111' }, 'lastName', 'card-number'],
  [{ email: 'ada' }, 'email', 'email'],
  [{ email: undefined }, 'email', 'needed'],
  [{ organization: 'x'.repeat(201) }, 'organization', 'organization'],
  [{ ticketType: undefined }, 'ticketType', 'needed'],
  [{ ticketType: 'VIP' }, 'ticketType', 'ticket-type'],
  [{ ticketType: 'Same' }, 'ticketType', 'ticket-type-name'],
  [{ note: 'x'.repeat(1001) }, 'note', 'note'],
  [{ note: '4111111111111111' }, 'note', 'card-number'],
  [{ language: 'fr' }, 'language', 'language'],
])('%j has a fault in %s: %s', (typed, column, fault) => {
  expect(read(typed)).toEqual({ status: 'faulty', faults: [{ column, fault }] });
});

it('tells all faults of a row, and takes the language of the page where none is given', () => {
  expect(read({ firstName: undefined, email: 'x', payment: 'cash', language: '?' })).toMatchObject({
    faults: [{ column: 'firstName' }, { column: 'email' }, { column: 'payment' }, { column: 'language' }],
  });
  expect(read({})).toMatchObject({ addition: { language: 'de' } });
  expect(read({ language: 'English' })).toMatchObject({ addition: { language: 'en' } });
});
