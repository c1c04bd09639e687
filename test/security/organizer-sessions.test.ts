/** Somebody without access attacks the sign-in and the sessions of organizers. */
import { randomUUID } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildApp } from '../../src/api/app.ts';
import type { App } from '../../src/api/dependencies.ts';
import { decideOnPeople, removeOrganizer } from '../../src/database/organizers.ts';
import { addMailedLink } from '../../src/database/sessions.ts';
import { hash } from '../../src/hash.ts';
import { newToken } from '../../src/token.ts';
import { SIGN_IN_WORKFLOW } from '../../src/organizer.ts';
import { aLink, aPerson, aSignedIn, BROWSER, mailedTokens, postForm, signIn } from '../api/organizer/desk.ts';
import { startStack, type Stack } from '../stack.ts';

let stack: Stack;
/** The service with its limits, and behind a proxy with TLS. */
let limited: App;
let secure: App;
const SECURE = 'https://tickets.example.org';
beforeAll(async () => {
  stack = await startStack();
  await stack.startWorker();
  limited = await buildApp({ ...stack, config: { ...stack.config, rateLimit: 60 } });
  secure = await buildApp({ ...stack, config: { ...stack.config, publicUrl: SECURE } });
});
afterAll(async () => {
  await Promise.all([limited.close(), secure.close()]);
  await stack.stop();
});
const use = (token: string, more: Parameters<typeof postForm>[3] = {}) =>
  postForm(stack, `/organizer/sign-in/${token}`, {}, more);
const sessionsOf = (organizer: string) =>
  stack.database('organizer_sessions').where({ organizer_id: organizer });

describe('a session', () => {
  it('is never the one that a browser brought along', async () => {
    const { id } = await aPerson(stack, 'owner');
    const planted = newToken();
    const used = await use(await aLink(stack, id), { cookies: { session: planted } });
    const given = used.cookies.find(({ name }) => name === 'session')?.value;
    expect(given).toMatch(/^[\w-]{43}$/);
    expect(given).not.toBe(planted);
    const opened = await stack.app.inject({ url: '/organizer', cookies: { session: planted } });
    expect(opened.statusCode).toBe(303);
  });

  it('ends when the same browser signs in again, as whoever', async () => {
    const eve = await aSignedIn(stack, 'door');
    const { id } = await aPerson(stack, 'owner');
    await use(await aLink(stack, id), { cookies: eve.cookies });
    expect(await sessionsOf(eve.id)).toEqual([]);
    expect((await eve.get('/organizer')).statusCode).toBe(303);
  });

  it('opens nothing with what the database stores of it', async () => {
    const { id, cookies } = await aSignedIn(stack, 'owner');
    const [row] = (await sessionsOf(id)) as { token_hash: string }[];
    expect(JSON.stringify(row)).not.toContain(cookies.session);
    const link = newToken();
    await stack
      .database('sign_in_links')
      .insert({ token_hash: hash(link), organizer_id: id, expires_at: '2099-01-01' });
    for (const token of [row?.token_hash, hash(link), link]) {
      const answer = await stack.app.inject({ url: '/organizer', cookies: { session: token ?? '' } });
      expect(answer.statusCode).toBe(303);
    }
    expect((await use(hash(link))).statusCode).toBe(410);
    const everything = JSON.stringify(await stack.database('sign_in_links'));
    expect(everything).not.toContain(link);
    expect((await use(link)).statusCode).toBe(303);
  });

  it('ends with the next request after the person was removed', async () => {
    const { id, get } = await aSignedIn(stack, 'organizer');
    expect((await get('/organizer')).statusCode).toBe(200);
    const link = await aLink(stack, id);
    await decideOnPeople(stack.database, (people) => removeOrganizer(people, id));
    expect((await get('/organizer')).statusCode).toBe(303);
    expect((await use(link)).statusCode).toBe(410);
    expect(await sessionsOf(id)).toEqual([]);
    // Also one that nobody has ended: the person is read with each request.
    const other = await aSignedIn(stack, 'organizer');
    await stack.database('organizers').where({ id: other.id }).update({ removed_at: new Date() });
    expect((await other.get('/organizer')).statusCode).toBe(303);
  });

  it('lives for twelve hours after its last use, and for thirty days in all', async () => {
    const { id, get } = await aSignedIn(stack, 'owner');
    const used = (ago: string) =>
      sessionsOf(id).update({ last_seen_at: stack.database.raw(`now() - interval '${ago}'`) });
    const times = async () => {
      const [row] = await sessionsOf(id).select<{ unused: number; days: number }[]>(
        stack.database.raw('extract(epoch from now() - last_seen_at)::float / 60 as unused'),
        stack.database.raw('extract(epoch from expires_at - created_at)::float / 86400 as days'),
      );
      return row;
    };
    await used('11 hours 59 minutes');
    expect((await get('/organizer')).statusCode).toBe(200);
    // The use counts: the twelve hours begin again.
    expect((await times())?.unused).toBeLessThan(1);
    await used('12 hours 1 second');
    expect((await get('/organizer')).statusCode).toBe(303);
    expect((await times())?.unused).toBeGreaterThan(700);
    expect((await times())?.days).toBeCloseTo(30, 1);
  });

  it('has the role that the person has now', async () => {
    const { id, get } = await aSignedIn(stack, 'owner');
    expect((await get('/organizer/people')).statusCode).toBe(200);
    await stack.database('organizers').where({ id }).update({ role: 'door' });
    expect((await get('/organizer/people')).statusCode).toBe(403);
    await stack.database('organizers').where({ id }).delete();
  });
});

describe('the cookie', () => {
  it('is sent to this host only, by TLS only, and no script and no other site gets it', async () => {
    const { id } = await aPerson(stack, 'owner');
    const headers = { origin: SECURE };
    const used = await postForm(
      { app: secure },
      `/organizer/sign-in/${await aLink(stack, id)}`,
      {},
      { headers },
    );
    const cookies = [used.headers['set-cookie']].flat().map(String);
    const session = cookies.find((cookie) => cookie.startsWith('__Host-session=')) ?? '';
    expect(session.split('; ').slice(1).toSorted()).toEqual(
      ['HttpOnly', 'Max-Age=2592000', 'Path=/', 'SameSite=Lax', 'Secure'].toSorted(),
    );
    for (const cookie of cookies) expect(cookie).toMatch(/HttpOnly.*SameSite=Lax/);
    // A cookie without the prefix, which a subdomain could set, is nobody's session.
    const value = /=([\w-]+)/.exec(session)?.[1] ?? '';
    const open = (name: string) => secure.inject({ url: '/organizer', cookies: { [name]: value } });
    expect((await open('__Host-session')).statusCode).toBe(200);
    expect((await open('session')).statusCode).toBe(303);
  });

  it('is plain without TLS, where a browser would refuse the prefix', async () => {
    const { id } = await aPerson(stack, 'owner');
    const used = await use(await aLink(stack, id));
    expect(String(used.headers['set-cookie'])).toMatch(
      /session=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax(,|$)/,
    );
    expect(String(used.headers['set-cookie'])).not.toContain('Secure');
  });
});

describe('a link', () => {
  it('cannot be guessed: it has 256 random bits, and no guess opens anything', async () => {
    const { id } = await aPerson(stack, 'owner');
    const tokens = await Promise.all(Array.from({ length: 50 }, () => aLink(stack, id)));
    expect(new Set(tokens).size).toBe(50);
    for (const token of tokens) expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    const [token = ''] = tokens;
    const near = token.startsWith('A') ? `B${token.slice(1)}` : `A${token.slice(1)}`;
    for (const guess of [near, token.slice(0, -1), `${token}A`, token.toLowerCase(), '%00', '*', ' '])
      expect((await use(guess)).statusCode).toBe(410);
    expect(await sessionsOf(id)).toEqual([]);
  });

  it('can be tried only so often from one IP address', async () => {
    const statuses = [];
    for (let n = 0; n < 61; n++)
      statuses.push((await postForm({ app: limited }, `/organizer/sign-in/${newToken()}`, {})).statusCode);
    expect(statuses.slice(0, 60)).toEqual(Array.from({ length: 60 }, () => 410));
    expect(statuses[60]).toBe(429);
  });

  it('leads to no other site, whatever the cookie or the form says', async () => {
    const { id } = await aPerson(stack, 'owner');
    for (const to of [
      '//evil.example',
      '/\\evil.example',
      'https://evil.example/',
      '/\t/evil.example/organizer',
    ]) {
      const page = await stack.app.inject({
        url: `/organizer/sign-in?to=${encodeURIComponent(to)}`,
        headers: { accept: BROWSER },
      });
      expect(page.body).not.toContain('name="to"');
      const asked = await postForm(stack, '/organizer/sign-in', { email: 'x@example.org', to });
      expect(asked.headers.location).toBe('/organizer/sign-in?sent=yes');
      expect(asked.cookies).toMatchObject([{ name: 'sign-in-to', value: '' }]);
      const used = await use(await aLink(stack, id), { cookies: { 'sign-in-to': encodeURIComponent(to) } });
      expect([used.statusCode, used.headers.location]).toEqual([303, '/organizer']);
    }
  });
});

describe('whether an address has access', () => {
  /** Everything of an answer but its time. */
  const told = ({ statusCode, headers, body }: Awaited<ReturnType<typeof postForm>>) => {
    const { date: _date, ...rest } = headers;
    return { statusCode, headers: rest, body };
  };

  it.each([BROWSER, '*/*'])('is not told by any part of an answer (%s)', async (accept) => {
    const { email } = await aPerson(stack, 'owner');
    const ask = async (address: string) =>
      told(await postForm(stack, '/organizer/sign-in', { email: address }, { headers: { accept } }));
    expect(await ask(email)).toEqual(await ask(`${randomUUID()}@example.org`));
  });

  it('is not told by what is done: the same statements, and the start of the same run', async () => {
    const { email } = await aPerson(stack, 'owner');
    const statements: string[] = [];
    const note = ({ sql }: { sql: string }) => void statements.push(sql);
    const start = vi.spyOn(stack.temporal.workflow, 'start');
    stack.database.on('query', note);
    // Without a worker, all statements are the api's.
    await stack.stopWorkers();
    const doneFor = async (address: string) => {
      statements.length = 0;
      start.mockClear();
      await postForm(stack, '/organizer/sign-in', { email: address });
      const [[type, options] = []] = start.mock.calls;
      const { workflowId: _id, args, ...same } = options ?? ({} as NonNullable<typeof options>);
      return { args, done: { statements: [...statements], type, same } };
    };
    const known = await doneFor(email);
    const unknown = await doneFor('nobody@example.org');
    stack.database.off('query', note);
    start.mockRestore();
    await stack.startWorker();
    expect(known.done).toEqual(unknown.done);
    expect(known.done.type).toBe(SIGN_IN_WORKFLOW);
    expect([known.args?.length, unknown.args]).toEqual([1, [null]]);
  });
});

describe('whoever asks for links in the name of somebody else', () => {
  const minutes = (count: number) => stack.database.raw(`now() - make_interval(secs => ${count * 60})`);
  /** Asks for a mail at a minute, and says whether it was sent. Links are as old as they would be `now` minutes later. */
  async function simulate(asked: number[]): Promise<{ sent: number[]; uncovered: number[] }> {
    const { id } = await aPerson(stack, 'owner');
    const sent: number[] = [];
    const uncovered: number[] = [];
    for (const minute of asked) {
      // The clock cannot be moved, so what happened before becomes older.
      const rows = await stack
        .database('sign_in_links')
        .where({ organizer_id: id })
        .select<{ token_hash: string; request: string }[]>('token_hash', 'request');
      for (const { token_hash, request } of rows)
        await stack
          .database('sign_in_links')
          .where({ token_hash })
          .update({ created_at: minutes(minute - Number(request)) });
      const link = { organizer: id, tokenHash: hash(newToken()), request: String(minute) };
      if (await addMailedLink(stack.database, link, true)) sent.push(minute);
      else if (!sent.some((at) => minute - at < 15)) uncovered.push(minute);
    }
    return { sent, uncovered };
  }

  it('causes one mail a minute and ten an hour at most, and at every time a link has been mailed that can be used', async () => {
    const everyHalfMinute = Array.from({ length: 240 }, (_, n) => n / 2);
    const { sent, uncovered } = await simulate(everyHalfMinute);
    for (const [i, at] of sent.entries()) {
      expect(at - (sent[i - 1] ?? -1)).toBeGreaterThanOrEqual(1);
      expect(sent.filter((other) => other > at - 60 && other <= at).length).toBeLessThanOrEqual(10);
    }
    expect(sent.length).toBeGreaterThan(12);
    expect(uncovered).toEqual([]);
  });

  it('cannot use up the mails of a person who comes to work later', async () => {
    // Ten requests as early as possible, then nothing: the person asks at any minute after that.
    const early = Array.from({ length: 20 }, (_, n) => n / 2);
    for (const minute of [11, 16, 25, 40, 59]) {
      const { sent, uncovered } = await simulate([...early, minute]);
      expect(uncovered).toEqual([]);
      expect(sent.length).toBeGreaterThanOrEqual(5);
    }
  });

  it('makes no link invalid', async () => {
    const { email } = await aPerson(stack, 'owner');
    await postForm(stack, '/organizer/sign-in', { email });
    await vi.waitUntil(() => mailedTokens(stack, email).length === 1, { timeout: 10_000 });
    for (let n = 0; n < 3; n++) await postForm(stack, '/organizer/sign-in', { email });
    const [first = ''] = mailedTokens(stack, email);
    expect((await use(first)).statusCode).toBe(303);
  });

  it('counts a request that is tried again once', async () => {
    const { id } = await aPerson(stack, 'owner');
    const link = (request: string) => ({ organizer: id, tokenHash: hash(newToken()), request });
    for (let n = 0; n < 12; n++) expect(await addMailedLink(stack.database, link('one'), true)).toBe(true);
    expect(await addMailedLink(stack.database, link('two'), true)).toBe(false);
    expect(await addMailedLink(stack.database, link('two'), false)).toBe(true);
  });

  it('is refused after twenty requests in ten minutes from one IP address, and others are not', async () => {
    const ask = (remoteAddress: string) =>
      postForm({ app: limited }, '/organizer/sign-in', { email: 'nobody@example.org' }, { remoteAddress });
    for (let n = 0; n < 20; n++) expect((await ask('203.0.113.7')).statusCode).toBe(303);
    const refused = await ask('203.0.113.7');
    expect(refused.statusCode).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await ask('203.0.113.8')).statusCode).toBe(303);
  });

  it('is not limited where RATE_LIMIT turns the limits off', async () => {
    const { email } = await aPerson(stack, 'owner');
    for (let n = 0; n < 25; n++)
      expect((await postForm(stack, '/organizer/sign-in', { email })).statusCode).toBe(303);
    await vi.waitUntil(() => mailedTokens(stack, email).length === 25, { timeout: 20_000 });
  });
});

describe('a page of another site', () => {
  it('signs nobody in or out, and gives nobody access', async () => {
    const ada = await aSignedIn(stack, 'owner');
    const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    const token = await aLink(stack, ada.id);
    expect((await use(token, { headers })).statusCode).toBe(403);
    expect((await use(token)).statusCode).toBe(303);
    expect((await ada.post('/organizer/sign-out', {}, headers)).statusCode).toBe(403);
    const form = { action: randomUUID(), do: 'add', email: 'eve@example.org', role: 'owner' };
    expect((await ada.post('/organizer/people', form, headers)).statusCode).toBe(403);
    expect(await stack.database('organizers').where({ email: 'eve@example.org' })).toEqual([]);
    expect((await ada.get('/organizer')).statusCode).toBe(200);
  });

  it('can neither frame the pages nor run anything in them, and learns no address', async () => {
    const ada = await aSignedIn(stack, 'owner');
    for (const url of ['/organizer', '/organizer/people', '/organizer/sign-in', '/organizer/nothing']) {
      const { headers, body } = await ada.get(url);
      expect(headers).toMatchObject({
        'cache-control': 'no-store',
        'x-robots-tag': 'noindex',
        'referrer-policy': 'same-origin',
        'x-frame-options': 'DENY',
      });
      const policy = String(headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/script-src|frame-src|connect-src|unsafe|https?:/);
      expect(body).not.toContain('<script');
    }
  });

  it('reaches npm start by none of its own names', async () => {
    const publicUrl = 'http://localhost:3000';
    const app = await buildApp({ ...stack, config: { ...stack.config, publicUrl } });
    const { id } = await aPerson(stack, 'owner');
    const sign = async (headers: Record<string, string>) =>
      (await postForm({ app }, `/organizer/sign-in/${await aLink(stack, id)}`, {}, { headers })).statusCode;
    for (const host of ['localhost:3000', '127.0.0.1:3000', '[::1]:3000'])
      expect(await sign({ host, origin: `http://${host}` })).toBe(303);
    for (const [host, origin] of [
      ['evil.example:3000', 'http://evil.example:3000'],
      ['localhost:3000', 'http://evil.example:3000'],
      ['127.0.0.1:3000', 'http://127.0.0.1:8080'],
      ['localhost.evil.example', 'http://localhost.evil.example'],
    ] as const)
      expect(await sign({ host, origin })).toBe(403);
    await app.close();
  });
});

it('no log, id or summary of a sign-in names the person or the link', async () => {
  const logStream = new PassThrough();
  let log = '';
  logStream.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const app = await buildApp({ ...stack, config: { ...stack.config, logLevel: 'trace' }, logStream });
  const { id, email } = await aPerson(stack, 'owner', { name: 'Grace Example' });
  const site = { app, database: stack.database };
  await postForm(site, '/organizer/sign-in', { email });
  await vi.waitUntil(() => mailedTokens(stack, email).length === 1, { timeout: 10_000 });
  const ada = await signIn(site, id);
  await ada.get(`/organizer/people?q=${email}`);
  await ada.post('/organizer/people', {
    action: randomUUID(),
    do: 'add',
    email: 'new@example.org',
    role: 'door',
  });
  await app.close();
  const [token = ''] = mailedTokens(stack, email);
  expect(log).toContain('"route":"/organizer/sign-in/:token"');
  for (const secret of [email, 'Grace', 'new@', token, ada.cookies.session ?? '', 'example.org'])
    expect(log).not.toContain(secret);
  const runs = [];
  for await (const run of stack.temporal.workflow.list({ query: `WorkflowType = '${SIGN_IN_WORKFLOW}'` }))
    runs.push(run.workflowId);
  const descriptions = runs.map(async (workflowId) => {
    const told = await stack.temporal.workflow.getHandle(workflowId).describe();
    return [workflowId, told.memo, told.typedSearchAttributes, await told.staticSummary()];
  });
  const shown = JSON.stringify(await Promise.all(descriptions));
  expect(runs.length).toBeGreaterThan(0);
  expect(shown).toContain('link to sign in');
  expect(shown).not.toMatch(/Grace|example\.org/);
});
