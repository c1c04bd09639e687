/** What organizers type about a registration, in a form or in a row of a file, and what is wrong with it. */
import { Check } from 'typebox/value';
import type { AddedAs, Addition } from '../addition.ts';
import type { OpenEvent, OpenTicketType } from '../database/desk/open-events.ts';
import { Attendee, holdsCardNumber, isBroken } from '../form.ts';
import { parseMoney, type Money } from '../money.ts';
import { Note } from '../organizer.ts';
import { LANGUAGES, type Language } from '../registration.ts';
import type { Column, FaultName } from './report.ts';

export type Typed = Partial<Record<Column, string | undefined>>;
export type TypedFault = { column: Column; fault: FaultName };
export type ReadRow =
  | { status: 'read'; addition: Omit<Addition, 'id'> }
  /** The faults, in the order of the columns. */
  | { status: 'faulty'; faults: TypedFault[] };

/** The largest amount that can be stored. */
const MOST_MINOR = 2_147_483_647;

/** Words for the ways of paying and for the languages, as files may have them, in small letters. */
const PAYMENTS: Record<AddedAs, string[]> = {
  complimentary: ['complimentary', 'comp', 'freikarte', 'ehrenkarte'],
  free: ['free', 'kostenlos'],
  elsewhere: ['elsewhere', 'paid elsewhere', 'anderswo', 'anderswo bezahlt'],
};
const LANGUAGE_WORDS: Record<Language, string[]> = {
  en: ['en', 'english', 'englisch'],
  de: ['de', 'german', 'deutsch'],
};
const wordOf = <K extends string>(words: Record<K, string[]>, typed: string): K | undefined =>
  (Object.keys(words) as K[]).find((key) => words[key].includes(typed.trim().toLowerCase()));

/** Reads what was typed about a registration for an event. `language` is that of the mails where nothing is said. */
export function readRow(typed: Typed, event: OpenEvent, language: Language): ReadRow {
  const faults: TypedFault[] = [];
  const fail = (column: Column, fault: FaultName) => void faults.push({ column, fault });
  const { email = '', organization, note } = typed;
  for (const column of ['firstName', 'lastName'] as const) {
    const fault = faultInName(typed[column], Attendee.properties[column]);
    if (fault) fail(column, fault);
  }
  if (email === '') fail('email', 'needed');
  else if (!Check(Attendee.properties.email, email)) fail('email', 'email');
  const inOrganization =
    organization !== undefined && faultInName(organization, Attendee.properties.organization);
  if (inOrganization) fail('organization', inOrganization === 'name' ? 'organization' : inOrganization);

  const type = findTicketType(typed.ticketType, event);
  if (typeof type === 'string') fail('ticketType', type);
  const paid = typeof type === 'string' ? undefined : readPayment(typed, type, event.currency);
  if (paid && 'fault' in paid) faults.push(paid);
  if (note !== undefined) {
    if (!Check(Note, note) || isBroken(note)) fail('note', 'note');
    else if (holdsCardNumber(note)) fail('note', 'card-number');
  } else if (paid && !('fault' in paid) && paid.addedAs === 'elsewhere') fail('note', 'note-needed');
  const spoken = typed.language === undefined ? language : wordOf(LANGUAGE_WORDS, typed.language);
  if (!spoken) fail('language', 'language');

  if (faults.length > 0 || typeof type === 'string' || !paid || 'fault' in paid)
    return { status: 'faulty', faults };
  return {
    status: 'read',
    addition: {
      ...{ event: event.id, ticketType: type.id },
      ...{ firstName: typed.firstName ?? '', lastName: typed.lastName ?? '', email, organization },
      ...{ amount: paid.amount, note, language: spoken ?? LANGUAGES[0] },
    },
  };
}

function faultInName(text: string | undefined, schema: object): FaultName | undefined {
  if (text === undefined) return 'needed';
  if (!Check(schema, text) || isBroken(text)) return 'name';
  return holdsCardNumber(text) ? 'card-number' : undefined;
}

/** A ticket type by its id or its name; the fault where there is none, or several have the name. */
function findTicketType(typed: string | undefined, { ticketTypes }: OpenEvent): OpenTicketType | FaultName {
  if (typed === undefined) return 'needed';
  const byId = ticketTypes.find(({ id }) => id === typed);
  if (byId) return byId;
  const named = ticketTypes.filter(({ name }) => name.toLowerCase() === typed.toLowerCase());
  const [only] = named;
  if (!only) return 'ticket-type';
  return named.length > 1 ? 'ticket-type-name' : only;
}

/** How a registration is paid. Only what is paid elsewhere costs something: the price, where no amount is given. */
function readPayment(
  { payment, amount: typed }: Typed,
  { price }: OpenTicketType,
  currency: string,
): { addedAs: AddedAs; amount: Money } | TypedFault {
  const isFree = price.minor === 0;
  const addedAs = payment === undefined && isFree ? 'free' : wordOf(PAYMENTS, payment ?? '');
  if (!addedAs) return { column: 'payment', fault: payment === undefined ? 'needed' : 'payment' };
  if (addedAs === 'free' && !isFree) return { column: 'payment', fault: 'not-free' };
  const amount = typed === undefined ? undefined : parseMoney(typed, currency);
  if (typed !== undefined && (!amount || amount.minor > MOST_MINOR))
    return { column: 'amount', fault: 'amount' };
  if (addedAs !== 'elsewhere')
    return amount && amount.minor > 0
      ? { column: 'amount', fault: 'amount-nothing' }
      : { addedAs, amount: { minor: 0, currency } };
  const paid = amount ?? price;
  return paid.minor > 0 ? { addedAs, amount: paid } : { column: 'amount', fault: 'amount-needed' };
}
