/** Several people, several tabs, blocked storage, an earlier visit: whose registration it is is never in question. */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CARDS, type Stack } from '../../stack.ts';
import { holdUnderClock, onPage, openSite, visit, VISITORS } from './visitor.ts';

const GOOD = '4012888888881881';
const [, visitor] = VISITORS;
let stack: Stack;
let browser: Browser;
let site: Awaited<ReturnType<typeof openSite>>;
let address: string;
beforeAll(async () => {
  site = await openSite({ answerWithinMs: 3000 });
  ({ stack, browser, address } = site);
  await stack.startWorker();
}, 300_000);
afterEach(async () => {
  stack.sandbox.faults.clear();
  await stack.database('ticket_types').where({ id: 'regular' }).update({ price_minor: 12_000 });
  await site.leave();
});
afterAll(() => site.close());

const captures = () => stack.sandbox.ledger().captures.filter(({ status }) => status === 'COMPLETED').length;
const nameOf = async (id: string) =>
  (await stack.database('orders').where({ id }).first<{ first_name: string }>('first_name')).first_name;

async function ready(person: { firstName?: string; email?: string } = {}) {
  const opened = await visit(browser, address, visitor);
  await opened.choose('Regular');
  await opened.fill(person);
  return opened;
}

it('works while storage is blocked, and says that a reload starts over', async () => {
  const { context, page, t, choose, fill, enterCard, button, arrives, complaints } = await visit(
    browser,
    `${address}/nothing`,
    visitor,
  );
  await context.addInitScript(`for (const name of ['localStorage', 'sessionStorage'])
    Object.defineProperty(window, name, { get() { throw new DOMException('denied', 'SecurityError'); } });`);
  complaints.length = 0;
  await page.goto(address);
  await page.getByText(t('form.no-storage')).waitFor();
  await choose('Regular');
  await fill();
  await enterCard(CARDS.declined);
  await button().click();
  await page.locator('#error-card').getByText(t('declined.declined')).waitFor();
  await enterCard(GOOD);
  await button().click();
  await arrives('confirmed');
  expect(complaints).toEqual([]);
});

describe('two tabs', () => {
  it('with two people are two registrations, one for each', async () => {
    const before = captures();
    const grace = await ready({ firstName: 'Grace', email: 'grace@example.org' });
    await grace.enterCard(GOOD);
    const ada = onPage(await grace.context.newPage(), 'en');
    await ada.page.goto(address);
    await ada.choose('Regular');
    await ada.fill();
    await ada.enterCard(GOOD);
    stack.sandbox.faults.set('paypal', { mode: 'slow', ms: 1000, only: '/capture' });
    await grace.page.bringToFront();
    await grace.button().click({ noWaitAfter: true });
    const first = await grace.arrives('confirmed');
    // The other tab is left alone: it is still about another person.
    expect(new URL(ada.page.url()).pathname).toBe('/');
    await ada.page.bringToFront();
    await ada.button().click();
    const second = await ada.arrives('confirmed');
    expect(second).not.toBe(first);
    expect([await nameOf(first), await nameOf(second)]).toEqual(['Grace', 'Ada']);
    expect(captures()).toBe(before + 2);
  });

  it('with the same person are one registration, although both ask for a seat at the same moment', async () => {
    const person = { firstName: 'Same', email: 'same@example.org' };
    const one = await ready(person);
    const other = onPage(await one.context.newPage(), 'en');
    await other.page.goto(address);
    await other.choose('Free');
    await other.fill(person);
    await one.choose('Free');
    await one.fill(person);
    // From within the pages, because a browser handles the clicks of one page at a time.
    await Promise.all(
      [one, other].map(({ page }) => page.evaluate(`document.getElementById('submit').click()`)),
    );
    const ids = await Promise.all([one.arrives('confirmed'), other.arrives('confirmed')]);
    expect(new Set(ids).size).toBe(1);
    expect(await stack.database('orders').where({ email: person.email })).toHaveLength(1);
  });

  it('say that a payment is in progress in the other one, with a link', async () => {
    const one = await ready({ firstName: 'Slow', email: 'slow@example.org' });
    await one.enterCard(GOOD);
    stack.sandbox.faults.set('paypal', { mode: 'slow', ms: 9000, only: '/capture', times: 1 });
    await one.button().click();
    const id = await one.arrives('processing');
    // Nobody is led to another form while the outcome is not known.
    expect(await one.page.getByRole('link', { name: one.t('status.another') }).count()).toBe(0);
    const other = onPage(await one.context.newPage(), 'en');
    await other.page.goto(address);
    const notice = other.page.locator('#in-progress');
    await notice.getByText(other.t('form.in-progress')).waitFor();
    expect(await notice.getByRole('link').getAttribute('href')).toBe(`/registrations/${id}`);
    stack.sandbox.faults.clear();
    await one.arrives('confirmed');
    await one.page.getByRole('link', { name: one.t('status.another') }).waitFor();
  });
});

describe('the price', () => {
  it('that was shown is the price that is charged: a new price is asked for again', async () => {
    const before = captures();
    const { page, t, problem, enterCard, button, arrives } = await ready();
    await enterCard(GOOD);
    await stack.database('ticket_types').where({ id: 'regular' }).update({ price_minor: 15_000 });
    await button().click();
    await problem.getByText(t('browser.price-changed.detail', { amount: '€150.00' })).waitFor();
    expect(captures()).toBe(before);
    expect(await page.locator('#summary-total').innerText()).toBe('€150.00');
    await button({ minor: 15_000, currency: 'EUR' }).click();
    const id = await arrives('confirmed');
    const order = await stack
      .database('orders')
      .where({ id })
      .first<{ amount_minor: number }>('amount_minor');
    expect(order.amount_minor).toBe(15_000);
  });

  it('of a wallet payment is the one that was shown as well', async () => {
    const before = captures();
    const { page, t, problem } = await ready();
    await page.locator('paypal-button').waitFor();
    await stack.database('ticket_types').where({ id: 'regular' }).update({ price_minor: 15_000 });
    await page.locator('paypal-button').click();
    await problem.getByText(t('browser.price-changed.detail', { amount: '€150.00' })).waitFor();
    expect(captures()).toBe(before);
  });
});

describe('seats', () => {
  const limited = { minor: 9000, currency: 'EUR' };

  it('that are sold meanwhile are shown as sold, with what is still to be had', async () => {
    const { page, t, choose, fill, enterCard, problem, button } = await ready();
    await choose('Limited');
    await fill();
    await enterCard(GOOD);
    await stack.database('ticket_types').where({ id: 'limited' }).update({ sold: 2 });
    await button(limited).click();
    await problem.getByText(t('problem.sold-out.detail')).waitFor();
    await problem.getByText(/Regular and Free/).waitFor();
    const ticket = page.locator('.ticket', { hasText: 'Limited' });
    await ticket.getByText(t('form.sold-out')).waitFor();
    expect(await ticket.getByRole('radio').isDisabled()).toBe(true);
    expect(await page.getByRole('radio', { checked: true }).count()).toBe(0);
    await stack.database('ticket_types').where({ id: 'limited' }).update({ sold: 0 });
  });

  it('that this browser holds are not held by others', async () => {
    const { page, t, choose, fill, enterCard, button, cardError } = await ready();
    await stack.database('ticket_types').where({ id: 'limited' }).update({ capacity: 1 });
    await choose('Limited');
    await fill();
    await enterCard(CARDS.declined);
    await button(limited).click();
    await cardError.getByText(t('declined.declined')).waitFor();
    await page.reload();
    await page.locator('.ticket', { hasText: 'Limited' }).getByText(t('browser.reserved-for-you')).waitFor();
    await stack.database('ticket_types').where({ id: 'limited' }).update({ capacity: 2 });
  });
});

describe('the hold', () => {
  it('and the reason of the last decline are still there after a reload, and the countdown starts at 15:00', async () => {
    const { page, t, enterCard, button, cardError } = await ready();
    await enterCard(CARDS.insufficientFunds);
    await button().click();
    await cardError.getByText(t('declined.insufficient-funds')).waitFor();
    const time = /1(5:00|4:\d\d)/;
    await page.getByRole('timer').getByText(time).waitFor();
    expect(await page.getByRole('timer').innerText()).not.toContain('15:01');
    await page.reload();
    await cardError.getByText(t('declined.insufficient-funds')).waitFor();
    await page.getByRole('timer').getByText(time).waitFor();
  });

  it('is shown while PayPal cannot be reached, and after PayPal failed', async () => {
    const { page, t, problem, enterCard, button, isHeld } = await ready();
    stack.sandbox.faults.set('paypal', { mode: 'failing', status: 503, only: '/v2/checkout/orders' });
    await enterCard(GOOD);
    await button().click();
    await problem.getByText(t('problem.payment-service-away.detail')).waitFor();
    await page.locator('.ticket').getByText(t('browser.reserved-for-you')).waitFor();
    await isHeld();
    stack.sandbox.faults.clear();
    await enterCard(CARDS.failing);
    await button().click();
    await problem.getByText(t('problem.payment-not-processed.detail')).waitFor();
    await isHeld();
  });

  it('is renewed whatever is in the fields, and its end is announced', async () => {
    const { page, t, field, isHeld } = await holdUnderClock(browser, address, visitor);
    await field('field.email').fill('not an address');
    await page.clock.fastForward('13:30');
    await page.getByRole('button', { name: t('browser.extend') }).click();
    await isHeld();
    await page.clock.fastForward('15:30');
    await page.locator('#hold [role=alert]').getByText(t('browser.hold-over')).waitFor({ state: 'attached' });
    await page.getByRole('button', { name: t('browser.hold-again') }).waitFor();
  });

  it('goes on when a decline is told by the status page only', async () => {
    const { page, t, enterCard, button, arrives, cardError, isHeld } = await ready({
      email: 'late@example.org',
    });
    stack.sandbox.faults.set('paypal', { mode: 'slow', ms: 5000, only: '/capture', times: 1 });
    await enterCard(CARDS.declined);
    await button().click();
    await arrives('processing');
    await arrives('declined');
    await page.getByRole('link', { name: t('status.back-to-form') }).click();
    await cardError.getByText(t('browser.declined-before')).waitFor();
    await isHeld();
  });
});

it('says so when its script does not start', async () => {
  const { context, page, t } = await visit(browser, `${address}/nothing`, visitor);
  await context.route('**/form.js', (route) => route.abort());
  await page.goto(address);
  await page.getByText(t('form.not-started')).waitFor({ timeout: 8000 });
});
