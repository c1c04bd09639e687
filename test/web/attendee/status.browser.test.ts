/** The status page and its automatic updates. */
import type { Browser, Page } from 'playwright-core';
import decodeQR from 'qr/decode.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { reference } from '../../../src/reference.ts';
import { workflowId } from '../../../src/registration.ts';
import { qrGif } from '../../../src/web/qr.ts';
import { aForm } from '../../../stage/person.ts';
import { anAttendee, CARDS, type Stack } from '../../stack.ts';
import { openSite, visit, VISITORS } from './visitor.ts';

let stack: Stack;
let browser: Browser;
let site: Awaited<ReturnType<typeof openSite>>;
let address: string;
let stopWorker: (() => Promise<void>) | undefined;
beforeAll(async () => {
  site = await openSite({ answerWithinMs: 1500 });
  ({ stack, browser, address } = site);
}, 300_000);
afterEach(async () => {
  stack.sandbox.faults.clear();
  await site.leave();
  await stopWorker?.();
  stopWorker = undefined;
});
afterAll(async () => {
  await site.close();
});

const work = async () => (stopWorker = await stack.startWorker());
const free = () => aForm({ ticketType: 'free' });
const pageOf = (id: string) => `${address}/registrations/${id}`;

/** Reads a QR code as a scanner at the entrance does. The browser draws it on white. */
async function scanned(page: Page, source: string): Promise<string> {
  const side = 116;
  // One text is fast to transfer. Thousands of numbers would block this process, which also runs the api.
  const pixels = await page.evaluate<string>(`(async () => {
    const image = new Image(${side}, ${side});
    image.src = ${JSON.stringify(source)};
    await image.decode();
    const context = Object.assign(document.createElement('canvas'), { width: ${side}, height: ${side} }).getContext('2d');
    context.fillStyle = 'white';
    context.fillRect(0, 0, ${side}, ${side});
    context.drawImage(image, 0, 0, ${side}, ${side});
    const { data } = context.getImageData(0, 0, ${side}, ${side});
    return btoa(data.reduce((bytes, byte) => bytes + String.fromCharCode(byte), ''));
  })()`);
  return decodeQR({ width: side, height: side, data: Uint8Array.from(Buffer.from(pixels, 'base64')) });
}

describe.each(VISITORS)('on $who', (visitor) => {
  const step = (name: string) => `[data-step="${name}"] span:last-child`;

  it('says that no action is needed while the outcome is unknown, and updates automatically', async () => {
    const { page, t, choose, fill, enterCard, button, arrives, expectAccessible, complaints } = await visit(
      browser,
      address,
      visitor,
    );
    await choose('Regular');
    await fill();
    await enterCard('4012888888881881');
    await button().click();
    const id = await arrives('processing');
    await page.getByText(t('status.processing.text')).waitFor();
    await expectAccessible();
    // The form opens the status page, because a payment is being processed.
    await page.goto(address);
    expect(await arrives('processing')).toBe(id);

    await work();
    expect(await arrives('confirmed')).toBe(id);
    await page.locator('li.done').nth(2).waitFor();
    expect(await page.evaluate('Object.keys(localStorage)')).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('shows each step, its retries and its completion', async () => {
    await work();
    stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503 });
    stack.sandbox.faults.set('mailchimp', { mode: 'failing', status: 503 });
    const ada = anAttendee(stack);
    await ada.register();
    const { page, t, expectAccessible, complaints } = await visit(browser, pageOf(ada.id), visitor);
    await page.locator(step('email')).getByText(t('state.email.retrying')).waitFor();
    await page.locator(step('mailing-list')).getByText(t('state.mailing-list.retrying')).waitFor();
    await page.locator(step('order')).getByText(t('state.done')).waitFor();
    expect(await page.locator('#resend').count()).toBe(0);
    await expectAccessible();
    stack.sandbox.faults.clear();
    await page.locator(step('email')).getByText(t('state.email.done')).waitFor({ timeout: 20_000 });
    await page.locator('#resend').waitFor();
    expect(complaints).toEqual([]);
  });

  it('updates without server-sent events', async () => {
    await work();
    stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503 });
    const ada = anAttendee(stack, free());
    await ada.register();
    const { context, page, t } = await visit(browser, `${address}/nothing`, visitor);
    await context.route('**/events', (route) => route.fulfill({ status: 503, body: '{}' }));
    await page.goto(pageOf(ada.id));
    await page.locator(step('email')).getByText(t('state.email.retrying')).waitFor();
    stack.sandbox.faults.clear();
    await page.locator(step('email')).getByText(t('state.email.done')).waitFor({ timeout: 20_000 });
  });

  it('offers the reference, QR code, calendar entry, print button and resend button', async () => {
    await work();
    const ada = anAttendee(stack, free());
    await ada.register();
    await stack.temporal.workflow.getHandle(workflowId(ada.id)).result();
    const { page, t, expectAccessible, expectToFit, complaints } = await visit(
      browser,
      pageOf(ada.id),
      visitor,
    );
    await page.getByText(reference(ada.id), { exact: true }).waitFor();
    const code = page.getByRole('img', { name: t('status.qr', { reference: reference(ada.id) }) });
    const svg = encodeURIComponent(await code.innerHTML());
    expect(await scanned(page, `data:image/svg+xml,${svg}`)).toBe(reference(ada.id));
    const gif = qrGif(reference(ada.id)).toString('base64');
    expect(await scanned(page, `data:image/gif;base64,${gif}`)).toBe(reference(ada.id));
    await page.getByText('a•••@example.org').waitFor();
    const [calendar] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: t('status.calendar') }).click(),
    ]);
    expect(calendar.suggestedFilename()).toBe('event.ics');
    await page.getByRole('button', { name: t('status.print') }).waitFor();
    await expectAccessible();
    await page.setViewportSize({ width: 320, height: 640 });
    await expectToFit();

    const resend = page.getByRole('button', { name: t('status.resend') });
    const told = () => page.locator('#resent').textContent();
    await resend.click();
    await expect.poll(told, { timeout: 10_000 }).toBe(t('browser.resent'));
    await resend.click();
    await expect.poll(told, { timeout: 10_000 }).toContain(t('problem.resent-before'));
    expect(complaints).toEqual([]);
  });

  it('links to the form after a decline, and shows a cancellation', async () => {
    await work();
    const ada = anAttendee(stack);
    await ada.register(CARDS.declined);
    const { page, t, arrives, expectAccessible, complaints } = await visit(browser, pageOf(ada.id), visitor);
    await arrives('declined');
    await expectAccessible();
    await stack.temporal.workflow.getHandle(workflowId(ada.id)).cancel();
    await arrives('cancelled');
    await expectAccessible();
    await page.getByRole('link', { name: t('status.another') }).click();
    await page.getByRole('radio', { name: 'Regular' }).waitFor();
    expect(complaints).toEqual([]);
  });

  it('shows a page if the registration does not exist', async () => {
    const { page, t, expectAccessible } = await visit(browser, pageOf('nobody'), visitor);
    await page.getByRole('heading', { name: t('problem.unknown-registration') }).waitFor();
    await expectAccessible();
    await page.getByRole('link', { name: t('problem.to-form') }).waitFor();
  });
});
