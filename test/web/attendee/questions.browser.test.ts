/** The organizers' questions in the registration form. */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addQuestions } from '../../api/some-questions.ts';
import type { Stack } from '../../stack.ts';
import { openSite, visit, VISITORS } from './visitor.ts';

let stack: Stack;
let browser: Browser;
let site: Awaited<ReturnType<typeof openSite>>;
let address: string;
beforeAll(async () => {
  site = await openSite();
  ({ stack, browser, address } = site);
  await stack.startWorker();
}, 300_000);
beforeEach(() => addQuestions(stack.database));
afterEach(async () => {
  await site.leave();
  await stack.database('questions').delete();
});
afterAll(() => site.close());

const FREE = { minor: 0, currency: 'EUR' };
const ALLERGIES = 'Allergies <b>or</b> not?';
const stored = async (id: string) =>
  (await stack.database('orders').where({ id }).first<{ answers: unknown }>('answers')).answers;

describe.each(VISITORS)('on $who', (visitor) => {
  async function open() {
    const visited = await visit(browser, address, visitor);
    const { page } = visited;
    return {
      ...visited,
      diet: page.locator('[id="answers/diet"]'),
      allergies: page.locator('[id="answers/allergies"]'),
      dinner: page.locator('[id="answers/dinner"]'),
      error: (id: string) => page.locator(`[id="error-answers/${id}"]`),
    };
  }

  it('asks what belongs to the ticket, checks each answer, and sends them with the form', async () => {
    const { page, t, choose, fill, diet, allergies, dinner, error, problem, button, ...ada } = await open();
    await page.getByText(t('form.questions-purpose')).waitFor();
    // Before a ticket is chosen, only what is asked for each.
    expect([await diet.isVisible(), await dinner.isVisible()]).toEqual([true, false]);
    await choose('Regular');
    await dinner.waitFor();
    await page.setViewportSize({ width: 320, height: 640 });
    await ada.expectToFit();
    await page.setViewportSize({ width: visitor.width, height: visitor.height });
    await ada.expectAccessible();
    await choose('Free');
    await dinner.waitFor({ state: 'hidden' });

    await page.getByLabel(t('form.optional', { label: ALLERGIES })).fill('a'.repeat(50) + '\u200b');
    await diet.focus();
    await error('allergies').getByText(t('fault.text')).waitFor();
    expect(await allergies.getAttribute('aria-invalid')).toBe('true');
    await allergies.fill('Nuts');
    await error('allergies').waitFor({ state: 'hidden' });
    await fill();
    await button(FREE).click();
    await problem.getByRole('link', { name: t('fault.answer.needed') }).click();
    await page.locator('[id="answers/diet"]:focus').waitFor();
    await ada.expectAccessible();
    await diet.selectOption('Vegetarian');
    await error('diet').waitFor({ state: 'hidden' });
    await problem.waitFor({ state: 'hidden' });
    await allergies.fill('4012 8888 8888 1881');
    await button(FREE).click();
    await problem.getByRole('link', { name: t('fault.card-number') }).waitFor();
    await allergies.fill('Nuts');
    await button(FREE).click();
    const id = await ada.arrives('confirmed');
    expect(await stored(id)).toEqual({ diet: 'Vegetarian', allergies: 'Nuts' });
    expect(await page.locator('body').innerText()).not.toMatch(/Vegetarian|Nuts/);
    expect(ada.complaints).toEqual([]);
  });

  it('keeps answers over a change of the ticket, a reload and a change of language, and asks for a tick', async () => {
    await stack.database('questions').where({ id: 'dinner' }).update({ required: true });
    const { page, t, choose, fill, diet, allergies, dinner, error, enterCard, button, arrives } =
      await open();
    await choose('Regular');
    await diet.selectOption('Vegan');
    await allergies.fill('Milk');
    await dinner.check();
    await choose('Free');
    await choose('Regular');
    expect(await dinner.isChecked()).toBe(true);
    await page.reload();
    await page.getByRole('link', { name: visitor.language === 'de' ? 'English' : 'Deutsch' }).click();
    await page.waitForURL(/lang=/);
    const kept = async () => [
      await diet.inputValue(),
      await allergies.inputValue(),
      await dinner.isChecked(),
    ];
    expect(await kept()).toEqual(['Vegan', 'Milk', true]);
    await page.getByRole('link', { name: visitor.language === 'de' ? 'Deutsch' : 'English' }).click();
    await page.waitForURL(new RegExp(`lang=${visitor.language}`));
    await dinner.uncheck();
    await fill();
    await enterCard('4012888888881881');
    await button().click();
    await error('dinner').getByText(t('fault.answer.tick')).waitFor();
    await dinner.check();
    await button().click();
    const id = await arrives('confirmed');
    expect(await stored(id)).toEqual({ diet: 'Vegan', allergies: 'Milk', dinner: true });
    expect(await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }])')).not.toMatch(
      /Vegan|Milk/,
    );
  });

  it('is filled in with the keyboard alone', async () => {
    const { page, arrives, ...ada } = await open();
    await page.locator('[value=free]').focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('Tab');
    for (const text of ['Ada', 'Example', 'ada@example.org', '']) {
      await page.keyboard.type(text);
      await page.keyboard.press('Tab');
    }
    await page.keyboard.type('Vegan');
    await page.keyboard.press('Tab');
    await page.keyboard.type('Nuts');
    for (const key of ['Tab', 'Tab', 'Enter']) await page.keyboard.press(key);
    expect(await stored(await arrives('confirmed'))).toEqual({ diet: 'Vegan', allergies: 'Nuts' });
    expect(ada.complaints).toEqual([]);
  });

  it('shows the questions as they are when they have changed since the page was loaded', async () => {
    const { page, t, choose, fill, diet, allergies, error, problem, button, arrives } = await open();
    await choose('Free');
    await fill();
    await diet.selectOption('Vegan');
    await allergies.fill('Nuts');
    await stack.database('questions').where({ id: 'allergies' }).update({ removed_at: new Date() });
    await addQuestions(stack.database, { size: { kind: 'text', label: 'Size', required: true } });
    await button(FREE).click();
    await error('size').getByText(t('fault.answer.needed')).waitFor();
    expect([await diet.inputValue(), await allergies.count()]).toEqual(['Vegan', 0]);
    await problem.getByRole('link', { name: 'Size' }).click();
    await page.keyboard.type('M');
    await button(FREE).click();
    expect(await stored(await arrives('confirmed'))).toEqual({ diet: 'Vegan', size: 'M' });
  });
});
