/** Organizers sign in by the mailed link and decide who has access, on a phone and on a desktop, with and without a mouse. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { speak } from '../../../src/messages/index.ts';
import { ROLES, type Role } from '../../../src/organizer.ts';
import { aLink, aPerson, mailedTokens } from '../../api/organizer/desk.ts';
import { openSite, visit, VISITORS, type Visit } from '../attendee/visitor.ts';
import { expectGood, signInAs } from './good.ts';

let site: Awaited<ReturnType<typeof openSite>>;
beforeAll(async () => {
  site = await openSite({
    settings: { PUBLIC_URL: 'http://localhost', PRIVACY_URL: 'https://example.org/p' },
  });
  await site.stack.startWorker();
}, 300_000);
afterEach(async () => {
  await site.leave();
  await site.stack.database('organizers').delete();
});
afterAll(() => site.close());

const open = (visitor: Parameters<typeof visit>[2], path: string) =>
  visit(site.browser, site.address + path, visitor);
const enter = (visited: Visit, organizer: string) => signInAs(site, visited, organizer);

describe.each(VISITORS)('on $who', (visitor) => {
  it('signs in by the mailed link, sees the page that was asked for, and signs out', async () => {
    const { email } = await aPerson(site.stack, 'owner', { name: 'Ada Example' });
    const visited = await open(visitor, '/organizer/people');
    const { page, t, complaints } = visited;
    await page.getByRole('heading', { name: t('organizer.sign-in.title') }).waitFor();
    await expectGood(visited);
    await page.getByLabel(t('organizer.sign-in.email')).fill('ada');
    await page.getByRole('button', { name: t('organizer.sign-in.button') }).click();
    await page.getByText(t('organizer.sign-in.email.fault')).waitFor();
    await expectGood(visited);
    await page.getByLabel(t('organizer.sign-in.email')).fill(email);
    await page.getByRole('button', { name: t('organizer.sign-in.button') }).click();
    await page.getByRole('heading', { name: t('organizer.sign-in.sent') }).waitFor();
    await expectGood(visited);

    await vi.waitUntil(() => mailedTokens(site.stack, email).length > 0, { timeout: 10_000 });
    const [token] = mailedTokens(site.stack, email);
    await page.goto(`${site.address}/organizer/sign-in/${token}`);
    await expectGood(visited);
    await page.getByRole('button', { name: t('organizer.link.button'), exact: true }).click();
    await page.getByRole('heading', { name: t('organizer.people.title') }).waitFor();
    const role = t('organizer.role.owner');
    await page.getByText(t('organizer.signed-in-as', { name: 'Ada Example', role })).waitFor();
    await page.getByRole('button', { name: t('organizer.sign-out') }).click();
    await page.getByRole('heading', { name: t('organizer.sign-in.title') }).waitFor();

    // The link of before, as somebody finds it in the mailbox later.
    await page.goto(`${site.address}/organizer/sign-in/${token}`);
    await page.getByRole('button', { name: t('organizer.link.button'), exact: true }).click();
    await page.getByRole('heading', { name: t('organizer.problem.link-over') }).waitFor();
    await expectGood(visited);
    await page.getByRole('link', { name: t('organizer.problem.to-sign-in') }).click();
    await page.getByRole('heading', { name: t('organizer.sign-in.title') }).waitFor();
    expect(complaints.filter((complaint) => !/status of (410|422)/.test(complaint))).toEqual([]);
  });

  it.each(ROLES)('shows the role %s what it may do, and nothing else', async (role: Role) => {
    const { id } = await aPerson(site.stack, role);
    const visited = await open(visitor, '/organizer/sign-in');
    const { page, t, complaints } = visited;
    await enter(visited, id);
    await page.getByText(t(`organizer.role.${role}.text`)).waitFor();
    await expectGood(visited);
    const links = await page
      .getByRole('navigation', { name: t('organizer.nav') })
      .getByRole('link')
      .allInnerTexts();
    const entries = {
      start: ROLES,
      registrations: ['owner', 'organizer', 'accountant'],
      add: ['owner', 'organizer'],
      import: ['owner', 'organizer'],
      events: ['owner', 'organizer', 'accountant'],
      export: ['owner', 'organizer', 'accountant'],
      people: ['owner'],
    } as const satisfies Record<string, readonly Role[]>;
    const names = Object.keys(entries) as (keyof typeof entries)[];
    const opened = names.filter((name) => entries[name].some((other) => other === role));
    expect(links).toEqual(opened.map((name) => t(`organizer.nav.${name}`)));
    expect(complaints).toEqual([]);
    if (role === 'owner') return;
    await page.goto(`${site.address}/organizer/people`);
    await page.getByRole('heading', { name: t('organizer.problem.role-not-allowed') }).waitFor();
    await expectGood(visited);
  });

  it('adds somebody, changes the role and removes the person again', async () => {
    const { id } = await aPerson(site.stack, 'owner', { name: 'Ada Example' });
    const visited = await open(visitor, '/organizer/sign-in');
    const { page, t, complaints } = visited;
    await enter(visited, id);
    await page
      .getByRole('link', { name: t('organizer.nav.people') })
      .first()
      .click();
    await page.getByText(t('organizer.people.alone')).waitFor();
    await page.getByText(t('organizer.people.last-owner')).waitFor();
    await expectGood(visited);

    const email = `grace.${'hopper'.repeat(8)}@department-of-statistics.example.org`;
    await page.getByLabel(t('organizer.people.email'), { exact: true }).fill(email);
    await page.getByLabel(t('organizer.people.name')).fill('Grace Example');
    await page.getByRole('button', { name: t('organizer.people.add.button'), exact: true }).click();
    await page.getByText(t('organizer.people.fault.role')).waitFor();
    expect(await page.evaluate('document.activeElement.name')).toBe('role');
    await expectGood(visited);
    await page.getByRole('radio', { name: t('organizer.role.door') }).check();
    await page.getByRole('button', { name: t('organizer.people.add.button'), exact: true }).click();
    const name = 'Grace Example';
    await page.getByText(t('organizer.people.added', { name })).waitFor();
    await expectGood(visited);

    await page.getByText(t('organizer.people.change', { name })).click();
    await expectGood(visited);
    const graces = page.getByRole('listitem').filter({ hasText: name });
    await graces.getByLabel(t('organizer.people.role')).selectOption('accountant');
    await graces.getByRole('button', { name: t('organizer.people.save') }).click();
    await page
      .getByText(t('organizer.people.changed', { name, role: t('organizer.role.accountant') }))
      .waitFor();
    await page.getByText(t('organizer.people.change', { name })).click();
    await page.getByRole('button', { name: t('organizer.people.remove', { name }) }).click();
    await page.getByText(t('organizer.people.removed', { name })).waitFor();
    expect(await page.getByRole('listitem').count()).toBe(1);
    expect(complaints).toEqual([]);
  });
});

const [, desktop] = VISITORS;

it('needs no mouse: each control has the focus in turn, visibly', async () => {
  const { id } = await aPerson(site.stack, 'owner');
  await aPerson(site.stack, 'owner', { name: 'Grace' });
  const visited = await open(desktop, '/organizer/sign-in');
  await enter(visited, id);
  const { page, t } = visited;
  await page.goto(`${site.address}/organizer/people`);
  const stops: string[] = [];
  for (let n = 0; n < 14; n++) {
    await page.keyboard.press('Tab');
    const [text, outline] = await focused(page);
    expect(outline, text).toBe('solid');
    stops.push(text);
  }
  expect(stops.slice(0, 11)).toEqual([
    ...[t('page.skip'), 'English', 'Deutsch', t('organizer.nav.start'), t('organizer.nav.registrations')],
    ...[t('organizer.nav.add'), t('organizer.nav.import'), t('organizer.nav.events')],
    ...[t('organizer.nav.export'), t('organizer.nav.people'), t('organizer.sign-out')],
  ]);
  await page.getByText(t('organizer.people.change', { name: 'Grace' })).focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  const changed = t('organizer.people.changed', { name: 'Grace', role: t('organizer.role.organizer') });
  await page.getByText(changed).waitFor();
});

/** The text of the element that has the focus, and the style of its outline. */
const focused = (page: Page) =>
  page.evaluate<[string, string]>(
    `[document.activeElement.innerText ?? '', getComputedStyle(document.activeElement).outlineStyle]`,
  );

it('needs no scripts, and is in the chosen language from page to page', async () => {
  const { id } = await aPerson(site.stack, 'owner');
  const context = await site.browser.newContext({ javaScriptEnabled: false, locale: 'en-GB' });
  const page = await context.newPage();
  const { t } = speak('de');
  await page.goto(`${site.address}/organizer/sign-in/${await aLink(site.stack, id)}`);
  await page.getByRole('link', { name: 'Deutsch' }).click();
  await page.getByRole('button', { name: t('organizer.link.button'), exact: true }).click();
  await page.getByRole('heading', { name: t('organizer.start.title') }).waitFor();
  await page
    .getByRole('link', { name: t('organizer.nav.people') })
    .first()
    .click();
  await page.getByLabel(t('organizer.people.email'), { exact: true }).fill('grace@example.org');
  await page.getByRole('radio', { name: t('organizer.role.door') }).check();
  await page.getByRole('button', { name: t('organizer.people.add.button'), exact: true }).click();
  await page.getByText(t('organizer.people.added', { name: 'grace@example.org' })).waitFor();
  // The second person has the same form: sent again by Back, nobody is added twice.
  await page.goBack();
  await page.getByRole('heading', { name: t('organizer.people.title') }).waitFor();
  expect(await site.stack.database('organizers')).toHaveLength(2);
});
