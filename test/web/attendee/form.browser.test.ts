/** Filling in the registration form in a real browser. */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { speak } from '../../../src/messages/index.ts';
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
    await page.getByRole('heading', { name: 'Conference <b>& more</b>' }).waitFor();
    await field('field.email').fill('ada@example');
    await field('field.firstName').focus();
    await page.locator('[id="error-attendee/email"]').getByText(t('fault.email')).waitFor();
    expect(await field('field.email').getAttribute('aria-invalid')).toBe('true');
    await field('field.email').fill('ada@example.org');
    await page.locator('[id="error-attendee/email"]').waitFor({ state: 'hidden' });
    await field('field.lastName').fill('WIN evil.example/prize');
    await field('field.email').focus();
    await page.locator('[id="error-attendee/lastName"]').getByText(t('fault.link')).waitFor();
    await field('field.lastName').fill('');

    await page.locator('#submit').click();
    await problem.getByRole('heading', { name: t('problem.invalid-fields') }).waitFor();
    await page.locator('#problem:focus').waitFor();
    expect(await problem.getByRole('link').count()).toBe(6);
    await ada.expectAccessible();
    await problem.getByRole('link', { name: t('field.city') }).click();
    await page.locator('[id="billing/city"]:focus').waitFor();
    await field('field.city').fill('Hamburg');
    await page.locator('[id="error-billing/city"]').waitFor({ state: 'hidden' });
    expect(await problem.getByRole('link').count()).toBe(5);
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
    await field('field.organization').fill('4012 8888 8888 1881');
    await button({ minor: 0, currency: 'EUR' }).click();
    await problem.getByRole('link', { name: t('fault.card-number') }).waitFor();
    await page.locator('[id="error-attendee/organization"]').getByText(t('fault.card-number')).waitFor();
    await field('field.organization').fill('');
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

  it('does not wait for PayPal, says at once that its script is blocked, and tries again without a reload', async () => {
    const { context, page, t, choose, fill, button, cardError, enterCard, arrives } = await open('/nothing');
    const script = '**/web-sdk/v6/core';
    await context.route(script, (route) => route.abort());
    await page.goto(address);
    await choose('Regular');
    await page.getByText(t('browser.card-fields-away')).waitFor({ timeout: 3000 });
    await fill();
    await button().click();
    await cardError.getByText(t('browser.card-fields-not-ready')).waitFor();
    expect(await stack.database('seat_holds').where({ ticket_type_id: 'regular' })).toEqual([]);
    await context.unroute(script);
    await page.getByRole('button', { name: t('form.try-again') }).click();
    await enterCard('4012888888881881');
    await button().click();
    await arrives('confirmed');
  });

  it('says that PayPal is slow while it waits', async () => {
    const { context, page, t, choose } = await open('/nothing');
    await context.route('**/web-sdk/v6/core', () => undefined);
    await page.clock.install();
    await page.goto(address);
    await choose('Regular');
    await page.clock.runFor(5000);
    await page.getByText(t('browser.card-fields-slow')).waitFor();
    await page.clock.runFor(15_000);
    await page.getByText(t('browser.card-fields-away')).waitFor();
  });

  it('asks for as little as possible', async () => {
    const { page, t, field, choose, button, arrives } = await open();
    const shown = (path: string) => page.locator(`[name="${path}"]`).isVisible();
    // The country comes from the browser's language, and has no regions in addresses.
    expect(await field('field.countryCode').inputValue()).toBe(visitor.language === 'de' ? 'DE' : 'GB');
    await choose('Regular');
    await field('field.countryCode').selectOption('DE');
    expect([await shown('billing/region'), await shown('billing/addressLine2')]).toEqual([false, false]);
    await page.getByRole('button', { name: t('form.add-line') }).click();
    await page.locator('[name="billing/addressLine2"]:focus').waitFor();
    await field('field.countryCode').selectOption('US');
    await page.locator('select[name="billing/region"]').selectOption('CA');
    await page.reload();
    expect(await page.locator('select[name="billing/region"]').inputValue()).toBe('CA');
    const [expiry, code] = await Promise.all(
      ['#card-expiry', '#card-cvv'].map((selector) => page.locator(selector).boundingBox()),
    );
    expect(expiry?.y).toBe(code?.y);

    await choose('Free');
    expect(await page.locator('#billing').isVisible()).toBe(false);
    for (const [key, value] of [
      ['field.firstName', 'Ada'],
      ['field.lastName', 'Example'],
      ['field.email', 'ada.1234567890123@example.org'],
    ] as const)
      await field(key).fill(value);
    await button({ minor: 0, currency: 'EUR' }).click();
    const id = await arrives('confirmed');
    const order = await stack.database('orders').where({ id }).first<Record<string, unknown>>();
    expect([order.address_line1, order.country_code]).toEqual([null, null]);
  });

  it('shows what is bought directly above the button, and the progress in the button', async () => {
    const { page, t, choose, fill, enterCard, button, arrives } = await open();
    await choose('Regular');
    await fill();
    await enterCard('4012888888881881');
    const total = speak(visitor.language).money({ minor: 12_000, currency: 'EUR' });
    expect(await page.locator('#summary').innerText()).toMatch(new RegExp(`Regular[^]*${total}`));
    stack.sandbox.faults.set('paypal', { mode: 'slow', ms: 1500, only: '/capture', times: 1 });
    await button().click();
    await page.getByRole('button', { name: t('browser.paying') }).waitFor();
    // Nothing can be changed while the payment is in progress.
    expect(await page.locator('[data-lock][inert]').count()).toBe(4);
    await arrives('confirmed');
    stack.sandbox.faults.clear();
  });

  it('does not scold for an empty field, and keeps what is still being typed over a reload', async () => {
    const { page, field } = await open();
    await field('field.firstName').focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    expect(await page.locator('.error:visible').count()).toBe(0);
    await page.keyboard.type('ada@exam');
    await page.reload();
    expect(await field('field.email').inputValue()).toBe('ada@exam');
  });

  it('names a missing field in its message, and says nothing of charges', async () => {
    const { page, t, problem } = await open();
    await page.locator('#submit').click();
    await page.locator('[id="error-attendee/firstName"]').getByText(t('fault.needed.firstName')).waitFor();
    expect(await problem.innerText()).not.toMatch(/charged|abgebucht/);
  });
});

describe('an address without a form', () => {
  it.each([
    ['/?event=nope', 404, 'events.unknown'],
    ['/?event=Not%20a%20slug', 404, 'events.unknown'],
    ['/?event=past', 410, 'events.over'],
    ['/?event=full', 200, 'events.sold-out'],
  ] as const)('%s says so and links the events on sale', async (path, status, key) => {
    const event = await stack.database('events').first<Record<string, unknown>>();
    const { picture_hash: _generated, ...copied } = event;
    const past = { starts_at: new Date(0), ends_at: new Date(1) };
    await stack.database('events').insert([
      { ...copied, id: 'past', name: 'Past days', ...past },
      { ...copied, id: 'full', name: 'Full house' },
    ]);
    await stack
      .database('ticket_types')
      .insert({ event_id: 'full', id: 'seat', name: 'Seat', price_minor: 0, capacity: 1, sold: 1 });
    const { page, t, expectAccessible } = await visit(browser, `${address}/nothing`, VISITORS[1]);
    const response = await page.goto(address + path);
    expect(response?.status()).toBe(status);
    const name = { 'events.unknown': '', 'events.over': 'Past days', 'events.sold-out': 'Full house' }[key];
    await page.getByRole('heading', { name: t(key, { event: name }) }).waitFor();
    await expectAccessible();
    await page.getByRole('link', { name: 'Conference <b>& more</b>' }).click();
    await page.getByRole('radio', { name: 'Regular' }).waitFor();
    await page.getByRole('link', { name: t('form.all-events') }).waitFor();
    await stack.database('ticket_types').where({ event_id: 'full' }).delete();
    await stack.database('events').whereIn('id', ['past', 'full']).delete();
  });
});

it('lists the events if there are several', async () => {
  const event = await stack.database('events').first<Record<string, unknown>>();
  const { picture_hash: _generated, ...copied } = event;
  await stack.database('events').insert({ ...copied, id: 'workshop', name: 'Workshop' });
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
