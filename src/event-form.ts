/**
 * What organizers fill in for an event: fields with names, whose values are texts, as a form sends them. One ticket type has the
 * fields `type.<key>.<part>`, where the key is its id, or `_1`, `_2` and so on for one that is to be added. No I/O.
 */
import type { MessageKey } from './messages/index.ts';
import { decimal, parseMoney } from './money.ts';
import { isBroken, isLine, isSlug } from './form.ts';
import { readLocalTime, TIME_ZONES, writeLocalTime } from './zoned-time.ts';

/** The currencies that PayPal takes payments in (developer.paypal.com, currency codes). Some only for accounts in their country. */
export const CURRENCIES = [
  ...[
    'AUD',
    'BRL',
    'CAD',
    'CHF',
    'CNY',
    'CZK',
    'DKK',
    'EUR',
    'GBP',
    'HKD',
    'HUF',
    'ILS',
    'JPY',
    'MXN',
    'MYR',
  ],
  ...['NOK', 'NZD', 'PHP', 'PLN', 'SEK', 'SGD', 'THB', 'TWD', 'USD'],
];

/** What an event is, apart from its ticket types and its picture. */
export type EventValues = {
  name: string;
  /** Markdown; null without one. */
  description: string | null;
  startsAt: Date;
  endsAt: Date;
  timeZone: string;
  venue: string;
  /** Name and address of the seller, one line each. */
  seller: string;
  currency: string;
};
export type TicketTypeValues = {
  name: string;
  priceMinor: number;
  /** Null: unlimited. */
  capacity: number | null;
  /** Null: at once, and until the event is over. */
  saleStartsAt: Date | null;
  saleEndsAt: Date | null;
  hidden: boolean;
  confirmEmail: boolean;
};
/** A ticket type as the form has it: `id` is null for one that is to be added. */
export type TypedTicketType = TicketTypeValues & { key: string; id: string | null; position: number };
export type Fields = Record<string, string>;
/** What is wrong with a field. */
export type Fault = { field: string; message: MessageKey; values?: Record<string, string | number> };

/** Characters of each text. */
export const LONGEST = {
  id: 64,
  name: 200,
  description: 10_000,
  venue: 300,
  seller: 500,
  ticketType: 100,
  alt: 300,
};
const MOST_SEATS = 1_000_000;
const MOST_MINOR = 99_999_999;
export const MOST_TICKET_TYPES = 50;

export const EVENT_FIELDS = [
  ...['name', 'description', 'timeZone', 'starts', 'ends', 'venue', 'seller', 'currency'],
] as const;
/** The parts of a ticket type. `row` says that it was in the form. */
const PARTS = [
  ...['row', 'name', 'price', 'capacity', 'saleStarts', 'saleEnds', 'hidden', 'confirmEmail', 'position'],
  'remove',
];
const TYPE_FIELD = /^type\.((?:_\d{1,3})|(?:[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?))\.([A-Za-z]+)$/;

export const fieldOf = (key: string, part: string): string => `type.${key}.${part}`;
/** Whether a form of an event may have a field of this name. */
export const isEventField = (name: string): boolean => {
  const [, , part] = TYPE_FIELD.exec(name) ?? [];
  return part === undefined ? (EVENT_FIELDS as readonly string[]).includes(name) : PARTS.includes(part);
};
/** The keys of the ticket types in a form, in its order. */
export const keysIn = (fields: Fields): string[] =>
  Object.keys(fields).flatMap((name) => {
    const [, key, part] = TYPE_FIELD.exec(name) ?? [];
    return key !== undefined && part === 'row' ? [key] : [];
  });
export const isNew = (key: string): boolean => key.startsWith('_');
/** A ticket type that is to be added counts once something is typed. */
const isBlank = (fields: Fields, key: string): boolean =>
  isNew(key) &&
  ['name', 'price', 'capacity', 'saleStarts', 'saleEnds'].every(
    (part) => !fields[fieldOf(key, part)]?.trim(),
  );
/** Whether a ticket type is to be removed with the form. */
const isRemoved = (fields: Fields, key: string): boolean => fields[fieldOf(key, 'remove')] !== undefined;

/** An event as the fields of a form. */
export function toFields(
  event: EventValues & { ticketTypes: (TicketTypeValues & { id: string })[] },
): Fields {
  const { timeZone, currency } = event;
  const local = (at: Date | null) => (at ? writeLocalTime(at, timeZone) : '');
  const fields: Fields = {
    ...{ name: event.name, description: event.description ?? '', timeZone },
    ...{ starts: local(event.startsAt), ends: local(event.endsAt) },
    ...{ venue: event.venue, seller: event.seller, currency },
  };
  for (const [i, type] of event.ticketTypes.entries()) {
    const parts = {
      ...{ row: '1', name: type.name, price: decimal({ minor: type.priceMinor, currency }) },
      capacity: type.capacity === null ? '' : String(type.capacity),
      ...{ saleStarts: local(type.saleStartsAt), saleEnds: local(type.saleEndsAt), position: String(i + 1) },
      ...(type.hidden && { hidden: 'on' }),
      ...(type.confirmEmail && { confirmEmail: 'on' }),
    };
    for (const [part, value] of Object.entries(parts)) fields[fieldOf(type.id, part)] = value;
  }
  return fields;
}

/** A form that came too late, together with what was saved meanwhile. `meanwhile`: what others changed, by field. */
export type Merged = { fields: Fields; meanwhile: Fields; removed: string[] };

/**
 * Brings what was typed together with what was saved meanwhile, so that the form loses neither: a field that was left alone shows
 * what is saved now, and one that both changed keeps what was typed.
 * @param was the fields as the page showed them first
 */
export function merge(typed: Fields, was: Fields, now: Fields): Merged {
  const [there, before] = [keysIn(now), keysIn(was)];
  const removed = keysIn(typed).filter((key) => !isNew(key) && !there.includes(key));
  const fields: Fields = {};
  const meanwhile: Fields = {};
  for (const name of new Set([...Object.keys(now), ...Object.keys(typed)])) {
    const [, key, part] = TYPE_FIELD.exec(name) ?? [];
    if (key !== undefined && removed.includes(key)) continue;
    const [mine, first, saved] = [typed[name] ?? '', was[name] ?? '', now[name] ?? ''];
    const value = saved !== first && mine === first ? saved : mine;
    if (value !== '') fields[name] = value;
    const isTold = part !== 'row' && part !== 'position' && part !== 'remove';
    if (saved !== first && mine !== saved && isTold) meanwhile[name] = saved;
  }
  for (const key of there.filter((other) => !before.includes(other)))
    meanwhile[fieldOf(key, 'name')] = now[fieldOf(key, 'name')] ?? '';
  return { fields, meanwhile, removed };
}

/** The address of an event, or the id of a ticket type, that a name suggests. */
export const slugOf = (name: string): string =>
  name
    .normalize('NFKD')
    .replaceAll('ß', 'ss')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, LONGEST.id)
    .replaceAll(/^-+|-+$/g, '');

/** Addresses that mean something else below the same path. */
const RESERVED = ['new'];

/** Reads the address of a new event: what was typed, or else what its name suggests. */
export function readId({ id = '', name = '' }: Fields): { id: string; faults: Fault[] } {
  const read = id.trim() || slugOf(name);
  const fault = (message: MessageKey) => ({ id: read, faults: [{ field: 'id', message }] });
  if (!isSlug(read))
    return name.trim() || id.trim() ? fault('organizer.event.fault.id') : { id: '', faults: [] };
  return RESERVED.includes(read) ? fault('organizer.event.fault.id-taken') : { id: read, faults: [] };
}

type Before = {
  startsAt: Date;
  endsAt: Date;
  timeZone: string;
  ticketTypes: (TicketTypeValues & { id: string })[];
};

/**
 * Reads a form. All faults are found at once.
 * @param before the event as it is: a time that was not changed stays the same moment, also where the clock shows it twice
 */
export function readEvent(
  fields: Fields,
  before?: Before,
): { event: EventValues; ticketTypes: TypedTicketType[]; removed: string[]; faults: Fault[] } {
  const faults: Fault[] = [];
  const fault = (field: string, message: MessageKey, values?: Fault['values']) => {
    faults.push({ field, message, ...(values && { values }) });
  };
  const line = (field: string, limit: number, needed: MessageKey): string => {
    const text = (fields[field] ?? '').trim();
    if (text === '') fault(field, needed);
    else if (Array.from(text).length > limit) fault(field, 'fault.too-long', { limit });
    else if (!isLine(text) || isBroken(text)) fault(field, 'fault.text');
    return text;
  };
  const lines = (field: string, limit: number): string => {
    const text = (fields[field] ?? '').replaceAll(/\r\n?/g, '\n').trim();
    if (Array.from(text).length > limit) fault(field, 'fault.too-long', { limit });
    else if (isBroken(text) || CONTROLS.test(text)) fault(field, 'fault.text');
    return text;
  };

  const name = line('name', LONGEST.name, 'organizer.event.fault.name');
  const description = lines('description', LONGEST.description) || null;
  const venue = line('venue', LONGEST.venue, 'organizer.event.fault.venue');
  const seller = lines('seller', LONGEST.seller);
  if (seller === '') fault('seller', 'organizer.event.fault.seller');
  const currency = fields.currency ?? '';
  const hasCurrency = CURRENCIES.includes(currency);
  if (!hasCurrency) fault('currency', 'organizer.event.fault.currency');
  const timeZone = fields.timeZone ?? '';
  const hasZone = TIME_ZONES.includes(timeZone) || timeZone === before?.timeZone;
  if (!hasZone) fault('timeZone', 'organizer.event.fault.time-zone');

  const moment = (field: string, was: Date | null | undefined): Date | undefined => {
    const text = (fields[field] ?? '').trim();
    if (was && timeZone === before?.timeZone && writeLocalTime(was, timeZone) === text) return was;
    if (!hasZone) return undefined;
    const read = readLocalTime(text, timeZone);
    if (read.status === 'read') return read.at;
    fault(field, read.status === 'skipped' ? 'organizer.event.fault.skipped' : 'organizer.event.fault.time');
    return undefined;
  };
  const startsAt = moment('starts', before?.startsAt);
  const endsAt = moment('ends', before?.endsAt);
  if (startsAt && endsAt && endsAt <= startsAt) fault('ends', 'organizer.event.fault.ends');

  const all = keysIn(fields).filter((key) => !isBlank(fields, key));
  const removed = all.filter((key) => isRemoved(fields, key) && !isNew(key));
  const ticketTypes = all
    .filter((key) => !isRemoved(fields, key))
    .map((key, i) => readTicketType(key, i))
    .toSorted((one, other) => one.position - other.position);
  if (ticketTypes.length > MOST_TICKET_TYPES)
    fault('ticketTypes', 'organizer.event.fault.too-many', { limit: MOST_TICKET_TYPES });

  function readTicketType(key: string, index: number): TypedTicketType {
    const at = (part: string) => fieldOf(key, part);
    const value = (part: string) => (fields[at(part)] ?? '').trim();
    const was = before?.ticketTypes.find(({ id }) => id === key);
    const price = hasCurrency ? parseMoney(value('price'), currency) : { minor: 0 };
    if (!price || price.minor > MOST_MINOR) fault(at('price'), 'organizer.event.fault.price', { currency });
    const capacity = value('capacity');
    if (capacity !== '' && !(/^\d{1,7}$/.test(capacity) && Number(capacity) <= MOST_SEATS))
      fault(at('capacity'), 'organizer.event.fault.capacity', { most: MOST_SEATS });
    const optional = (part: string, before: Date | null | undefined) =>
      value(part) === '' ? null : (moment(at(part), before) ?? null);
    const saleStartsAt = optional('saleStarts', was?.saleStartsAt);
    const saleEndsAt = optional('saleEnds', was?.saleEndsAt);
    if (saleStartsAt && saleEndsAt && saleEndsAt <= saleStartsAt)
      fault(at('saleEnds'), 'organizer.event.fault.sale-ends');
    const position = value('position');
    if (position !== '' && !/^\d{1,3}$/.test(position))
      fault(at('position'), 'organizer.event.fault.position');
    return {
      ...{ key, id: isNew(key) ? null : key },
      name: line(at('name'), LONGEST.ticketType, 'organizer.event.fault.ticket-type'),
      priceMinor: price?.minor ?? 0,
      capacity: capacity === '' ? null : Number(capacity),
      ...{ saleStartsAt, saleEndsAt },
      hidden: fields[at('hidden')] !== undefined,
      confirmEmail: fields[at('confirmEmail')] !== undefined,
      position: position === '' ? 1000 + index : Number(position),
    };
  }

  const epoch = new Date(0);
  const event = {
    ...{ name, description, timeZone, venue, seller, currency },
    ...{ startsAt: startsAt ?? epoch, endsAt: endsAt ?? epoch },
  };
  return { event, ticketTypes, removed, faults };
}

/** Control characters, but for line feeds and tabs. */
// eslint-disable-next-line no-control-regex -- these are what no text may hold
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;
