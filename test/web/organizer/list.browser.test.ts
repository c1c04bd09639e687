/** Organizers find registrations on a phone and on a desktop, with a keyboard alone, and without scripts. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { speak } from '../../../src/messages/index.ts';
import { reference } from '../../../src/reference.ts';
import { aLink, aPerson } from '../../api/organizer/desk.ts';
import { anOrder, aRefund } from '../../api/organizer/orders.ts';
import { openSite, visit, VISITORS, type Visit } from '../attendee/visitor.ts';
import { expectGood } from './good.ts';

const PATH = '/organizer/registrations';
let site: Awaited<ReturnType<typeof openSite>>;
let organizer: string;
beforeAll(async () => {
  site = await openSite({ settings: { PUBLIC_URL: 'http://localhost' } });
  organizer = (await aPerson(site.stack, 'organizer', { name: 'Grace' })).id;
}, 300_000);
afterEach(async () => {
  await site.leave();
  await site.stack.database('orders').delete();
  await site.stack.database('ticket_types').update({ sold: 0 });
});
afterAll(() => site.close());

const order = (columns: Record<string, unknown> = {}) => anOrder(site.stack.database, columns);
const LONG = `${'hopper'.repeat(9)}@department-of-statistics.example.org`;

/** Signs in, and opens the list by the navigation. */
async function enter(page: Page, t: Visit['t']): Promise<void> {
  await page.goto(`${site.address}/organizer/sign-in/${await aLink(site.stack, organizer)}`);
  await page.getByRole('button', { name: t('organizer.link.button'), exact: true }).click();
  await page
    .getByRole('link', { name: t('organizer.nav.registrations') })
    .first()
    .click();
  await page.getByRole('heading', { name: t('organizer.list.title'), exact: true }).waitFor();
}
const namesIn = (page: Page) => page.getByRole('rowheader').getByRole('link').allInnerTexts();
const [, desktop] = VISITORS;

describe.each(VISITORS)('on $who', (visitor) => {
  it('finds a registration by half a name, and by its status', async () => {
    const visited = await visit(site.browser, `${site.address}/organizer/sign-in`, visitor);
    const { page, t, complaints } = visited;
    await enter(page, t);
    await page.getByRole('heading', { name: t('organizer.list.empty') }).waitFor();
    await expectGood(visited);

    const id = await order({ first_name: 'Jürgen', last_name: 'Müller-Lüdenscheidt', email: LONG });
    await aRefund(site.stack.database, id);
    await aRefund(site.stack.database, id, { state: 'refused', word: 'REFUND_NOT_ALLOWED' });
    await order({ status: 'cancelled', ticket_type_id: 'limited' });
    await page.reload();
    await expectGood(visited);
    expect(await page.getByRole('table').getByRole('row').count()).toBe(3);
    await page.getByRole('searchbox').fill('mull jur');
    await page.getByRole('button', { name: t('organizer.list.find') }).click();
    await page.waitForURL(/q=mull/);
    const row = page.getByRole('row').filter({ hasText: 'Müller' });
    const { money } = speak(visitor.language);
    const refunded = t('organizer.list.paid.refunded', { amount: money({ minor: 4000, currency: 'EUR' }) });
    for (const text of [LONG, reference(id), 'Regular', money({ minor: 12_000, currency: 'EUR' }), refunded])
      await row.getByText(text).first().waitFor();
    await row.getByText(t('organizer.list.refund-refused')).waitFor();
    expect(await namesIn(page)).toEqual(['Jürgen Müller-Lüdenscheidt']);
    expect(await row.getByRole('link').getAttribute('href')).toBe(`${PATH}/${id}`);
    await expectGood(visited);

    const tabs = page.getByRole('navigation', { name: t('organizer.list.tabs') });
    await tabs.getByRole('link', { name: t('organizer.list.cancelled', { count: 0 }) }).click();
    await page.getByRole('heading', { name: t('organizer.list.nothing') }).waitFor();
    expect(await tabs.locator('[aria-current]').innerText()).toBe(
      t('organizer.list.cancelled', { count: 0 }),
    );
    await expectGood(visited);
    await page
      .getByRole('main')
      .getByRole('link', { name: t('organizer.list.clear') })
      .first()
      .click();
    await page.waitForURL((url) => url.search === '');
    await page.getByLabel(t('organizer.list.ticket')).selectOption('limited');
    await page.getByRole('button', { name: t('organizer.list.find') }).click();
    await page.waitForURL(/ticket=limited/);
    expect(await namesIn(page)).toEqual(['Ada Example']);
    expect(complaints).toEqual([]);
  });

  it('turns the pages, in the chosen language', async () => {
    for (let n = 0; n < 60; n++) await order({ last_name: `Example ${n}` });
    const visited = await visit(site.browser, `${site.address}/organizer/sign-in`, visitor);
    const { page, t } = visited;
    await enter(page, t);
    await expectGood(visited);
    await page.getByRole('link', { name: t('organizer.list.older') }).click();
    await page.waitForURL(/after=/);
    expect(await namesIn(page)).toHaveLength(10);
    await expectGood(visited);
    await page.getByRole('link', { name: visitor.language === 'de' ? 'English' : 'Deutsch' }).click();
    await page.waitForURL(/lang=/);
    expect(await namesIn(page)).toHaveLength(10);
    const other = speak(visitor.language === 'de' ? 'en' : 'de');
    await page.getByRole('link', { name: other.t('organizer.list.newer') }).click();
    await page.waitForURL(/before=/);
    expect((await namesIn(page))[0]).toBe('Ada Example 59');
  });
});

it('needs no mouse: from the search to a registration', async () => {
  const id = await order();
  const { page, t } = await visit(site.browser, `${site.address}/organizer/sign-in`, desktop);
  await enter(page, t);
  await page.getByRole('searchbox').focus();
  await page.keyboard.type('exam ad');
  await page.keyboard.press('Enter');
  await page.waitForURL(/q=exam\+ad/);
  const stops: string[] = [];
  for (let n = 0; n < 30; n++) {
    await page.keyboard.press('Tab');
    const [text = '', outline] = await page.evaluate<string[]>(
      `[document.activeElement.innerText || document.activeElement.id, getComputedStyle(document.activeElement).outlineStyle]`,
    );
    expect(outline, text).toBe('solid');
    stops.push(text);
    if (text === 'Ada Example') break;
  }
  expect(stops.slice(-5)).toEqual([
    t('organizer.list.all', { count: 1 }),
    t('organizer.list.confirmed', { count: 1 }),
    t('organizer.list.cancelled', { count: 0 }),
    t('organizer.list.refunded', { count: 0 }),
    'Ada Example',
  ]);
  await page.keyboard.press('Enter');
  await page.waitForURL(`**${PATH}/${id}`);
});

it('needs no scripts', async () => {
  await order();
  const context = await site.browser.newContext({ javaScriptEnabled: false, locale: 'en-GB' });
  const page = await context.newPage();
  const { t } = speak('en');
  await enter(page, t);
  await page.getByRole('searchbox').fill('@example.org');
  await page.getByLabel(t('organizer.list.attention')).selectOption('refund-waiting');
  await page.getByRole('button', { name: t('organizer.list.find') }).click();
  await page.getByRole('heading', { name: t('organizer.list.nothing') }).waitFor();
  await page
    .getByRole('main')
    .getByRole('link', { name: t('organizer.list.clear') })
    .first()
    .click();
  expect(await namesIn(page)).toEqual(['Ada Example']);
});
