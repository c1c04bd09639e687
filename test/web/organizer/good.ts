/** What every page of organizers has to be, and how a browser signs in. */
import { expect } from 'vitest';
import { aLink } from '../../api/organizer/desk.ts';
import type { openSite, Visit } from '../attendee/visitor.ts';

type Site = Awaited<ReturnType<typeof openSite>>;

const SMALL_TARGETS = `[...document.querySelectorAll('a, button, summary, select')]
  .filter((element) => element.checkVisibility() && !element.matches('.skip'))
  .filter((element) => element.getBoundingClientRect().height < 44)
  .map(({ outerHTML }) => outerHTML)`;

/** Checks a page as it is, and on a screen of 320 px. */
export async function expectGood({ page, expectAccessible, expectToFit }: Visit): Promise<void> {
  await expectAccessible();
  expect(await page.evaluate(SMALL_TARGETS)).toEqual([]);
  const size = page.viewportSize() ?? { width: 0, height: 0 };
  await page.setViewportSize({ width: 320, height: 640 });
  await expectToFit();
  await page.setViewportSize(size);
}

/** Signs somebody in by the button behind a link. */
export async function signInAs(site: Site, visited: Visit, organizer: string): Promise<void> {
  const { page, t } = visited;
  await page.goto(`${site.address}/organizer/sign-in/${await aLink(site.stack, organizer)}`);
  await page.getByRole('button', { name: t('organizer.link.button'), exact: true }).click();
  await page.getByRole('heading', { name: t('organizer.start.title') }).waitFor();
}
