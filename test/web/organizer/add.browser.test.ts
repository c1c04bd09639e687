/** An organizer adds somebody by hand, and many from a file, on a phone and on a desktop, with and without scripts. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { speak } from '../../../src/messages/index.ts';
import { aPerson } from '../../api/organizer/desk.ts';
import { openSite, visit, VISITORS } from '../attendee/visitor.ts';
import { expectGood, signInAs } from './good.ts';

let site: Awaited<ReturnType<typeof openSite>>;
beforeAll(async () => {
  site = await openSite({ settings: { PUBLIC_URL: 'http://localhost' } });
  await site.stack.startWorker();
  await site.stack.database('ticket_types').update({ capacity: null });
}, 300_000);
afterEach(() => site.leave());
afterAll(() => site.close());

const mails = (email: string) =>
  site.stack.sandbox.ledger().mails.filter(({ to }) => to[0]?.email === email).length;

describe.each(VISITORS)('on $who', (visitor) => {
  const own = (name: string) => `${name}.${visitor.language}@example.org`;
  async function enter() {
    const { id } = await aPerson(site.stack, 'organizer', { name: 'Grace' });
    const visited = await visit(site.browser, `${site.address}/organizer/sign-in`, visitor);
    await signInAs(site, visited, id);
    return {
      ...visited,
      money: (minor: number) => speak(visitor.language).money({ minor, currency: 'EUR' }),
    };
  }

  it('adds somebody who has paid elsewhere, after a fault, and loses nothing that was typed', async () => {
    const visited = await enter();
    const { page, t, money, complaints } = visited;
    await page
      .getByRole('link', { name: t('organizer.nav.add') })
      .first()
      .click();
    await page.getByRole('heading', { name: t('organizer.add.title') }).waitFor();
    await expectGood(visited);
    await page.getByLabel(t('organizer.add.ticket'), { exact: true }).selectOption('conference/regular');
    await page.getByLabel(t('field.firstName')).fill('Ada');
    await page.getByLabel(t('field.lastName')).fill('Example');
    await page.getByLabel(t('field.email')).fill(own('ada'));
    await page.getByLabel(t('organizer.add.payment.elsewhere'), { exact: false }).first().check();
    await page.getByLabel(t('organizer.add.amount')).fill('90');
    await page.getByRole('button', { name: t('organizer.add.button') }).click();
    await page.getByText(t('organizer.add.fault.note-needed')).waitFor();
    await expectGood(visited);
    const note = page.getByLabel(t('organizer.add.note'));
    expect(await note.and(page.locator(':focus')).count()).toBe(1);
    expect(await page.getByLabel(t('field.email')).inputValue()).toBe(own('ada'));
    await page.keyboard.type('2026-118');
    await page.getByRole('button', { name: t('organizer.add.button') }).click();
    await page.getByText(t('organizer.told.registered')).waitFor();
    await page.getByText(t('organizer.money.by.elsewhere')).waitFor();
    await page.getByText(money(9000)).first().waitFor();
    await page.getByText('2026-118').waitFor();
    await expectGood(visited);
    expect(complaints).toEqual([]);
  });

  it('checks a file, adds its people, and is told who was added before', async () => {
    const visited = await enter();
    const { page, t, complaints } = visited;
    await page
      .getByRole('link', { name: t('organizer.nav.import') })
      .first()
      .click();
    await page.getByRole('heading', { name: t('organizer.import.title') }).waitFor();
    await expectGood(visited);
    const example = await page.locator('pre').innerText();
    await page.getByRole('button', { name: t('organizer.import.check') }).click();
    await page.getByText(t('organizer.import.fault.empty')).waitFor();
    await expectGood(visited);

    // The example on the page is a file that can be imported.
    const file = example
      .replace('ada@example.org', own('ada.file'))
      .replace('grace@example.org', own('grace.file'));
    const faulty = `${file}\n;;;;;;;;\nCarl;Example;carl;Limited;complimentary;;;\nCarl;Example;${own('carl')};VIP;;;;`;
    const choose = async () => {
      await page
        .getByLabel(t('organizer.import.file'))
        .setInputFiles({ name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from(faulty) });
      await page.getByRole('button', { name: t('organizer.import.check') }).click();
    };
    await choose();
    await page.getByRole('heading', { name: t('organizer.import.would', { count: 2 }) }).waitFor();
    await page.getByText(t('organizer.add.fault.ticket-type')).first().waitFor();
    await expectGood(visited);
    expect(mails(own('ada.file'))).toBe(0);
    const confirm = page.getByRole('button', { name: t('organizer.import.confirm', { count: 2 }) });
    await confirm.click();
    await confirm.waitFor({ state: 'detached' });
    await expect
      .poll(async () => (await page.reload(), page.getByText(t('organizer.import.done.text')).isVisible()), {
        timeout: 15_000,
      })
      .toBe(true);
    await expectGood(visited);
    await expect.poll(() => mails(own('ada.file')), { timeout: 15_000 }).toBe(1);

    await page.getByRole('link', { name: t('organizer.import.back') }).click();
    await page
      .getByText(t('organizer.import.added', { count: 2 }))
      .first()
      .waitFor();
    await expectGood(visited);
    await choose();
    await page.getByRole('heading', { name: t('organizer.import.would', { count: 0 }) }).waitFor();
    await page.getByText(t('organizer.import.added-before', { count: 2, lines: '2, 3' })).waitFor();
    await expectGood(visited);
    expect(complaints).toEqual([]);
  });
});

it('says so where there is nothing to register for', async () => {
  await site.stack.database('events').update({ state: 'cancelled' });
  const { id } = await aPerson(site.stack, 'organizer');
  for (const visitor of VISITORS) {
    const visited = await visit(site.browser, `${site.address}/organizer/sign-in`, visitor);
    await signInAs(site, visited, id);
    for (const path of ['/organizer/registrations/new', '/organizer/import']) {
      await visited.page.goto(site.address + path);
      await visited.page.getByText(visited.t('organizer.add.none.text')).waitFor();
      await expectGood(visited);
    }
  }
});
