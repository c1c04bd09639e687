/** The form with which organizers add a registration, as HTML. */
import { ADDED_AS } from '../../addition.ts';
import type { OpenEvent, OpenTicketType } from '../../database/desk/open-events.ts';
import type { TypedFault } from '../../imports/row.ts';
import type { MessageKey, Speech } from '../../messages/index.ts';
import { LANGUAGES } from '../../registration.ts';
import { render, type OrganizerFrame } from './frame.ts';

/** What was typed before, its faults, and why nobody was added. */
export type AddForm = {
  typed: Record<string, unknown>;
  faults?: readonly TypedFault[];
  told?: MessageKey;
};
type AddPage = { events: OpenEvent[]; newAction: string; form: AddForm };

/** Fields of text, in order, with the longest that is taken. */
const TEXTS = [
  { field: 'firstName', label: 'field.firstName', maxLength: 100, needed: true },
  { field: 'lastName', label: 'field.lastName', maxLength: 100, needed: true },
  { field: 'email', label: 'field.email', maxLength: 254, needed: true },
  { field: 'organization', label: 'organizer.add.organization', maxLength: 200, needed: false },
] as const;
/** The order of the fields on the page. */
const ORDER = ['ticketType', ...TEXTS.map(({ field }) => field), 'payment', 'amount', 'note', 'language'];

export function addPage(frame: OrganizerFrame, { events, newAction, form }: AddPage): string {
  const { t } = frame.speech;
  const { typed, faults = [], told } = form;
  const faulty = ORDER.find((field) => faults.some(({ column }) => column === field));
  const fault = (field: string) => {
    const found = faults.find(({ column }) => column === field);
    return found && t(`organizer.add.fault.${found.fault}`);
  };
  const field = (name: string) => ({
    ...{ value: typeof typed[name] === 'string' ? typed[name] : '', fault: fault(name) },
    isFirst: faulty === name,
  });
  return render('add', frame, {
    title: t('organizer.add.title'),
    action: newAction,
    problem: told ? t(told) : faults.length > 0 ? t('organizer.add.fault') : null,
    events: events.map(({ id, name, ticketTypes }) => ({
      name,
      ticketTypes: ticketTypes.map((type) => ({
        value: `${id}/${type.id}`,
        label: ticketTypeLabel(frame.speech, type),
        isChosen: typed.ticket === `${id}/${type.id}`,
      })),
    })),
    ticket: { ...field('ticketType') },
    texts: TEXTS.map(({ label, ...text }) => ({ ...text, label: t(label), ...field(text.field) })),
    payment: {
      ...field('payment'),
      ways: ADDED_AS.map((way) => ({
        ...{ way, label: t(`organizer.add.payment.${way}`), text: t(`organizer.add.payment.${way}.text`) },
        isChosen: typed.payment === way,
      })),
    },
    ...{ amount: field('amount'), note: field('note') },
    mailLanguage: {
      ...field('language'),
      choices: LANGUAGES.map((language) => ({
        language,
        name: new Intl.DisplayNames(frame.speech.locale, { type: 'language' }).of(language) ?? language,
        isChosen: (typed.language ?? frame.speech.language) === language,
      })),
    },
    opensImport: frame.desk?.opens('/organizer/import') ?? false,
  });
}

/** How many seats are left, in words. */
export const seatsLeft = ({ t }: Speech, free: number | null): string =>
  free === null ? t('organizer.add.unlimited') : t('organizer.add.left', { count: Math.max(0, free) });

const ticketTypeLabel = (speech: Speech, { name, price, free }: OpenTicketType) =>
  speech.t('organizer.add.ticket.option', {
    ...{ name, price: price.minor === 0 ? speech.t('form.free') : speech.money(price) },
    left: seatsLeft(speech, free),
  });
