import { createHash } from 'node:crypto';
import mailchimp from '@mailchimp/mailchimp_marketing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { credentials, startSandbox, type Sandbox } from '../../../sandbox/vendors/server.ts';

/** The package exports a shared instance. Its constructor, which the types lack, creates separate ones. */
type Mailchimp = typeof mailchimp & { basePath: string; timeout: number };
const ApiClient = (mailchimp as object).constructor as new () => Mailchimp;

function connect(apiKey: string, timeoutMs = 2000): Mailchimp {
  const client = new ApiClient();
  client.timeout = timeoutMs;
  client.basePath = `${sandbox.url}/3.0`;
  client.setConfig({ apiKey });
  return client;
}

const { mailchimpApiKey: apiKey, mailchimpListId: listId } = credentials;
let sandbox: Sandbox;
let client: Mailchimp;
beforeAll(async () => {
  sandbox = await startSandbox();
  client = connect(apiKey);
});
afterEach(() => {
  sandbox.faults.clear();
});
afterAll(() => sandbox.close());

const hashOf = (email: string) => createHash('md5').update(email.toLowerCase()).digest('hex');
type Change = Partial<mailchimp.lists.SetListMemberBody>;
const put = (email: string, change: Change = {}, by = client, list = listId) =>
  by.lists.setListMember(list, hashOf(email), {
    email_address: email,
    status_if_new: 'subscribed',
    ...change,
  });
const memberOf = (email: string) => sandbox.ledger().members.find(({ id }) => id === hashOf(email));

/** An error as the SDK returns it. */
const refused = (status: number, title: string, detail?: RegExp) => ({
  status,
  response: {
    body: { status, title, ...(detail ? { detail: expect.stringMatching(detail) as string } : {}) },
  },
});

const RECENT = expect.stringMatching(/^20\d\d-/) as string;

describe('a member', () => {
  it('can be added, read, updated and tagged', async () => {
    const email = 'Ada@example.org';
    const added = await put(email, { merge_fields: { FNAME: 'Ada' } });
    expect(added).toMatchObject({ id: hashOf(email), email_address: email, status: 'subscribed' });
    await put(email, { merge_fields: { LNAME: 'Example' } });
    const tags = [{ name: 'conference', status: 'active' as const }];
    await client.lists.updateListMemberTags(listId, hashOf(email), { tags });
    await client.lists.updateListMemberTags(listId, hashOf(email), { tags });
    expect(await client.lists.getListMember(listId, hashOf(email))).toMatchObject({
      merge_fields: { FNAME: 'Ada', LNAME: 'Example' },
      tags: [{ name: 'conference' }],
    });
    await client.lists.updateListMemberTags(listId, hashOf(email), {
      tags: [{ name: 'conference', status: 'inactive' }],
    });
    expect(memberOf(email)?.tags).toEqual([]);
  });

  it('has the time of its sign-up or opt-in, which a request may set and a later one keeps', async () => {
    await put('asked@example.org', { status_if_new: 'pending' });
    expect(memberOf('asked@example.org')).toMatchObject({ timestamp_signup: RECENT, timestamp_opt: '' });
    await put('old@example.org', { timestamp_opt: '2020-01-01T00:00:00+00:00' });
    await put('old@example.org');
    expect(memberOf('old@example.org')?.timestamp_opt).toBe('2020-01-01T00:00:00+00:00');
  });

  it('is pending if the request sets that status for new members', async () => {
    await put('pending@example.org', { status_if_new: 'pending' });
    expect(memberOf('pending@example.org')?.status).toBe('pending');
  });

  it('is the same regardless of the case of the address', async () => {
    await put('one@example.org');
    await put('ONE@example.org');
    expect(sandbox.ledger().members.filter(({ id }) => id === hashOf('one@example.org'))).toHaveLength(1);
  });

  it('that has unsubscribed stays unsubscribed and cannot be resubscribed over the API', async () => {
    const email = 'left@example.org';
    await put(email);
    sandbox.unsubscribe(hashOf(email));
    expect(await put(email)).toMatchObject({ status: 'unsubscribed' });
    await expect(put(email, { status: 'subscribed' })).rejects.toMatchObject(
      refused(400, 'Member In Compliance State'),
    );
    expect(memberOf(email)?.status).toBe('unsubscribed');
  });

  it('that is permanently deleted cannot be added again over the API', async () => {
    const email = 'deleted@example.org';
    await put(email);
    await client.lists.deleteListMemberPermanent(listId, hashOf(email));
    expect(memberOf(email)).toBeUndefined();
    await expect(put(email)).rejects.toMatchObject(refused(400, 'Forgotten Email Not Subscribed'));
    await expect(client.lists.deleteListMemberPermanent(listId, hashOf(email))).rejects.toMatchObject(
      refused(404, 'Resource Not Found'),
    );
  });

  it('that is archived stays archived until a request sets its status', async () => {
    const email = 'archived@example.org';
    await put(email);
    await client.lists.deleteListMember(listId, hashOf(email));
    expect(await put(email)).toMatchObject({ status: 'archived' });
    await expect(client.lists.deleteListMember(listId, hashOf(email))).rejects.toMatchObject(
      refused(405, 'Method Not Allowed'),
    );
    expect(await put(email, { status: 'pending' })).toMatchObject({ status: 'pending' });
    await expect(client.lists.deleteListMember(listId, hashOf('nobody@example.org'))).rejects.toMatchObject(
      refused(404, 'Resource Not Found'),
    );
  });

  it('can be unsubscribed on the page', async () => {
    const email = 'reader@example.org';
    await put(email);
    const page = await fetch(`${sandbox.url}/members/${hashOf(email)}/unsubscribe`, {
      method: 'POST',
      body: new URLSearchParams(),
    });
    expect(await page.text()).toContain(email);
    expect(memberOf(email)?.status).toBe('unsubscribed');
  });
});

describe('Mailchimp refuses', () => {
  it('a wrong key with a 401', async () => {
    await expect(put('ada@example.org', {}, connect('wrong-us1'))).rejects.toMatchObject(
      refused(401, 'API Key Invalid'),
    );
  });

  it('an unknown audience or member with a 404', async () => {
    await expect(put('ada@example.org', {}, client, 'another')).rejects.toMatchObject(
      refused(404, 'Resource Not Found'),
    );
    const unknown = hashOf('unknown@example.org');
    await expect(client.lists.getListMember(listId, unknown)).rejects.toMatchObject(
      refused(404, 'Resource Not Found'),
    );
    await expect(client.lists.updateListMemberTags(listId, unknown, { tags: [] })).rejects.toMatchObject(
      refused(404, 'Resource Not Found'),
    );
  });

  it.each([
    ['fake@example.org', 'Invalid Resource', /looks fake or invalid/],
    ['compliance@example.org', 'Member In Compliance State', /compliance state/],
    ['forgotten@example.org', 'Forgotten Email Not Subscribed', /permanently deleted/],
    ['busy@example.org', 'Invalid Resource', /signed up to a lot of lists/],
    ['nobody', 'Invalid Resource', /valid email/],
  ])('the address %s with its own message', async (email, title, detail) => {
    await expect(put(email)).rejects.toMatchObject(refused(400, title, detail));
    expect(memberOf(email)).toBeUndefined();
  });

  it('an invalid hash, status or body with a 400', async () => {
    const body = { email_address: 'ada@example.org', status_if_new: 'subscribed' as const };
    await expect(client.lists.setListMember(listId, hashOf('eve@example.org'), body)).rejects.toMatchObject(
      refused(400, 'Invalid Resource', /hash/),
    );
    await expect(put('new@example.org', { status_if_new: 'there' as 'pending' })).rejects.toMatchObject(
      refused(400, 'Invalid Resource', /status_if_new/),
    );
    const broken = await fetch(`${sandbox.url}/3.0/lists/${listId}/members/${hashOf('ada@example.org')}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: '{',
    });
    expect(broken.status).toBe(400);
    expect(broken.headers.get('content-type')).toMatch('application/problem+json');
    expect(await broken.json()).toMatchObject({ status: 400, title: 'JSON Parse Error' });
  });
});

describe('a fault', () => {
  it('failing: returns the status and Retry-After, and processes nothing', async () => {
    sandbox.faults.set('mailchimp', { mode: 'failing', status: 429, retryAfter: 3, times: 1 });
    await expect(put('later@example.org')).rejects.toMatchObject({
      ...refused(429, 'Too Many Requests'),
      response: { headers: { 'retry-after': '3' } },
    });
    expect(memberOf('later@example.org')).toBeUndefined();
    await put('later@example.org');
    expect(memberOf('later@example.org')).toBeDefined();
  });

  it.each([
    ['unreachable', false],
    ['cut', true],
  ] as const)('%s: returns no response; processed: %s', async (mode, done) => {
    const email = `${mode}@example.org`;
    sandbox.faults.set('mailchimp', { mode, times: 1 });
    await expect(put(email)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(memberOf(email) !== undefined).toBe(done);
  });

  it('slow: the client times out, and the request is processed', async () => {
    sandbox.faults.set('mailchimp', { mode: 'slow', ms: 300, times: 1 });
    await expect(put('slow@example.org', {}, connect(apiKey, 100))).rejects.toThrow(/timeout/i);
    await expect.poll(() => memberOf('slow@example.org')).toBeDefined();
  });
});
