/** An organizer edits the questions of an event and reads the answers, on a phone and on a desktop. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { aPerson } from '../../api/organizer/desk.ts';
import { anOrder } from '../../api/organizer/orders.ts';
import { addQuestions } from '../../api/some-questions.ts';
import { openSite, visit, VISITORS } from '../attendee/visitor.ts';
import { expectGood, signInAs } from './good.ts';

let site: Awaited<ReturnType<typeof openSite>>;
beforeAll(async () => {
  site = await openSite({ settings: { PUBLIC_URL: 'http://localhost' } });
  await site.stack.startWorker();
}, 300_000);
afterEach(async () => {
  await site.leave();
  await site.stack.database('questions').delete();
});
afterAll(() => site.close());

describe.each(VISITORS)('on $who', (visitor) => {
  async function open(path: string) {
    const { id: organizer } = await aPerson(site.stack, 'organizer', { name: 'Ada Example' });
    const visited = await visit(site.browser, `${site.address}/organizer/sign-in`, visitor);
    await signInAs(site, visited, organizer);
    await visited.page.goto(site.address + path);
    return visited;
  }
  const QUESTIONS = '/organizer/events/conference/questions';

  it('adds, changes, moves and retires questions, and is told of faults at their fields', async () => {
    const visited = await open(QUESTIONS);
    const { page, t, complaints } = visited;
    await page.getByRole('heading', { name: t('organizer.questions.none') }).waitFor();
    await expectGood(visited);

    const add = page.locator('#add');
    const save = add.getByRole('button', { name: t('organizer.questions.add.button') });
    await add.getByLabel(t('organizer.questions.label')).fill('T-shirt size');
    await add.getByLabel(t('organizer.questions.kind')).selectOption('choice');
    await add.getByLabel(t('organizer.questions.choices.if')).fill('M');
    await save.click();
    await add.getByText(t('organizer.questions.fault.choices')).waitFor();
    await page.locator('#choices-new:focus').waitFor();
    await expectGood(visited);
    expect(await add.getByLabel(t('organizer.questions.label')).inputValue()).toBe('T-shirt size');
    // By keyboard from the faulty field on.
    await page.keyboard.type('\nL\n');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    await save.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('status').getByText(t('organizer.questions.told.added')).waitFor();
    await page.getByRole('heading', { name: 'T-shirt size' }).waitFor();
    await page.getByText(t('organizer.questions.is-required')).first().waitFor();

    await add.getByLabel(t('organizer.questions.label')).fill('Diet');
    await save.click();
    await page.getByRole('heading', { name: 'Diet' }).waitFor();
    await page.getByRole('button', { name: t('organizer.questions.up.label', { question: 'Diet' }) }).click();
    await page.getByText(t('organizer.questions.told.moved')).waitFor();
    expect(await page.locator('.questions h2').allInnerTexts()).toEqual(['Diet', 'T-shirt size']);
    for (const summary of await page.locator('summary').all()) await summary.click();
    await expectGood(visited);

    const diet = page.locator('.questions > li').first();
    await diet.getByLabel(t('organizer.questions.label')).fill('Food');
    await diet.getByRole('checkbox', { name: 'Regular' }).check();
    await diet.getByRole('button', { name: t('organizer.questions.change.button') }).click();
    await page.getByRole('heading', { name: 'Food' }).waitFor();
    await diet.getByText(t('organizer.questions.retire', { question: 'Food' })).click();
    await diet.getByRole('button', { name: t('organizer.questions.retire.button') }).click();
    await page.getByRole('heading', { name: t('organizer.questions.retired') }).waitFor();
    await expectGood(visited);
    expect(complaints).toEqual([]);
  });

  it('reads how often each answer was given, and finds and corrects the registrations', async () => {
    await addQuestions(site.stack.database);
    await site.stack.database('orders').delete();
    const id = await anOrder(site.stack.database, {
      answers: JSON.stringify({ diet: 'Vegan', dinner: true }),
    });
    await anOrder(site.stack.database, {
      first_name: 'Otto',
      answers: JSON.stringify({ diet: 'Everything' }),
    });
    const visited = await open('/organizer/events/conference/answers');
    const { page, t } = visited;
    await page.getByRole('table', { name: 'Diet' }).getByRole('row', { name: 'Vegan 1' }).waitFor();
    await expectGood(visited);
    await page.getByRole('link', { name: 'Vegan' }).click();
    await page.getByRole('link', { name: 'Ada Example' }).waitFor();
    expect(await page.getByRole('link', { name: 'Otto Example' }).count()).toBe(0);
    expect(await page.getByLabel(t('organizer.list.answer'), { exact: true }).inputValue()).toBe(
      'diet:Vegan',
    );
    await expectGood(visited);

    await page.goto(`${site.address}/organizer/registrations/${id}`);
    await page.locator('#answers').getByText('Vegan').waitFor();
    await page.getByText(t('organizer.answers.correct'), { exact: true }).click();
    await expectGood(visited);
    const form = page.locator('form[action$="/answers"]');
    await form.getByLabel('Diet').selectOption('Everything');
    await form.getByLabel('Allergies').fill('Nuts');
    await form.getByLabel('I come to the dinner').uncheck();
    await form.getByRole('button').click();
    await page.getByText(t('organizer.told.answers-corrected')).waitFor();
    await page.locator('#answers').getByText('Nuts').waitFor();
    await expectGood(visited);
  });

  it('sees an empty page of answers that says what will appear', async () => {
    const visited = await open('/organizer/events/conference/answers');
    await visited.page.getByText(visited.t('organizer.answers.empty')).waitFor();
    await expectGood(visited);
  });
});
