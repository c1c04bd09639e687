/** The pages that attendees see, as HTML. */
import { isMessage, type MessageKey, type Speech } from '../../messages/index.ts';
import { decimal, type Money } from '../../money.ts';
import type { Question } from '../../questions.ts';
import { isOpen, type EventFacts, type Progress, type Step } from '../../registration.ts';
import { eventDates, longTime } from '../dates.ts';
import { firstParagraph, toHtml } from '../markdown.ts';
import { qrSvg } from '../qr.ts';
import { createRenderer, type Frame } from '../render.ts';
import { addressFields, countryOptions, personFields, questionFields } from './fields.ts';

const render = createRenderer(new URL('views', import.meta.url));

type TicketTypeView = {
  id: string;
  name: string;
  price: Money;
  available: number | null;
  soldOut: boolean;
  /** Whether it is on sale now, will be from a moment (ISO 8601) on, or was. */
  sale: { state: 'on' | 'ended' } | { state: 'upcoming'; startsAt: string };
};
type EventView = EventFacts & {
  description: string | null;
  pictureHash: string | null;
  pictureAlt: string | null;
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

/** Where an event has its page. */
export const eventPath = (id: string): string => `/events/${id}`;

/** Why there is a list of events instead of the form of one. */
export type NoForm = 'unknown' | 'over' | 'cancelled' | 'sold-out';

/** What an event has for sale now: seats, seats later, no seats any more; or its sale has ended. */
export function saleOf({
  ticketTypes,
}: Pick<EventView, 'ticketTypes'>): 'on' | 'upcoming' | 'sold-out' | 'ended' {
  const onSale = ticketTypes.filter(({ sale }) => sale.state === 'on');
  if (onSale.some(({ soldOut }) => !soldOut)) return 'on';
  if (ticketTypes.some(({ sale }) => sale.state === 'upcoming')) return 'upcoming';
  return onSale.length > 0 ? 'sold-out' : 'ended';
}

/** What there is to know about the sale of an event that sells nothing now; null while it does. */
function saleText({ t, locale }: Speech, event: EventView): string | null {
  const sale = saleOf(event);
  if (sale === 'on') return null;
  if (sale === 'sold-out') return t('form.sold-out');
  if (sale === 'ended') return t('events.sale.ended');
  const [first = ''] = event.ticketTypes
    .flatMap((type) => (type.sale.state === 'upcoming' ? [type.sale.startsAt] : []))
    .toSorted();
  return t('events.sale.upcoming', { time: longTime(first, event.timeZone, locale) });
}

/** The events to choose from. With `why`, it says first why the one that was asked for is not among them. */
export function eventsPage(
  frame: Frame,
  events: EventView[],
  why?: { reason: NoForm; name: string },
): string {
  const { speech } = frame;
  const { t, locale } = speech;
  return render('events', frame, [], {
    title: why ? t(`events.${why.reason}`, { event: why.name }) : t('events.title'),
    text: why && t(`events.${why.reason}.text`),
    events: events.map((event) => ({
      ...event,
      ...{ href: eventPath(event.id), when: eventDates(event, locale), sale: saleText(speech, event) },
    })),
  });
}

/** Name and address of the seller in one line, for the footer. */
const sellerLine = ({ seller }: EventFacts) => seller.replaceAll('\n', ', ');

/** What every page of an event shows: its facts, its description and its picture. */
function aboutEvent({ speech, publicUrl }: Frame, event: EventView, picturePath?: string) {
  const when = eventDates(event, speech.locale);
  const picture =
    event.pictureHash && `${picturePath ?? `${eventPath(event.id)}/picture`}?v=${event.pictureHash}`;
  const text = event.description ?? '';
  return {
    preview: {
      title: event.name,
      description: firstParagraph(text) ?? `${when} · ${event.venue}`,
      url: publicUrl + eventPath(event.id),
      picture: picture && publicUrl + picture,
    },
    seller: sellerLine(event),
    ...{ event, when, picture, pictureAlt: event.pictureAlt ?? '' },
    description: text && toHtml(text),
  };
}

/** The price of a ticket type, and how many seats are left or when they are on sale. */
function ticketView(
  { t, money, locale }: Speech,
  ticket: TicketTypeView,
  event: EventFacts,
  holdMinutes: number,
) {
  const isFree = ticket.price.minor === 0;
  const price = isFree ? t('form.free') : money(ticket.price);
  const left = () => {
    const { available, soldOut, sale } = ticket;
    if (sale.state === 'ended') return t('events.sale.ticket-ended');
    if (sale.state === 'upcoming')
      return t('events.sale.upcoming', { time: longTime(sale.startsAt, event.timeZone, locale) });
    if (soldOut) return t('form.sold-out');
    if (available === 0) return t('form.held', { minutes: holdMinutes });
    return available === null ? '' : t('form.left', { count: available });
  };
  return { ...ticket, isFree, price, left: left(), isOnSale: ticket.sale.state === 'on' };
}

type EventPage = {
  event: EventView;
  holdMinutes: number;
  /** Whether there is a list of events to go back to. */
  toEvents: boolean;
  /** For organizers: what attendees will see. `picturePath` is where they find the picture. */
  draft?: { picturePath: string };
};

/** An event that has nothing for sale now, or that organizers look at before it has. */
export function eventPage(frame: Frame, { event, holdMinutes, toEvents, draft }: EventPage): string {
  const { speech } = frame;
  return render('event', frame, [], {
    ...aboutEvent(frame, event, draft?.picturePath),
    ...(draft && { preview: null }),
    title: event.name,
    toEvents,
    told: draft ? speech.t('events.preview') : saleText(speech, event),
    tickets: event.ticketTypes.map((ticket) => ticketView(speech, ticket, event, holdMinutes)),
  });
}

type FormPage = Omit<EventPage, 'draft'> & {
  /** `webUrl` is the origin of PayPal's browser SDK. */
  paypal: { webUrl: string; clientId: string };
};

/** The registration form of one event. */
export function formPage(frame: Frame, { event, paypal, holdMinutes, toEvents }: FormPage): string {
  const { speech } = frame;
  const { t } = speech;
  return render('form', frame, FORM_SCRIPTS, {
    ...aboutEvent(frame, event),
    title: t('form.title', { event: event.name }),
    paypal,
    toEvents,
    person: personFields(speech),
    questions: questionFields(event.questions, speech),
    address: addressFields(speech),
    countries: countryOptions(speech),
    tickets: event.ticketTypes.map((ticket) => {
      const view = ticketView(speech, ticket, event, holdMinutes);
      const action = view.isFree ? t('form.register-free') : t('form.pay', { amount: view.price });
      return { ...view, amount: decimal(ticket.price), action };
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
