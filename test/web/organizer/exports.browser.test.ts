/** Organizers download files on a phone and on a desktop, with a keyboard alone, and without scripts. */
import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { speak } from '../../../src/messages/index.ts';
import { reference } from '../../../src/reference.ts';
import { aPerson } from '../../api/organizer/desk.ts';
import { anOrder } from '../../api/organizer/orders.ts';
import { openSite, visit, VISITORS } from '../attendee/visitor.ts';
import { expectGood, signInAs } from './good.ts';

let site: Awaited<ReturnType<typeof openSite>>;
let accountant: string;
beforeAll(async () => {
  site = await openSite({ settings: { PUBLIC_URL: 'http://localhost' } });
  accountant = (await aPerson(site.stack, 'accountant', { name: 'Grace' })).id;
}, 300_000);
afterEach(async () => {
  await site.leave();
  await site.stack.database('orders').delete();
});
afterAll(() => site.close());

const [, desktop] = VISITORS;
/** What a click, or a key, downloads: the name of the file, and its lines. */
async function downloaded(page: Page, act: () => Promise<unknown>) {
  const [download] = await Promise.all([page.waitForEvent('download'), act()]);
  expect(await download.failure()).toBeNull();
  const text = await readFile(await download.path(), 'utf8');
  return { name: download.suggestedFilename(), lines: parse(text, { bom: true }) };
}

describe.each(VISITORS)('on $who', (visitor) => {
  it('downloads what the list has found, and sees who has downloaded what', async () => {
    const id = await anOrder(site.stack.database, { last_name: 'Müller' });
    await anOrder(site.stack.database, { last_name: 'Other' });
    const visited = await visit(site.browser, `${site.address}/organizer/sign-in`, visitor);
    const { page, t, complaints } = visited;
    await signInAs(site, visited, accountant);
    await page
      .getByRole('link', { name: t('organizer.nav.export') })
      .first()
      .click();
    await page.getByRole('heading', { name: t('organizer.export.title'), exact: true }).waitFor();
    await expectGood(visited);

    await page
      .getByRole('link', { name: t('organizer.nav.registrations') })
      .first()
      .click();
    await page.getByRole('searchbox').fill('mull');
    await page.getByRole('button', { name: t('organizer.list.find') }).click();
    await page.getByRole('link', { name: t('organizer.list.export') }).click();
    expect(await page.getByRole('searchbox').inputValue()).toBe('mull');
    const registrations = page.getByRole('button', { name: t('organizer.export.registrations.button') });
    const file = await downloaded(page, () => registrations.click());
    expect(file.name).toBe('registrations.csv');
    expect(file.lines.map(([first]) => first)).toEqual([
      ...['reference', reference(id), '# end of file: 1 lines'],
    ]);
    const money = page.getByRole('button', { name: t('organizer.export.money.button') });
    expect((await downloaded(page, () => money.click())).lines).toHaveLength(2);

    await page.reload();
    const entry = page
      .getByRole('listitem')
      .filter({ hasText: 'Grace' })
      .filter({ hasText: 'registrations.csv' })
      .first();
    await entry.getByText(t('organizer.export.complete', { count: 1 })).waitFor();
    await entry.getByText(t('organizer.export.filter.q')).waitFor();
    await expectGood(visited);

    await page.getByLabel(t('organizer.export.from')).fill('2027-02-02');
    await page.getByLabel(t('organizer.export.to')).fill('2027-02-01');
    await money.click();
    await page.getByRole('alert').waitFor();
    const to = page.getByLabel(t('organizer.export.to'));
    expect(await to.getAttribute('aria-invalid')).toBe('true');
    expect(await to.inputValue()).toBe('2027-02-01');
    await expectGood(visited);
    // Chromium says so of every navigation that becomes a download.
    expect(complaints.filter((complaint) => !/\.csv\?\S* net::ERR_ABORTED$/.test(complaint))).toEqual([]);
  });
});

it('needs no mouse', async () => {
  await anOrder(site.stack.database);
  const visited = await visit(site.browser, `${site.address}/organizer/sign-in`, desktop);
  const { page, t } = visited;
  await signInAs(site, visited, accountant);
  await page.goto(`${site.address}/organizer/export`);
  await page.getByRole('searchbox').focus();
  const stops: string[] = [];
  for (let n = 0; n < 12; n++) {
    await page.keyboard.press('Tab');
    const [text = '', outline] = await page.evaluate<string[]>(
      `[document.activeElement.innerText || document.activeElement.id, getComputedStyle(document.activeElement).outlineStyle]`,
    );
    expect(outline, text).toBe('solid');
    stops.push(text);
    if (text === t('organizer.export.registrations.button')) break;
  }
  expect(stops.at(-1)).toBe(t('organizer.export.registrations.button'));
  expect((await downloaded(page, () => page.keyboard.press('Enter'))).lines).toHaveLength(3);
});

it('needs no scripts', async () => {
  await anOrder(site.stack.database);
  const context = await site.browser.newContext({ javaScriptEnabled: false, locale: 'en-GB' });
  const page = await context.newPage();
  const { t } = speak('en');
  await signInAs(site, { page, t } as never, accountant);
  await page.goto(`${site.address}/organizer/export`);
  await page.getByLabel(t('organizer.list.ticket')).selectOption('limited');
  const button = page.getByRole('button', { name: t('organizer.export.registrations.button') });
  expect((await downloaded(page, () => button.click())).lines).toHaveLength(2);
});
