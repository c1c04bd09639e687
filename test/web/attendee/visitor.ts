/** Drives a real browser like a visitor on a phone or a desktop, in one language. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, FrameLocator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { launchChromium } from '../../../stage/chromium.ts';
import { speak, type MessageKey } from '../../../src/messages/index.ts';
import type { Language, Status } from '../../../src/registration.ts';
import { CARDS, startStack } from '../../stack.ts';

/** Together they cover both screen sizes, both languages, light and dark mode, and touch and mouse. */
export const VISITORS = [
  { who: 'a phone, in German', language: 'de', width: 390, height: 844, touch: true, dark: true },
  { who: 'a desktop, in English', language: 'en', width: 1280, height: 900, touch: false, dark: false },
] as const satisfies {
  who: string;
  language: Language;
  width: number;
  height: number;
  touch: boolean;
  dark: boolean;
}[];
type Visitor = (typeof VISITORS)[number];

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const CARD_TITLES = {
  en: ['Card number', 'Expiry date', 'Security code'],
  de: ['Kartennummer', 'Ablaufdatum', 'Prüfnummer'],
} as const;
/** The browser logs every error status. These are expected, because the page shows the problem. */
const REFUSAL = /the server responded with a status of (402|404|409|422|429|503)/;

/** Starts the service on its own port, and a browser to visit it. */
export async function openSite(options: Parameters<typeof startStack>[0] = {}) {
  const stack = await startStack(options);
  const address = await stack.app.listen({ host: '127.0.0.1', port: 0 });
  const browser = await launchChromium((line) => void process.stdout.write(`${line}\n`));
  return {
    ...{ stack, address, browser },
    /** Closes all pages, because open pages keep working and slow down the next test. */
    leave: () => Promise.all(browser.contexts().map((context) => context.close())),
    async close() {
      await browser.close();
      await stack.stop();
    },
  };
}

export type Visit = ReturnType<typeof onPage> & { context: BrowserContext };

/** Opens the page in a new context without any stored data. */
export async function visit(browser: Browser, address: string, visitor: Visitor): Promise<Visit> {
  const { language, width, height, touch, dark } = visitor;
  const context = await browser.newContext({
    locale: language === 'de' ? 'de-DE' : 'en-GB',
    viewport: { width, height },
    hasTouch: touch,
    colorScheme: dark ? 'dark' : 'light',
  });
  context.setDefaultTimeout(15_000);
  const opened = onPage(await context.newPage(), language);
  await opened.page.goto(address);
  return { ...opened, context };
}

/** Opens the form under a clock that the test moves, and has a card declined, so that a seat is held. */
export async function holdUnderClock(browser: Browser, address: string, visitor: Visitor): Promise<Visit> {
  const opened = await visit(browser, `${address}/nothing`, visitor);
  const { page, choose, fill, enterCard, button, cardError } = opened;
  await page.clock.install();
  await page.goto(address);
  await choose('Regular');
  await fill();
  await enterCard(CARDS.declined);
  await button().click();
  await cardError.waitFor();
  return opened;
}

/** The actions of a visitor on a page, and the errors that the browser logged. */
export function onPage(page: Page, language: Language) {
  const { t } = speak(language);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !REFUSAL.test(message.text())) complaints.push(message.text());
  });
  page.on('requestfailed', (request) => {
    const error = request.failure()?.errorText;
    // The browser gives up what is still loading when it leaves a page, which is not an error.
    if (error !== 'net::ERR_ABORTED') complaints.push(`${request.url()} ${error}`);
  });

  const field = (key: MessageKey) => page.getByLabel(t(key), { exact: false }).first();
  const cardField = (index: 0 | 1 | 2): FrameLocator =>
    page.frameLocator(`iframe[title="${CARD_TITLES[language][index]}"]`);
  const button = (amount = { minor: 12_000, currency: 'EUR' }) =>
    page.getByRole('button', {
      name: amount.minor ? t('form.pay', { amount: speak(language).money(amount) }) : t('form.register-free'),
      exact: true,
    });

  return {
    page,
    t,
    complaints,
    field,
    cardField,
    button,
    problem: page.locator('#problem'),
    cardError: page.locator('#error-card'),

    /** Waits until the countdown shows that the seat was held within the last minute. */
    isHeld: () =>
      page
        .getByRole('timer')
        .getByText(/1[45]:\d\d/)
        .waitFor(),

    choose: async (ticket: string): Promise<void> => {
      await page.getByRole('radio', { name: ticket }).check();
    },

    fill: async (person: { firstName?: string; email?: string } = {}): Promise<void> => {
      await field('field.firstName').fill(person.firstName ?? 'Ada');
      await field('field.lastName').fill('Example');
      await field('field.email').fill(person.email ?? 'ada@example.org');
      // A free ticket asks for no address.
      if (!(await page.locator('#billing').isVisible())) return;
      await field('field.countryCode').selectOption('DE');
      await field('field.addressLine1').fill('Street 2');
      await field('postal.postal-code').fill('20457');
      await field('field.city').fill('Hamburg');
    },

    enterCard: async (number: string): Promise<void> => {
      for (const [index, value] of [number, '12/34', '123'].entries())
        await cardField(index as 0 | 1 | 2)
          .getByRole('textbox')
          .fill(value);
    },

    /** Waits until the status page shows the given status, and returns the id of the registration. */
    arrives: async (status: Status): Promise<string> => {
      await page.waitForURL(/\/registrations\//);
      await page.getByRole('heading', { name: t(`status.${status}`), exact: true }).waitFor();
      return new URL(page.url()).pathname.split('/').pop() ?? '';
    },

    /** Checks the current page with axe-core, except for PayPal's frames, which are not ours. */
    expectAccessible: async (): Promise<void> => {
      await page.evaluate(axe);
      const violations: unknown = await page.evaluate(
        `axe.run(document, { iframes: false, resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, nodes }) => ({ id, at: nodes.map(({ html }) => html) })))`,
      );
      expect(violations).toEqual([]);
    },

    /** Checks that the page does not scroll sideways. */
    expectToFit: async (): Promise<void> => {
      const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect(overflow).toBeLessThanOrEqual(0);
    },
  };
}
