/** Tests PayPal's button and the window that it opens, in a real browser. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { captureOf } from './payer.ts';
import { customer, startShop, type Shop } from './shop.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterEach(() => shop.closePages());
afterAll(() => shop.close());

/** Simulates a browser that blocks popup windows. */
const NO_POPUPS = 'window.open = () => null';

async function click(page: Page): Promise<Page> {
  const opened = page.waitForEvent('popup');
  await customer(page).payPal.click();
  return opened;
}

describe('the wallet in a new window', () => {
  it('closes when the payer approves, and the order can be captured', async () => {
    const order = await shop.openOrder();
    const page = await shop.visit({ order });
    const popup = await click(page);
    await popup.getByText('€120.00').waitFor();
    const closed = popup.waitForEvent('close');
    await popup.getByRole('button', { name: 'buyer@example.com' }).click();
    await closed;
    expect(await customer(page).told('approved')).toEqual({
      what: 'approved',
      orderId: order,
      payerId: 'QYR5Z8XDVJNXQ',
    });
    await customer(page).told('ended');
    expect(captureOf(await shop.capture(order))).toMatchObject({ status: 'COMPLETED' });
  });

  it('opens immediately, and waits while the shop creates the order', async () => {
    const page = await shop.visit({ order: await shop.openOrder(), late: 'yes' });
    const popup = await click(page);
    await popup.getByRole('status').filter({ hasText: 'One moment' }).waitFor();
    await page.evaluate('giveOrder()');
    await popup.getByRole('button', { name: 'buyer@example.com' }).waitFor();
  });

  it('can be cancelled and opened again', async () => {
    const order = await shop.openOrder();
    const page = await shop.visit({ order });
    const popup = await click(page);
    await popup.getByRole('button', { name: 'Cancel' }).click();
    expect(await customer(page).told('canceled')).toMatchObject({ orderId: order });
    expect((await shop.order(order)).status).toBe('CREATED');
    await customer(page).told('ended');
    const again = await click(page);
    await again.getByRole('button', { name: 'buyer@example.com' }).click();
    await customer(page).told('approved');
  });

  it('is cancelled when the payer closes the window', async () => {
    const page = await shop.visit({ order: await shop.openOrder() });
    const popup = await click(page);
    await popup.getByRole('button', { name: 'buyer@example.com' }).waitFor();
    await popup.close();
    await customer(page).told('canceled');
  });

  it('closes when the shop cannot create an order, and the shop receives the error', async () => {
    const page = await shop.visit({ late: 'yes' });
    const popup = await click(page);
    const closed = popup.waitForEvent('close');
    await page.evaluate('refuseOrder()');
    await closed;
    expect(await customer(page).told('error')).toMatchObject({ message: 'The event is full' });
    expect(await customer(page).told('rejected')).toMatchObject({ message: 'The event is full' });
  });

  it('closes with an error for an order that is already paid', async () => {
    const order = await shop.openOrder();
    shop.sandbox.approve(order);
    await shop.capture(order);
    const page = await shop.visit({ order });
    const popup = await click(page);
    if (!popup.isClosed()) await popup.waitForEvent('close');
    expect(await customer(page).told('rejected')).toMatchObject({ code: 'ERR_ORDER', isRecoverable: false });
  });

  it('can be closed by the shop', async () => {
    const page = await shop.visit({ order: await shop.openOrder() });
    const popup = await click(page);
    const closed = popup.waitForEvent('close');
    await page.evaluate('wallet.cancel()');
    await closed;
    await customer(page).told('canceled');
  });

  it('reports an error when the browser blocks it', async () => {
    const page = await shop.visit({ order: await shop.openOrder(), mode: 'popup' }, NO_POPUPS);
    await customer(page).payPal.click();
    expect(await customer(page).told('rejected')).toMatchObject({
      code: 'ERR_POPUP_BLOCKED',
      isRecoverable: true,
    });
  });

  it('cannot be impersonated by a shop that approves an order itself', async () => {
    const order = await shop.openOrder();
    const page = await shop.visit({ order });
    const popup = await click(page);
    await popup.getByRole('button', { name: 'buyer@example.com' }).waitFor();
    const session = new URL(popup.url()).searchParams.get('session');
    const forged = JSON.stringify({ wallet: session, outcome: 'approved', orderId: order });
    await page.evaluate(`window.postMessage(${forged}, '*')`);
    await popup.getByRole('button', { name: 'Cancel' }).click();
    await customer(page).told('canceled');
    expect(await page.getByRole('status').innerText()).not.toContain('approved');
  });
});

describe('the wallet in a frame over the page', () => {
  it.each([
    ['on request', { mode: 'modal' }, undefined],
    ['when windows are blocked', {}, NO_POPUPS],
  ])('lets the payer approve the order: %s', async (_why, how, prepare) => {
    const order = await shop.openOrder();
    const page = await shop.visit({ order, ...how }, prepare);
    await customer(page).payPal.click();
    const dialog = page.getByRole('dialog', { name: 'Pay with PayPal' });
    const frame = dialog.locator('iframe').contentFrame();
    await frame.getByRole('button', { name: 'buyer@example.com' }).click();
    expect(await customer(page).told('approved')).toMatchObject({ orderId: order });
    await customer(page).told('ended');
    expect(await dialog.count()).toBe(0);
    expect(await page.evaluate('document.activeElement.localName')).toBe('paypal-button');
  });

  it('is cancelled with Escape', async () => {
    const page = await shop.visit({ order: await shop.openOrder(), mode: 'modal' });
    await customer(page).payPal.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.getByRole('dialog').press('Escape');
    await customer(page).told('canceled');
  });
});

describe('the button', () => {
  it('supports keyboard and screen readers, in the language of the locale', async () => {
    const page = await shop.visit({ order: await shop.openOrder(), locale: 'de-DE' });
    const button = page.getByRole('button', { name: 'Mit PayPal zahlen' });
    expect(await button.getAttribute('lang')).toBe('de');
    await page.locator('paypal-button').focus();
    const opened = page.waitForEvent('popup');
    await page.keyboard.press('Enter');
    const popup = await opened;
    await popup.getByRole('button', { name: 'Abbrechen' }).waitFor();
    expect(await popup.locator('html').getAttribute('lang')).toBe('de');
    await popup.getByText('120,00').waitFor();
    await popup.getByRole('button', { name: 'Abbrechen' }).click();
    await customer(page).told('canceled');
    await page.evaluate('sdk.updateLocale("en-GB")');
    await page.getByRole('button', { name: 'Pay with PayPal' }).waitFor();
  });

  it('does nothing while it is disabled', async () => {
    const page = await shop.visit({ order: await shop.openOrder() });
    await page.evaluate('document.querySelector("paypal-button").disabled = true');
    expect(await customer(page).payPal.isDisabled()).toBe(true);
    await customer(page).payPal.click({ force: true });
    await page.evaluate('document.querySelector("paypal-button").click()');
    expect(page.context().pages()).toHaveLength(1);
    expect(await page.getByRole('status').innerText()).toBe('');
  });
});

describe('an instance', () => {
  const attempt = (page: Page, options: object) =>
    page.evaluate(
      `window.paypal.createInstance(${JSON.stringify(options)}).then(() => '', ({ message }) => message)`,
    );
  it.each([
    ['another client id', { clientId: 'somebody-else', components: [] }, /not valid/],
    ['no client id', { components: [] }, /required/],
    ['a page type that does not exist', { clientId: 'sandbox-client', pageType: 'shop' }, /page type/],
    ['a component that does not exist', { clientId: 'sandbox-client', components: ['cards'] }, /component/],
  ])('is not created with %s', async (_what, options, message) => {
    const page = await shop.visit({});
    expect(await attempt(page, options)).toMatch(message);
    // The browser reports the 401 as an error.
    shop.complaints.splice(0);
  });

  it('returns the eligible payment methods', async () => {
    const page = await shop.visit({});
    const eligible = `sdk.findEligibleMethods().then(({ isEligible }) =>
      ['paypal', 'advanced_cards', 'venmo'].filter(isEligible))`;
    expect(await page.evaluate(eligible)).toEqual(['paypal', 'advanced_cards']);
  });
});
