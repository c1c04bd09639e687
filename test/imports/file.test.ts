/** Files as spreadsheets write them, and files that are broken. */
import { describe, expect, it } from 'vitest';
import { MOST_ROWS, readFile } from '../../src/imports/file.ts';

const HEADER = 'firstName,lastName,email,ticketType';
const ADA = { firstName: 'Ada', lastName: 'Example', email: 'ada@example.org', ticketType: 'Regular' };

describe('a file is read', () => {
  it.each([
    ['commas', `${HEADER}\nAda,Example,ada@example.org,Regular\n`],
    [
      'semicolons, and German names',
      'Ticketart;E-Mail;Nachname;Vorname\nRegular;ada@example.org;Example;Ada',
    ],
    [
      'tabs, and no line break at the end',
      `${HEADER.replaceAll(',', '\t')}\nAda\tExample\tada@example.org\tRegular`,
    ],
    ['line breaks of Windows', `${HEADER}\r\nAda,Example,ada@example.org,Regular\r\n`],
    ['a byte order mark', `\uFEFF${HEADER}\nAda,Example,ada@example.org,Regular\n`],
    [
      'quotes, and names of columns in other letters',
      `"First name","LAST_NAME",E-Mail,"Ticket type"\n"Ada","Example",ada@example.org,"Regular"`,
    ],
    [
      'blanks around',
      ` firstName ; lastName ; email ; ticketType \n Ada ; Example ; ada@example.org ; Regular `,
    ],
  ])('with %s', (_name, text) => {
    const expected = { status: 'read', rows: [{ line: 2, fields: ADA }], unused: [], unreadableFrom: null };
    expect(readFile(Buffer.from(text))).toEqual(expected);
    expect(readFile(text)).toEqual(expected);
  });

  it('with quotes that hold delimiters, quotes and line breaks, each row by the line on which it begins', () => {
    const text = [
      'firstName;lastName;email;ticketType;note;Phone',
      '',
      'Ada;Example;a@example.org;"Early; bird";"She said ""yes""\nand paid";1',
      ';;;;;',
      'Grace;Example;b@example.org;5" disk;;2',
      '"Carl";Example;c@example.org;Regular',
    ].join('\r\n');
    const read = readFile(text);
    expect(read).toMatchObject({ status: 'read', unused: ['Phone'] });
    expect(
      read.status === 'read' && read.rows.map(({ line, fields }) => [line, fields.ticketType, fields.note]),
    ).toEqual([
      [3, 'Early; bird', 'She said "yes"\nand paid'],
      [6, '5" disk', undefined],
      [7, 'Regular', undefined],
    ]);
  });

  it('up to a quotation mark that is never closed, which does not hide the rows before', () => {
    const text = `${HEADER}\nAda,Example,ada@example.org,Regular\nGrace,"Example,b@example.org,Regular\nCarl,Example,c@example.org,Regular`;
    expect(readFile(text)).toMatchObject({ status: 'read', rows: [{ line: 2 }], unreadableFrom: 3 });
  });
});

describe('a file is refused', () => {
  it('that is not UTF-8, such as Latin-1 and UTF-16', () => {
    const text = `${HEADER}\nJosé,Example,a@example.org,Regular`;
    expect(readFile(Buffer.from(text, 'latin1'))).toEqual({ status: 'not-utf8' });
    expect(readFile(Buffer.from(`\uFEFF${text}`, 'utf16le'))).toEqual({ status: 'not-utf8' });
    expect(readFile(Buffer.from(HEADER, 'utf16le'))).toEqual({ status: 'not-utf8' });
  });

  it('without rows, without needed columns, with a column twice, and with too many rows', () => {
    expect(readFile('')).toEqual({ status: 'empty' });
    expect(readFile(`${HEADER}\n,,,\n`)).toEqual({ status: 'empty' });
    expect(readFile('Ada,Example\nGrace,Example')).toEqual({
      ...{ status: 'missing', columns: ['firstName', 'lastName', 'email', 'ticketType'] },
    });
    expect(readFile(`${HEADER},E-Mail\n1,2,3,4,5`)).toEqual({ status: 'twice', columns: ['email'] });
    expect(readFile(`${HEADER}${'\na,b,c,d'.repeat(MOST_ROWS)}`)).toMatchObject({ status: 'read' });
    expect(readFile(`${HEADER}${'\na,b,c,d'.repeat(MOST_ROWS + 1)}`)).toEqual({ status: 'too-many' });
  });
});
