import { describe, expect, it } from 'vitest';
import { LANGUAGES, type Language, type NoticeKind, type Order } from '../../../src/registration.ts';
import { calendarFile } from '../../../src/web/calendar.ts';
import { confirmationMail, noticeMail, signInMail, type Mail } from '../../../src/web/emails/emails.ts';
import { anOrder } from '../../workflows/stand-ins.ts';

const links = { reference: 'ABCDEFGHJK', statusUrl: 'https://tickets.example.org/registrations/1' };
const site = {
  privacyUrl: undefined,
  termsUrl: 'https://example.org/terms',
  refundPolicyUrl: 'https://example.org/refunds',
  contactEmail: 'help@example.org',
};
const mail = (changes: Partial<Order> = {}, newsletter = false) =>
  confirmationMail({
    ...anOrder(changes),
    ...links,
    site,
    newsletter,
    paidAt: '2026-11-23T23:30:00.000Z',
  });
const notice = (
  kind: NoticeKind,
  language: Language,
  refunded = anOrder().amount,
  heldUntil: string | null = null,
) =>
  noticeMail({
    ...anOrder(),
    ...links,
    site,
    kind,
    language,
    refunded: kind === 'payment-failed' ? null : refunded,
    heldUntil,
  });

describe('the confirmation', () => {
  it.each([
    ['en', '€120.00', '14 May 2027 at 09:00 CEST', '24 November 2026', 'Germany'],
    ['de', '120,00 €', '14. Mai 2027 um 09:00 MESZ', '24. November 2026', 'Deutschland'],
  ] as const)(
    'is also the receipt in %s, with reference, ticket, amount, event-local dates, seller and buyer',
    (language, ...localized) => {
      const { subject, html, text } = mail({ language });
      expect(subject).toMatch(/^(Your registration for|Ihre Anmeldung für) Conference \(ABCDEFGHJK\)$/);
      for (const part of [html, text])
        for (const fact of [
          ...localized,
          ...['ABCDEFGHJK', 'Regular', 'Hall 4', 'Society e.V.', 'Ada Example', '20457 Hamburg'],
          links.statusUrl,
        ])
          expect(part).toContain(fact);
      expect(html).toContain(`<html lang="${language}">`);
    },
  );

  it('escapes what people entered', () => {
    const attendee = { firstName: '<script>alert(1)</script>', lastName: '"&\'', email: 'ada@example.org' };
    const { html, text } = mail({ attendee });
    expect(html).not.toContain('<script>');
    expect(html).toContain('&lt;script&gt;');
    expect(text).toContain('<script>alert(1)</script> "&\'');
  });

  it('keeps the subject on one line', () => {
    const event = { ...anOrder().event, name: 'Two\r\nBcc: x@example.org' };
    expect(mail({ event }).subject).toBe('Your registration for Two Bcc: x@example.org (ABCDEFGHJK)');
  });

  it('formats amounts by currency and supports addresses without a postal code', () => {
    expect(mail({ amount: { minor: 5000, currency: 'JPY' } }).text).toContain('Total: JP¥5,000');
    expect(mail({ amount: { minor: 0, currency: 'EUR' } }).text).toContain(
      'Total: Free of charge\nRegistered on',
    );
    const billing = { addressLine1: 'Nathan Road 1', city: 'Kowloon', countryCode: 'HK' };
    expect(mail({ billing }).text).toContain('Nathan Road 1\nKowloon\nHong Kong');
  });

  it('contains a QR code for the entrance and a calendar entry', () => {
    const { attachments = [], html } = mail();
    expect(attachments.map(({ filename, type }) => [filename, type])).toEqual([
      ['reference.gif', 'image/gif'],
      ['event.ics', 'text/calendar'],
    ]);
    const [qr] = attachments;
    expect(qr?.content.subarray(0, 3).toString()).toBe('GIF');
    // The width and height in the GIF header match the size in the mail, so that every module stays square.
    expect([qr?.content.readUInt16LE(6), qr?.content.readUInt16LE(8)]).toEqual([116, 116]);
    expect(html).toContain(
      'src="cid:reference" width="116" height="116" alt="QR code for reference ABCDEFGHJK"',
    );
  });

  it('says how to leave the newsletter only to people who subscribed to it', () => {
    expect(mail({}, true).text).toContain('Every issue contains a link to unsubscribe');
    expect(mail().text).not.toContain('newsletter');
  });

  it('needs no billing address', () => {
    const { billing: _none, ...order } = anOrder({ amount: { minor: 0, currency: 'EUR' } });
    const sent = { ...order, ...links, site, newsletter: false, paidAt: '2026-11-23T23:30:00.000Z' };
    const { text } = confirmationMail({ ...sent, emailConfirmed: true });
    expect(text).toMatch(/Billed to\nAda Example\n/);
    expect(text).not.toContain('undefined');
  });

  it('repeats nothing that was typed to an address that nobody has confirmed or paid with', () => {
    const { html, text } = mail({ amount: { minor: 0, currency: 'EUR' } });
    for (const part of [html, text]) {
      expect(part).not.toMatch(/Ada|Street 2|20457|Billed to/);
      expect(part).toContain('ABCDEFGHJK');
    }
  });

  it('repeats answers in the order of the questions, and waits for no question: its id is told then', () => {
    const answers = { diet: 'Vegan & more', dinner: false, gone: '<b>x</b>' };
    const questions = [
      { id: 'dinner', label: 'Dinner?' },
      { id: 'unanswered', label: 'Unanswered' },
      { id: 'diet', label: 'Ernährung <3' },
    ];
    const sent = {
      ...anOrder({ answers, language: 'de' }),
      ...links,
      site,
      newsletter: false,
      paidAt: '2026-11-23T23:30:00.000Z',
    };
    const { html, text } = confirmationMail({ ...sent, questions });
    expect(text).toContain(
      'IHRE ANTWORTEN\n\nDinner?: Nein\nErnährung <3: Vegan & more\ngone: <b>x</b>\n\n\nQUITTUNG',
    );
    expect(html).toContain('Ernährung &lt;3</span><br>Vegan &amp; more');
    expect(confirmationMail(sent).text).toContain('diet: Vegan & more\n');
    for (const part of Object.values(mail())) expect(JSON.stringify(part)).not.toContain('Your answers');
    const untrusted = confirmationMail({ ...sent, questions, amount: { minor: 0, currency: 'EUR' } });
    for (const part of [untrusted.html, untrusted.text])
      expect(part).not.toMatch(/Vegan|Ernährung|ANTWORTEN/i);
  });

  it('links terms, refund policy and contact, and wraps long words but no amount', () => {
    const { html, text } = mail();
    for (const part of [html, text])
      for (const link of [site.termsUrl, site.refundPolicyUrl, 'mailto:help@example.org'])
        expect(part).toContain(link);
    expect(html).toContain('overflow-wrap:anywhere');
    expect(html).toMatch(/white-space:nowrap">€120\.00/);
  });
});

describe.each(LANGUAGES)('a notice in %s', (language) => {
  it('says until when the seat is still held after a payment that failed late', () => {
    const time = { en: 'Friday, 14 May 2027 at 09:30 CEST', de: 'Freitag, 14. Mai 2027 um 09:30 MESZ' }[
      language
    ];
    const { text } = notice('payment-failed', language, undefined, '2027-05-14T07:30:00.000Z');
    expect(text).toContain(time);
    expect(notice('payment-failed', language).text).not.toContain('09:30');
  });

  it('says whether the money was refunded or never charged', () => {
    const amount = { en: '€120.00', de: '120,00 €' }[language];
    for (const part of ['html', 'text'] as const) {
      expect(notice('refunded', language)[part]).toContain(amount);
      expect(notice('cancelled', language)[part]).toContain(amount);
      expect(notice('payment-failed', language)[part]).toMatch(
        /You have not been charged\.|Es wurde nichts abgebucht\./,
      );
    }
  });
});

const signIn = (language: Language) =>
  signInMail({ language, site, link: links.statusUrl, publicUrl: 'https://tickets.example.org' });

it.each([
  ['en', 'Your link to sign in at tickets.example.org', 'once, within 15 minutes'],
  ['de', 'Ihr Link zum Einloggen bei tickets.example.org', 'einmal verwenden, innerhalb von 15 Minuten'],
] as const)('the link to sign in says in %s where it leads, and for how long', (language, title, time) => {
  const { subject, html, text } = signIn(language);
  expect(subject).toBe(title);
  for (const part of [html, text]) for (const fact of [links.statusUrl, time]) expect(part).toContain(fact);
});

/** Every mail must satisfy spam filters and mail programs. */
const mails: [string, () => Mail][] = LANGUAGES.flatMap((language) => [
  [`the confirmation in ${language}`, () => mail({ language }, true)],
  [`the link to sign in in ${language}`, () => signIn(language)],
  ...(['payment-failed', 'refunded', 'cancelled'] as const).map((kind): [string, () => Mail] => [
    `the notice ${kind} in ${language}`,
    () => notice(kind, language),
  ]),
]);
describe.each(mails)('%s', (_name, make) => {
  it('has a meaningful subject and a text part, and is small', () => {
    const { subject, html, text } = make();
    expect(subject.length).toBeGreaterThan(10);
    expect(subject.length).toBeLessThan(100);
    expect(subject).not.toMatch(/!|\$|\bfree\b|[A-Z]{4,} [A-Z]{4,}/);
    expect(text.length).toBeGreaterThan(100);
    expect(text).not.toMatch(/<\w|undefined|null|&\w+;/);
    expect(html).not.toMatch(/undefined|>null</);
    expect(Buffer.byteLength(html)).toBeLessThan(100_000);
  });

  it('uses tables for layout, supports dark mode and loads nothing from other servers', () => {
    const { html, attachments = [] } = make();
    expect(html).toMatch(/^<!doctype html>\s*<html lang="(en|de)">/);
    expect(html).toContain('<meta name="color-scheme" content="light dark">');
    expect(html).toContain('@media (prefers-color-scheme: dark)');
    expect(html).not.toMatch(/<(script|iframe|form|link|video)\b|display:\s*(flex|grid)/);
    expect(html.match(/<table/g)?.length).toBe(html.match(/<table[^>]* role="presentation"/g)?.length);
    for (const [image, source] of html.matchAll(/<img [^>]*src="([^"]*)"[^>]*>/g)) {
      expect(image).toMatch(/ alt="[^"]+"/);
      const id = source?.replace(/^cid:/, '');
      expect(attachments.some(({ contentId }) => contentId === id)).toBe(true);
    }
    expect([...html.matchAll(/(?:href|src)="(https?:[^"]*)"/g)].map(([, url]) => url)).toEqual([
      links.statusUrl,
      site.termsUrl,
      site.refundPolicyUrl,
    ]);
  });
});

it('the calendar entry has a stable UID, UTC times and folded lines', () => {
  const { event } = anOrder();
  const entry = calendarFile({
    id: '7d9f',
    event: { ...event, name: 'Days, and\r\nnights', venue: 'A plàce with a very long ñame, '.repeat(5) },
    ticketType: { name: 'Regular' },
    ...links,
  });
  expect(entry).toContain('UID:registration-7d9f@tickets.example.org');
  expect(entry).toContain('DTSTART:20270514T070000Z');
  expect(entry).toContain('DTEND:20270515T160000Z');
  expect(entry).toContain('SEQUENCE:0');
  expect(entry).toMatch(/DESCRIPTION:.*Regular.*ABCDEFGHJK/s);
  expect(entry).toContain('SUMMARY:Days\\, and\\nnights\r\n');
  expect(entry.split('\r\n').every((line) => Buffer.byteLength(line) <= 75)).toBe(true);
});
