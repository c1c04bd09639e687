import { describe, expect, it } from 'vitest';
import { calendarFile, confirmationMail, noticeMail } from '../../src/web/emails.ts';
import { anOrder } from '../workflows/harness.ts';

const links = { reference: 'ABCDEFGHJK', statusUrl: 'https://tickets.example.org/registrations/1' };
const mail = (order = anOrder()) => confirmationMail({ order, paidAt: '2026-11-23T23:30:00.000Z', ...links });

describe('the confirmation', () => {
  it('is the receipt too: reference, ticket, amount, dates in the zone of the event, seller and buyer', () => {
    const { subject, html, text } = mail();
    expect(subject).toBe('Your registration for Conference (ABCDEFGHJK)');
    for (const part of [html, text])
      for (const fact of [
        'ABCDEFGHJK',
        'Regular',
        'EUR 120.00',
        'Hall 4',
        '14 May 2027 at 09:00 CEST',
        '24 November 2026',
        'Society e.V.',
        'Ada Example',
        '20457 Hamburg',
        'Germany',
        links.statusUrl,
      ])
        expect(part).toContain(fact);
    expect(html.length).toBeLessThan(100_000);
  });

  it('shows what people wrote as text, and never as markup', () => {
    const attendee = { firstName: '<script>alert(1)</script>', lastName: '"&\'', email: 'ada@example.org' };
    const { html, text } = mail(anOrder({ attendee }));
    expect(html).not.toContain('<script>');
    expect(html).toContain('&lt;script&gt;');
    expect(text).toContain('<script>alert(1)</script> "&\'');
  });

  it('keeps the subject on one line', () => {
    const event = { ...anOrder().event, name: 'Two\r\nBcc: x@example.org' };
    expect(mail(anOrder({ event })).subject).toBe(
      'Your registration for Two Bcc: x@example.org (ABCDEFGHJK)',
    );
  });

  it('writes amounts as their currency does', () => {
    expect(mail(anOrder({ amount: { minor: 5000, currency: 'JPY' } })).text).toContain('Total: JPY 5,000');
    expect(mail(anOrder({ amount: { minor: 0, currency: 'EUR' } })).text).toContain(
      'Total: Free of charge\nRegistered on',
    );
  });
});

it('a notice says what became of the money', () => {
  const { event, attendee, amount } = anOrder();
  const notice = (kind: 'refunded' | 'payment-failed', refunded: typeof amount | null) =>
    noticeMail({ kind, event, attendee, refunded, ...links });
  expect(notice('refunded', amount).text).toContain(
    'The full amount of EUR 120.00 is on its way back to you',
  );
  expect(notice('payment-failed', null).html).toContain('You have not been charged.');
});

it('the calendar entry has a stable UID, UTC times and folded lines', () => {
  const { event } = anOrder();
  const entry = () =>
    calendarFile({
      id: '7d9f',
      event: { ...event, venue: 'A place with a very long name, '.repeat(5) },
      ...links,
    });
  const uid = 'UID:registration-7d9f@tickets.example.org';
  expect(entry()).toContain(uid);
  expect(entry()).toContain('DTSTART:20270514T070000Z');
  expect(entry()).toContain('DTEND:20270515T160000Z');
  expect(entry()).toContain('SEQUENCE:0');
  expect(
    entry()
      .split('\r\n')
      .every((line) => Buffer.byteLength(line) <= 75),
  ).toBe(true);
});
