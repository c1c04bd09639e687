/** Signing in by the mailed link, staying signed in, and signing out. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildApp } from '../../../src/api/app.ts';
import { localPath } from '../../../src/api/organizer/local-path.ts';
import { connectDatabase } from '../../../src/database/connection.ts';
import { signInWorkflowId, SIGN_IN_WORKFLOW } from '../../../src/organizer.ts';
import { connectTemporal } from '../../../src/temporal/client.ts';
import { startStack, type Stack } from '../../stack.ts';
import { aLink, aPerson, aSignedIn, BROWSER, mailedTokens, postForm, signIn } from './desk.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  await stack.startWorker();
});
afterAll(() => stack.stop());

const get = (url: string, headers: Record<string, string> = {}) =>
  stack.app.inject({ url, headers: { accept: BROWSER, ...headers } });
const ask = (email: string, more: Record<string, string> = {}) =>
  postForm(stack, '/organizer/sign-in', { email, ...more });
/** Waits for the mail to an address, and returns the path of its link. */
async function mailedLink(email: string, count = 1): Promise<string> {
  await vi.waitUntil(() => mailedTokens(stack, email).length >= count, { timeout: 10_000 });
  return `/organizer/sign-in/${mailedTokens(stack, email)[count - 1]}`;
}

it('mails a link that shows a button, which signs in once', async () => {
  const { email } = await aPerson(stack, 'organizer', { name: 'Ada Example' });
  const asked = await ask(email.toUpperCase());
  expect([asked.statusCode, asked.headers.location]).toEqual([303, '/organizer/sign-in?sent=yes']);
  expect((await get('/organizer/sign-in?sent=yes')).body).toContain('Check your email');
  const link = await mailedLink(email);

  // A mail scanner opens the link, several times.
  for (let n = 0; n < 3; n++) {
    const page = await get(link);
    expect([page.statusCode, page.headers['set-cookie']]).toEqual([200, undefined]);
    expect(page.body).toContain('<form method="post">');
    expect(page.body).not.toMatch(/Ada|example\.org/);
  }
  const used = await postForm(stack, link, {});
  expect([used.statusCode, used.headers.location]).toEqual([303, '/organizer']);
  const cookies = { session: used.cookies.find(({ name }) => name === 'session')?.value ?? '' };
  const start = await stack.app.inject({ url: '/organizer', cookies, headers: { accept: BROWSER } });
  expect(start.statusCode).toBe(200);
  expect(start.body).toContain('Signed in as Ada Example (Organizer)');
});

it('says plainly that a link was used, has expired or never was one, and offers a new one', async () => {
  const { id } = await aPerson(stack, 'door');
  const [used, expired] = [await aLink(stack, id), await aLink(stack, id)];
  expect((await postForm(stack, `/organizer/sign-in/${used}`, {})).statusCode).toBe(303);
  await stack
    .database('sign_in_links')
    .whereNull('used_at')
    .update({ expires_at: stack.database.raw(`now() - interval '1 second'`) });
  for (const token of [used, expired, 'x'.repeat(43)]) {
    const answer = await postForm(stack, `/organizer/sign-in/${token}`, {});
    expect([answer.statusCode, answer.headers['set-cookie']]).toEqual([410, undefined]);
    expect(answer.body).toContain('This link does not work any more');
    expect(answer.body).toContain('href="/organizer/sign-in"');
    expect((await get(`/organizer/sign-in/${token}`)).statusCode).toBe(200);
  }
  const json = await postForm(stack, `/organizer/sign-in/${used}`, {}, { headers: { accept: '*/*' } });
  expect(json.json()).toMatchObject({ type: '/problems/link-over', status: 410 });
});

it('a link starts one session, however often it is used at once', async () => {
  const { id } = await aPerson(stack, 'owner');
  const token = await aLink(stack, id);
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => postForm(stack, `/organizer/sign-in/${token}`, {})),
  );
  const statuses = answers.map(({ statusCode }) => statusCode).toSorted();
  expect(statuses).toEqual([303, ...Array.from({ length: 19 }, () => 410)]);
  expect(await stack.database('organizer_sessions').where({ organizer_id: id })).toHaveLength(1);
});

it('a link lives for fifteen minutes', async () => {
  const { id } = await aPerson(stack, 'owner');
  await aLink(stack, id);
  const [row] = await stack
    .database('sign_in_links')
    .where({ organizer_id: id })
    .select<{ minutes: number }[]>(
      stack.database.raw('extract(epoch from expires_at - created_at)::float / 60 as minutes'),
    );
  expect(row?.minutes).toBeCloseTo(15, 3);
});

it('leads back to the page that was asked for first', async () => {
  const { email } = await aPerson(stack, 'owner');
  const first = await get('/organizer/people?done=x');
  const { pathname, searchParams } = new URL(String(first.headers.location), 'http://x');
  expect([pathname, searchParams.get('to')]).toEqual(['/organizer/sign-in', '/organizer/people?done=x']);
  expect((await get(String(first.headers.location))).body).toContain('value="/organizer/people?done=x"');
  const asked = await ask(email, { to: '/organizer/people?done=x' });
  const [kept] = asked.cookies;
  const used = await postForm(
    stack,
    await mailedLink(email),
    {},
    { cookies: { [kept?.name ?? '']: kept?.value ?? '' } },
  );
  expect(used.headers.location).toBe('/organizer/people?done=x');
});

it('comes back to the page of a form whose sign-in was too long ago', async () => {
  const { id, post } = await aSignedIn(stack, 'owner');
  await stack
    .database('organizer_sessions')
    .where({ organizer_id: id })
    .update({ created_at: stack.database.raw(`now() - interval '13 hours'`) });
  const answer = await post('/organizer/people', { do: 'add' });
  expect(answer.headers.location).toBe('/organizer/sign-in?to=%2Forganizer%2Fpeople&why=stale');
  expect((await get(String(answer.headers.location))).body).toContain('more than 12 hours ago');
});

it.each([
  '//evil.example',
  '/\\evil.example',
  'https://evil.example/organizer',
  '/\t/evil.example',
  '/',
  '/codec',
  '/organizer/../x',
  '/organizer/sign-out',
  '/organizers',
  '',
  'javascript:alert(1)',
  `/organizer?q=${'x'.repeat(1000)}`,
])('no sign-in leads to %s', (address) => {
  expect(localPath(address)).toBeUndefined();
});

it('is in the language of the page, and mails are from then on', async () => {
  const { id, email } = await aPerson(stack, 'owner');
  const { get: open } = await signIn(stack, id, { 'accept-language': 'de' });
  expect((await open('/organizer', { 'accept-language': 'de' })).body).toContain('Ausloggen');
  await ask(email);
  await mailedLink(email);
  const mail = stack.sandbox.ledger().mails.find(({ to }) => to[0]?.email === email);
  expect(mail?.subject).toBe('Ihr Link zum Einloggen bei registration.test');
});

it('refuses what is no e-mail address, with a page for a browser', async () => {
  const page = await ask('ada@nowhere');
  expect(page.statusCode).toBe(422);
  expect(page.body).toContain('aria-invalid="true"');
  const json = await postForm(stack, '/organizer/sign-in', { email: 'x' }, { headers: { accept: '*/*' } });
  expect(json.json()).toMatchObject({ status: 422, errors: [{ pointer: '/email' }] });
});

it('signs out, and the cookie of before opens nothing any more', async () => {
  const { post, get: open, cookies } = await aSignedIn(stack, 'accountant');
  const out = await post('/organizer/sign-out');
  expect([out.statusCode, out.headers.location]).toEqual([303, '/organizer/sign-in']);
  expect(out.headers['set-cookie']).toContain('session=;');
  expect(cookies.session).toMatch(/^[\w-]{43}$/);
  expect((await open('/organizer')).headers.location).toBe('/organizer/sign-in?to=%2Forganizer');
});

it('answers 503 while Temporal or PostgreSQL is away, for every address, and opens nothing', async () => {
  const { id, email } = await aPerson(stack, 'owner');
  const { cookies } = await signIn(stack, id);
  const { config } = stack;
  const temporal = connectTemporal({
    ...config,
    temporal: { connectionOptions: { address: '127.0.0.1:1' } },
  });
  const database = connectDatabase('postgres://nobody@127.0.0.1:1/none');
  const withoutTemporal = await buildApp({ ...stack, temporal });
  const withoutDatabase = await buildApp({ ...stack, database });
  for (const app of [withoutTemporal, withoutDatabase])
    for (const address of [email, 'nobody@example.org']) {
      const answer = await postForm({ app }, '/organizer/sign-in', { email: address });
      expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '10']);
      expect(answer.body).toContain('We cannot do this right now');
    }
  const start = await withoutDatabase.inject({ url: '/organizer', cookies, headers: { accept: BROWSER } });
  expect([start.statusCode, start.body.includes('<h1>We cannot do this')]).toEqual([503, true]);
  await Promise.all([withoutTemporal.close(), withoutDatabase.close(), temporal.connection.close()]);
});

describe('the run', () => {
  it('is the same for an address that nobody has, and holds neither address nor token', async () => {
    const { id, email } = await aPerson(stack, 'owner');
    await ask(email);
    await ask('nobody@example.org');
    const token = (await mailedLink(email)).split('/').at(-1) ?? '';
    const inputs: unknown[] = [];
    for await (const { workflowId, taskQueue } of stack.temporal.workflow.list({
      query: `WorkflowType = '${SIGN_IN_WORKFLOW}'`,
    })) {
      if (taskQueue !== stack.taskQueue) continue;
      expect(workflowId).toMatch(/^sign-in-[0-9a-f-]{36}$/);
      const handle = stack.temporal.workflow.getHandle(workflowId);
      await handle.result();
      const text = JSON.stringify(await handle.fetchHistory());
      expect(text).not.toContain(email);
      expect(text).not.toContain(token);
      inputs.push(workflowId.startsWith(signInWorkflowId('')));
    }
    expect(inputs.length).toBeGreaterThanOrEqual(2);
    expect(id).not.toBe('');
  });
});
