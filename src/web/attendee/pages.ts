/** The pages that attendees see, as HTML. */
import { isMessage, type MessageKey } from '../../messages/index.ts';
import { decimal, type Money } from '../../money.ts';
import type { Question } from '../../questions.ts';
import { isOpen, type EventFacts, type Progress, type Step } from '../../registration.ts';
import { eventDates } from '../dates.ts';
import { qrSvg } from '../qr.ts';
import { createRenderer, type Frame } from '../render.ts';
import { addressFields, countryOptions, personFields, questionFields } from './fields.ts';

const render = createRenderer(new URL('views', import.meta.url));

type TicketTypeView = { id: string; name: string; price: Money; available: number | null; soldOut: boolean };
type EventView = EventFacts & {
  description: string | null;
  pictureHash: string | null;
  ticketTypes: TicketTypeView[];
  questions: Question[];
};

/** Modules: the first one is the page's own, the others are what it imports. */
const FORM_SCRIPTS = [
  ...[
    'form.js',
    'address.js',
    'checkout.js',
    'fields.js',
    'hold.js',
    'messages.js',
    'paypal.js',
    'problems.js',
  ],
  ...['questions.js', 'regions.js', 'storage.js', 'suggestion.js', 'tickets.js', 'wallet.js'],
];
const STATUS_SCRIPTS = ['status.js', 'checkout.js', 'messages.js', 'storage.js'];

/** Why there is a list of events instead of the form of one. */
export type NoForm = 'unknown' | 'over' | 'cancelled' | 'sold-out';

/** The events to choose from. With `why`, it says first why the one that was asked for is not among them. */
export function eventsPage(
  frame: Frame,
  events: EventView[],
  why?: { reason: NoForm; name: string },
): string {
  const { t, locale } = frame.speech;
  return render('events', frame, [], {
    title: why ? t(`events.${why.reason}`, { event: why.name }) : t('events.title'),
    text: why && t(`events.${why.reason}.text`),
    events: events.map((event) => ({ ...event, when: eventDates(event, locale) })),
  });
}

/** Name and address of the seller in one line, for the footer. */
const sellerLine = ({ seller }: EventFacts) => seller.replaceAll('\n', ', ');

/** The paragraphs of a description, which are separated by blank lines. */
const paragraphs = (text: string | null) =>
  (text ?? '').split(/\n\s*\n/).filter((part) => part.trim() !== '');

type FormPage = {
  event: EventView;
  /** `webUrl` is the origin of PayPal's browser SDK. */
  paypal: { webUrl: string; clientId: string };
  holdMinutes: number;
  /** Whether there is a list of events to go back to. */
  toEvents: boolean;
};

/** The registration form of one event. */
export function formPage(frame: Frame, { event, paypal, holdMinutes, toEvents }: FormPage): string {
  const { speech, publicUrl } = frame;
  const { t, money, locale } = speech;
  const left = ({ available, soldOut }: TicketTypeView) => {
    if (soldOut) return t('form.sold-out');
    if (available === 0) return t('form.held', { minutes: holdMinutes });
    return available === null ? '' : t('form.left', { count: available });
  };
  const when = eventDates(event, locale);
  const picture = event.pictureHash && `/events/${event.id}/picture?v=${event.pictureHash}`;
  const description = paragraphs(event.description);
  return render('form', frame, FORM_SCRIPTS, {
    title: t('form.title', { event: event.name }),
    preview: {
      title: event.name,
      description: description[0] ?? `${when} · ${event.venue}`,
      url: `${publicUrl}/?event=${event.id}`,
      picture: picture && publicUrl + picture,
    },
    seller: sellerLine(event),
    event,
    when,
    picture,
    description,
    paypal,
    toEvents,
    person: personFields(speech),
    questions: questionFields(event.questions, speech),
    address: addressFields(speech),
    countries: countryOptions(speech),
    tickets: event.ticketTypes.map((ticket) => {
      const free = ticket.price.minor === 0;
      const price = free ? t('form.free') : money(ticket.price);
      const action = free ? t('form.register-free') : t('form.pay', { amount: price });
      return { ...ticket, amount: decimal(ticket.price), price, action, left: left(ticket) };
    }),
    messages: speech.unfilled(
      ...['browser.', 'fault.', 'form.card-', 'form.choose-', 'form.pay', 'problem.invalid-fields'],
    ),
  });
}

type StatusPage = {
  registration: Progress & { id: string; reference: string };
  /** Whether it may change by itself. */
  moving: boolean;
  /** Undefined before the payment, and after the person was erased. */
  event: EventFacts | undefined;
  ticket:
    | {
        name: string;
        attendee: string;
        amount: Money;
        refunded: Money;
        maskedEmail: string;
        eventCancelled?: boolean;
      }
    | undefined;
};

/** The message for a step's state. Some states of some steps have messages of their own. */
function stateOf({ name, state }: Step): MessageKey {
  const own = `state.${name}.${state}`;
  return isMessage(own) ? own : `state.${state}`;
}

/** The message for a status. What went back of the payment of an order stands among its facts. */
function textOf({ registration: { status }, ticket }: StatusPage): MessageKey {
  const own = `status.${status}.text.ordered`;
  return ticket && isMessage(own) ? own : `status.${status}.text`;
}

/** The status of a registration. The page's script updates it from there. */
export function statusPage(frame: Frame, page: StatusPage): string {
  const { registration, event, ticket } = page;
  const { status, steps, reference } = registration;
  const { t, locale, money } = frame.speech;
  const confirmed = status === 'confirmed';
  // Until the registration itself is cancelled, it is not valid any more all the same.
  const isVoid = confirmed && !!ticket?.eventCancelled;
  const heading = t(isVoid ? 'status.event-cancelled' : `status.${status}`);
  const email = steps.find(({ name }) => name === 'email');
  const late = confirmed && !isVoid && (email?.state === 'retrying' || email?.state === 'failed');
  return render('status', frame, STATUS_SCRIPTS, {
    ...page,
    title: event ? `${heading} · ${event.name}` : heading,
    heading,
    isVoid,
    text: t(isVoid ? 'status.event-cancelled.text' : textOf(page)),
    note: late ? t('status.valid') : null,
    seller: event ? sellerLine(event) : null,
    facts: [
      ...(ticket ? [[t('status.name'), ticket.attendee]] : []),
      ...(event
        ? [
            [t('status.event'), event.name],
            [t('status.when'), eventDates(event, locale)],
            [t('status.where'), event.venue],
          ]
        : []),
      ...(ticket
        ? [
            [t('status.ticket'), ticket.name],
            [t('mail.total'), ticket.amount.minor === 0 ? t('form.free') : money(ticket.amount)],
            ...(ticket.refunded.minor > 0 ? [[t('status.money-back'), money(ticket.refunded)]] : []),
            [t('status.email'), ticket.maskedEmail],
          ]
        : []),
    ],
    qr: confirmed && !isVoid ? qrSvg(reference) : null,
    resend: confirmed && !isVoid && ticket && !steps.some((step) => step.name === 'email' && isOpen(step)),
    steps: steps.map((step) => ({ ...step, label: t(`step.${step.name}`), told: t(stateOf(step)) })),
    messages: frame.speech.unfilled('browser.'),
  });
}

/** The page behind the link that confirms an e-mail address: a button, and nothing about a person. */
export function confirmationPage(frame: Frame, { event }: { event: EventFacts }): string {
  const { t } = frame.speech;
  const text = t('confirm.text', { event: event.name });
  return render('confirm', frame, [], { title: t('mail.confirm'), text, seller: sellerLine(event) });
}

/** A problem as a page. */
export function problemPage(frame: Frame, problem: { title: string; detail: string }): string {
  return render('problem', frame, [], problem);
}
