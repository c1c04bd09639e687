/** PayPal's card fields in a real browser, on a merchant's page of another origin. */
import { randomUUID } from 'node:crypto';
import Fastify from 'fastify';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { launchChromium } from '../../sandbox/chromium.ts';
import { credentials, startSandbox, type Sandbox } from '../../sandbox/providers.ts';
import { captureOf, connectPayPal, type PayPal } from '../../src/paypal.ts';

const TIMEOUT_MS = 5000;
const html = (paypalUrl: string) => `<!doctype html>
<html lang="en">
<title>Shop</title>
<script src="${paypalUrl}/web-sdk/v6/core" defer></script>
<script src="/shop.js" defer></script>
<form><div id="number"></div><div id="expiry"></div><div id="cvv"></div><button>Pay</button><p role="status"></p></form>
</html>`;
/** What a shop does with PayPal's SDK, v6: three fields, one submit; the outcome is shown as JSON. */
const script = (clientId: string) => `
const form = document.querySelector('form');
const status = document.querySelector('[role=status]');
const paypal = await window.paypal.createInstance({ clientId: '${clientId}', components: ['card-fields'] });
const session = paypal.createCardFieldsOneTimePaymentSession();
for (const type of ['number', 'expiry', 'cvv'])
  document.getElementById(type).append(session.createCardFieldsComponent({ type, placeholder: type }));
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  status.textContent = '';
  const orderId = new URLSearchParams(location.search).get('order');
  const outcome = await session.submit(orderId, { billingAddress: { postalCode: '20457', countryCode: 'DE' } });
  status.textContent = JSON.stringify(outcome);
});
`;

/** A curious shop: it joins the channel of the frames, listens to every message, and looks into each document. */
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

let sandbox: Sandbox;
let paypal: PayPal;
let browser: Browser;
let page: Page;
let shopUrl: string;
const shop = Fastify({ forceCloseConnections: true });

beforeAll(async () => {
  sandbox = await startSandbox();
  const { paypalClientId: clientId, paypalClientSecret: clientSecret } = credentials;
  paypal = connectPayPal({ baseUrl: sandbox.url, webUrl: sandbox.url, clientId, clientSecret });
  const policy = `default-src 'self'; script-src 'self' ${sandbox.url}; frame-src ${sandbox.url}`;
  shop.get('/', (_request, reply) =>
    reply.type('text/html').header('content-security-policy', policy).send(html(sandbox.url)),
  );
  shop.get('/shop.js', (_request, reply) =>
    reply.type('text/javascript').send(`(async () => {${script(clientId)}})();`),
  );
  shopUrl = await shop.listen({ host: '127.0.0.1', port: 0 });
  browser = await launchChromium(() => undefined);
});
afterEach(() => page.close());
afterAll(async () => {
  await browser.close();
  await shop.close();
  await sandbox.close();
});

/** Opens a PayPal order and the shop's page for it. */
async function goToPay(): Promise<string> {
  const order = { amount: { minor: 12_000, currency: 'EUR' }, description: 'A ticket' };
  const ids = { requestId: randomUUID(), registrationId: randomUUID() };
  const orderId = await paypal.createOrder({ ...ids, ...order }, TIMEOUT_MS);
  page = await browser.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  await page.goto(`${shopUrl}/?order=${orderId}`);
  return orderId;
}
const TITLES = { number: 'Card number', expiry: 'Expiry date', cvv: 'Security code' };
const field = (name: keyof typeof TITLES) =>
  page.frameLocator(`iframe[title="${TITLES[name]}"]`).getByRole('textbox');

async function fill(card: Partial<Record<keyof typeof TITLES, string>>): Promise<void> {
  for (const [name, value] of Object.entries(card) as [keyof typeof TITLES, string][]) {
    await field(name).fill('');
    await field(name).pressSequentially(value);
  }
}
type SubmitResult = { state: string; data: { orderId: string; message?: string } };
async function pay(): Promise<SubmitResult> {
  const status = page.getByRole('status');
  await page.getByRole('button', { name: 'Pay' }).click();
  await status.filter({ hasText: /./ }).waitFor();
  return JSON.parse(await status.innerText()) as SubmitResult;
}
const CARD = { number: '4012888888881881', expiry: '1234', cvv: '123' };

it('takes a card through frames of its own, and the order can be captured', async () => {
  const orderId = await goToPay();
  await fill(CARD);
  expect(await field('number').inputValue()).toBe('4012 8888 8888 1881');
  expect(await field('expiry').inputValue()).toBe('12/34');
  expect(await pay()).toMatchObject({ state: 'succeeded', data: { orderId } });
  const taken = await paypal.captureOrder(orderId, randomUUID(), TIMEOUT_MS);
  expect(captureOf(taken)).toMatchObject({ status: 'COMPLETED' });
});

it('says what is wrong with a card, keeps what was typed, and takes the corrected one', async () => {
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

it('says which of the fields is at fault', async () => {
  await goToPay();
  await fill({ number: CARD.number, cvv: CARD.cvv });
  const message = async () => (await pay()).data.message;
  expect(await message()).toBe('The expiry date is not valid: please enter month and year.');
  await fill({ expiry: '0120' });
  expect(await message()).toBe('The card has expired.');
  await fill({ expiry: '1234', cvv: '12' });
  expect(await message()).toBe('The security code is not valid.');
});

it('refuses a card for an order that is paid already', async () => {
  const orderId = await goToPay();
  sandbox.approve(orderId);
  await paypal.captureOrder(orderId, randomUUID(), TIMEOUT_MS);
  await fill(CARD);
  expect(await pay()).toMatchObject({
    state: 'failed',
    data: { message: 'This payment cannot be approved (any more).' },
  });
});

it('reads an expiry date however it is written', async () => {
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

it('leaves the cursor where a digit in the middle was corrected', async () => {
  await goToPay();
  await fill({ number: '4012888888881881' });
  await field('number').press('Home');
  for (let i = 0; i < 6; i++) await field('number').press('ArrowRight');
  await field('number').press('Backspace');
  await field('number').pressSequentially('75');
  expect(await field('number').inputValue()).toBe('4012 7588 8888 8188 1');
});

it('shows nothing of the card to a shop that tries everything', async () => {
  await goToPay();
  await fill(CARD);
  await page.evaluate(SPY);
  expect(await pay()).toMatchObject({ state: 'succeeded' });
  const seen = await page.evaluate<{ frames: number; readable: number; text: string }>('spied()');
  expect(seen).toMatchObject({ frames: 4, readable: 0 });
  expect(seen.text).toContain('succeeded');
  expect(seen.text.replaceAll(/[ -]/g, '')).not.toContain(CARD.number);
});

it('can be filled by a browser and read aloud: each field has a label and says what it is', async () => {
  await goToPay();
  const expected = { number: 'cc-number', expiry: 'cc-exp', cvv: 'cc-csc' };
  for (const [name, autocomplete] of Object.entries(expected) as [keyof typeof TITLES, string][]) {
    await field(name).waitFor();
    expect(await field(name).getAttribute('autocomplete')).toBe(autocomplete);
    expect(await field(name).getAttribute('inputmode')).toBe('numeric');
    expect(await field(name).getAttribute('aria-label')).toContain(TITLES[name]);
  }
});
