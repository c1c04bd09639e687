/** An organizer refunds, cancels and writes notes on the page of a registration, on a phone and on a desktop. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { speak } from '../../../src/messages/index.ts';
import { workflowId } from '../../../src/registration.ts';
import { aForm, emailOf } from '../../../stage/person.ts';
import { aPerson } from '../../api/organizer/desk.ts';
import { anAttendee } from '../../stack.ts';
import { openSite, visit, VISITORS } from '../attendee/visitor.ts';
import { expectGood, signInAs } from './good.ts';

let site: Awaited<ReturnType<typeof openSite>>;
beforeAll(async () => {
  site = await openSite({ settings: { PUBLIC_URL: 'http://localhost' } });
  await site.stack.startWorker();
}, 300_000);
afterEach(async () => {
  await site.leave();
  site.stack.sandbox.setAccount({ funds: null });
});
afterAll(() => site.close());

async function registered(): Promise<string> {
  const id = randomUUID();
  const attendee = { firstName: 'Ada', lastName: 'Example', email: emailOf(id) };
  const form = aForm({ ticketType: 'regular', attendee, newsletter: false });
  expect((await anAttendee(site.stack, form, id).register()).statusCode).toBe(201);
  await site.stack.temporal.workflow.getHandle(workflowId(id)).result();
  return id;
}
const refunds = () => site.stack.sandbox.ledger().refunds.length;

describe.each(VISITORS)('on $who', (visitor) => {
  async function openRegistration() {
    const [{ id: organizer }, id] = [
      await aPerson(site.stack, 'organizer', { name: 'Ada Example' }),
      await registered(),
    ];
    const visited = await visit(site.browser, `${site.address}/organizer/sign-in`, visitor);
    await signInAs(site, visited, organizer);
    const { page } = visited;
    await page.goto(`${site.address}/organizer/registrations/${id}`);
    const money = (minor: number) => speak(visitor.language).money({ minor, currency: 'EUR' });
    /** Loads the page anew until a text is there. */
    const shows = (text: string) =>
      expect
        .poll(async () => (await page.reload(), page.getByText(text).first().isVisible()), {
          timeout: 15_000,
        })
        .toBe(true);
    return { ...visited, id, money, shows };
  }

  it('refunds a part, and then the rest with the registration', async () => {
    const visited = await openRegistration();
    const { page, t, money, shows, complaints } = visited;
    await expectGood(visited);
    const before = refunds();
    await page.getByLabel(t('organizer.refund.amount', { available: money(12_000) })).fill('40');
    await page.getByRole('button', { name: t('organizer.refund.continue') }).click();
    const refund = page.getByRole('button', { name: t('organizer.refund.button', { amount: money(4000) }) });
    await refund.waitFor();
    await expectGood(visited);
    expect(refunds()).toBe(before);
    await page.getByLabel(t('organizer.reason')).first().fill('A broken chair');
    await refund.click();
    await page.getByRole('status').waitFor();
    await shows(t('organizer.told.refunded', { amount: money(4000) }));
    await expectGood(visited);
    await page.getByText('A broken chair').waitFor();

    await page.getByLabel(t('organizer.refund.cancel')).check();
    await page.getByRole('button', { name: t('organizer.refund.continue') }).click();
    await page.getByRole('button', { name: t('organizer.refund.button', { amount: money(8000) }) }).click();
    await page.waitForURL(/done=/);
    await shows(t('organizer.history.cancelled'));
    await page.getByText(t('organizer.status.refunded'), { exact: true }).first().waitFor();
    await expectGood(visited);
    expect(refunds()).toBe(before + 2);
    expect(complaints).toEqual([]);
  });

  it('reads why PayPal refused a refund, and has it tried again', async () => {
    const visited = await openRegistration();
    const { page, t, money, shows } = visited;
    site.stack.sandbox.setAccount({ funds: 0 });
    await page.getByRole('button', { name: t('organizer.refund.continue') }).click();
    await page.getByRole('button', { name: t('organizer.refund.button', { amount: money(12_000) }) }).click();
    await page.waitForURL(/done=/);
    await shows(t('organizer.refund.word.REFUND_FAILED_INSUFFICIENT_FUNDS', { word: '' }));
    await expectGood(visited);
    site.stack.sandbox.setAccount({ funds: null });
    await page.getByRole('button', { name: t('organizer.refund.retry', { amount: money(12_000) }) }).click();
    await page.waitForURL(/done=/);
    await shows(t('organizer.told.refunded', { amount: money(12_000) }));
  });

  it('writes a note and cancels by keyboard, and is told when another organizer was faster', async () => {
    const visited = await openRegistration();
    const { page, t, shows } = visited;
    await page.getByText(t('organizer.note'), { exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.type('Called about the invoice');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText(t('organizer.told.note')).waitFor();
    await page.getByText('Called about the invoice').waitFor();

    const other = await page.context().newPage();
    await other.goto(page.url());
    for (const one of [page, other]) {
      await one.getByText(t('organizer.cancel'), { exact: true }).click();
      await one.getByRole('button', { name: t('organizer.cancel.button') }).click();
    }
    await other.getByRole('heading', { name: t('organizer.problem.not-confirmed') }).waitFor();
    await expectGood({ ...visited, page });
    await shows(t('organizer.history.cancelled'));
  });

  it('reads what was taken back, that the payment is disputed and that an email did not arrive, and what to do', async () => {
    const visited = await openRegistration();
    const { page, t, id, money, shows } = visited;
    const { sandbox } = site.stack;
    const captureId = sandbox.ledger().captures.find(({ custom_id }) => custom_id === id)?.id ?? '';
    sandbox.sendWebhooksTo(site.address, 50);
    sandbox.openDispute(captureId, 'UNAUTHORISED');
    await shows(t('organizer.dispute.reason.UNAUTHORISED'));
    await page.getByText(t('organizer.dispute.what.WAITING_FOR_SELLER_RESPONSE')).waitFor();
    await expectGood(visited);
    sandbox.reverse(captureId);
    await shows(t('organizer.reversal.what'));
    await page.getByText(t('organizer.history.payment-reversed', { amount: money(12_000) })).waitFor();
    const mail = sandbox.ledger().mails.find(({ to }) => to[0]?.email === emailOf(id));
    sandbox.reportSpam(mail?.id ?? '');
    await shows(t('organizer.mail-problem.spamreport.what'));
    await expectGood(visited);

    await page.goto(`${site.address}/organizer/registrations?attention=disputed`);
    await page.locator(`a[href$="${id}"]`).first().waitFor();
    await page.goto(`${site.address}/organizer/registrations?attention=mail-bounced`);
    await page.locator(`a[href$="${id}"]`).first().waitFor();
    await expectGood(visited);
    sandbox.sendWebhooksTo(undefined);
  });

  it('corrects the address in a form that has everything filled in', async () => {
    const visited = await openRegistration();
    const { page, t, id, shows } = visited;
    for (const summary of await page.locator('summary').all()) await summary.click();
    await expectGood(visited);
    const correct = page.locator('form[action$="/correct"]');
    expect(await correct.getByLabel(t('field.email')).inputValue()).toBe(emailOf(id));
    await correct.getByLabel(t('field.email')).fill(`new-${emailOf(id)}`);
    await correct.getByRole('button').click();
    await page.getByText(t('organizer.told.corrected')).waitFor();
    await page
      .getByText(`new-${emailOf(id)}`)
      .first()
      .waitFor();
    await shows(t('organizer.history.email-sent'));
    await expectGood(visited);
  });
});
