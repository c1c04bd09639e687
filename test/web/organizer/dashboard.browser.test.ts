/** Organizers look at the dashboard on a phone and on a desktop, with a keyboard alone, and without scripts. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { addDays } from '../../../src/database/desk/dashboard.ts';
import { claimSeat } from '../../../src/database/seats/claim.ts';
import { holdSeat } from '../../../src/database/seats/hold.ts';
import { noteAttempt } from '../../../src/database/steps.ts';
import { speak } from '../../../src/messages/index.ts';
import { reference } from '../../../src/reference.ts';
import { aLink, aPerson } from '../../api/organizer/desk.ts';
import { anOrder, aRefund } from '../../api/organizer/orders.ts';
import { openSite, visit, VISITORS } from '../attendee/visitor.ts';
import { expectGood, signInAs } from './good.ts';

const HELD = '7d6d2a34-5f0c-4b6e-9f6d-0d5f0a1b2c3d';
let site: Awaited<ReturnType<typeof openSite>>;
let organizer: string;
beforeAll(async () => {
  site = await openSite({ settings: { PUBLIC_URL: 'http://localhost' } });
  organizer = (await aPerson(site.stack, 'organizer', { name: 'Grace' })).id;
}, 300_000);
afterEach(async () => {
  await site.leave();
  const { database } = site.stack;
  for (const table of ['orders', 'refunds', 'seat_holds', 'step_outcomes']) await database(table).delete();
  await database('ticket_types').update({ sold: 0 });
  await database('events').whereNot({ id: 'conference' }).delete();
});
afterAll(() => site.close());

const [, desktop] = VISITORS;
/** The day in the time zone of the event. */
const today = () => new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Berlin' }).format();
const at = (day: string) => `${day}T10:00:00Z`;

/** Orders of two weeks, one of them refunded in part and one whose mail failed; and a payment in doubt. */
async function fill(): Promise<{ failed: string; refunded: string }> {
  const { database } = site.stack;
  const counts = [1, 0, 2, 5, 3, 0, 1, 4, 2, 6, 1, 0, 2, 3];
  for (const [n, count] of counts.entries())
    for (let many = 0; many < count; many++)
      await anOrder(database, { created_at: at(addDays(today(), n - counts.length)) });
  const [failed, refunded] = [
    await anOrder(database),
    await anOrder(database, { ticket_type_id: 'limited', amount_minor: 9000 }),
  ];
  await aRefund(database, refunded, { state: 'done' });
  const failure = { type: 'SendGridRejected', word: 'personalizations.0.to' };
  await noteAttempt(database, failed, 'email', { state: 'failed', attempts: 1, failure });
  await holdSeat(database, HELD, 'conference', 'regular');
  await claimSeat(database, HELD, 'P');
  await database('seat_holds').update({ claimed_at: new Date(Date.now() - 900_000) });
  return { failed, refunded };
}
const anotherEvent = () =>
  site.stack.database('events').insert({
    ...{
      id: 'later',
      name: 'A later event with a long name',
      venue: 'Hall 4',
      currency: 'EUR',
      seller: 'Society',
    },
    ...{ starts_at: '2099-09-01T07:00:00Z', ends_at: '2099-09-01T17:00:00Z', time_zone: 'Europe/Berlin' },
  });

describe.each(VISITORS)('on $who', (visitor) => {
  it('shows the numbers of an event, and leads to what needs attention', async () => {
    const visited = await visit(site.browser, `${site.address}/organizer/sign-in`, visitor);
    const { page, t, complaints } = visited;
    await signInAs(site, visited, organizer);
    await page.getByText(t('organizer.attention.none')).waitFor();
    await page.getByText(t('organizer.chart.empty')).waitFor();
    await expectGood(visited);

    const { failed } = await fill();
    await anotherEvent();
    await page.reload();
    await page.getByRole('img').waitFor();
    expect(await page.getByRole('img').getAttribute('aria-label')).toContain('6');
    await expectGood(visited);
    if (process.env.SHOTS)
      await page.screenshot({ path: `${process.env.SHOTS}/${visitor.language}.png`, fullPage: true });
    await page.getByText(t('organizer.chart.table')).click();
    const rows = page.getByRole('table').last().getByRole('row');
    expect(await rows.count()).toBe(1 + 15);
    await expectGood(visited);
    if (process.env.SHOTS)
      await page.screenshot({ path: `${process.env.SHOTS}/${visitor.language}-table.png`, fullPage: true });

    const { money } = speak(visitor.language);
    const limited = page.getByRole('row').filter({ hasText: 'Limited' });
    for (const minor of [9000, 4000, 5000])
      await limited
        .getByText(money({ minor, currency: 'EUR' }))
        .first()
        .waitFor();

    await page
      .getByRole('link', {
        name: t('organizer.attention.line', { what: t('organizer.list.email-not-sent'), count: 1 }),
      })
      .click();
    await page.waitForURL(/attention=email-not-sent/);
    await page.getByText(reference(failed)).waitFor();
    await page.getByText(t('organizer.list.email-not-sent')).last().waitFor();
    await expectGood(visited);
    await page.goBack();
    await page
      .getByRole('link', {
        name: t('organizer.attention.line', { what: t('organizer.list.payment-in-doubt'), count: 1 }),
      })
      .click();
    await page.getByRole('heading', { name: t('organizer.list.payment-in-doubt') }).waitFor();
    await expectGood(visited);
    if (process.env.SHOTS)
      await page.screenshot({ path: `${process.env.SHOTS}/${visitor.language}-open.png`, fullPage: true });
    expect(await page.getByRole('link', { name: reference(HELD) }).getAttribute('href')).toBe(
      `/organizer/registrations/${HELD}`,
    );
    await site.stack.database('seat_holds').delete();
    await page.reload();
    await page.getByRole('heading', { name: t('organizer.open.empty') }).waitFor();
    await expectGood(visited);
    expect(complaints).toEqual([]);
  });

  it('shows a chart that can be seen against its background', async () => {
    await fill();
    const visited = await visit(site.browser, `${site.address}/organizer/sign-in`, visitor);
    await signInAs(site, visited, organizer);
    const { page } = visited;
    const [bar = '', ground = ''] = await page.evaluate<string[]>(
      `[getComputedStyle(document.querySelector('.chart rect')).fill, getComputedStyle(document.querySelector('.chart').closest('.card')).backgroundColor]`,
    );
    // WCAG 2.2, 1.4.11: 3 to 1.
    expect(contrast(bar, ground)).toBeGreaterThan(3);
    const heights = await page.evaluate<number[]>(
      `[...document.querySelectorAll('.chart rect')].map((bar) => bar.getBoundingClientRect().height)`,
    );
    expect(heights).toHaveLength(15);
    expect(heights.filter((height) => height > 0)).toHaveLength(12);
    expect(Math.max(...heights)).toBe(heights[9]);
  });
});

it('needs no mouse: from what needs attention to another event', async () => {
  await fill();
  await anotherEvent();
  const visited = await visit(site.browser, `${site.address}/organizer/sign-in`, desktop);
  await signInAs(site, visited, organizer);
  const { page, t } = visited;
  const stops: string[] = [];
  await page.locator('nav.pages a').last().focus();
  for (let n = 0; n < 12; n++) {
    await page.keyboard.press('Tab');
    const [text = '', outline] = await page.evaluate<string[]>(
      `[document.activeElement.id || document.activeElement.innerText, getComputedStyle(document.activeElement).outlineStyle]`,
    );
    expect(outline, text).toBe('solid');
    stops.push(text);
    if (text === 'event') break;
  }
  const line = (condition: 'payment-in-doubt' | 'email-not-sent') =>
    t('organizer.attention.line', { what: t(`organizer.list.${condition}`), count: 1 });
  expect(stops.slice(-3)).toEqual([line('payment-in-doubt'), line('email-not-sent'), 'event']);
  await page.keyboard.type('A later');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForURL(/event=later/);
  await page.getByRole('heading', { name: 'A later event' }).waitFor();
});

it('needs no scripts', async () => {
  await fill();
  const context = await site.browser.newContext({ javaScriptEnabled: false, locale: 'en-GB' });
  const page: Page = await context.newPage();
  const { t } = speak('en');
  await page.goto(`${site.address}/organizer/sign-in/${await aLink(site.stack, organizer)}`);
  await page.getByRole('button', { name: t('organizer.link.button'), exact: true }).click();
  await page.getByRole('img').waitFor();
  await page.getByText(t('organizer.chart.table')).click();
  await page.getByRole('columnheader', { name: t('organizer.chart.table.began') }).waitFor();
});

/** The contrast of two colours (WCAG 2.2, relative luminance). */
function contrast(...colours: [string, string]): number {
  const luminance = (colour: string) => {
    const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? [])
      .map((part) => Number(part) / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [dark = 0, light = 0] = colours.map(luminance).toSorted((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}
