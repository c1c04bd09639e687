/** What the list of registrations shows, and the addresses of its pages. */
import type { PaidBy } from '../../addition.ts';
import { CONDITIONS, type Condition } from '../../database/desk/attention.ts';
import {
  answerFilter,
  readAnswer,
  type Choice,
  type Filter,
  type List,
  type Listed,
  type Place,
} from '../../database/desk/list.ts';
import { ORDER_STATUSES, type OrderStatus } from '../../database/orders.ts';
import type { MessageKey, Speech } from '../../messages/index.ts';
import { tellAnswer } from '../answers.ts';
import { shortTime } from '../dates.ts';

export type ListPage = {
  filter: Filter;
  choices: Choice[];
  list: List;
  /** Whether this role reads answers. */
  readsAnswers: boolean;
  /** The list of runs in Temporal's Web UI. */
  runsUrl: string | undefined;
};

const PATH = '/organizer/registrations';
const TABS: Record<OrderStatus, MessageKey> = {
  confirmed: 'organizer.list.confirmed',
  cancelled: 'organizer.list.cancelled',
  refunded: 'organizer.list.refunded',
};
export const STATUSES: Record<OrderStatus, MessageKey> = {
  confirmed: 'organizer.list.status.confirmed',
  cancelled: 'organizer.list.status.cancelled',
  refunded: 'organizer.list.status.refunded',
};
/** What needs attention, as the list, the dashboard and mails to owners call it. */
export const NEEDS: Record<Condition, MessageKey> = {
  'payment-stopped': 'organizer.list.payment-stopped',
  'payment-in-doubt': 'organizer.list.payment-in-doubt',
  'addition-stopped': 'organizer.list.addition-stopped',
  'run-stopped': 'organizer.list.run-stopped',
  'email-not-sent': 'organizer.list.email-not-sent',
  'newsletter-not-added': 'organizer.list.newsletter-not-added',
  'refund-refused': 'organizer.list.refund-refused',
  'refund-waiting': 'organizer.list.refund-waiting',
  disputed: 'organizer.list.disputed',
  'mail-bounced': 'organizer.list.mail-bounced',
};

const COSTS_NOTHING: Record<PaidBy, MessageKey> = {
  free: 'organizer.list.free',
  complimentary: 'organizer.list.complimentary',
  paypal: 'organizer.list.free',
  elsewhere: 'organizer.list.free',
};

/** The address of the list with a filter, and of the page after or before a place. */
export function listAddress(filter: Filter, from: { after?: Place; before?: Place } = {}): string {
  const cursors = Object.entries(from).map(([way, place]) => [way, cursorOf(place)]);
  const query = new URLSearchParams([...Object.entries(filter).filter(isGiven), ...cursors] as [
    string,
    string,
  ][]);
  return query.size > 0 ? `${PATH}?${query.toString()}` : PATH;
}
const isGiven = ([, value]: [string, string | undefined]) => value !== undefined;

/** A place as an opaque word of an address. */
const cursorOf = ({ at, id }: Place) => Buffer.from(`${at} ${id}`).toString('base64url');

/** The place that a cursor means; undefined for anything that is no cursor. */
export function readPlace(cursor: unknown): Place | undefined {
  if (typeof cursor !== 'string') return undefined;
  const text = Buffer.from(cursor, 'base64url').toString();
  const [, at, id] = /^(\d{1,16}) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(text) ?? [];
  return at !== undefined && id !== undefined ? { at, id } : undefined;
}

/** The data of the page. */
export function listData(speech: Speech, { filter, choices, list, readsAnswers, runsUrl }: ListPage) {
  const { t } = speech;
  const { rows, counts, newer, older } = list;
  const all = ORDER_STATUSES.reduce((sum, status) => sum + counts[status], 0);
  const tab = (status: OrderStatus | undefined, label: MessageKey, count: number) => ({
    ...{
      label: t(label, { count }),
      href: listAddress({ ...filter, status }),
      current: filter.status === status,
    },
  });
  const [first, last] = [rows[0], rows.at(-1)];
  return {
    title: t('organizer.list.title'),
    tabs: [
      tab(undefined, 'organizer.list.all', all),
      ...ORDER_STATUSES.map((status) => tab(status, TABS[status], counts[status])),
    ],
    filter,
    isFiltered: Object.entries(filter).some(isGiven),
    clear: PATH,
    export: exportAddress(filter),
    runsUrl,
    events: choices.length > 1 ? choices : [],
    tickets: ticketsOf(choices, filter.event),
    answers: readsAnswers ? answersOf(speech, choices, filter) : [],
    attentions: CONDITIONS.map((id) => ({ id, name: t(NEEDS[id]) })),
    rows: rows.map((row) => shown(speech, row)),
    severalEvents: choices.length > 1,
    newer: newer && first ? listAddress(filter, { before: first.place }) : null,
    older: older && last ? listAddress(filter, { after: last.place }) : null,
  };
}

/** The page that exports what a filter finds. */
const exportAddress = (filter: Filter): string => {
  const query = new URLSearchParams(Object.entries(filter).filter(isGiven) as [string, string][]);
  return query.size > 0 ? `/organizer/export?${query.toString()}` : '/organizer/export';
};

/** The answers to choose from, where an event is chosen or there is only one; with the one that is looked for, offered now or not. */
function answersOf({ t }: Speech, choices: Choice[], { event, answer }: Filter) {
  const [only, ...more] = choices.filter(({ id }) => event === undefined || id === event);
  const questions = more.length === 0 ? (only?.questions ?? []) : [];
  const option = (question: string, value: string | boolean) => ({
    id: answerFilter(question, String(value)),
    name: tellAnswer(value, t),
  });
  const sought = answer === undefined ? undefined : readAnswer(answer, questions);
  return questions
    .filter(({ kind }) => kind !== 'text')
    .map(({ id, label, kind, choices: offered }) => {
      const values =
        kind === 'choice' ? offered.map((one) => option(id, one)) : [option(id, true), option(id, false)];
      const isOther = sought?.question.id === id && !values.some((one) => one.id === answer);
      return { label, values: isOther ? [...values, option(id, sought.answer)] : values };
    });
}

/** The ticket types to choose from, if there is a choice. Those of several events with one id are one choice. */
export function ticketsOf(choices: Choice[], event: string | undefined): { id: string; name: string }[] {
  const names = new Map<string, Set<string>>();
  for (const { id: of, ticketTypes } of choices)
    for (const { id, name } of ticketTypes)
      if (event === undefined || of === event) names.set(id, (names.get(id) ?? new Set()).add(name));
  if (names.size < 2) return [];
  return [...names].map(([id, all]) => ({ id, name: [...all].join(' / ') }));
}

const shown = ({ t, money, locale }: Speech, row: Listed) => ({
  href: `${PATH}/${row.id}`,
  name: row.name ?? t('organizer.list.erased'),
  email: row.email,
  reference: row.reference,
  event: row.event,
  ticketType: row.ticketType,
  paid: row.paid.minor > 0 ? money(row.paid) : t(COSTS_NOTHING[row.paidBy]),
  elsewhere: row.paidBy === 'elsewhere' ? t('organizer.list.paid.elsewhere') : null,
  refunded:
    row.refunded.minor === 0 ? null : t('organizer.list.paid.refunded', { amount: money(row.refunded) }),
  status: row.status,
  statusText: t(STATUSES[row.status]),
  needs: row.attention.map((need) => t(NEEDS[need])),
  date: shortTime(row.createdAt, row.timeZone, locale),
  iso: row.createdAt.toISOString(),
});
