/** A ticket type that asks for a confirmed email address, from the form to the button behind the link. */
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { texts, type Stack } from '../../stack.ts';
import { onPage, openSite, visit, VISITORS } from './visitor.ts';

const FREE = { minor: 0, currency: 'EUR' };
let stack: Stack;
let browser: Browser;
let site: Awaited<ReturnType<typeof openSite>>;
let address: string;
beforeAll(async () => {
  site = await openSite();
  ({ stack, browser, address } = site);
  await stack.startWorker();
}, 300_000);
afterEach(() => site.leave());
afterAll(() => site.close());

/** The path of the link in the mail to an address. */
async function linkMailedTo(email: string): Promise<string> {
  const link = /\/registrations\/[\w-]+\/confirm\/[\w-]+/;
  const mails = () =>
    stack.sandbox
      .ledger()
      .mails.filter(({ to }) => to[0]?.email === email)
      .flatMap((mail) => link.exec(texts(mail).join('\n')) ?? []);
  await vi.waitUntil(() => mails().length > 0, { timeout: 10_000 });
  return mails()[0] ?? '';
}

describe.each(VISITORS)('on $who', (visitor) => {
  it('waits for the link, shows a button behind it, and is registered', async () => {
    await stack.database('ticket_types').where({ id: 'free' }).update({ confirm_email: true });
    const email = `confirm.${visitor.language}@example.org`;
    const opened = await visit(browser, address, visitor);
    const { page, t, choose, fill, button, arrives, complaints, context, expectAccessible } = opened;
    await choose('Free');
    await fill({ email });
    await button(FREE).click();
    await arrives('unconfirmed');
    await expectAccessible();
    const { pathname } = new URL(page.url());

    // The attendee comes back to the form, which leads to the page that waits.
    await page.goto(address);
    await page.waitForURL(`${address}${pathname}`);

    const mail = onPage(await context.newPage(), visitor.language);
    await mail.page.goto(address + (await linkMailedTo(email)));
    await mail.expectAccessible();
    await mail.page.getByRole('button', { name: t('confirm.button') }).click();
    await mail.page.waitForURL(`${address}${pathname}`);
    await mail.arrives('confirmed');
    await arrives('confirmed');
    expect([...complaints, ...mail.complaints]).toEqual([]);
  });
});

it('starts anew with another id when the registration in the browser belongs to another email address', async () => {
  const [, visitor] = VISITORS;
  await stack.database('ticket_types').where({ id: 'free' }).update({ confirm_email: false });
  const { page, choose, fill, button, arrives, enterCard, cardError } = await visit(
    browser,
    address,
    visitor,
  );
  await choose('Regular');
  await fill({ email: 'first@example.org' });
  await enterCard('4000000000000002');
  await button().click();
  await cardError.waitFor();
  // The browser lost its secret, as one with an older version of the form has none.
  await page.evaluate(`for (const key of Object.keys(localStorage)) {
    const { secret, ...rest } = JSON.parse(localStorage[key]);
    localStorage[key] = JSON.stringify(rest);
  }`);
  await choose('Free');
  await fill({ email: 'second@example.org' });
  await button(FREE).click();
  await arrives('confirmed');
});
