/** What axe cannot see: contrast of borders, the focus in PayPal's fields, large text, forced colors, small screens. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../../../stage/chromium.ts';
import { openSite, visit, VISITORS } from './visitor.ts';

let site: Awaited<ReturnType<typeof openSite>>;
beforeAll(async () => {
  site = await openSite();
  await site.stack.startWorker();
}, 300_000);
afterEach(() => site.leave());
afterAll(() => site.close());

const [phone] = VISITORS;
const open = (visitor: Parameters<typeof visit>[2] = phone) => visit(site.browser, site.address, visitor);

/** The element that has the focus, and whether the bar of the hold covers a part of it. */
const FOCUSED = `(() => {
  const element = document.activeElement;
  const bar = document.getElementById('hold').getBoundingClientRect();
  const box = element.getBoundingClientRect();
  const isUnder = box.bottom > bar.top + 1 && box.top < bar.bottom && !element.closest('#hold');
  return { name: element.id || element.tagName, isUnder };
})()`;
/** The links and buttons that are too low for a finger: 44 px (WCAG 2.2, 2.5.5). */
const SMALL_TARGETS = `[...document.querySelectorAll('a, button')]
  .filter((element) => element.checkVisibility() && !element.matches('.skip'))
  .filter((element) => element.getBoundingClientRect().height < 44)
  .map(({ outerHTML }) => outerHTML)`;

/** The computed style of an element. */
const styleOf = (page: Page, selector: string, property: string) =>
  page.evaluate<string>(
    `getComputedStyle(document.querySelector('${selector}')).getPropertyValue('${property}')`,
  );

/** The contrast of two computed colors, from 1 to 21 (WCAG 2.2, "contrast ratio"). */
function contrast(...colors: [string, string]): number {
  const [lighter = 0, darker = 0] = colors
    .map((color) => {
      const [r = 0, g = 0, b = 0] = (color.match(/[\d.]+/g) ?? []).slice(0, 3).map((part) => {
        const value = Number(part) / 255;
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    })
    .toSorted((a, b) => b - a);
  return (lighter + 0.05) / (darker + 0.05);
}

describe.each(VISITORS)('on $who', (visitor) => {
  it('the borders of fields and tickets stand out against the card', async () => {
    const { page } = await open(visitor);
    const card = await styleOf(page, '.card', 'background-color');
    for (const selector of ['.field input', 'select', '.ticket'])
      expect(contrast(await styleOf(page, selector, 'border-top-color'), card), selector).toBeGreaterThan(3);
  });

  it("PayPal's fields show the focus, and stay readable when the theme changes", async () => {
    const { page, choose, cardField } = await open(visitor);
    await choose('Regular');
    // The field reports the focus once its script has configured it.
    await cardField(0).getByPlaceholder('1234 1234 1234 1234').focus();
    await page.locator('#card-number.focused').waitFor();
    expect(await styleOf(page, '#card-number', 'outline-style')).toBe('solid');
    const ring = await styleOf(page, '#card-number', 'outline-color');
    expect(contrast(ring, await styleOf(page, '.card', 'background-color'))).toBeGreaterThan(3);
    await cardField(1).getByRole('textbox').focus();
    await page.locator('#card-expiry.focused').waitFor();
    expect(await page.locator('#card-number.focused').count()).toBe(0);

    await page.emulateMedia({ colorScheme: visitor.dark ? 'light' : 'dark' });
    const frame = await (await page.waitForSelector('#card-number iframe')).contentFrame();
    const typed = String(await frame?.evaluate("getComputedStyle(document.querySelector('input')).color"));
    expect(contrast(typed, await styleOf(page, '.hosted', 'background-color'))).toBeGreaterThan(4.5);
  });

  it('the bar of the hold covers nothing that has the focus', async () => {
    const { page, choose, fill, button, cardField, cardError } = await open(visitor);
    await choose('Regular');
    await fill();
    await cardField(0).getByRole('textbox').waitFor();
    await button().click();
    await page.locator('#hold').waitFor();
    await cardError.filter({ hasText: /./ }).waitFor();
    await page.evaluate('scrollTo(0, 0); document.activeElement.blur()');
    const covered: string[] = [];
    let last = '';
    for (let stops = 0; stops < 40 && last !== 'submit'; stops++) {
      await page.keyboard.press('Tab');
      const focused = await page.evaluate<{ name: string; isUnder: boolean }>(FOCUSED);
      last = focused.name;
      if (focused.isUnder) covered.push(focused.name);
    }
    expect([last, covered]).toEqual(['submit', []]);
  });
});

it('the text size of the browser makes everything larger, and nothing is cut off', async () => {
  const browser = await launchChromium((line) => void process.stdout.write(`${line}\n`), 32);
  try {
    const { page, choose, fill, button, arrives, expectToFit } = await visit(browser, site.address, phone);
    await choose('Regular');
    await page.locator('paypal-button').waitFor();
    await expectToFit();
    for (const selector of ['.field input', 'label', '#submit', '.ticket .name'])
      expect(Number.parseFloat(await styleOf(page, selector, 'font-size')), selector).toBeGreaterThanOrEqual(
        32,
      );
    expect((await page.locator('#submit').boundingBox())?.height).toBeGreaterThan(100);
    await choose('Free');
    await fill();
    await button({ minor: 0, currency: 'EUR' }).click();
    await arrives('confirmed');
    await expectToFit();
  } finally {
    await browser.close();
  }
});

it('forced colors keep the button a button, and the chosen ticket chosen', async () => {
  const { page, choose } = await open();
  await choose('Regular');
  await page.emulateMedia({ forcedColors: 'active' });
  expect(await styleOf(page, '#submit', 'border-top-style')).toBe('solid');
  expect(Number.parseFloat(await styleOf(page, '#submit', 'border-top-width'))).toBeGreaterThanOrEqual(1);
  expect(await styleOf(page, '.ticket:has(:checked)', 'outline-style')).toBe('solid');
  expect(await styleOf(page, '.ticket:not(:has(:checked))', 'outline-style')).toBe('none');
});

it('a long mail domain wraps on a screen of 320 px, and links are 44 px high', async () => {
  const domain = `${'conference-of-open-knowledge'.repeat(2)}.${'department-of-statistics'.repeat(2)}.example.org`;
  const { page, choose, fill, button, arrives, expectToFit, expectAccessible } = await open();
  await page.setViewportSize({ width: 320, height: 640 });
  const smallTargets = () => page.evaluate(SMALL_TARGETS);
  await choose('Free');
  await fill({ email: `ada@${domain}` });
  await expectToFit();
  expect(await smallTargets()).toEqual([]);
  await button({ minor: 0, currency: 'EUR' }).click();
  await arrives('confirmed');
  await page.getByText(domain).first().waitFor();
  await expectToFit();
  expect(await smallTargets()).toEqual([]);
  await expectAccessible();
});
