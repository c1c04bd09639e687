/** A shop's page with PayPal's browser SDK in a real browser, with its own origin and a strict policy. */
import { randomUUID } from 'node:crypto';
import Fastify from 'fastify';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { launchChromium } from '../../../stage/chromium.ts';
import { credentials, startSandbox } from '../../../sandbox/vendors/server.ts';
import { connect, openOrder, TIMEOUT_MS } from './payer.ts';

const html = (paypalUrl: string) => `<!doctype html>
<html lang="en">
<title>Shop</title>
<link rel="icon" href="data:,">
<script src="${paypalUrl}/web-sdk/v6/core" defer></script>
<script src="/shop.js" defer></script>
<form><div id="number"></div><div id="expiry"></div><div id="cvv"></div><button>Pay</button></form>
<paypal-button hidden></paypal-button>
<p role="status"></p>
</html>`;

/**
 * The shop's script for PayPal's SDK v6: three card fields with one submit, and the wallet. The URL's query
 * sets the options; the page shows everything that PayPal reports as JSON.
 */
const SCRIPT = `
const query = new URLSearchParams(location.search);
const orderId = query.get('order');
const status = document.querySelector('[role=status]');
const told = [];
const tell = (what, data) => { told.push({ what, ...data }); status.textContent = JSON.stringify(told); };

const sdk = await window.paypal.createInstance({
  clientId: 'CLIENT_ID',
  components: ['card-fields', 'paypal-payments'],
  pageType: 'checkout',
  locale: query.get('locale') ?? 'en-GB',
});
const options = JSON.parse(query.get('field') ?? '{}');
const cards = sdk.createCardFieldsOneTimePaymentSession();
for (const event of ['focus', 'blur', 'inputsubmit', 'validitychange', 'cardtypechange'])
  cards.on(event, (state) => (globalThis.heard ??= []).push({ event, state }));
for (const type of ['number', 'expiry', 'cvv'])
  document.getElementById(type).append(cards.createCardFieldsComponent({ type, placeholder: type, ...options }));
document.querySelector('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  told.length = 0;
  status.textContent = '';
  const billingAddress = { postalCode: '20457', countryCode: 'DE' };
  tell('submitted', await cards.submit(orderId, { billingAddress }));
});

const order = Promise.withResolvers();
globalThis.giveOrder = () => order.resolve({ orderId });
globalThis.refuseOrder = () => order.reject(new Error('The event is full'));
if (!query.has('late')) giveOrder();
globalThis.wallet = sdk.createPayPalOneTimePaymentSession({
  onApprove: async (data) => tell('approved', data),
  onCancel: (data) => tell('canceled', data),
  onError: ({ message }) => tell('error', { message }),
});
const button = document.querySelector('paypal-button');
button.hidden = !(await sdk.findEligibleMethods()).isEligible('paypal');
button.addEventListener('click', async () => {
  try {
    await wallet.start({ presentationMode: query.get('mode') ?? 'auto' }, order.promise);
    tell('ended');
  } catch ({ message, code, isRecoverable }) {
    tell('rejected', { message, code, isRecoverable });
  }
});
globalThis.sdk = sdk;
`;

export type Told = {
  what: string;
  state?: string;
  data?: { orderId: string; message?: string; liabilityShift?: string };
  [more: string]: unknown;
};
type Visit = { order?: string; locale?: string; mode?: string; late?: string; field?: string };
export type Shop = Awaited<ReturnType<typeof startShop>>;

const TITLES = {
  number: /Card number|Kartennummer/,
  expiry: /Expiry|Ablauf/,
  cvv: /Security code|Prüfnummer/,
};
export type FieldName = keyof typeof TITLES;

/** The actions of a customer on the shop's page. */
export function customer(page: Page) {
  const status = page.getByRole('status');
  const field = (name: FieldName) => page.getByTitle(TITLES[name]).contentFrame().getByRole('textbox');
  /** Waits for a report of PayPal and returns the latest one of that kind. */
  const told = async (what: string): Promise<Told> => {
    await status.filter({ hasText: `"what":"${what}"` }).waitFor();
    const all = JSON.parse(await status.innerText()) as Told[];
    return all.findLast((each) => each.what === what) ?? { what };
  };
  return {
    field,
    told,
    async fill(card: Partial<Record<FieldName, string>>): Promise<void> {
      for (const [name, value] of Object.entries(card) as [FieldName, string][]) {
        await field(name).fill('');
        await field(name).pressSequentially(value);
      }
    },
    submit: () => page.getByRole('button', { name: 'Pay', exact: true }).click(),
    payPal: page.locator('paypal-button').getByRole('button'),
    /** The 3-D Secure challenge over the page. */
    bank: page.getByRole('dialog').locator('iframe').contentFrame(),
  };
}

export async function startShop() {
  const sandbox = await startSandbox();
  const paypal = connect(sandbox.url);
  const policy = [
    `default-src 'self'; img-src data:; script-src 'self' ${sandbox.url}`,
    `frame-src ${sandbox.url}; connect-src 'self' ${sandbox.url}`,
  ].join('; ');
  const shop = Fastify({ forceCloseConnections: true });
  shop.get('/', (_request, reply) =>
    reply
      .type('text/html')
      .header('content-security-policy', policy)
      .header('cross-origin-opener-policy', 'same-origin-allow-popups')
      .send(html(sandbox.url)),
  );
  shop.get('/shop.js', (_request, reply) =>
    reply
      .type('text/javascript')
      .send(`(async () => {${SCRIPT.replace('CLIENT_ID', credentials.paypalClientId)}})();`),
  );
  const url = await shop.listen({ host: '127.0.0.1', port: 0 });
  const browser = await launchChromium(() => undefined);
  const context = await browser.newContext();
  context.setDefaultTimeout(TIMEOUT_MS);
  /** The browser's error messages of all pages and frames. */
  const complaints: string[] = [];
  context.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });

  return {
    sandbox,
    paypal,
    url,
    complaints,
    openOrder: () => openOrder(paypal),
    capture: (orderId: string) => paypal.captureOrder(orderId, randomUUID(), TIMEOUT_MS),
    order: (orderId: string) => paypal.getOrder(orderId, TIMEOUT_MS),
    /** Opens a new page of the shop and waits until it is ready. `prepare` runs before all other scripts. */
    async visit(query: Visit, prepare?: string): Promise<Page> {
      const page = await context.newPage();
      if (prepare !== undefined) await page.addInitScript(prepare);
      await page.goto(`${url}/?${new URLSearchParams(query).toString()}`);
      await page.locator('paypal-button').waitFor();
      return page;
    },
    async closePages(): Promise<void> {
      await Promise.all(context.pages().map((page) => page.close()));
      expect(complaints.splice(0)).toEqual([]);
    },
    async close(): Promise<void> {
      await browser.close();
      await shop.close();
      await sandbox.close();
    },
  };
}
