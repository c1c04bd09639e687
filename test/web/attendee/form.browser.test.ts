/** Filling in the registration form in a real browser. */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Stack } from '../../stack.ts';
import { openSite, visit, VISITORS } from './visitor.ts';

let stack: Stack;
let browser: Browser;
let site: Awaited<ReturnType<typeof openSite>>;
let address: string;
beforeAll(async () => {
  site = await openSite();
  ({ stack, browser, address } = site);
  await stack.startWorker();
  await stack.database('events').update({ name: 'Conference <b>& more</b>' });
}, 300_000);
afterEach(() => site.leave());
afterAll(() => site.close());

describe.each(VISITORS)('on $who', (visitor) => {
  const open = (path = '/') => visit(browser, address + path, visitor);

  it('shows the error of a field on blur, and all errors with links on submit', async () => {
    const { page, t, field, problem, complaints, ...ada } = await open();
    expect(await page.getByText('Conference <b>& more</b>').count()).toBe(1);
    await field('field.email').fill('ada@example');
    await field('field.firstName').focus();
    await page.locator('[id="error-attendee/email"]').getByText(t('fault.email')).waitFor();
    expect(await field('field.email').getAttribute('aria-invalid')).toBe('true');
    await field('field.email').fill('ada@example.org');
    await page.locator('[id="error-attendee/email"]').waitFor({ state: 'hidden' });

    await page.locator('#submit').click();
    await problem.getByRole('heading', { name: t('problem.invalid-fields') }).waitFor();
    await page.locator('#problem:focus').waitFor();
    expect(await problem.getByRole('link').count()).toBe(7);
    await ada.expectAccessible();
    await problem.getByRole('link', { name: t('field.city') }).click();
    await page.locator('[id="billing/city"]:focus').waitFor();
    await field('field.city').fill('Hamburg');
    await page.locator('[id="error-billing/city"]').waitFor({ state: 'hidden' });
    expect(await field('field.email').inputValue()).toBe('ada@example.org');
    expect(complaints).toEqual([]);
  });

  it('requests the right keyboard and autofill for each field', async () => {
    const { page, field } = await open();
    const attributes = (path: string) =>
      Promise.all(
        ['type', 'inputmode', 'autocomplete', 'required'].map((name) =>
          page.locator(`[name="${path}"]`).getAttribute(name),
        ),
      );
    expect(await attributes('attendee/email')).toEqual(['email', 'email', 'email', '']);
    expect(await attributes('attendee/firstName')).toEqual([null, null, 'given-name', '']);
    expect(await attributes('attendee/organization')).toEqual([null, null, 'organization', null]);
    expect(await attributes('billing/postalCode')).toEqual([null, null, 'billing postal-code', '']);
    expect(await attributes('billing/countryCode')).toEqual([null, null, 'billing country', '']);
    expect(await field('field.email').getAttribute('aria-describedby')).toContain('purpose-attendee/email');
  });

  it('suggests a correction for a mistyped email address', async () => {
    const { page, t, field, complaints } = await open();
    for (const [typed, meant] of [
      ['ada@gmial.com', 'ada@gmail.com'],
      ['Ada@hotmial.com', 'Ada@hotmail.com'],
      ['ada@wbe.de', 'ada@web.de'],
      ['ada@example.con', 'ada@example.com'],
    ] as const) {
      await field('field.email').fill(typed);
      await field('field.lastName').focus();
      await page.getByRole('button', { name: t('browser.suggestion', { email: meant }) }).click();
      expect(await field('field.email').inputValue()).toBe(meant);
    }
    for (const right of ['ada@gmail.com', 'ada@gmx.at', 'ada@example.org', 'ada@uni-hamburg.de']) {
      await field('field.email').fill(right);
      await field('field.lastName').focus();
      expect(await page.locator('#suggestion').innerText()).toBe('');
    }
    expect(complaints).toEqual([]);
  });

  it('adapts the labels and required fields of the address to the country', async () => {
    const { page, t, field } = await open();
    const label = (path: string) => page.locator(`label[for="${path}"]`).innerText();
    const required = async (path: string) => (await page.locator(`[name="${path}"][required]`).count()) === 1;
    await field('field.countryCode').selectOption('US');
    expect([await label('billing/postalCode'), await label('billing/region')]).toEqual([
      t('postal.zip'),
      t('region.state'),
    ]);
    expect(await required('billing/region')).toBe(true);
    await field('field.countryCode').selectOption('HK');
    expect(await label('billing/postalCode')).toBe(t('form.optional', { label: t('postal.postal-code') }));
    expect([await required('billing/postalCode'), await required('billing/region')]).toEqual([false, false]);
  });

  it('shows an error from the server at its field, and registers after the correction', async () => {
    const { page, t, choose, fill, field, problem, button, arrives, complaints } = await open();
    await choose('Free');
    await fill();
    expect(await page.locator('#payment').isVisible()).toBe(false);
    await field('field.addressLine2').fill('4012 8888 8888 1881');
    await button({ minor: 0, currency: 'EUR' }).click();
    await problem.getByRole('link', { name: t('fault.card-number') }).waitFor();
    await page.locator('[id="error-billing/addressLine2"]').getByText(t('fault.card-number')).waitFor();
    await field('field.addressLine2').fill('');
    await button({ minor: 0, currency: 'EUR' }).click();
    await arrives('confirmed');
    expect(complaints).toEqual([]);
  });

  it('keeps the entries after a reload and a change of language', async () => {
    const { page, fill, choose, field } = await open();
    await choose('Regular');
    await fill();
    await field('field.city').blur();
    await page.reload();
    expect(await page.locator('[name="billing/city"]').inputValue()).toBe('Hamburg');
    const other = visitor.language === 'de' ? 'English' : 'Deutsch';
    await page.getByRole('link', { name: other }).click();
    await page.waitForURL(/lang=/);
    expect(await page.locator('html').getAttribute('lang')).not.toBe(visitor.language);
    expect(await page.locator('[name="billing/city"]').inputValue()).toBe('Hamburg');
    expect(await page.locator('[value=regular]').isChecked()).toBe(true);
  });

  it('works with the keyboard alone', async () => {
    const { page, arrives } = await open();
    const type = async (text: string) => {
      await page.keyboard.type(text);
      await page.keyboard.press('Tab');
    };
    await page.locator('[value=free]').focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('Tab');
    for (const text of ['Ada', 'Example', 'ada@example.org', '']) await type(text);
    await type(visitor.language === 'de' ? 'Deutschland' : 'Germany');
    for (const text of ['Street 2', '', '20457', 'Hamburg', '']) await type(text);
    await page.keyboard.press('Space');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    const id = await arrives('confirmed');
    const order = await stack.database('orders').where({ id }).first<{ newsletter_wording: string | null }>();
    expect(order.newsletter_wording).not.toBeNull();
  });

  it('fits narrow screens and 200 % zoom, and is accessible with and without a ticket', async () => {
    const { page, choose, expectToFit, expectAccessible, complaints } = await open();
    await expectAccessible();
    await choose('Regular');
    await page.locator('paypal-button').waitFor();
    await expectAccessible();
    await page.setViewportSize({ width: 320, height: 640 });
    await expectToFit();
    // A desktop at 200 % zoom has half of its pixels.
    await page.setViewportSize({ width: 640, height: 450 });
    await expectToFit();
    expect(complaints).toEqual([]);
  });

  it('does not wait for PayPal, and shows an error if the card fields cannot be loaded', async () => {
    const { context, page, t, choose, fill, button, arrives } = await open('/nothing');
    await context.route('**/web-sdk/**', (route) => route.abort());
    await page.clock.install();
    await page.goto(address);
    await choose('Regular');
    await page.clock.runFor(20_000);
    await page.getByText(t('browser.card-fields-away')).waitFor();
    await choose('Free');
    await fill();
    await button({ minor: 0, currency: 'EUR' }).click();
    await arrives('confirmed');
  });
});

it('lists the events if there are several', async () => {
  const event = await stack.database('events').first<Record<string, unknown>>();
  await stack.database('events').insert({ ...event, id: 'workshop', name: 'Workshop' });
  await stack
    .database('ticket_types')
    .insert({ event_id: 'workshop', id: 'seat', name: 'Seat', price_minor: 0, capacity: 5 });
  for (const visitor of VISITORS) {
    const { page, expectAccessible, expectToFit, complaints } = await visit(browser, address, visitor);
    await page.getByRole('link', { name: 'Workshop' }).waitFor();
    await expectAccessible();
    await expectToFit();
    await page.getByRole('link', { name: 'Workshop' }).click();
    await page.getByRole('radio', { name: 'Seat' }).waitFor();
    expect(complaints).toEqual([]);
  }
  await stack.database('ticket_types').where({ event_id: 'workshop' }).delete();
  await stack.database('events').where({ id: 'workshop' }).delete();
});
