/** Organizers find registrations: by filters, by what they remember of a person, and page by page. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eraseFromOrder } from '../../../src/database/orders.ts';
import { cancelRegistration } from '../../../src/database/registrations.ts';
import { reference } from '../../../src/reference.ts';
import { workflowId } from '../../../src/registration.ts';
import { aForm } from '../../../stage/person.ts';
import { anAttendee, startStack, type Stack } from '../../stack.ts';
import { aSignedIn, type SignedIn } from './desk.ts';
import { anOrder, aRefund } from './orders.ts';

const PATH = '/organizer/registrations';
let stack: Stack;
let ada: SignedIn;
beforeAll(async () => {
  stack = await startStack();
  ada = await aSignedIn(stack, 'organizer');
});
beforeEach(async () => {
  await stack.database('orders').delete();
  await stack.database('refunds').delete();
  await stack.database('ticket_types').update({ sold: 0 });
});
afterAll(() => stack.stop());

const order = (columns: Record<string, unknown> = {}) => anOrder(stack.database, columns);
const address = (query: Record<string, string>) => `${PATH}?${new URLSearchParams(query).toString()}`;
/** The page at an address; a redirect is followed. */
async function page(query: Record<string, string> | string = {}): Promise<string> {
  const answer = await ada.get(typeof query === 'string' ? query : address(query));
  if (answer.statusCode === 303) return page(String(answer.headers.location));
  expect(answer.statusCode).toBe(200);
  return answer.body;
}
const plain = (html: string) => html.replaceAll('&amp;', '&').replaceAll('&#39;', "'");
/** The ids of the registrations in a page, in their order. */
const idsIn = (html: string) =>
  [...html.matchAll(/registrations\/([0-9a-f-]{36})"/g)].map(([, id = '']) => id);
const idsOf = async (query: Record<string, string>) => idsIn(await page(query));
const tabsIn = (html: string) =>
  [...html.matchAll(/(?:All|Confirmed|Cancelled|Refunded) \(([\d,]+)\)/g)].map(([, count]) => count);
const linkIn = (html: string, rel: 'prev' | 'next') =>
  plain(new RegExp(`rel="${rel}" href="([^"]+)"`).exec(html)?.[1] ?? '');
/** The cells of the first row, as text. */
const cellsIn = (html: string) =>
  (/<tbody[^>]*>([\s\S]*?)<\/tr>/.exec(html)?.[1] ?? '')
    .split(/<\/t[hd]>/)
    .map((cell) =>
      cell
        .replaceAll(/<[^>]*>/g, ' ')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    )
    .filter(Boolean);

it('shows who registered for what, what was paid and refunded, newest first', async () => {
  const old = await order({
    created_at: '2026-01-01T00:00:00Z',
    ticket_type_id: 'limited',
    status: 'cancelled',
  });
  const id = await order({ created_at: '2026-05-14T22:30:00Z' });
  await aRefund(stack.database, id);
  await aRefund(stack.database, id, { amount_minor: 1000 });
  await aRefund(stack.database, id, { amount_minor: 2000, state: 'refused', word: 'REFUND_NOT_ALLOWED' });
  await aRefund(stack.database, id, { amount_minor: 500, state: 'asked' });
  const html = await page();
  expect(idsIn(html)).toEqual([id, old]);
  expect(cellsIn(html)).toEqual([
    'Ada Example ada@example.org',
    reference(id),
    'Regular',
    '€120.00 €50.00 refunded',
    'Confirmed Refund refused by PayPal',
    // The event is in Berlin, where it is the next day.
    '15 May 2026, 00:30',
  ]);
  expect(html).not.toContain('data-label="Event"');
});

it('shows an erased person as erased, found by the reference alone', async () => {
  const id = await order({ amount_minor: 0, paypal_capture_id: null, ticket_type_id: 'free' });
  await eraseFromOrder(stack.database, id);
  expect(await idsOf({ q: 'ada' })).toEqual([]);
  const html = await page({ q: reference(id) });
  expect(cellsIn(html).slice(0, 4)).toEqual(['(erased)', reference(id), 'Free', 'Free']);
});

it('says what will appear, and offers to clear filters that find nothing', async () => {
  expect(await page()).toContain('No registrations yet');
  await order();
  const nothing = await page({ q: 'grace', status: 'refunded' });
  expect(nothing).toContain('Nothing found');
  expect(nothing).toContain(`href="${PATH}"`);
});

it('counts what people registered for, and what was cancelled since', async () => {
  await stack.startWorker();
  const people = ['Grace', 'Mary'].map((firstName) =>
    anAttendee(
      stack,
      aForm({ attendee: { firstName, lastName: 'Example', email: `${firstName}@example.org` } }),
    ),
  );
  for (const person of people) {
    expect((await person.register()).statusCode).toBe(201);
    await stack.temporal.workflow.getHandle(workflowId(person.id)).result();
  }
  const [registration = ''] = people.map(({ id }) => id);
  const action = { registration, action: randomUUID(), organizer: randomUUID(), reason: '' };
  expect(await cancelRegistration(stack.database, action)).toEqual({ status: 'ended' });
  expect(tabsIn(await page())).toEqual(['2', '1', '1', '0']);
  expect(await idsOf({ status: 'cancelled' })).toEqual([registration]);
});

describe('filters', () => {
  it('the tabs count what the other filters find, and keep them', async () => {
    await order();
    await order({ status: 'cancelled' });
    await order({ status: 'cancelled', ticket_type_id: 'limited' });
    const refunded = await order({ status: 'refunded', first_name: 'Grace', email: 'g@b.test' });
    expect(tabsIn(await page())).toEqual(['4', '1', '2', '1']);
    expect(tabsIn(await page({ status: 'refunded' }))).toEqual(['4', '1', '2', '1']);
    expect(await idsOf({ status: 'refunded' })).toEqual([refunded]);
    const html = await page({ ticket: 'regular', q: 'ada', status: 'cancelled' });
    expect([tabsIn(html), idsIn(html).length]).toEqual([['2', '1', '1', '0'], 1]);
    expect(plain(html)).toContain(`href="${PATH}?q=ada&status=confirmed&ticket=regular"`);
    expect(html).toContain('name="status" value="cancelled"');
  });

  it('ticket types and events can be chosen where there is a choice', async () => {
    const { database } = stack;
    expect(await page()).not.toContain('name="event"');
    const [conference] = await database('events').select<Record<string, unknown>[]>('*');
    const { picture_hash: _, ...event } = conference ?? {};
    await database('events').insert({ ...event, id: 'workshop', name: 'Workshop', starts_at: '2099-05-01' });
    const type = { event_id: 'workshop', price_minor: 0 };
    await database('ticket_types').insert({ ...type, id: 'regular', name: 'Seat' });
    const [ours, theirs] = [await order(), await order({ event_id: 'workshop' })];
    const html = await page({ event: 'workshop' });
    expect(idsIn(html)).toEqual([theirs]);
    expect(html).toContain('data-label="Event"');
    // The workshop has one ticket type.
    expect(html).not.toContain('name="ticket"');
    expect(await page()).toContain('Regular / Seat');
    expect((await idsOf({ ticket: 'regular' })).toSorted()).toEqual([ours, theirs].toSorted());
    expect(await idsOf({ ticket: 'limited', event: 'conference' })).toEqual([]);
    await database('orders').delete();
    await database('ticket_types').where({ event_id: 'workshop' }).delete();
    await database('events').where({ id: 'workshop' }).delete();
  });

  it('what cannot be chosen does not count', async () => {
    const id = await order();
    for (const query of [
      { status: 'lost' },
      { ticket: 'nothing' },
      { event: "x' or 1=1 --" },
      { attention: 'toString' },
      { q: '' },
      { q: ' \u0000\t ' },
    ])
      expect(await idsOf(query)).toEqual([id]);
    expect(idsIn(await page(`${PATH}?q=grace&q=hopper&status=confirmed&status=x`))).toEqual([id]);
  });

  it('attention finds refunds that PayPal refused, and those that wait for more than ten minutes', async () => {
    const [fine, refused, waiting, young] = [await order(), await order(), await order(), await order()];
    const { database } = stack;
    const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000);
    await aRefund(database, fine, { asked_at: ago(60) });
    await aRefund(database, refused, { state: 'refused', word: 'REFUND_FAILED_INSUFFICIENT_FUNDS' });
    await aRefund(database, waiting, { state: 'asked', asked_at: ago(11) });
    await aRefund(database, young, { state: 'asked', asked_at: ago(9) });
    expect(await idsOf({ attention: 'refund-refused' })).toEqual([refused]);
    const html = await page({ attention: 'refund-waiting' });
    expect([idsIn(html), tabsIn(html)]).toEqual([[waiting], ['1', '1', '0', '0']]);
    expect(cellsIn(html).at(-2)).toBe('Confirmed Refund not done after ten minutes');
  });
});

describe('the search', () => {
  it.each([
    [
      'Ada',
      'Example',
      ['ada', 'ADA', 'exam', 'exam ad', 'ad exam', 'a e', 'Example, Ada', 'xampl', 'ada  example'],
    ],
    [
      'Jürgen',
      'Müller',
      ['müller', 'muller', 'mueller', 'MÜLLER', 'Mu\u0308ller', 'mü', 'mue', 'jurg mull', 'juergen'],
    ],
    ['Jurgen', 'Mueller', ['müller', 'mueller', 'Ju']],
    ['Söan', 'Weiß', ['weiss', 'WEISS', 'weiß', 'weiẞ', 'soan', 'soean']],
    ['Øyvind', 'Strøm', ['oyvind', 'øyvind', 'ØYVIND', 'strom', 'stroem', 'oeyvind']],
    ['Åsa', 'Kjær', ['asa', 'aasa', 'åsa', 'kjaer', 'kjær']],
    ['Łukasz', 'Żółć', ['lukasz', 'zolc', 'ŻÓŁĆ']],
    ['İpek', 'Işık', ['ipek', 'isik', 'IŞIK']],
    ['Nguyễn', 'Thị', ['nguyen', 'thi', 'nguyễn']],
    ['Siobhán', "O'Brien", ["o'brien", 'o’brien', 'obrien', 'siobhan']],
    ['Anna-Lena', 'Vogel', ['anna lena', 'anna-lena', 'anna‑lena', 'le', 'lena vog']],
    ['Ἀθηνᾶ', 'ΠΑΠΑΔΆΚΗΣ', ['αθηνα', 'παπαδακης', 'Παπαδάκης']],
    ['Фёдор', 'Достоевский', ['федор', 'ДОСТО', 'досто фёд']],
    ['花子', '山田', ['花子', '山田 花']],
    ['Per', 'Cent%_\\', ['%', '_', '\\', 'cent%_\\', '%_']],
  ])('finds %s %s', async (first_name, last_name, searches) => {
    const id = await order({ first_name, last_name, email: 'x@y.test' });
    await order({ first_name: 'Zora', last_name: 'Quux', email: 'zora@q.test' });
    for (const q of searches) expect([q, await idsOf({ q })]).toEqual([q, [id]]);
  });

  it('finds e-mail addresses and domains', async () => {
    const id = await order({
      first_name: 'Zora',
      last_name: 'Quux',
      email: 'Grace.Hopper-42@Sub.Example.org',
    });
    await order({ email: 'ada@example.com' });
    for (const q of [
      ...['grace.hopper-42@sub.example.org', 'hopper', '@sub.example.org', 'example.org', '.example.org'],
      ...['GRACE.', 'hopper-42', 'zora example.org'],
    ])
      expect([q, await idsOf({ q })]).toEqual([q, [id]]);
    expect(await idsOf({ q: '@example.org' })).toEqual([]);
    expect(await idsOf({ q: '@example' })).toHaveLength(1);
  });

  it('does not find more than was asked for', async () => {
    await order();
    for (const q of [
      'xa',
      'da',
      'ada grace',
      'a_a',
      'a%a',
      'adaexample',
      'ada exampleada',
      "' or true --",
      '\\',
    ])
      expect([q, await idsOf({ q })]).toEqual([q, []]);
  });

  it('finds a reference however it is typed, and a name that could be one', async () => {
    const id = await order({ reference: '0A1B2C3D4E' });
    const other = await order({ reference: 'ZZZZZZZZZZ', last_name: 'Kristensen' });
    for (const q of [
      '0A1B2C3D4E',
      '0a1b2c3d4e',
      'oalb2c3d4e',
      'OAIB2-C3D4E',
      ' 0a1b 2c3d 4e ',
      '0A1-B2C-3D4E',
    ])
      expect([q, await idsOf({ q })]).toEqual([q, [id]]);
    expect(await idsOf({ q: 'kristensen' })).toEqual([other]);
    expect(await idsOf({ q: '0a1b2c3d4' })).toEqual([]);
  });

  it('takes hostile text as text, in at most a hundred characters', async () => {
    const script = '<script>alert(1)</script>';
    const id = await order({ first_name: script, last_name: '"><img src=x>', email: 'a&b@example.org' });
    const html = await page({ q: '"><img' });
    expect(idsIn(html)).toEqual([id]);
    expect(html).not.toMatch(/<script|<img/);
    expect(html).toContain('value="&quot;&gt;&lt;img"');
    const long = await page({ q: 'ä'.repeat(100) + 'x'.repeat(5000) });
    expect(long).toContain(`value="${'ä'.repeat(100)}"`);
    for (const q of [
      ',',
      '; ,',
      '\ud800',
      '\u0000',
      'a '.repeat(50),
      '('.repeat(100),
      '%'.repeat(100),
      '😀'.repeat(100),
    ])
      expect((await ada.get(address({ q }))).statusCode).toBe(200);
  });
});

describe('pages', () => {
  const add = (count: number, columns: Record<string, unknown> = {}) =>
    Promise.all(Array.from({ length: count }, () => order(columns)));

  it('lead from the newest to the oldest and back, and keep the filters', async () => {
    // Many rows of one moment: a file that is imported.
    await add(35, { created_at: '2026-01-01T00:00:00Z' });
    // Many rows of one millisecond.
    for (let n = 0; n < 85; n++)
      await order({ created_at: `2026-01-02T00:00:00.000${String(n).padStart(3, '0')}Z` });
    const [first, second, third] = await walk(address({ status: 'confirmed', q: 'ada' }));
    expect([first, second, third].map((html) => idsIn(html ?? '').length)).toEqual([50, 50, 20]);
    expect(linkIn(first ?? '', 'next')).toContain('q=ada&status=confirmed&after=');
    expect(linkIn(first ?? '', 'prev')).toBe('');
    const back = await page(linkIn(third ?? '', 'prev'));
    expect(idsIn(back)).toEqual(idsIn(second ?? ''));
    expect(idsIn(await page(linkIn(back, 'prev')))).toEqual(idsIn(first ?? ''));
    expect(linkIn(back, 'prev')).toContain('before=');
  });

  it('neither lose nor repeat a row while people register', async () => {
    const { database } = stack;
    const before = await add(180);
    let isOver = false;
    const arriving = (async () => {
      for (let n = 0; n < 20; n++) {
        await add(10);
        await sleep(10);
      }
      isOver = true;
    })();
    const seen: string[] = [];
    for (let html = await page(); ; html = await page(linkIn(html, 'next'))) {
      seen.push(...idsIn(html));
      if (linkIn(html, 'next') === '') break;
    }
    expect(isOver).toBe(false);
    await arriving;
    expect(new Set(seen).size).toBe(seen.length);
    expect(before.filter((id) => !seen.includes(id))).toEqual([]);
    const all = (await walk(PATH)).flatMap(idsIn);
    expect(all.toSorted()).toEqual((await database('orders').pluck<string[]>('id')).toSorted());
    // The way back shows those that came, too.
    const [, second = ''] = await walk(PATH);
    await add(3);
    const newer = await page(linkIn(second, 'prev'));
    expect([idsIn(newer).length, linkIn(newer, 'prev') !== '']).toEqual([50, true]);
    expect(idsIn(await page(linkIn(newer, 'prev')))).toEqual(idsIn(await page()));
  });

  it('a cursor that is broken, or leads nowhere, is answered with the first page', async () => {
    const [id] = await add(1);
    const broken = (text: string) => Buffer.from(text).toString('base64url');
    for (const cursor of [
      ...['x', '', '%00', "' or 1=1", broken('1 2'), broken(`${'9'.repeat(20)} ${id}`), broken(`1 ${id}x`)],
      ...[broken(`-1 ${id}`), broken(`0 ${id}`), 'a'.repeat(5000)],
    ])
      for (const way of ['after', 'before'])
        expect([cursor, idsIn(await page({ [way]: cursor }))]).toEqual([cursor, [id]]);
    expect(idsIn(await page({ before: broken(`9999999999999999 ${id}`) }))).toEqual([id]);
  });

  /** All pages from an address on. */
  async function walk(from: string): Promise<string[]> {
    const pages: string[] = [];
    for (let next = from; next !== ''; next = linkIn(pages.at(-1) ?? '', 'next'))
      pages.push(await page(next));
    return pages;
  }
});

it('takes three statements, whatever is asked for: the session, the choices, the list', async () => {
  await Promise.all(Array.from({ length: 60 }, () => order()));
  const html = await page();
  let statements = 0;
  const count = () => statements++;
  stack.database.on('query', count);
  for (const url of [
    ...[PATH, linkIn(html, 'next'), address({ q: 'ada exam', status: 'confirmed', ticket: 'regular' })],
    ...[address({ q: 'müller' }), address({ attention: 'refund-refused' }), address({ q: '0A1B2C3D4E' })],
  ]) {
    statements = 0;
    expect((await ada.get(url)).statusCode).toBe(200);
    expect([url, statements]).toEqual([url, 3]);
  }
  stack.database.off('query', count);
});

it.each([
  ['owner', 200],
  ['organizer', 200],
  ['accountant', 200],
  ['door', 403],
] as const)('answers the role %s with %i', async (role, status) => {
  const person = await aSignedIn(stack, role);
  expect((await person.get(PATH)).statusCode).toBe(status);
  expect((await person.get('/organizer')).body.includes(`href="${PATH}"`)).toBe(status === 200);
});
