/** The e-mails attendees get, and the calendar entry that goes with them. */
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';
import { createEvent, type DateArray } from 'ics';
import { formatMoney, type EventFacts, type Money, type NoticeKind, type Order } from '../registration.ts';
import { eventDates, longDate } from './dates.ts';

export type Mail = { subject: string; html: string; text: string };

const eta = new Eta({ views: fileURLToPath(new URL('emails', import.meta.url)), cache: true });
// The text parts are not HTML: escaping would show its traces there, and every line break counts.
const plain = new Eta({
  views: fileURLToPath(new URL('emails', import.meta.url)),
  cache: true,
  autoEscape: false,
  autoTrim: false,
});

const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ').trim();

function render(template: string, subject: string, data: object): Mail {
  return {
    subject: oneLine(subject),
    html: eta.render(template, data),
    text: plain.render(`${template}-text`, data).trim() + '\n',
  };
}

type Confirmation = {
  order: Pick<Order, 'id' | 'event' | 'ticketType' | 'attendee' | 'billing' | 'amount'>;
  reference: string;
  paidAt: string;
  statusUrl: string;
};

/** The proof of registration, which is the receipt too: seller, buyer, amount, date. */
export function confirmationMail({ order, reference, paidAt, statusUrl }: Confirmation): Mail {
  const { event, ticketType, attendee, billing, amount } = order;
  return render('confirmation', `Your registration for ${event.name} (${reference})`, {
    ...{ event, ticketType, attendee, reference, statusUrl },
    when: eventDates(event),
    seller: event.seller.split('\n'),
    buyer: [
      attendee.organization,
      `${attendee.firstName} ${attendee.lastName}`,
      billing.addressLine1,
      billing.addressLine2,
      [billing.postalCode, billing.city].join(' '),
      billing.region,
      new Intl.DisplayNames('en', { type: 'region' }).of(billing.countryCode),
    ].filter(Boolean),
    amount: amount.minor === 0 ? 'Free of charge' : formatMoney(amount),
    free: amount.minor === 0,
    paidOn: longDate(paidAt, event.timeZone),
  });
}

type Notice = {
  kind: NoticeKind;
  event: EventFacts;
  attendee: Order['attendee'];
  reference: string;
  refunded: Money | null;
  statusUrl: string;
};

/** What became of a registration that is none (any more), and of the money. */
export function noticeMail({ kind, event, attendee, reference, refunded, statusUrl }: Notice): Mail {
  const money = refunded
    ? `The full amount of ${formatMoney(refunded)} is on its way back to you, the way you paid. That can take your bank a few days.`
    : 'You have not been charged.';
  const [subject, sentence] = {
    'payment-failed': [
      'Your payment did not go through',
      `Your payment for ${event.name} could not be completed, so you are not registered. You are welcome to register again.`,
    ],
    refunded: [
      'Your registration could not be completed',
      `We are sorry: the seat for ${event.name} could not be kept, so you are not registered.`,
    ],
    cancelled: [
      'Your registration was cancelled',
      `Your registration for ${event.name} was cancelled by the organizer.`,
    ],
  }[kind] as [string, string];
  return render('notice', `${subject}: ${event.name}`, {
    event,
    attendee,
    reference,
    statusUrl,
    subject,
    sentence,
    money,
  });
}

/** The event as an iCalendar file. Its UID is the registration's, so that an update replaces the entry. */
export function calendarFile({
  id,
  event,
  reference,
  statusUrl,
}: {
  id: string;
  event: EventFacts;
  reference: string;
  statusUrl: string;
}): string {
  const utc = (iso: string): DateArray => {
    const date = new Date(iso);
    return [
      date.getUTCFullYear(),
      date.getUTCMonth() + 1,
      date.getUTCDate(),
      date.getUTCHours(),
      date.getUTCMinutes(),
    ];
  };
  const { error, value } = createEvent({
    uid: `registration-${id}@${new URL(statusUrl).hostname}`,
    sequence: 0,
    productId: 'event-registration',
    method: 'PUBLISH',
    title: event.name,
    location: event.venue,
    description: `Reference ${reference}`,
    url: statusUrl,
    start: utc(event.startsAt),
    startInputType: 'utc',
    startOutputType: 'utc',
    end: utc(event.endsAt),
    endInputType: 'utc',
    endOutputType: 'utc',
  });
  if (!value) throw new Error('The calendar entry cannot be written', { cause: error });
  return value;
}
