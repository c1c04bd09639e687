/** One person registers through the form, in a real browser. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from '../../sandbox/chromium.ts';
import { workflowId } from '../../src/registration.ts';
import { startStack, type Stack } from '../stack.ts';

let stack: Stack;
let stopWorker: () => Promise<void>;
let browser: Browser;
let address: string;
beforeAll(async () => {
  stack = await startStack();
  stopWorker = await stack.startWorker();
  await stack.database('events').update({ name: 'Conference <b>& more</b>' });
  address = await stack.app.listen({ host: '127.0.0.1', port: 0 });
  browser = await launchChromium((line) => void process.stdout.write(`${line}\n`));
}, 300_000);
afterAll(async () => {
  await browser.close();
  await stopWorker();
  await stack.stop();
});

/** A page of a browser that has never been here, and what it complained about. */
async function visit(): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text()))
      complaints.push(message.text());
  });
  await page.goto(address);
  return { page, complaints };
}

async function fill(page: Page): Promise<void> {
  await page.getByLabel('First name').fill('Ada');
  await page.getByLabel('Last name').fill('Example');
  await page.getByLabel('E-mail').fill('ada@example.org');
  await page.getByLabel('Street and number').fill('Street 2');
  await page.getByLabel('Postal code').fill('20457');
  await page.getByLabel('City').fill('Hamburg');
  await page.getByLabel('Country').selectOption('DE');
}

async function enterCard(page: Page, number: string): Promise<void> {
  for (const [title, value] of [
    ['Card number', number],
    ['Expiry date', '12/34'],
    ['Security code', '123'],
  ] as const)
    await page.frameLocator(`iframe[title="${title}"]`).getByRole('textbox').fill(value);
}

it('pays with a card that is declined, then with one that is not, and sees the confirmation', async () => {
  const { page, complaints } = await visit();
  await page.getByLabel('Regular').check();
  await page.getByRole('button', { name: 'Pay EUR 120.00' }).click();
  await page.getByRole('alert').getByText('Some fields need your attention').waitFor();

  await fill(page);
  await enterCard(page, '4000000000000002');
  await page.getByRole('button', { name: 'Pay EUR 120.00' }).click();
  await page.getByRole('alert').getByText('You have not been charged').waitFor();
  expect(await page.getByLabel('First name').inputValue()).toBe('Ada');

  await page.getByText('Yes, send me the newsletter').click();
  await enterCard(page, '4012888888881881');
  await page.getByRole('button', { name: 'Pay EUR 120.00' }).click();
  await page.getByRole('heading', { name: 'You are registered' }).waitFor();
  await page.locator('li.done').nth(3).waitFor();
  expect(await page.getByText('Conference <b>& more</b>').count()).toBe(1);

  const { captures, mails, members } = stack.sandbox.ledger();
  expect(captures.map(({ status }) => status).toSorted()).toEqual(['COMPLETED', 'DECLINED']);
  expect([mails.length, members.length]).toEqual([1, 1]);
  const id = new URL(page.url()).pathname.split('/').pop() ?? '';
  expect(await stack.database('orders').where({ id })).toHaveLength(1);
  expect(await page.evaluate('Object.keys(localStorage)')).toEqual([]);
  expect(complaints).toEqual([]);

  // The card was seen by PayPal's frames and by nobody else.
  const history = await stack.temporal.workflow.getHandle(workflowId(id)).fetchHistory();
  const tables = await Promise.all(
    ['orders', 'seat_holds', 'ended_registrations'].map((table) => stack.database(table)),
  );
  const everything = [...texts(history), JSON.stringify(tables), JSON.stringify(stack.sandbox.ledger())].join(
    '\n',
  );
  expect(everything).toContain('ada@example.org');
  expect(everything).not.toMatch(/4012 ?8888 ?8888 ?1881|4000 ?0000 ?0000 ?0002/);
}, 60_000);

/** Every text in a history, payloads decoded. */
function texts(value: unknown): string[] {
  if (value instanceof Uint8Array) return [Buffer.from(value).toString()];
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
}

it('is told what is wrong with the card, and keeps what was entered', async () => {
  const { page, complaints } = await visit();
  await page.getByLabel('Regular').check();
  await fill(page);
  await enterCard(page, '4012888888881882');
  await page.getByRole('button', { name: 'Pay EUR 120.00' }).click();
  await page.getByText('The card number is not valid. You have not been charged.').waitFor();
  expect(await page.frameLocator('iframe[title="Card number"]').getByRole('textbox').inputValue()).toBe(
    '4012 8888 8888 1882',
  );
  expect(await page.getByRole('button', { name: 'Pay EUR 120.00' }).isEnabled()).toBe(true);
  await page.reload();
  expect(await page.getByLabel('City').inputValue()).toBe('Hamburg');
  expect(complaints).toEqual([]);
});

it('registers for free without a card', async () => {
  const { page, complaints } = await visit();
  await page.getByLabel('Free').check();
  expect(await page.getByRole('group', { name: 'Card' }).isVisible()).toBe(false);
  await fill(page);
  await page.getByRole('button', { name: 'Register for free' }).click();
  await page.getByRole('heading', { name: 'You are registered' }).waitFor();
  expect(complaints).toEqual([]);
});

it('shows a page for a registration that does not exist', async () => {
  const { page } = await visit();
  const response = await page.goto(`${address}/registrations/nobody`);
  expect(response?.status()).toBe(404);
  await page.getByRole('heading', { name: 'No such registration' }).waitFor();
});
