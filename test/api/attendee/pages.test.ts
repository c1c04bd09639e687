/** The language, security policy and size of the pages. */
import { brotliDecompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { aForm } from '../../../stage/person.ts';
import { anAttendee, startStack, type Stack } from '../../stack.ts';

const [MAX_FORM_BYTES, MAX_WAY_BYTES] = [35_000, 70_000];
const LINKS = {
  PRIVACY_URL: 'https://example.org/privacy',
  TERMS_URL: 'https://example.org/terms',
  REFUND_POLICY_URL: 'https://example.org/refunds',
  CONTACT_EMAIL: 'help@example.org',
};
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ settings: LINKS });
});
afterAll(() => stack.stop());

const get = (url: string, headers: Record<string, string> = {}) => stack.app.inject({ url, headers });
const languageOf = (html: string) => /<html lang="(\w+)">/.exec(html)?.[1];

describe('language', () => {
  it.each([
    ['the browser prefers', '/', { 'accept-language': 'de-AT,de;q=0.9,en;q=0.8' }, 'de'],
    ['the browser accepts', '/', { 'accept-language': 'fr,de;q=0.5' }, 'de'],
    ['is the default if the browser prefers an unsupported one', '/', { 'accept-language': 'fr' }, 'en'],
    ['the address selects', '/?lang=en', { 'accept-language': 'de' }, 'en'],
    ['was selected before', '/', { 'accept-language': 'en', cookie: 'lang=de' }, 'de'],
    ['is the default if address and cookie are invalid', '/?lang=xx', { cookie: 'lang=<script>' }, 'en'],
  ])('is the one that %s', async (_why, url, headers, language) => {
    const response = await get(url, headers);
    expect([response.statusCode, languageOf(response.body)]).toEqual([200, language]);
    expect(response.headers['content-language']).toBe(language);
  });

  it('is stored once it is selected, and switching keeps the page', async () => {
    const response = await get('/?event=conference&lang=de');
    expect(response.headers['set-cookie']).toMatch(/^lang=de; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(response.body).toContain('href="/?event=conference&amp;lang=en"');
    expect((await get('/')).headers['set-cookie']).toBeUndefined();
  });

  it('determines the format of amounts and dates, in the time zone of the event', async () => {
    const [en, de] = await Promise.all(['en', 'de'].map(async (lang) => (await get(`/?lang=${lang}`)).body));
    expect(en).toContain('Pay €120.00');
    expect(en).toContain('Thursday, 14 May 2099 at 09:00 CEST');
    expect(de).toContain('120,00 € bezahlen');
    expect(de).toContain('Donnerstag, 14. Mai 2099 um 09:00 MESZ');
    expect(de).toContain('>Vereinigte Staaten</option>');
    expect(de).toContain('href="https://example.org/privacy"');
  });

  it('applies to problems and field errors', async () => {
    const { id } = anAttendee(stack);
    const form = { ...aForm(), attendee: { firstName: '', lastName: 'Example', email: 'ada' } };
    const response = await stack.app.inject({
      method: 'PUT',
      url: `/api/checkouts/${id}`,
      headers: { 'accept-language': 'de' },
      body: form,
    });
    expect(response.headers['content-language']).toBe('de');
    expect(response.json()).toMatchObject({
      type: '/problems/invalid-fields',
      title: 'Bitte prüfen Sie Ihre Angaben',
      errors: [
        { pointer: '/attendee/firstName', detail: 'Geben Sie Ihren Vornamen ein.' },
        { pointer: '/attendee/email', detail: 'Geben Sie eine gültige E-Mail-Adresse ein.' },
      ],
    });
  });
});

describe('an event', () => {
  /** The smallest PNG: one transparent pixel. */
  const PNG = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  );
  afterEach(() => stack.database('events').update({ description: null, picture: null, picture_type: null }));

  it('is named by the title, the icon and the preview of its page', async () => {
    const { body } = await get('/');
    expect(body).toMatch(/<title>[^<]*Conference[^<]*<\/title>/);
    expect(body).toContain('<meta property="og:title" content="Conference">');
    expect(body).toContain('<meta property="og:url" content="http://registration.test/events/conference">');
    expect(body).not.toContain('og:image');
    const icon = await get('/favicon.ico');
    expect(icon.statusCode).toBe(302);
    expect((await get(String(icon.headers.location))).headers['content-type']).toMatch(/^image\/svg\+xml/);
  });

  it('shows its description, which is Markdown without HTML, and its picture', async () => {
    expect((await get('/events/conference/picture')).statusCode).toBe(404);
    await stack.database('events').update({
      description: 'Two *days*\nof talks.\n\n<b>Bring</b> friends.',
      ...{ picture: PNG, picture_type: 'image/png', picture_alt: 'A "hall"' },
    });
    const { body } = await get('/');
    expect(body).toContain('<p>&lt;b&gt;Bring&lt;/b&gt; friends.</p>');
    expect(body).toContain('<meta property="og:description" content="Two days of talks.">');
    expect(body).toContain('alt="A &quot;hall&quot;"');
    const [, address = ''] = /<img class="picture" src="([^"]+)"/.exec(body) ?? [];
    expect(body).toContain(`<meta property="og:image" content="http://registration.test${address}">`);
    const picture = await get(address);
    expect(picture.headers['content-type']).toBe('image/png');
    expect(picture.rawPayload).toEqual(PNG);
  });

  it('has a page of its own, the same as under its former address', async () => {
    const [own, former] = await Promise.all([get('/events/conference'), get('/?event=conference')]);
    const withoutAddress = (body: string) => body.replaceAll(/href="[^"]*lang=[^"]*"/g, '');
    expect(own.statusCode).toBe(200);
    expect(withoutAddress(own.body)).toBe(withoutAddress(former.body));
    expect(own.body).toContain('<link rel="canonical" href="http://registration.test/events/conference">');
    expect((await get('/events/nowhere', { accept: 'text/html' })).statusCode).toBe(404);
    expect((await get('/events/%00')).statusCode).toBe(404);
  });

  describe('whose sale has not begun or has ended', () => {
    const types = (change: object, id?: string) =>
      stack
        .database('ticket_types')
        .where(id === undefined ? {} : { id })
        .update(change);
    const noWindow = { sale_starts_at: null, sale_ends_at: null, hidden: false, sold: 0 };
    afterEach(() => types(noWindow));
    const page = async () => (await get('/events/conference')).body;

    it('keeps its page, which says when it begins', async () => {
      await types({ sale_starts_at: '2099-01-01T08:00:00Z' });
      await types({ sale_starts_at: '2098-12-01T08:00:00Z' }, 'limited');
      for (const url of ['/', '/events/conference', '/?event=conference']) {
        const { statusCode, body } = await get(url);
        expect([url, statusCode]).toEqual([url, 200]);
        expect(body).toContain('On sale from Monday, 1 December 2098 at 09:00 CET');
        expect(body).toContain('€120.00');
        expect(body).not.toContain('<form');
      }
      expect((await get('/api/events')).json()).toEqual([]);
      expect((await get('/api/events/conference')).statusCode).toBe(404);
    });

    it('says that it has ended', async () => {
      await types({ sale_ends_at: '2020-01-01T08:00:00Z' });
      expect(await page()).toContain('Registration for this event has closed.');
    });

    it('shows beside what is on sale what will be and what was, and nothing hidden', async () => {
      await types({ sale_ends_at: '2020-01-01T08:00:00Z' }, 'limited');
      await types({ hidden: true }, 'free');
      const body = await page();
      const ticket = (id: string) => new RegExp(`value="${id}"[^>]*>`).exec(body)?.[0] ?? '';
      expect(ticket('regular')).not.toContain('disabled');
      expect(ticket('limited')).toContain('disabled');
      expect(ticket('limited')).not.toContain('data-left');
      expect(body).toContain('No longer on sale');
      expect(body).not.toContain('value="free"');
      expect((await get('/api/events/conference')).body).not.toMatch(/limited|"free"/);
    });

    it('is sold out only when nothing comes on sale later', async () => {
      await types({ hidden: true });
      await types({ hidden: false, sold: 2 }, 'limited');
      expect(await page()).toContain('Conference is sold out');
      await types({ hidden: false, sale_starts_at: '2099-01-01T08:00:00Z' }, 'regular');
      expect(await page()).toContain('On sale from');
    });
  });

  it('has only pictures that browsers show', async () => {
    const faulty = stack.database('events').update({ picture: PNG, picture_type: 'text/html' });
    await expect(faulty).rejects.toMatchObject({ constraint: 'events_picture_has_type' });
  });
});

it('the form, the status page and an error page link privacy notice, terms, refund policy and contact', async () => {
  const stopWorker = await stack.startWorker();
  const ada = anAttendee(stack, aForm({ ticketType: 'free' }));
  await ada.register();
  await stopWorker();
  const html = { accept: 'text/html' };
  for (const url of ['/', `/registrations/${ada.id}`, '/nothing']) {
    const { body } = await get(url, html);
    for (const link of Object.values(LINKS))
      expect(body, url).toMatch(new RegExp(`href="(mailto:)?${link}"`));
  }
});

describe('tickets', () => {
  it('distinguishes reserved seats from sold-out tickets', async () => {
    const limited = async () =>
      /<label class="ticket">(?:(?!<\/label>).)*value="limited".*?<\/label>/s.exec(
        (await get('/')).body,
      )?.[0];
    expect(await limited()).toContain('2 left');
    await Promise.all([1, 2].map(() => anAttendee(stack, aForm({ ticketType: 'limited' })).put()));
    expect(await limited()).toContain('Some may become available within 15 minutes.');
    expect(await limited()).not.toContain('disabled');
    const late = await anAttendee(stack, aForm({ ticketType: 'limited' })).put();
    expect([late.statusCode, late.json<{ type: string }>().type]).toEqual([409, '/problems/sold-out']);
    expect(late.json<{ detail: string }>().detail).toContain('Some may become available in a few minutes.');
    await stack.database('ticket_types').where({ id: 'limited' }).update({ sold: 2 });
    expect(await limited()).toContain('Sold out');
    expect(await limited()).toContain('disabled');
    await stack.database('ticket_types').where({ id: 'limited' }).update({ sold: 0 });
  });
});

describe('policy', () => {
  it('allows our own scripts and PayPal, but no inline code, framing or browser features', async () => {
    const { headers } = await get('/');
    const policy = String(headers['content-security-policy']);
    expect(policy).not.toMatch(/unsafe|\*|https?:\/\/(?!127\.0\.0\.1)/);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain(`script-src 'self' ${stack.config.paypal.webUrl};`);
    expect(headers['permissions-policy']).toContain('camera=()');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['referrer-policy']).toBe('no-referrer');
  });

  it('provides an integrity hash for every asset, including imported scripts', async () => {
    const { body } = await get('/');
    const loaded = [...body.matchAll(/(?:src|href)="(\/assets\/[^"]+)" integrity="(sha384-[^"]+)"/g)];
    const addresses = loaded.map(([, address = '']) => address);
    expect(loaded.length).toBeGreaterThan(5);
    const asset = /\/assets\/[^"]+/g;
    // Browsers do not check the integrity of an icon.
    const checked = body.match(asset)?.filter((address) => !address.endsWith('/icon.svg'));
    expect(checked).toHaveLength(loaded.length);
    for (const [, address = '', integrity] of loaded) {
      const response = await get(address);
      expect(response.headers['cache-control']).toBe('public, max-age=31536000, immutable');
      const digest = await crypto.subtle.digest('SHA-384', response.rawPayload);
      expect(`sha384-${Buffer.from(digest).toString('base64')}`).toBe(integrity);
      for (const [, imported = ''] of response.body.matchAll(/from '\.\/([^']+)'/g))
        expect(addresses).toContain(new URL(imported, `http://x${address}`).pathname);
    }
    expect(body).not.toMatch(/<script(?![^>]*(src=|application\/json))|style="|onclick=|<style/);
  });

  it('is small, and so is the whole way to the status page, without the payment SDK', async () => {
    const compressed = { 'accept-encoding': 'br' };
    const kept = new Set<string>();
    /** The bytes of a page, and of the assets that no page before has loaded. */
    const weigh = async (url: string) => {
      const page = await get(url, compressed);
      const html = brotliDecompressSync(page.rawPayload).toString();
      const assets = [...html.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, address = '']) => address);
      const parts = await Promise.all(
        assets.filter((address) => !kept.has(address)).map((address) => get(address, compressed)),
      );
      for (const address of assets) kept.add(address);
      expect(parts.every(({ headers }) => headers['content-encoding'] === 'br')).toBe(true);
      return [page, ...parts].reduce((sum, { rawPayload }) => sum + rawPayload.length, 0);
    };
    const stopWorker = await stack.startWorker();
    const ada = anAttendee(stack, aForm({ ticketType: 'free' }));
    await ada.register();
    await stopWorker();
    const form = await weigh('/?lang=de');
    expect(form).toBeLessThan(MAX_FORM_BYTES);
    expect(form + (await weigh(`/registrations/${ada.id}?lang=de`))).toBeLessThan(MAX_WAY_BYTES);
  });
});
