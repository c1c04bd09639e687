import sgClient from '@sendgrid/client';
import sgMail, { type MailDataRequired } from '@sendgrid/mail';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { credentials, startSandbox, type Sandbox } from '../../../sandbox/vendors/server.ts';

// The packages export shared instances; their constructors create separate ones.
const Client = (sgClient as object).constructor as new () => typeof sgClient;
const MailService = (sgMail as object).constructor as new () => typeof sgMail;

function connect(apiKey: string): typeof sgMail {
  const client = new Client();
  client.setApiKey(apiKey);
  client.setDefaultRequest('baseUrl', `${sandbox.url}/`);
  const mailer = new MailService();
  mailer.setClient(client);
  mailer.setTimeout(2000);
  return mailer;
}

let sandbox: Sandbox;
let mailer: typeof sgMail;
beforeAll(async () => {
  sandbox = await startSandbox();
  mailer = connect(credentials.sendgridApiKey);
});
afterEach(() => {
  sandbox.faults.clear();
});
afterAll(() => sandbox.close());

const aMail = (change: Partial<MailDataRequired> = {}) =>
  ({
    to: { email: 'ada@example.org', name: 'Ada Example' },
    from: { email: 'registration@example.org', name: 'Conference' },
    subject: 'You are registered',
    text: 'Welcome, Ada.',
    html: '<!doctype html><html><head><title>x</title></head><body><p>Welcome, <b>Ada</b>.</p></body></html>',
    ...change,
  }) as MailDataRequired;
/** Custom arguments where SendGrid describes them as an object. */
const withArguments = (customArgs: Record<string, string>) => ({
  personalizations: [{ to: { email: 'ada@example.org', name: 'Ada Example' }, customArgs }],
});
const mails = () => sandbox.ledger().mails;
/** Sends a request that the SDK would not send. */
const raw = (body: string, contentType = 'application/json') =>
  fetch(`${sandbox.url}/v3/mail/send`, {
    method: 'POST',
    headers: { authorization: `Bearer ${credentials.sendgridApiKey}`, 'content-type': contentType },
    body,
  });

describe('an email', () => {
  it('is accepted with 202 and an id, and stored as sent', async () => {
    const calendar = 'BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n';
    const [answer] = await mailer.send(
      aMail({
        attachments: [
          {
            filename: 'event.ics',
            type: 'text/calendar',
            content: Buffer.from(calendar).toString('base64'),
            disposition: 'attachment',
          },
        ],
        categories: ['confirmation'],
        ...withArguments({ registrationId: 'registration-1' }),
      }),
    );
    expect(answer.statusCode).toBe(202);
    expect(answer.body).toBe('');
    const { 'x-message-id': id } = answer.headers as Record<string, string>;
    expect(mails().at(-1)).toMatchObject({
      id,
      to: [{ email: 'ada@example.org', name: 'Ada Example' }],
      from: { email: 'registration@example.org', name: 'Conference' },
      subject: 'You are registered',
      text: 'Welcome, Ada.',
      customArgs: { registrationId: 'registration-1' },
      categories: ['confirmation'],
    });

    const page = `${sandbox.url}/mails/${id ?? ''}`;
    expect(await (await fetch(page)).text()).toContain('ada@example.org');
    const file = await fetch(`${page}/attachments/0`);
    expect(file.headers.get('content-disposition')).toBe('attachment; filename="event.ics"');
    expect(await file.text()).toBe(calendar);
    const shown = await fetch(`${page}/html`);
    expect(shown.headers.get('content-security-policy')).toMatch(/^sandbox .*default-src 'none'/);
    expect(await shown.text()).toContain('<p>Welcome, <b>Ada</b>.</p>');
  });

  it('is displayed with its inline images, headers and attachments', async () => {
    const image = (filename: string, contentId: string, type = 'image/png') => ({
      filename,
      type,
      content: 'iVBORw0KGgo=',
      disposition: 'inline',
      // The SDK sends plain objects unchanged, so SendGrid would not recognize `contentId`.
      content_id: contentId,
    });
    await mailer.send(
      aMail({
        html: `<html><head></head><body><img src="cid:code"><img src='cid:a%40b'><img src="cid:none"><img src="cid:page"></body></html>`,
        attachments: [
          image('code.png', 'code'),
          image('logo.png', 'a@b'),
          image('page.html', 'page', 'text/html'),
          { filename: 'event.ics', type: 'text/calendar', content: 'YQ==', disposition: 'attachment' },
        ],
        headers: { 'List-Unsubscribe': '<https://example.org/<leave>>', 'X-Entity-Ref-ID': 'r-1' },
      }),
    );
    const mail = mails().at(-1);
    expect(mail?.headers).toEqual({
      'List-Unsubscribe': '<https://example.org/<leave>>',
      'X-Entity-Ref-ID': 'r-1',
    });
    expect(
      mail?.attachments.map(({ filename, disposition, contentId }) => [filename, disposition, contentId]),
    ).toEqual([
      ['code.png', 'inline', 'code'],
      ['logo.png', 'inline', 'a@b'],
      ['page.html', 'inline', 'page'],
      ['event.ics', 'attachment', undefined],
    ]);

    const page = `${sandbox.url}/mails/${mail?.id ?? ''}`;
    const shown = await (await fetch(`${page}/html`)).text();
    expect(shown.match(/data:image\/png;base64,iVBORw0KGgo=/g)).toHaveLength(2);
    expect(shown).toContain('src="cid:none"');
    expect(shown).toContain('src="cid:page"');
    const about = await (await fetch(page)).text();
    expect(about).toMatch(/List-Unsubscribe<\/dt><dd><code>&lt;https:\/\/example.org\/&lt;leave&gt;&gt;/);
    expect(about).toMatch(/Attached<\/dt><dd><a href="[^"]+\/attachments\/3">event.ics<\/a>/);
    expect(about).toMatch(/Inline images<\/dt><dd><a href="[^"]+\/attachments\/0">code.png<\/a>/);
  });

  it('cannot inject markup into the page of the sandbox', async () => {
    await mailer.send(aMail({ subject: '<script>alert(1)</script>' }));
    const page = await (await fetch(sandbox.url)).text();
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(page).not.toContain('<script>alert(1)');
  });

  it('is sent twice when the request is repeated, because requests are not idempotent', async () => {
    const before = mails().length;
    await mailer.send(aMail());
    await mailer.send(aMail());
    expect(mails()).toHaveLength(before + 2);
  });
});

describe('SendGrid refuses', () => {
  it('a wrong key with a 401 and a message', async () => {
    await expect(connect('SG.wrong').send(aMail())).rejects.toMatchObject({
      code: 401,
      response: {
        body: { errors: [{ message: 'The provided authorization grant is invalid, expired, or revoked' }] },
      },
    });
  });

  const file = { filename: 'a.txt', content: 'YQ==', type: 'text/plain' };
  const broken = { ...file, disposition: 'inline', content_id: 'a\r\nb' };
  it.each([
    ['personalizations.0.to.0.email', aMail({ to: 'nobody' })],
    ['personalizations.0.to', aMail({ to: [] })],
    ['from.email', aMail({ from: 'nobody' })],
    ['subject', aMail({ subject: '' })],
    ['subject', aMail({ subject: 'One\r\nBcc: eve@example.org' })],
    [
      'content',
      aMail({
        content: [
          { type: 'text/html', value: '<p>x' },
          { type: 'text/plain', value: 'x' },
        ],
      }),
    ],
    ['attachments.0.content', aMail({ attachments: [{ ...file, content: 'not base64!' }] })],
    ['attachments.0.filename', aMail({ attachments: [{ ...file, filename: '' }] })],
    ['attachments.0.filename', aMail({ attachments: [{ ...file, filename: 'a;b.txt' }] })],
    ['attachments.0.type', aMail({ attachments: [{ ...file, type: '' }] })],
    ['attachments.0.disposition', aMail({ attachments: [{ ...file, disposition: 'hidden' }] })],
    ['attachments.0.content_id', aMail({ attachments: [broken] })],
    ['headers', aMail({ headers: { 'reply-TO': 'eve@example.org' } })],
    ['headers', aMail({ headers: { BCC: 'eve@example.org' } })],
    ['headers', aMail({ headers: { 'X-Break': 'x\r\nBcc: eve@example.org' } })],
    ['headers', aMail({ headers: { 'X-One': '1', 'x-one': '2' } })],
    [
      'personalizations.0.headers',
      aMail({ personalizations: [{ to: 'ada@example.org', headers: { 'X-SG-ID': 'x' } }] }),
    ],
    ['categories', aMail({ categories: Array.from({ length: 11 }, (_, i) => `c${i}`) })],
    ['categories', aMail({ categories: ['twice', 'twice'] })],
    ['personalizations.0.custom_args', aMail(withArguments({ long: 'x'.repeat(10_000) }))],
  ])('an invalid message and names the field: %s', async (field, mail) => {
    const before = mails().length;
    await expect(mailer.send(mail)).rejects.toMatchObject({
      code: 400,
      response: { body: { errors: [{ field }] } },
    });
    expect(mails()).toHaveLength(before);
  });

  it('custom arguments as an object outside of a personalization', async () => {
    await expect(mailer.send(aMail({ customArgs: { registrationId: '1' } }))).rejects.toMatchObject({
      code: 400,
    });
  });

  it('an invalid header name', async () => {
    const { to, from, subject, text } = aMail();
    const answer = await raw(
      JSON.stringify({
        personalizations: [{ to: [to] }],
        from,
        subject,
        content: [{ type: 'text/plain', value: text }],
        headers: { 'X Spaced': 'x' },
      }),
    );
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ errors: [{ field: 'headers' }] });
  });

  it.each([
    ['malformed JSON', '{', 'application/json', 400],
    ['a body that is not a message', '[]', 'application/json', 400],
    ['another content type', 'x', 'text/plain', 415],
    ['more than 30 MB', JSON.stringify({ x: 'x'.repeat(30 * 1024 * 1024) }), 'application/json', 413],
  ])('%s with its usual error format', async (_what, body, contentType, status) => {
    const answer = await raw(body, contentType);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ errors: [{ field: null }] });
  });
});

describe('a fault', () => {
  it('failing: returns the status and Retry-After, and sends nothing', async () => {
    const before = mails().length;
    sandbox.faults.set('sendgrid', { mode: 'failing', status: 429, retryAfter: 30, times: 1 });
    await expect(mailer.send(aMail())).rejects.toMatchObject({
      code: 429,
      response: { headers: { 'retry-after': '30' }, body: { errors: [{ message: 'too many requests' }] } },
    });
    expect(mails()).toHaveLength(before);
    await mailer.send(aMail());
    expect(mails()).toHaveLength(before + 1);
  });

  it.each([
    ['unreachable', 0],
    ['cut', 1],
  ] as const)('%s: returns no response; emails sent: %i', async (mode, sent) => {
    const before = mails().length;
    sandbox.faults.set('sendgrid', { mode, times: 1 });
    await expect(mailer.send(aMail())).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(mails()).toHaveLength(before + sent);
  });

  it('slow: the client times out, and the email is sent', async () => {
    const before = mails().length;
    const impatient = connect(credentials.sendgridApiKey);
    impatient.setTimeout(100);
    sandbox.faults.set('sendgrid', { mode: 'slow', ms: 300, times: 1 });
    await expect(impatient.send(aMail())).rejects.toMatchObject({ code: 'ECONNABORTED' });
    await expect.poll(() => mails().length).toBe(before + 1);
  });
});
