/** The pages that attendees see, as HTML; everything shown is escaped. */
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';
import { countries } from '../countries.ts';
import type { EventFacts, Progress, StepName } from '../registration.ts';
import { eventDates } from './dates.ts';

/** What the browser loads: the script and the stylesheet. */
export const publicFolder = fileURLToPath(new URL('public', import.meta.url));

const eta = new Eta({ views: fileURLToPath(new URL('views', import.meta.url)), cache: true });

// Named and sorted once: that is the dearest part of the form.
const COUNTRIES = countries();

type Price = { value: string; currency: string };
type TicketTypeView = { id: string; name: string; price: Price; available: number | null };
type EventView = Omit<EventFacts, 'seller'> & { currency: string; ticketTypes: TicketTypeView[] };
type When = Pick<EventView, 'name' | 'startsAt' | 'endsAt' | 'timeZone' | 'venue'>;

const isFree = (price: Price) => Number(price.value) === 0;
const priced = (price: Price) => (isFree(price) ? 'Free' : `${price.currency} ${price.value}`);

/** What the one button of the form does and costs. */
const action = (price: Price) => (isFree(price) ? 'Register for free' : `Pay ${priced(price)}`);

/** The events to choose from, where there is not exactly one. */
export function eventsPage({ events }: { events: EventView[] }): string {
  return eta.render('events', {
    title: 'Events',
    events: events.map((event) => ({ ...event, when: eventDates(event) })),
  });
}

/** The registration form of one event. `webUrl` is the origin of PayPal's browser SDK. */
export function formPage({
  event,
  paypal,
  privacyUrl,
}: {
  event: EventView;
  paypal: { webUrl: string; clientId: string };
  privacyUrl: string | null;
}): string {
  return eta.render('form', {
    title: event.name,
    event,
    when: eventDates(event),
    paypal,
    privacyUrl,
    countries: COUNTRIES,
    tickets: event.ticketTypes.map((ticket) => ({
      ...ticket,
      label: priced(ticket.price),
      action: action(ticket.price),
      free: isFree(ticket.price),
      soldOut: ticket.available === 0,
      left: ticket.available === null ? '' : ticket.available === 0 ? 'sold out' : `${ticket.available} left`,
    })),
  });
}

const HEADLINES: Record<Progress['status'], [title: string, text: string]> = {
  processing: [
    'We are working on it',
    'You need not do anything, and please do not pay again: this page goes on by itself, and an e-mail tells you the outcome.',
  ],
  confirmed: [
    'You are registered',
    'Your reference is your proof of registration: please have it ready at the door.',
  ],
  declined: [
    'The payment did not go through',
    'You have not been charged. Your seat is still held for a while: go back to the form and try another card.',
  ],
  expired: [
    'This registration has expired',
    'The time to pay ran out. You have not been charged, and are welcome to register again.',
  ],
  refunded: [
    'This registration was refunded',
    'We are sorry: the seat could not be kept. What you paid is on its way back to you.',
  ],
  cancelled: [
    'This registration was cancelled',
    'The organizer cancelled it. Whatever you paid is on its way back to you.',
  ],
};

const STEPS: Record<StepName, string> = {
  payment: 'Payment',
  order: 'Order',
  email: 'Confirmation e-mail',
  'mailing-list': 'Newsletter',
};
const STATES: Record<Progress['steps'][number]['state'], string> = {
  waiting: 'not yet',
  running: 'in progress',
  retrying: 'not yet: we are still trying',
  done: 'done',
  failed: 'did not work',
  skipped: 'not asked for',
};

type StatusPage = {
  registration: Progress & { id: string; reference: string };
  /** The registered address, masked; null where nothing is known of it. */
  maskedEmail: string | null;
  event: When | null;
};

/** Where a registration stands. Until nothing moves any more, the page loads itself again. */
export function statusPage({ registration, maskedEmail, event }: StatusPage): string {
  const { status, steps, reference } = registration;
  const [headline, text] = HEADLINES[status];
  const open = steps.filter(({ state }) => ['waiting', 'running', 'retrying'].includes(state));
  const moving = status === 'processing' || (status === 'confirmed' && open.length > 0);
  // A mail that is being tried again may take hours: no need to ask every other second.
  const refresh = !moving
    ? 0
    : open.every(({ state }) => state === 'retrying') && status === 'confirmed'
      ? 30
      : 2;
  return eta.render('status', {
    title: headline,
    ...{ status, reference, headline, text, refresh, maskedEmail, event },
    when: event && eventDates(event),
    steps: steps.map(({ name, state }) => ({ name: STEPS[name], state, label: STATES[state] })),
  });
}

/** A problem as a page, for somebody who followed a link. */
export function problemPage(problem: { status: number; title: string; detail: string }): string {
  return eta.render('problem', problem);
}
