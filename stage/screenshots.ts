/**
 * `npm run screenshots -- <link>`: takes the pictures in docs/images from an `npm start` that is running, whose output has the link
 * with which an organizer signs in. It registers two people in Chromium with a test card, and reads the ports from the same settings
 * as `npm start`.
 */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { speak } from '../src/messages/index.ts';
import { STEP_NAMES, workflowId } from '../src/registration.ts';
import { launchChromium } from './chromium.ts';
import { shootDesk } from './desk-pictures.ts';
import { aForm, CARD } from './person.ts';

const { PORT = '3000', SANDBOX_PORT = '4010', SANDBOX_TEMPORAL_UI_PORT = '8233' } = process.env;
const FORM = `http://localhost:${PORT}`;
const SANDBOX = `http://127.0.0.1:${SANDBOX_PORT}`;
const WEB_UI_ADDRESS = `http://localhost:${SANDBOX_TEMPORAL_UI_PORT}`;

const WIDTH = 1280;
/** More than the height of every page, because the browser does not draw card fields that are outside the window. */
const HEIGHT = 2400;
/** The space below the last part of a page. */
const MARGIN = 40;
/** The space below a card, which another card may follow. */
const CARD_MARGIN = 12;
/** The height of the window for the Web UI, and the end of a run's timeline in it. */
const WEB_UI = { height: 1200, end: 1100 };
const folder = fileURLToPath(new URL('../docs/images/', import.meta.url));
const { t } = speak('en');

/** Fills in the form for a ticket type with a price, and the card fields in PayPal's frames. */
async function fillForm(page: Page): Promise<void> {
  const { attendee, billing } = aForm();
  await page.getByRole('radio', { name: 'Regular' }).check();
  // The country decides which fields the address has.
  await page.getByLabel(t('field.countryCode')).selectOption(billing.countryCode);
  const { countryCode: _chosen, ...address } = billing;
  const texts = { ...prefixed('attendee', attendee), ...prefixed('billing', address) };
  for (const [name, value] of Object.entries(texts)) {
    const field = page.locator(`[name="${name}"]`);
    if (await field.isVisible()) await field.fill(value);
  }
  await page.getByLabel(t('form.newsletter')).check();
  const card = {
    [t('form.card-number')]: CARD.number,
    [t('form.card-expiry')]: CARD.expiry,
    [t('form.card-code')]: CARD.cvv,
  };
  for (const [title, value] of Object.entries(card))
    await page.frameLocator(`iframe[title="${title}"]`).getByRole('textbox').fill(value);
  // No field keeps the cursor, which would blink.
  await page.getByRole('heading', { level: 1 }).click();
}

const prefixed = (prefix: string, fields: Record<string, string>) =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [`${prefix}/${name}`, value]));

/** Opens the page of a run, and waits for its timeline and for its decrypted result. */
async function showRun(page: Page, id: string): Promise<void> {
  await page.setViewportSize({ width: WIDTH, height: WEB_UI.height });
  await page.goto(`${WEB_UI_ADDRESS}/namespaces/default/workflows/${workflowId(id)}`);
  await page.getByText('addToMailingList').first().waitFor();
  await page.getByText('"confirmed"').first().waitFor();
}

const fail = (text: string) => {
  process.stderr.write(`${text}\n`);
  process.exit(1);
};

/** Lets SendGrid refuse our key, or accept it again. */
const refuseMails = async (isRefused: boolean) => {
  const failing = {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ mode: 'failing', status: 401 }),
  };
  if (isRefused) await fetch(`${SANDBOX}/sandbox/faults/sendgrid`, failing);
  else await fetch(`${SANDBOX}/sandbox/faults`, { method: 'DELETE' });
};

const [link = fail('Usage: npm run screenshots -- <the link for organizers that "npm start" has printed>')] =
  process.argv.slice(2);
for (const address of [FORM, SANDBOX, WEB_UI_ADDRESS])
  await fetch(address).catch(() =>
    fail(`Nothing answers at ${address}: run "npm start" first, with the same settings.`),
  );
mkdirSync(folder, { recursive: true });
const browser = await launchChromium((line) => void process.stdout.write(`${line}\n`));
try {
  const context = await browser.newContext({
    locale: 'en-GB',
    viewport: { width: WIDTH, height: HEIGHT },
    colorScheme: 'light',
  });
  const page = await context.newPage();
  const shoot = async (name: string, height: number) => {
    await page.screenshot({ path: `${folder}${name}.png`, clip: { x: 0, y: 0, width: WIDTH, height } });
    process.stdout.write(`docs/images/${name}.png\n`);
  };
  const endOf = async (selector: string) => {
    const box = await page.locator(selector).first().boundingBox();
    return box ? Math.ceil(box.y + box.height) + MARGIN : HEIGHT;
  };
  /** Opens the form and fills it in. */
  const openForm = async () => {
    await page.goto(FORM);
    await fillForm(page);
  };
  /** Submits the form, and waits for the steps. */
  const register = async (steps: readonly string[]) => {
    await page.locator('#submit').click();
    await page.waitForURL(/\/registrations\//);
    for (const step of steps) await page.locator(`[data-step="${step}"].done`).waitFor();
    return new URL(page.url()).pathname.split('/').pop() ?? '';
  };

  await openForm();
  await shoot('form', await endOf('#submit'));

  const paid = await register(STEP_NAMES);
  await shoot('status', await endOf('#actions'));

  await showRun(page, paid);
  await shoot('web-ui', WEB_UI.end);

  await page.setViewportSize({ width: WIDTH, height: HEIGHT });
  await refuseMails(true);
  await openForm();
  const stuck = await register(STEP_NAMES.filter((step) => step !== 'email'));
  await shootDesk(page, {
    address: FORM,
    link,
    registrations: { paid, stuck },
    shoot: async (name, selector) => shoot(name, (await endOf(selector)) - MARGIN + CARD_MARGIN),
  });
} finally {
  await refuseMails(false);
  await browser.close();
}
