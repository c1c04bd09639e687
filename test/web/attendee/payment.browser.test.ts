/** Payment and its failures. People are charged once at most, and the page always shows the truth. */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { workflowId } from '../../../src/registration.ts';
import { CARDS, texts, type Stack } from '../../stack.ts';
import { holdUnderClock, onPage, openSite, visit, VISITORS } from './visitor.ts';

const GOOD = '4012888888881881';
const ASKS = '4868719460707704';

let stack: Stack;
let browser: Browser;
let site: Awaited<ReturnType<typeof openSite>>;
let address: string;
beforeAll(async () => {
  site = await openSite();
  ({ stack, browser, address } = site);
  await stack.startWorker();
}, 300_000);
afterEach(async () => {
  stack.sandbox.faults.clear();
  await site.leave();
});
afterAll(() => site.close());

/** The statuses of PayPal's captures for a registration. */
const taken = (id: string) =>
  stack.sandbox
    .ledger()
    .captures.filter(({ custom_id }) => custom_id === id)
    .map(({ status }) => status)
    .toSorted();

describe.each(VISITORS)('on $who', (visitor) => {
  /** Opens the form and fills it in for a paid ticket. */
  async function ready() {
    const opened = await visit(browser, address, visitor);
    await opened.choose('Regular');
    await opened.fill();
    return opened;
  }

  it('keeps the form and the seat after a decline, and accepts another card', async () => {
    const { page, t, cardError, field, button, enterCard, arrives, expectAccessible, complaints } =
      await ready();
    await enterCard('4000000000009995');
    await button().click();
    await cardError.getByText(t('declined.insufficient-funds')).waitFor();
    await page.locator('#error-card:focus').waitFor();
    expect(await field('field.firstName').inputValue()).toBe('Ada');
    const kept = t('browser.held', { time: '' });
    await page.getByRole('timer').getByText(kept).waitFor();
    await expectAccessible();

    await page.getByText(t('form.newsletter')).click();
    await enterCard(GOOD);
    await button().click();
    const id = await arrives('confirmed');
    await page.locator('li.done').nth(3).waitFor();
    await expectAccessible();
    expect(taken(id)).toEqual(['COMPLETED', 'DECLINED']);
    expect(await page.evaluate('Object.keys(localStorage)')).toEqual([]);
    expect(complaints).toEqual([]);

    // Only PayPal's frames have seen the card. The page showed the decline, so no mail was sent for it.
    const { mails, members } = stack.sandbox.ledger();
    expect(mails.filter(({ customArgs }) => customArgs.registrationId === id)).toHaveLength(1);
    expect(members).toHaveLength(1);
    const history = await stack.temporal.workflow.getHandle(workflowId(id)).fetchHistory();
    const tables = await Promise.all(
      ['orders', 'seat_holds', 'ended_registrations'].map((table) => stack.database(table)),
    );
    const everything = [...texts(history), JSON.stringify(tables), JSON.stringify(stack.sandbox.ledger())];
    expect(everything.join('\n')).not.toMatch(/4012 ?8888 ?8888 ?1881|4000 ?0000 ?0000 ?9995/);
  });

  it('shows the error of a card, and accepts the corrected card', async () => {
    const { cardError, cardField, button, enterCard, arrives, complaints } = await ready();
    await enterCard('4012888888881882');
    await button().click();
    await cardError.waitFor();
    expect(await cardError.innerText()).toMatch(/You have not been charged\.|Es wurde nichts abgebucht\./);
    expect(await cardField(0).getByRole('textbox').inputValue()).toBe('4012 8888 8888 1882');
    await enterCard(GOOD);
    await button().click();
    expect(taken(await arrives('confirmed'))).toEqual(['COMPLETED']);
    expect(complaints).toEqual([]);
  });

  it('handles a bank challenge that is cancelled, refused and then confirmed', async () => {
    const { page, t, cardError, button, enterCard, arrives, complaints } = await ready();
    const german = visitor.language === 'de';
    const bank = page.frameLocator('iframe[src*="/challenge"]');
    const answer = (name: string) => bank.getByRole('button', { name }).click();
    await enterCard(ASKS);
    await button().click();
    await answer(german ? 'Abbrechen' : 'Cancel');
    await cardError.getByText(t('browser.not-authenticated')).waitFor();
    await button().click();
    await answer(german ? 'Ablehnen' : 'Refuse');
    await cardError.getByText(t('declined.not-authenticated')).waitFor();
    await button().click();
    await answer(german ? 'Zahlung bestätigen' : 'Confirm');
    expect(taken(await arrives('confirmed'))).toEqual(['COMPLETED']);
    expect(complaints).toEqual([]);
  });

  it('accepts a wallet payment after a cancellation and a decline', async () => {
    const { page, context, t, cardError, arrives, complaints } = await ready();
    const wallet = async (choice: string | RegExp) => {
      const [popup] = await Promise.all([
        context.waitForEvent('page'),
        page.locator('paypal-button').click(),
      ]);
      await popup.getByRole('button', { name: choice }).click();
    };
    await wallet(/^(Cancel|Abbrechen)/);
    await cardError.getByText(t('browser.cancelled')).waitFor();
    await wallet('declined@example.com');
    await cardError.getByText(t('declined.declined')).waitFor();
    await wallet('buyer@example.com');
    expect(taken(await arrives('confirmed'))).toEqual(['COMPLETED']);
    expect(complaints).toEqual([]);
  });

  it('does not open the wallet if the form is incomplete', async () => {
    const { page, context, t, choose, problem } = await visit(browser, address, visitor);
    await choose('Regular');
    await page.locator('paypal-button').click();
    await problem.getByRole('heading', { name: t('problem.invalid-fields') }).waitFor();
    expect(context.pages()).toHaveLength(1);
  });

  it('charges once for a double click', async () => {
    const { button, enterCard, arrives, complaints } = await ready();
    await enterCard(GOOD);
    await button().dblclick();
    expect(taken(await arrives('confirmed'))).toEqual(['COMPLETED']);
    expect(complaints).toEqual([]);
  });

  it('charges once if the response is lost, and shows that it tries again', async () => {
    const { page, t, button, enterCard, arrives } = await ready();
    let lost = 0;
    await page.route('**/api/registrations', async (route) => {
      if (lost++ > 0) return route.continue();
      // The server processes the request, but its response is lost.
      await route.fetch();
      return route.abort('connectionreset');
    });
    await enterCard(GOOD);
    await button().click();
    await page.locator('#submit').getByText(t('browser.asking-again')).waitFor();
    expect(taken(await arrives('confirmed'))).toEqual(['COMPLETED']);
    expect(lost).toBe(2);
  });

  it('continues after a reload during the payment', async () => {
    const { page, button, enterCard, arrives } = await ready();
    stack.sandbox.faults.set('paypal', { mode: 'slow', ms: 2500, only: '/capture', times: 1 });
    await enterCard(GOOD);
    await Promise.all([
      page.waitForRequest(
        (request) => request.method() === 'POST' && request.url().endsWith('/registrations'),
      ),
      button().click(),
    ]);
    await page.waitForTimeout(500);
    await page.reload();
    expect(taken(await arrives('confirmed'))).toEqual(['COMPLETED']);
  });

  it('charges once for two tabs, and both show the same registration', async () => {
    const first = await ready();
    const second = onPage(await first.context.newPage(), visitor.language);
    await first.enterCard(CARDS.declined);
    await first.button().click();
    await first.cardError.waitFor();
    await second.page.goto(address);
    await second.choose('Regular');
    await second.fill();
    await second.enterCard(GOOD);
    await first.enterCard(GOOD);
    // The clicks follow each other immediately. A browser processes only the tab in front.
    await first.page.bringToFront();
    await first.button().click({ noWaitAfter: true });
    await second.page.bringToFront();
    // The second tab may already have opened the status page of the first payment.
    await second
      .button()
      .click({ timeout: 3000 })
      .catch(() => undefined);
    const ids = await Promise.all([first.arrives('confirmed'), second.arrives('confirmed')]);
    expect(new Set(ids).size).toBe(1);
    expect(taken(ids[0])).toEqual(['COMPLETED', 'DECLINED']);
  });

  it('starts with an empty form for another person, also after the Back button', async () => {
    const { page, t, choose, fill, field, button, arrives } = await ready();
    await choose('Free');
    await button({ minor: 0, currency: 'EUR' }).click();
    const first = await arrives('confirmed');
    await page.goBack();
    await page.getByText(t('form.registered-before')).waitFor();
    expect(await field('field.firstName').inputValue()).toBe('');
    await page.getByRole('link', { name: t('form.see-registration') }).click();
    await arrives('confirmed');
    await page.getByRole('link', { name: t('status.another') }).click();
    await choose('Free');
    await fill({ firstName: 'Grace', email: 'grace@example.org' });
    await button({ minor: 0, currency: 'EUR' }).click();
    expect(await arrives('confirmed')).not.toBe(first);
  });

  it('counts down the hold, warns at two minutes and extends it', async () => {
    const opened = await holdUnderClock(browser, address, visitor);
    const { page, t, enterCard, button, arrives, isHeld } = opened;
    await isHeld();
    const keep = page.getByRole('button', { name: t('browser.extend') });
    expect(await keep.isVisible()).toBe(false);
    await page.clock.fastForward('13:05');
    await page.getByText(t('browser.held-short')).waitFor({ state: 'attached' });
    await keep.click();
    await isHeld();
    await page.clock.fastForward('16:00');
    await page.getByRole('timer').getByText(t('browser.hold-over')).waitFor();
    await enterCard(GOOD);
    await button().click();
    await arrives('confirmed');
  });

  it('reports a sold-out ticket or a PayPal outage before the payment', async () => {
    const { page, t, choose, problem, field, button } = await ready();
    await page.getByRole('radio', { name: 'Limited' }).check();
    await stack.database('ticket_types').where({ id: 'limited' }).update({ sold: 2 });
    await button({ minor: 9000, currency: 'EUR' }).click();
    await problem.getByText(t('problem.sold-out.detail')).waitFor();
    await stack.database('ticket_types').where({ id: 'limited' }).update({ sold: 0 });
    expect(await field('field.city').inputValue()).toBe('Hamburg');
    stack.sandbox.faults.set('paypal', { mode: 'failing', status: 503, only: '/v2' });
    await choose('Regular');
    await button().click();
    await problem.getByText(t('problem.payment-service-away.detail')).waitFor();
  });
});
