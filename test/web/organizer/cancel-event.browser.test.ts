/** An organizer cancels an event by keyboard and follows how far it is, on a phone and on a desktop, without scripts. */
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { cancelEventPath } from '../../../src/organizer.ts';
import { speak } from '../../../src/messages/index.ts';
import { aPerson } from '../../api/organizer/desk.ts';
import { aMinuteAgo, anEvent, registered } from '../../api/organizer/events.ts';
import { openSite, visit, VISITORS } from '../attendee/visitor.ts';
import { expectGood, signInAs } from './good.ts';

let site: Awaited<ReturnType<typeof openSite>>;
beforeAll(async () => {
  site = await openSite({
    settings: { PUBLIC_URL: 'http://localhost', TEMPORAL_UI_URL: 'http://localhost:8233' },
  });
  await site.stack.startWorker();
}, 300_000);
afterEach(async () => {
  await site.leave();
  site.stack.sandbox.setAccount({ funds: null });
});
afterAll(() => site.close());

describe.each(VISITORS)('on $who', (visitor) => {
  async function open(event: string) {
    const { id } = await aPerson(site.stack, 'organizer', { name: 'Ada Example' });
    const visited = await visit(site.browser, `${site.address}/organizer/sign-in`, visitor);
    await signInAs(site, visited, id);
    await visited.page.goto(site.address + cancelEventPath(event));
    const money = (minor: number) => speak(visitor.language).money({ minor, currency: 'EUR' });
    return { ...visited, money };
  }

  it('cancels an event by keyboard, sees why it pauses, resumes, and sees the end', async () => {
    const event = await anEvent(site.stack, 'Open Days');
    const empty = await open(event);
    await empty.page.getByText(empty.t('organizer.cancel-event.empty')).waitFor();
    await expectGood(empty);

    const [old] = [await registered(site.stack, event), await registered(site.stack, event)];
    await registered(site.stack, event, 'free');
    const capture = site.stack.sandbox.ledger().captures.find(({ custom_id }) => custom_id === old.id);
    site.stack.sandbox.age(capture?.id ?? '', 181);
    site.stack.sandbox.setAccount({ funds: 0 });
    const visited = await open(event);
    const { page, t, money, complaints } = visited;
    await expectGood(visited);
    const button = page.getByRole('button', {
      name: t('organizer.cancel-event.button', { amount: money(24_000) }),
    });
    const name = page.getByLabel(t('organizer.cancel-event.name'));
    await name.focus();
    await page.keyboard.type('Open');
    await page.keyboard.press('Enter');
    await page.getByText(t('organizer.cancel-event.fault')).waitFor();
    expect(await name.inputValue()).toBe('Open');
    expect(await page.evaluate('document.activeElement.id')).toBe('name');
    await expectGood(visited);
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('Open Days');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe(await button.textContent());
    await page.keyboard.press('Enter');
    await page
      .getByRole('heading', { name: t('organizer.cancel-event.cancelled', { event: 'Open Days' }) })
      .waitFor();
    await aMinuteAgo(site.stack, event);

    // The page loads itself anew.
    await page.getByText(t('organizer.cancel-event.state.funds')).waitFor({ timeout: 20_000 });
    await page.getByRole('link', { name: t('organizer.cancel-event.refresh-off') }).click();
    await page.getByRole('link', { name: t('organizer.cancel-event.refresh-on') }).waitFor();
    await expectGood(visited);
    site.stack.sandbox.setAccount({ funds: null });
    await page.getByRole('button', { name: t('organizer.cancel-event.resume') }).focus();
    await page.keyboard.press('Enter');
    await page
      .getByText(t('organizer.cancel-event.state.finished-refused', { refused: 1 }))
      .waitFor({ timeout: 20_000 });
    await page.getByText(t('organizer.refund.word.REFUND_TIME_LIMIT_EXCEEDED', { word: '' })).waitFor();
    await expectGood(visited);
    await page.locator(`a[href="/organizer/registrations/${old.id}"]`).click();
    await page
      .getByRole('button', { name: t('organizer.refund.retry', { amount: money(12_000) }) })
      .waitFor();
    expect(complaints).toEqual([]);
  }, 90_000);

  it('pauses, and is told when the run is missing', async () => {
    const event = await anEvent(site.stack, 'Open Days');
    await registered(site.stack, event);
    await site.stack.stopWorkers();
    onTestFinished(async () => {
      await site.stack.startWorker();
    });
    const visited = await open(event);
    const { page, t } = visited;
    await page.getByLabel(t('organizer.cancel-event.name')).fill('Open Days');
    await page.keyboard.press('Enter');
    await page.getByText(t('organizer.cancel-event.state.running', { left: 1 })).waitFor();
    await expectGood(visited);
    await page.getByRole('button', { name: t('organizer.cancel-event.pause') }).click();
    await page.getByText(t('organizer.cancel-event.state.paused')).waitFor();
    await expectGood(visited);
    await site.stack.temporal.workflow.getHandle(`cancel-event-${event}`).terminate();
    await page.reload();
    await page.getByText(t('organizer.cancel-event.state.missing', { left: 1 })).waitFor();
    await expectGood(visited);
    await page.getByRole('button', { name: t('organizer.cancel-event.start') }).click();
    await page.getByText(t('organizer.cancel-event.state.paused')).waitFor();
    const stop = await site.stack.startWorker();
    onTestFinished(stop);
    await page.getByRole('button', { name: t('organizer.cancel-event.resume') }).click();
    await aMinuteAgo(site.stack, event);
    await page.getByText(t('organizer.cancel-event.state.finished')).waitFor({ timeout: 20_000 });
    await expectGood(visited);
  }, 90_000);
});
