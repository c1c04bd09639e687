/** The pages that attendees see, as HTML. */
import { isMessage, type MessageKey } from '../../messages/index.ts';
import type { Money } from '../../money.ts';
import { isOpen, type EventFacts, type Progress, type Step } from '../../registration.ts';
import { eventDates } from '../dates.ts';
import { qrSvg } from '../qr.ts';
import { createRenderer, type Frame } from '../render.ts';
import { addressFields, countryOptions, personFields } from './fields.ts';

const render = createRenderer(new URL('views', import.meta.url));

type TicketTypeView = { id: string; name: string; price: Money; available: number | null; soldOut: boolean };
type EventView = EventFacts & { ticketTypes: TicketTypeView[] };

/** Modules: the first one is the page's own, the others are what it imports. */
const FORM_SCRIPTS = ['form.js', 'checkout.js', 'fields.js', 'hold.js', 'messages.js', 'paypal.js'];
const STATUS_SCRIPTS = ['status.js', 'checkout.js', 'messages.js'];

/** The events to choose from, when there is not exactly one. */
export function eventsPage(frame: Frame, events: EventView[]): string {
  const { t, locale } = frame.speech;
  return render('events', frame, [], {
    title: t('events.title'),
    events: events.map((event) => ({ ...event, when: eventDates(event, locale) })),
  });
}

type FormPage = {
  event: EventView;
  /** `webUrl` is the origin of PayPal's browser SDK. */
  paypal: { webUrl: string; clientId: string };
  holdMinutes: number;
};

/** The registration form of one event. */
export function formPage(frame: Frame, { event, paypal, holdMinutes }: FormPage): string {
  const { speech } = frame;
  const { t, money, locale } = speech;
  const left = ({ available, soldOut }: TicketTypeView) => {
    if (soldOut) return t('form.sold-out');
    if (available === 0) return t('form.held', { minutes: holdMinutes });
    return available === null ? '' : t('form.left', { count: available });
  };
  return render('form', frame, FORM_SCRIPTS, {
    title: event.name,
    event,
    when: eventDates(event, locale),
    paypal,
    person: personFields(speech),
    address: addressFields(speech),
    countries: countryOptions(speech),
    tickets: event.ticketTypes.map((ticket) => {
      const free = ticket.price.minor === 0;
      const price = free ? t('form.free') : money(ticket.price);
      const action = free ? t('form.register-free') : t('form.pay', { amount: price });
      return { ...ticket, free, price, action, left: left(ticket) };
    }),
    messages: speech.unfilled('browser.', 'fault.', 'form.card-', 'form.choose-', 'problem.invalid-fields'),
  });
}

type StatusPage = {
  registration: Progress & { id: string; reference: string };
  /** Whether it may change by itself. */
  moving: boolean;
  /** Undefined before the payment, and after the person was erased. */
  event: EventFacts | undefined;
  ticket: { name: string; maskedEmail: string } | undefined;
};

/** The message for a step's state. Some states of some steps have messages of their own. */
function stateOf({ name, state }: Step): MessageKey {
  const own = `state.${name}.${state}`;
  return isMessage(own) ? own : `state.${state}`;
}

/** The status of a registration. The page's script updates it from there. */
export function statusPage(frame: Frame, page: StatusPage): string {
  const { registration, event } = page;
  const { status, steps, reference } = registration;
  const { t, locale } = frame.speech;
  return render('status', frame, STATUS_SCRIPTS, {
    ...page,
    title: t(`status.${status}`),
    text: t(`status.${status}.text`),
    when: event && eventDates(event, locale),
    qr: status === 'confirmed' ? qrSvg(reference) : null,
    resend:
      status === 'confirmed' && page.ticket && !steps.some((step) => step.name === 'email' && isOpen(step)),
    steps: steps.map((step) => ({ ...step, label: t(`step.${step.name}`), told: t(stateOf(step)) })),
    messages: frame.speech.unfilled('browser.'),
  });
}

/** A problem as a page. */
export function problemPage(frame: Frame, problem: { title: string; detail: string }): string {
  return render('problem', frame, [], problem);
}
