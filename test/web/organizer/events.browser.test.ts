/** An organizer creates an event, sells it and edits it, on a phone and on a desktop; an attendee pays in between. */
import { mkdirSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { speak } from '../../../src/messages/index.ts';
import { aPerson } from '../../api/organizer/desk.ts';
import { PNG } from '../../api/organizer/event-form.ts';
import { onPage, openSite, visit, VISITORS } from '../attendee/visitor.ts';
import { expectGood, signInAs } from './good.ts';

let site: Awaited<ReturnType<typeof openSite>>;
beforeAll(async () => {
  site = await openSite({ settings: { PUBLIC_URL: 'http://localhost' } });
  await site.stack.startWorker();
}, 300_000);
afterEach(() => site.leave());
afterAll(() => site.close());

const pictures = process.env.EVENT_PICTURES;

describe.each(VISITORS)('on $who', (visitor) => {
  const { t, money } = speak(visitor.language);

  async function open() {
    const { id } = await aPerson(site.stack, 'organizer', { name: 'Ada Example' });
    const visited = await visit(site.browser, `${site.address}/organizer/sign-in`, visitor);
    await signInAs(site, visited, id);
    const { page } = visited;
    const event = `event-${randomUUID().slice(0, 8)}`;
    const label = (key: Parameters<typeof t>[0]) => page.getByLabel(t(key), { exact: true });
    const press = (key: Parameters<typeof t>[0]) =>
      page.getByRole('button', { name: t(key), exact: true }).click();
    const shows = (key: Parameters<typeof t>[0]) => page.getByText(t(key), { exact: true }).first().waitFor();
    async function look(name: string) {
      await expectGood(visited);
      if (!pictures) return;
      mkdirSync(pictures, { recursive: true });
      await page.screenshot({ path: `${pictures}/${name}-${visitor.language}.png`, fullPage: true });
    }
    async function create() {
      await page.goto(`${site.address}/organizer/events`);
      await label('organizer.event.name').fill('Harbour Day');
      await page.locator('#id').fill(event);
      await label('organizer.event.time-zone').selectOption('Europe/Berlin');
      await label('organizer.event.starts').fill('2099-06-01T09:00');
      await label('organizer.event.ends').fill('2099-06-01T18:00');
      await label('organizer.event.venue').fill('Pier 3, Hamburg');
      await label('organizer.event.seller').fill('Harbour e.V.\nPier 3');
      await label('organizer.event.currency').selectOption('EUR');
      await press('organizer.events.create.button');
      await shows('organizer.event.told.created');
    }
    return { ...visited, event, label, press, shows, look, create };
  }

  it('makes an event from nothing, and somebody pays for a seat', { timeout: 120_000 }, async () => {
    const { page, event, label, press, shows, look, create, complaints } = await open();
    await page
      .getByRole('link', { name: t('organizer.nav.events') })
      .first()
      .click();
    await page.getByRole('heading', { name: t('organizer.events.create') }).waitFor();
    await look('list');
    await create();
    await look('draft');
    await page.getByText(t('organizer.event.fault.no-ticket-type')).first().waitFor();
    await label('organizer.event.ticket-type.name').fill('Regular');
    await page.locator('[id="type._1.price"]').fill('120');
    await page.locator('[id="type._1.capacity"]').fill('2');
    await page.locator('#description').fill('# Come\n\nTo the **harbour**.\n\n- ships\n- tea');
    await press('organizer.event.save');
    await shows('organizer.event.told.saved');
    await page.locator('#picture').setInputFiles({ name: 'harbour.png', mimeType: 'image/png', buffer: PNG });
    await page.locator('#alt').fill('Ships in the harbour');
    await press('organizer.event.picture.save');
    await shows('organizer.event.told.picture-changed');
    await page.getByRole('link', { name: t('organizer.event.preview') }).click();
    await page.getByText(t('events.preview')).waitFor();
    await look('preview');
    await page.goBack();
    await press('organizer.event.publish.button');
    await shows('organizer.event.told.published');
    await look('live');

    const person = await visit(site.browser, `${site.address}/events/${event}`, visitor);
    await person.page.getByRole('heading', { name: 'Harbour Day' }).waitFor();
    await person.page.getByAltText('Ships in the harbour').waitFor();
    await person.choose('Regular');
    await person.fill();
    await person.enterCard('4012888888881881');
    await person.button().click();
    await person.arrives('confirmed');
    await person.expectAccessible();
    await page.goto(`${site.address}/organizer/events/${event}`);
    await page.getByText(t('organizer.event.ticket-type.numbers', { sold: 1, held: 0 })).waitFor();
    await label('organizer.event.venue').fill('Pier 4, Hamburg');
    await page.locator('[id="type.regular.capacity"]').fill('0');
    await press('organizer.event.save');
    await page
      .getByText(t('organizer.event.fault.capacity-in-use', { sold: 1, held: 0, least: 1 }))
      .first()
      .waitFor();
    expect(await label('organizer.event.venue').inputValue()).toBe('Pier 4, Hamburg');
    // The first faulty field has the focus.
    expect(await page.evaluate('document.activeElement.id')).toBe('type.regular.capacity');
    await look('faulty');
    await page.locator('[id="type.regular.capacity"]').fill('1');
    await press('organizer.event.save');
    await page
      .getByText(
        t('organizer.event.told.confirmed', { count: 1, facts: t('organizer.event.told.fact.venue') }),
      )
      .waitFor();
    await look('told');
    await person.page.goto(`${site.address}/events/${event}`);
    await person.page
      .getByRole('heading', { name: t('events.sold-out', { event: 'Harbour Day' }) })
      .waitFor();
    expect([...complaints, ...person.complaints]).toEqual([]);
    expect(money({ minor: 12_000, currency: 'EUR' })).toContain('120');
  });

  it('is told by the keyboard alone what another organizer has changed meanwhile', async () => {
    const { page, context, event, label, press, shows, look, create } = await open();
    await create();
    const other = onPage(await context.newPage(), visitor.language).page;
    await other.goto(page.url());
    await other.getByLabel(t('organizer.event.venue'), { exact: true }).fill('Pier 5');
    await other.getByLabel(t('organizer.event.name'), { exact: true }).fill('Other name');
    await other.getByRole('button', { name: t('organizer.event.save'), exact: true }).click();
    await other.getByText(t('organizer.event.told.saved')).waitFor();
    await label('organizer.event.name').focus();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('My name');
    // Return sends the form by its first button, which saves.
    await page.keyboard.press('Enter');
    await shows('organizer.event.changed.text');
    expect(await label('organizer.event.name').inputValue()).toBe('My name');
    expect(await label('organizer.event.venue').inputValue()).toBe('Pier 5');
    await look('changed');
    await press('organizer.event.add-ticket-type');
    expect(await label('organizer.event.name').inputValue()).toBe('My name');
    await press('organizer.event.save');
    await shows('organizer.event.told.saved');
    expect(await site.stack.database('events').where({ id: event }).first('name', 'venue')).toEqual({
      ...{ name: 'My name', venue: 'Pier 5' },
    });
  });

  it('says when the sale of an event begins', async () => {
    const { page, event, label, press, shows, create, expectAccessible, expectToFit } = await open();
    await create();
    await label('organizer.event.ticket-type.name').fill('Regular');
    await page.locator('[id="type._1.price"]').fill('0');
    await page.locator('[id="type._1.saleStarts"]').fill('2099-01-01T08:00');
    await press('organizer.event.save');
    await shows('organizer.event.told.saved');
    await press('organizer.event.publish.button');
    await page.getByRole('link', { name: t('organizer.event.public') }).click();
    await page.waitForURL(`**/events/${event}`);
    await page
      .getByText(visitor.language === 'de' ? /Im Verkauf ab/ : /On sale from/)
      .first()
      .waitFor();
    await expectAccessible();
    await expectToFit();
    if (pictures) await page.screenshot({ path: `${pictures}/upcoming-${visitor.language}.png` });
  });
});
