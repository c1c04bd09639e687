/** The e-mails for attendees and organizers, in their language. */
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';
import type { PaidBy, Source } from '../../addition.ts';
import type { ChangeMade } from '../../change.ts';
import { countryNames } from '../../countries.ts';
import { speak, type MessageKey, type Speech } from '../../messages/index.ts';
import type { Money } from '../../money.ts';
import { LINK_MINUTES } from '../../organizer.ts';
import type { Question } from '../../questions.ts';
import {
  fullName,
  isTrusted,
  LANGUAGES,
  type EventFacts,
  type Language,
  type NoticeKind,
  type Order,
} from '../../registration.ts';
import { tellAnswers } from '../answers.ts';
import { calendarFile } from '../calendar.ts';
import { eventDates, longDate, longTime } from '../dates.ts';
import { siteLinks } from '../links.ts';
import { qrGif } from '../qr.ts';

/** An attachment; one with a `contentId` is shown in the mail itself. */
type Attachment = { filename: string; type: string; content: Buffer; contentId?: string };
export type Mail = {
  subject: string;
  html: string;
  text: string;
  attachments?: Attachment[];
};

const views = fileURLToPath(new URL('.', import.meta.url));
const eta = new Eta({ views, cache: true });
// Text parts are not HTML: they are not escaped, and their line breaks count.
const plain = new Eta({ views, cache: true, autoEscape: false, autoTrim: false });

const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ').trim();

/** Renders the two parts of a mail from the templates of this folder. */
export function render(
  template: string,
  subject: string,
  data: object,
): Pick<Mail, 'subject' | 'html' | 'text'> {
  const all = { ...data, subject };
  return {
    subject: oneLine(subject),
    html: eta.render(template, all),
    text: `${plain.render(`${template}-text`, all).trim()}\n`,
  };
}

type Links = { reference: string; statusUrl: string; site: Parameters<typeof siteLinks>[0] };
type Confirmation = Links &
  Pick<Order, 'id' | 'event' | 'ticketType' | 'attendee' | 'billing' | 'answers' | 'amount' | 'language'> & {
    /** The questions of the event, as far as they are known. */
    questions?: Pick<Question, 'id' | 'label'>[];
    /** ISO 8601 */
    paidAt: string;
    newsletter: boolean;
    emailConfirmed?: boolean;
    source?: Source;
    paidBy?: PaidBy;
    /** What an organizer has changed, and sends the confirmation for. */
    changed?: ChangeMade | undefined;
  };

/** What people typed is not repeated to an address that they may have made up: it could be an advertisement. */
function typed(order: Confirmation, { t, locale }: Speech) {
  const { firstName, organization } = order.attendee;
  const attendeeName = fullName(order.attendee);
  if (!isTrusted(order)) return { hello: t('mail.hello.nobody'), attendeeName: null, buyer: [], answers: [] };
  return {
    hello: t('mail.hello', { name: firstName }),
    attendeeName,
    answers: tellAnswers(order.questions ?? [], order.answers, t),
    buyer: [organization, attendeeName, ...(order.billing ? addressLines(order.billing, locale) : [])].filter(
      Boolean,
    ),
  };
}

const addressLines = (billing: NonNullable<Order['billing']>, locale: string) => [
  billing.addressLine1,
  billing.addressLine2,
  [billing.postalCode, billing.city].filter(Boolean).join(' '),
  billing.region,
  countryNames(locale).of(billing.countryCode),
];

const PAID_ON: Record<PaidBy, MessageKey> = {
  paypal: 'mail.paid-on',
  elsewhere: 'mail.paid-elsewhere',
  complimentary: 'mail.registered-on',
  free: 'mail.registered-on',
};

/** The proof of registration, which is also the receipt: seller, buyer, amount, date; with a calendar entry and a QR code. */
export function confirmationMail(order: Confirmation): Mail {
  const { event, amount, reference, source = 'form' } = order;
  const speech = speak(order.language ?? LANGUAGES[0]);
  const { t, locale, money } = speech;
  const date = longDate(order.paidAt, event.timeZone, locale);
  const { paidBy = amount.minor === 0 ? 'free' : 'paypal' } = order;
  const mail = render('confirmation', t('mail.confirmation.subject', { event: event.name, reference }), {
    ...order,
    ...speech,
    links: siteLinks(order.site, speech),
    ...typed(order, speech),
    news: order.changed && t(`mail.changed.${order.changed}`, { ticketType: order.ticketType.name }),
    when: eventDates(event, locale),
    seller: event.seller.split('\n'),
    total:
      amount.minor > 0 ? money(amount) : t(paidBy === 'complimentary' ? 'mail.complimentary' : 'mail.free'),
    paidOn: t(PAID_ON[paidBy], { date }),
    because: t(source === 'form' ? 'mail.because' : 'mail.because.added', { event: event.name }),
  });
  const qr = { filename: 'reference.gif', type: 'image/gif', contentId: 'reference' };
  const ics = { filename: 'event.ics', type: 'text/calendar' };
  return {
    ...mail,
    attachments: [
      { ...qr, content: qrGif(reference) },
      { ...ics, content: Buffer.from(calendarFile(order)) },
    ],
  };
}

type Request = Pick<Links, 'site'> & Pick<Order, 'event' | 'language'> & { confirmUrl: string };

/** Asks whoever reads mail at an address to confirm it. It repeats nothing that was typed into the form. */
export function confirmAddressMail({ event, language, confirmUrl, site }: Request): Mail {
  const speech = speak(language ?? LANGUAGES[0]);
  const title = speech.t('mail.confirm');
  return render('confirm-address', speech.t('mail.notice.subject', { title, event: event.name }), {
    ...{ ...speech, event, title, confirmUrl, links: siteLinks(site, speech) },
  });
}

type SignIn = Pick<Links, 'site'> & { language: Language; link: string; publicUrl: string };

/** The link with which an organizer signs in. It says nothing about the person. */
export function signInMail({ language, link, publicUrl, site }: SignIn): Mail {
  const speech = speak(language);
  const { t } = speech;
  const values = { site: new URL(publicUrl).host, minutes: LINK_MINUTES };
  return render('sign-in', t('organizer.mail.subject', values), {
    ...{ ...speech, link, title: t('organizer.mail.title'), text: t('organizer.mail.text', values) },
    ...{ because: t('organizer.mail.because', values), links: siteLinks(site, speech) },
  });
}

type Pause = Pick<SignIn, 'site' | 'language' | 'link' | 'publicUrl'> & { event: string };

/** Tells an owner that the refunds of a cancelled event have paused for want of money; with a link to its page. */
export function pauseMail({ language, event, link, publicUrl, site }: Pause): Mail {
  const speech = speak(language);
  const { t } = speech;
  const title = t('organizer.mail.paused');
  return render('refunds-paused', t('mail.notice.subject', { title, event }), {
    ...{ ...speech, link, title, text: t('organizer.mail.paused.text', { event }) },
    because: t('organizer.mail.because', { site: new URL(publicUrl).host }),
    links: siteLinks(site, speech),
  });
}

type Notice = Links &
  Pick<Order, 'attendee' | 'language'> & {
    event: EventFacts;
    kind: NoticeKind;
    refunded: Money | null;
    heldUntil?: string | null;
    /** Whether a payment stays with the organizer. */
    kept?: boolean;
    /** Whether it was made outside of this service. */
    elsewhere?: boolean;
    /** What was paid; undefined where it does not matter. */
    amount?: Money;
    /** Whether the whole event was cancelled. */
    eventCancelled?: boolean;
  };

/** Tells about a registration that is not, or no longer, confirmed, and about the money. */
export function noticeMail(notice: Notice): Mail {
  const { kind, heldUntil, event } = notice;
  const speech = speak(notice.language ?? LANGUAGES[0]);
  const { t, locale } = speech;
  const words = kind === 'cancelled' && notice.eventCancelled ? 'event-cancelled' : kind;
  const title = t(`mail.${words}`);
  const held = kind === 'payment-failed' && heldUntil;
  return render('notice', t('mail.notice.subject', { title, event: event.name }), {
    ...notice,
    ...speech,
    links: siteLinks(notice.site, speech),
    hello: t('mail.hello', { name: notice.attendee.firstName }),
    title,
    sentence: held
      ? t('mail.payment-failed.held', { event: event.name, time: longTime(held, event.timeZone, locale) })
      : t(`mail.${words}.text`, { event: event.name }),
    truth: truthAbout(notice, speech),
  });
}

/** Whether money moved, and how much of it. */
function truthAbout({ refunded, kept, elsewhere, amount }: Notice, { t, money }: Speech): string {
  if (kept) return t(elsewhere ? 'mail.kept.elsewhere' : 'mail.kept');
  if (!refunded) return t('mail.not-charged');
  const isPart = amount !== undefined && refunded.minor < amount.minor;
  return t(isPart ? 'mail.refund-part' : 'mail.refund', { amount: money(refunded) });
}
