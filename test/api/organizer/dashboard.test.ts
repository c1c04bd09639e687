/** Organizers see the numbers of an event, and what needs attention. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CONDITIONS } from '../../../src/database/desk/attention.ts';
import { addDays, listShownEvents, readFigures } from '../../../src/database/desk/dashboard.ts';
import { purge } from '../../../src/database/purge.ts';
import { releaseHold } from '../../../src/database/registrations.ts';
import { claimSeat } from '../../../src/database/seats/claim.ts';
import { holdSeat } from '../../../src/database/seats/hold.ts';
import { noteAttempt, openStep } from '../../../src/database/steps.ts';
import { replaceStoppedRuns } from '../../../src/database/stopped-runs.ts';
import { reference } from '../../../src/reference.ts';
import { attentionAddress } from '../../../src/web/organizer/attention.ts';
import { startStack, type Stack } from '../../stack.ts';
import { aSignedIn, type SignedIn } from './desk.ts';
import { anOrder, aRefund } from './orders.ts';

let stack: Stack;
let ada: SignedIn;
beforeAll(async () => {
  stack = await startStack();
  ada = await aSignedIn(stack, 'organizer');
});
beforeEach(async () => {
  for (const table of [
    'orders',
    'refunds',
    'seat_holds',
    'ended_registrations',
    'step_outcomes',
    'stopped_runs',
  ])
    await stack.database(table).delete();
  for (const table of ['lapsed_checkouts', 'captures', 'background_jobs'])
    await stack.database(table).delete();
  await stack.database('ticket_types').update({ sold: 0 });
});
afterEach(async () => {
  await stack.database('orders').whereNot({ event_id: 'conference' }).delete();
  await stack.database('ticket_types').whereNot({ event_id: 'conference' }).delete();
  await stack.database('events').whereNot({ id: 'conference' }).delete();
  await stack
    .database('events')
    .update({ state: 'live', ends_at: '2099-05-15T16:00:00Z', starts_at: '2099-05-14T07:00:00Z' });
});
afterAll(() => stack.stop());

const order = (columns: Record<string, unknown> = {}) => anOrder(stack.database, columns);
async function page(url = '/organizer', as = ada): Promise<string> {
  const answer = await as.get(url);
  expect(answer.statusCode).toBe(200);
  return answer.body;
}
/** The rows of the table of ticket types, as the text of their cells. */
const rowsIn = (html: string) =>
  (/<table class="list figures"[\s\S]*?<\/table>/.exec(html)?.[0] ?? '')
    .split('<tr role="row"')
    .slice(2)
    .map((row) =>
      row
        .split(/<\/t[hd]>/)
        .map((cell) =>
          cell
            .replace(/^[^<]*>/, '')
            .replaceAll(/<[^>]*>/g, ' ')
            .replaceAll(/\s+/g, ' ')
            .trim(),
        )
        .slice(0, -1),
    );
/** The lines under "Needs attention". */
const linesIn = (html: string) =>
  [...html.matchAll(/<li data-condition="([^"]+)"><a href="([^"]+)">([^<]+)</g)].map(
    ([, condition = '', href = '', label = '']) => ({ condition, href, label }),
  );
const attention = async () =>
  Object.fromEntries(linesIn(await page()).map(({ condition, label }) => [condition, label.split(': ')[1]]));
const anEvent = async (id: string, columns: object = {}) => {
  await stack.database('events').insert({
    ...{ id, name: `Event ${id}`, starts_at: '2098-05-14T07:00:00Z', ends_at: '2098-05-15T16:00:00Z' },
    ...{ time_zone: 'Europe/Berlin', venue: 'Hall 5', currency: 'USD', seller: 'Society e.V.', ...columns },
  });
  await stack
    .database('ticket_types')
    .insert({ event_id: id, id: 'visitor', name: 'Visitor', price_minor: 5000, capacity: null, position: 0 });
};

describe('the figures of an event', () => {
  it('are who is registered, the money and the seats of each ticket type, and all of it', async () => {
    await order();
    await order({ status: 'refunded' }).then((id) => aRefund(stack.database, id, { amount_minor: 12_000 }));
    await order({ status: 'cancelled' });
    const partly = await order({ ticket_type_id: 'limited', amount_minor: 9000 });
    await aRefund(stack.database, partly);
    await aRefund(stack.database, partly, { state: 'refused', word: 'X' });
    await aRefund(stack.database, partly, { state: 'asked' });
    await order({ ticket_type_id: 'free', amount_minor: 0, paypal_capture_id: null, paypal_order_id: null });
    expect(rowsIn(await page())).toEqual([
      ['Limited', '1', '1', '€90.00', '€40.00', '€50.00'],
      ['Regular', '1', 'no limit', '€360.00', '€120.00', '€240.00'],
      ['Free', '1', '9', '–', '–', '–'],
      ['Total', '3', '', '€450.00', '€160.00', '€290.00'],
    ]);
  });

  it('have what was paid elsewhere apart from what PayPal took, and do not take it for a checkout', async () => {
    await order();
    const elsewhere = {
      source: 'by-hand',
      amount_minor: 5000,
      paypal_capture_id: null,
      paypal_order_id: null,
    };
    await order(elsewhere);
    const html = await page();
    expect(html).toContain('Paid elsewhere');
    const [, regular, , total] = rowsIn(html);
    expect(regular).toEqual(['Regular', '2', 'no limit', '€120.00', '€0.00', '€120.00', '€50.00']);
    expect(total?.at(-1)).toBe('€50.00');
    expect(html).toContain('1 checkout was begun, and 1 finished (100%)');
  });

  it('have each currency apart', async () => {
    await order();
    await order({ currency: 'USD', amount_minor: 1000 });
    const [, regular, , total] = rowsIn(await page());
    expect(regular?.[3]).toBe('€120.00 US$10.00');
    expect(total?.[3]).toBe('€120.00 US$10.00');
  });

  it('have the payment of a registration that was undone without an order, and its refund', async () => {
    const id = randomUUID();
    await holdSeat(stack.database, id, 'conference', 'regular');
    await claimSeat(stack.database, id, 'P');
    const capture = { paypal_capture_id: 'C', registration_id: id, amount_minor: 12_000, currency: 'EUR' };
    await stack.database('captures').insert({ ...capture, captured_at: new Date() });
    await aRefund(stack.database, id, { amount_minor: 12_000, paypal_capture_id: 'C' });
    const shown = ['Regular', '0', 'no limit', '€120.00', '€120.00', '€0.00'];
    expect(rowsIn(await page())).toContainEqual(shown);
    await stack.database('seat_holds').update({ claimed_for: null, held_until: new Date(0) });
    await releaseHold(stack.database, id);
    expect(rowsIn(await page())).toContainEqual(shown);
  });

  it('are those of the next event, or of the one that was chosen', async () => {
    await order();
    await anEvent('sooner');
    await anEvent('over', { starts_at: '2020-05-14T07:00:00Z', ends_at: '2020-05-15T16:00:00Z' });
    await anEvent('cancelled', { state: 'cancelled', starts_at: '2030-05-14T07:00:00Z' });
    expect(rowsIn(await page())).toEqual([
      ['Visitor', '0', 'no limit', '–', '–', '–'],
      ['Total', '0', '', '–', '–', '–'],
    ]);
    expect(rowsIn(await page('/organizer?event=conference'))).toHaveLength(4);
    expect(await page('/organizer?event=over')).toContain('This event is over.');
    expect(await page('/organizer?event=cancelled')).toContain('This event was cancelled.');
    expect(await page('/organizer?event=nothing')).toContain('Event sooner');
    expect((await listShownEvents(stack.database)).map(({ id }) => id)).toEqual([
      'sooner',
      'conference',
      'cancelled',
      'over',
    ]);
  });

  it('are read in eight statements, however many orders and ticket types there are', async () => {
    const statements = async () => {
      const sent: string[] = [];
      const note = ({ sql }: { sql: string }) => sent.push(sql);
      stack.database.on('query', note);
      await page();
      stack.database.off('query', note);
      return sent.length;
    };
    expect(await statements()).toBe(8);
    for (let n = 0; n < 12; n++)
      await order({ ticket_type_id: ['regular', 'free'][n % 2] }).then((id) => aRefund(stack.database, id));
    await anEvent('later', { starts_at: '2100-05-14T07:00:00Z', ends_at: '2100-05-15T07:00:00Z' });
    expect(await statements()).toBe(8);
  });
});

describe('the days', () => {
  const figures = async (now: string) => {
    const [event] = await listShownEvents(stack.database);
    if (!event) throw new Error('There is no event');
    return readFigures(stack.database, event, { money: true }, new Date(now));
  };

  it('are those of the time zone of the event, two weeks at least, without a gap', async () => {
    // In Berlin it is the next day already; and the clocks change on 29 March.
    await order({ created_at: '2026-03-27T23:30:00Z' });
    await order({ created_at: '2026-03-29T21:59:00Z', status: 'cancelled' });
    await order({ created_at: '2026-03-29T22:01:00Z' });
    const { days, before } = await figures('2026-03-31T10:00:00Z');
    expect(days.map(({ day }) => day)).toEqual(
      Array.from({ length: 14 }, (_, n) => addDays('2026-03-18', n)),
    );
    expect(days.slice(-5)).toEqual([
      { day: '2026-03-27', registered: 0, finished: 0, began: 0 },
      { day: '2026-03-28', registered: 1, finished: 1, began: 1 },
      { day: '2026-03-29', registered: 1, finished: 1, began: 1 },
      { day: '2026-03-30', registered: 1, finished: 1, began: 1 },
      { day: '2026-03-31', registered: 0, finished: 0, began: 0 },
    ]);
    expect(before).toEqual({ registered: 0, finished: 0, began: 0 });
  });

  it('begin with the first registration, are at most the last sixty, and what was before is counted together', async () => {
    await order({ created_at: '2026-01-01T12:00:00Z' });
    await order({ created_at: '2026-01-02T12:00:00Z' });
    const { days, before } = await figures('2026-06-30T12:00:00Z');
    expect([days.length, days[0]?.day, days.at(-1)?.day]).toEqual([60, '2026-05-02', '2026-06-30']);
    expect(before).toEqual({ registered: 2, finished: 2, began: 2 });
    await stack
      .database('events')
      .update({ starts_at: '2026-01-19T07:00:00Z', ends_at: '2026-01-20T07:00:00Z' });
    expect((await figures('2026-06-30T12:00:00Z')).days.map(({ day }) => day)).toEqual(
      Array.from({ length: 20 }, (_, n) => addDays('2026-01-01', n)),
    );
  });

  it('count each checkout once: while it goes on, when it is finished, given up, released or purged', async () => {
    const began = async () => {
      const [event] = await listShownEvents(stack.database);
      const { days, before } = await readFigures(stack.database, event ?? never(), { money: false });
      return [...days, before].reduce((sum, day) => sum + day.began, 0);
    };
    const held = async () => {
      const id = randomUUID();
      await holdSeat(stack.database, id, 'conference', 'regular');
      return id;
    };
    const [lapses, ends] = [await held(), await held()];
    await held();
    await order();
    expect(await began()).toBe(4);
    await stack
      .database('seat_holds')
      .whereIn('id', [lapses, ends])
      .update({ held_until: new Date(0) });
    await releaseHold(stack.database, ends);
    await purge(stack.database);
    expect(await stack.database('seat_holds').pluck('id')).toHaveLength(1);
    expect(await stack.database('lapsed_checkouts').pluck('checkouts')).toEqual([1]);
    expect(await began()).toBe(4);
    expect(await page()).toContain('4 checkouts were begun, and 1 finished (25%)');
    // The same day again.
    await stack.database('seat_holds').update({ held_until: new Date(0) });
    await purge(stack.database);
    expect(await stack.database('lapsed_checkouts').pluck('checkouts')).toEqual([2]);
  });

  it('are drawn, with a table of the same numbers', async () => {
    await order({ created_at: new Date(Date.now() - 86_400_000) });
    await order();
    await order();
    const html = await page();
    expect([...html.matchAll(/<rect /g)]).toHaveLength(14);
    expect(html).toMatch(/aria-label="Bars for 14 days\. The most registrations were 2, on [^"]+"/);
    const cells = [...html.matchAll(/<td class="number">(\d+)<\/td>/g)].map(([, count]) => count);
    expect(cells).toEqual(['2', '2', '1', '1', ...Array<string>(24).fill('0')]);
  });
});

const never = (): never => {
  throw new Error('This does not happen');
};
const longAgo = { since: new Date(Date.now() - 3_700_000) };
const steps = (id: string) => stack.database('step_outcomes').where({ registration_id: id });

describe('needs attention', () => {
  it('says plainly that nothing does', async () => {
    await order();
    const html = await page();
    expect(html).toContain('Nothing needs attention.');
    expect(html).toContain('No worker has looked for stopped runs yet.');
    expect(linesIn(html)).toEqual([]);
  });

  it('has each reason with its count, and leads to the list of as many', async () => {
    const [refused, waiting, mail, list, stopped] = await Promise.all(
      Array.from({ length: 5 }, () => order()),
    );
    if (!refused || !waiting || !mail || !list || !stopped) return never();
    await aRefund(stack.database, refused, { state: 'refused', word: 'X' });
    await aRefund(stack.database, refused, { state: 'refused', word: 'X' });
    await aRefund(stack.database, waiting, { state: 'asked', asked_at: new Date(Date.now() - 3_600_000) });
    await noteAttempt(stack.database, mail, 'email', {
      state: 'failed',
      attempts: 1,
      failure: { type: 'SendGridRejected' },
    });
    await openStep(stack.database, list, 'mailing-list');
    await steps(list).update(longAgo);
    await openStep(stack.database, stopped, 'email');
    const [doubt, lost] = [randomUUID(), randomUUID()];
    for (const id of [doubt, lost]) {
      await holdSeat(stack.database, id, 'conference', 'regular');
      await claimSeat(stack.database, id, `P-${id}`);
    }
    await stack.database('seat_holds').update({ claimed_at: new Date(Date.now() - 660_000) });
    await replaceStoppedRuns(stack.database, [
      { registration: stopped, kind: 'registration', run: 'TERMINATED' },
      { registration: lost, kind: 'payment', run: 'GONE' },
    ]);
    const lines = linesIn(await page());
    const known = [
      'payment-stopped',
      'payment-in-doubt',
      'run-stopped',
      'email-not-sent',
      'newsletter-not-added',
    ];
    expect(
      Object.fromEntries(lines.map(({ condition, label }) => [condition, label.split(': ')[1]])),
    ).toEqual(
      Object.fromEntries([...known, 'refund-refused', 'refund-waiting'].map((condition) => [condition, '1'])),
    );
    const ids: Record<string, string> = {
      ...{
        'payment-stopped': lost,
        'payment-in-doubt': doubt,
        'run-stopped': stopped,
        'email-not-sent': mail,
      },
      ...{ 'newsletter-not-added': list, 'refund-refused': refused, 'refund-waiting': waiting },
    };
    for (const { condition = '', href = '' } of lines) {
      const listed = await page(href);
      expect([...listed.matchAll(/registrations\/([0-9a-f-]{36})"/g)].map(([, id]) => id)).toEqual([
        ids[condition],
      ]);
      expect(listed).toContain(reference(ids[condition] ?? ''));
    }
  });

  it('has what an organizer adds and whose run was stopped, until it is decided', async () => {
    const id = randomUUID();
    await stack.database('additions').insert({
      ...{ id, organizer_id: randomUUID(), action: randomUUID(), event_id: 'conference', language: 'en' },
      ...{ ticket_type_id: 'regular', first_name: 'Ada', last_name: 'Example', email: 'ada@example.org' },
      ...{ amount_minor: 0, currency: 'EUR' },
    });
    await replaceStoppedRuns(stack.database, [{ registration: id, kind: 'addition', run: 'TERMINATED' }]);
    expect(await attention()).toEqual({ 'addition-stopped': '1' });
    const listed = await page(attentionAddress('addition-stopped'));
    expect(listed).toContain(reference(id));
    expect(listed).not.toContain('ada@');
    await stack.database('additions').delete();
    expect(await attention()).toEqual({});
  });

  it('offers every reason in the filter, and each has a page, also without anything in it', async () => {
    const list = await page('/organizer/registrations');
    for (const condition of CONDITIONS) {
      expect(list).toContain(`<option value="${condition}"`);
      expect(await page(attentionAddress(condition))).toMatch(/Nothing here needs attention|No registration/);
    }
  });

  it('does not take an order for unsent of which nothing is known, or which was saved within the hour', async () => {
    await order({ created_at: '2026-01-01T00:00:00Z' });
    const young = await order();
    await openStep(stack.database, young, 'email');
    expect(await attention()).toEqual({});
    await steps(young).update(longAgo);
    expect(await attention()).toEqual({ 'email-not-sent': '1' });
  });

  it('leaves out what is sent by now, over or erased, and whoever has unsubscribed', async () => {
    const failure = { type: 'MailchimpOptOut' };
    const [sent, over, left] = await Promise.all([order(), order(), order()]);
    for (const id of [sent, over]) {
      await openStep(stack.database, id, 'email');
      await steps(id).update(longAgo);
    }
    await noteAttempt(stack.database, left, 'mailing-list', { state: 'failed', attempts: 1, failure });
    expect(await attention()).toEqual({ 'email-not-sent': '2' });
    await noteAttempt(stack.database, sent, 'email', { state: 'done', attempts: 20 });
    await stack.database('orders').where({ id: over }).update({ status: 'cancelled' });
    expect(await attention()).toEqual({});
    await noteAttempt(stack.database, left, 'mailing-list', {
      state: 'failed',
      attempts: 1,
      failure: { type: 'MailchimpRejected' },
    });
    expect(await attention()).toEqual({ 'newsletter-not-added': '1' });
  });

  it('takes a payment for doubtful after ten minutes, and no free ticket or unconfirmed address', async () => {
    const ids = [randomUUID(), randomUUID(), randomUUID()] as const;
    for (const id of ids) await holdSeat(stack.database, id, 'conference', 'regular');
    await claimSeat(stack.database, ids[0], 'P');
    await claimSeat(stack.database, ids[1], 'free');
    await claimSeat(stack.database, ids[2], 'unconfirmed');
    expect(await attention()).toEqual({});
    await stack.database('seat_holds').update({ claimed_at: new Date(Date.now() - 660_000) });
    expect(await attention()).toEqual({ 'payment-in-doubt': '1' });
    // Another try at the same payment does not begin anew; another payment does.
    await claimSeat(stack.database, ids[0], 'P');
    expect(await attention()).toEqual({ 'payment-in-doubt': '1' });
    await claimSeat(stack.database, ids[0], 'Q');
    expect(await attention()).toEqual({});
  });
});

describe('roles and empty pages', () => {
  it('shows the door neither money nor what is wrong with a registration', async () => {
    const door = await aSignedIn(stack, 'door');
    await aRefund(stack.database, await order(), { state: 'refused', word: 'X' });
    const html = await page('/organizer', door);
    expect(rowsIn(html)).toEqual([
      ['Limited', '0', '2'],
      ['Regular', '1', 'no limit'],
      ['Free', '0', '10'],
      ['Total', '1', ''],
    ]);
    expect(html).toContain('Registrations per day');
    expect(html).not.toMatch(/€|Paid|Refund|Needs attention|ada@|Example|attention=/);
  });

  it('says what will appear where there is no event, and where nobody has registered', async () => {
    expect(await page()).toContain('Nobody has registered yet.');
    await stack.database('ticket_types').delete();
    await stack.database('events').delete();
    const html = await page();
    expect(html).toContain('There is no event yet');
    expect(html).toContain('Nothing needs attention.');
    // The last test of this file: the event is gone.
  });
});
