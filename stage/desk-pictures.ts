/** The pictures of a day at the organizers' desk in docs/organizers.md, taken from the running product. */
import type { Page } from 'playwright-core';
import { speak } from '../src/messages/index.ts';

const { t, money } = speak('en');

export type Desk = {
  /** The address of the product, without a slash at the end. */
  address: string;
  /** A link with which an owner signs in, as `npm start` prints it. */
  link: string;
  /** The registration that is looked up and refunded, and the one whose email is stuck. */
  registrations: { paid: string; stuck: string };
  /** Takes a picture of the page, down to the end of the element. */
  shoot: (name: string, selector: string) => Promise<void>;
};

/** Signs in and goes through the day. It refunds a part of the first registration, and cancels nothing. */
export async function shootDesk(page: Page, { address, link, registrations, shoot }: Desk): Promise<void> {
  const open = (path: string) => page.goto(`${address}/organizer${path}`);
  await page.goto(link);
  await page.getByRole('button', { name: t('organizer.link.button'), exact: true }).click();
  await page.getByRole('heading', { name: t('organizer.start.title') }).waitFor();
  await shoot('desk-dashboard', 'main');

  await open('/registrations?q=exam');
  await shoot('desk-list', 'main');

  await open(`/registrations/${registrations.paid}`);
  await shoot('desk-registration', '.columns');
  await page.locator('#amount').fill('40');
  await page.getByRole('button', { name: t('organizer.refund.continue') }).click();
  const refund = page.getByRole('button', {
    name: t('organizer.refund.button', { amount: money({ minor: 4000, currency: 'EUR' }) }),
  });
  await refund.waitFor();
  await shoot('desk-refund', '#refund');
  await refund.click();
  await page.getByRole('status').waitFor();

  await open(`/registrations/${registrations.stuck}`);
  const why = page.locator('[data-step="email"] .why');
  while (!(await why.isVisible())) await page.reload();
  await shoot('desk-email-stuck', '.columns');

  await open('/events/open-knowledge-days/cancel');
  await shoot('desk-cancel-event', 'main');
}
