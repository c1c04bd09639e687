/** Compares refunds and cancellations: PayPal's, the ledger's, the histories', the mails', and what organizers were told. */
import type { OrderRow } from '../src/database/orders.ts';
import type { Mail } from '../sandbox/vendors/sendgrid/api.ts';
import type { Capture, Refund } from '../sandbox/vendors/paypal/records.ts';
import { confirmedAfterNotice } from './mails.ts';
import type { Ruling } from './organizer.ts';
import { tally } from './tally.ts';

export const REFUND_INVARIANTS = [
  'more refunded than was paid',
  'more promised to refund than was paid',
  'refund made twice',
  'refund done that PayPal does not have',
  'refund at PayPal that the ledger does not have',
  'refund asked for without an open run',
  'refund or cancellation that did not end',
  'organizer without an answer',
  'organizer told "asked" without a refund',
  'organizer told "not possible" but refunded',
  'organizer told "cancelled" but still confirmed',
  'attendee not told of a refund or a cancellation',
  'confirmation sent after a notice of cancellation',
  'history differs from the ledger',
] as const;
export type RefundViolations = Record<(typeof REFUND_INVARIANTS)[number], string[]>;

/** A row of the table `refunds`. */
export type RefundRow = {
  action: string;
  registration_id: string;
  /** Null for a refund that was made by hand. */
  number: number | null;
  paypal_capture_id: string;
  amount_minor: number;
  state: 'asked' | 'done' | 'refused';
  word: string | null;
  paypal_refund_id: string | null;
  asked_at: Date;
};
/** A row of the table `registration_events`. */
export type EventRow = { registration_id: string; kind: string; action: string | null; at: Date };

export type ActionRun = { action: string; status: string };

export type RefundRecords = {
  orders: OrderRow[];
  /** The registrations that ended, with or without an order. */
  ends: { id: string; status: string }[];
  ledger: RefundRow[];
  history: EventRow[];
  captures: Capture[];
  refunds: Refund[];
  mailsOf: (id: string, ...categories: string[]) => Mail[];
  rulings: Ruling[];
  /** The runs of actions, in Temporal's words, such as RUNNING. */
  runs: ActionRun[];
};

const minor = ({ amount }: { amount: { value: string } }) => Math.round(Number(amount.value) * 100);
const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
/** PayPal's words for a refund of more than is left. */
const TOO_MUCH = ['REFUND_AMOUNT_EXCEEDED', 'CAPTURE_FULLY_REFUNDED'];
/** Answers that say that there is no such refund. */
const NOT_POSSIBLE = ['no-order', 'nothing-paid', 'nothing-left', 'too-much'];

const AGAIN = 'refund-asked-again';
const NAMED_BY_ACTION = ['refund-asked', 'refunded', AGAIN];
const TOLD_ONCE = [...NAMED_BY_ACTION, 'registered', 'refunded-at-paypal', 'cancelled'];

/** Whether an organizer ended a registration that had an order, and with it decided about the money. */
export const endedByOrganizer = (history: EventRow[], id: string): boolean =>
  history.some(
    (event) => event.registration_id === id && event.kind === 'cancelled' && event.action !== null,
  );

export function auditRefunds(records: RefundRecords): RefundViolations {
  const { orders, ledger, history, captures, refunds, mailsOf, rulings, runs } = records;
  const made = refunds.filter(({ status }) => status !== 'FAILED' && status !== 'CANCELLED');
  const ofCapture = (id: string) => made.filter(({ capture_id }) => capture_id === id);
  const named = (action: string) => made.filter(({ custom_id }) => custom_id === action);
  const isByHand = ({ number }: RefundRow) => number === null;
  const ours = ledger.filter((row) => !isByHand(row));
  const rowOf = new Map(ledger.map((row) => [row.action, row]));
  const statusOf = new Map(orders.map(({ id, status }) => [id, status]));
  const given = ours.filter(({ state, amount_minor }) => state === 'done' && amount_minor > 0);
  const ofOrganizers = (rows: RefundRow[]) => rows.filter((row) => row.action !== row.registration_id);

  /** Whether PayPal made exactly this refund for a row of the ledger. One that was made by hand may count as it. */
  const isAtPayPal = ({ action, paypal_refund_id: id, paypal_capture_id, amount_minor }: RefundRow) =>
    made.some(
      (refund) =>
        refund.id === id &&
        refund.capture_id === paypal_capture_id &&
        minor(refund) === amount_minor &&
        (refund.custom_id === undefined || refund.custom_id === action),
    );
  /** One that was made by hand is known once PayPal was asked for another refund of the same payment. */
  const mustBeKnown = ({ custom_id, capture_id, create_time }: Refund) =>
    custom_id !== undefined ||
    ours.some(
      (row) => row.paypal_capture_id === capture_id && row.asked_at.getTime() > Date.parse(create_time),
    );
  const known = new Set(ledger.map(({ paypal_refund_id }) => paypal_refund_id));
  const noticesOf = (id: string) => mailsOf(id, 'cancelled', 'refunded');

  return {
    'more refunded than was paid': captures
      .filter((capture) => sum(ofCapture(capture.id).map(minor)) > minor(capture))
      .map(({ id }) => id),
    // Nobody knows of a refund by hand until PayPal is asked.
    'more promised to refund than was paid': ours
      .filter(({ word }) => word !== null && TOO_MUCH.includes(word))
      .filter(({ paypal_capture_id }) =>
        ofCapture(paypal_capture_id).every(({ custom_id }) => custom_id !== undefined),
      )
      .map(({ action }) => action),
    'refund made twice': ours.filter(({ action }) => named(action).length > 1).map(({ action }) => action),
    'refund done that PayPal does not have': [
      ...given.filter((row) => !isAtPayPal(row)),
      ...ours.filter(({ action, state, amount_minor }) =>
        state === 'done' && amount_minor > 0 ? false : named(action).length > 0,
      ),
    ].map(({ action }) => action),
    'refund at PayPal that the ledger does not have': made
      .filter((refund) => mustBeKnown(refund) && !known.has(refund.id))
      .map(({ id }) => id),
    'refund asked for without an open run': ledger
      .filter(
        ({ state, action }) =>
          state === 'asked' && !runs.some((run) => run.action === action && run.status === 'RUNNING'),
      )
      .map(({ action }) => action),
    'refund or cancellation that did not end': runs
      .filter(({ status }) => status !== 'COMPLETED')
      .map(({ action }) => action),
    'organizer without an answer': rulings
      .filter(({ decision }) => decision.status === 'unanswered')
      .map(({ action }) => action),
    'organizer told "asked" without a refund': rulings
      .filter(({ decision }) => decision.status === 'asked')
      .filter(
        ({ registration, action, again }) =>
          rowOf.get(action)?.registration_id !== registration ||
          (again !== undefined && !history.some(({ action: entered }) => entered === again)),
      )
      .map(({ action }) => action),
    'organizer told "not possible" but refunded': rulings
      .filter(({ decision, again }) => NOT_POSSIBLE.includes(decision.status) && again === undefined)
      .filter(({ action }) => rowOf.has(action) || named(action).length > 0)
      .map(({ action }) => action),
    'organizer told "cancelled" but still confirmed': rulings
      .filter(({ decision }) => ['ended', 'open', 'over'].includes(decision.status))
      .filter(
        ({ registration, action }) =>
          statusOf.get(registration) === 'confirmed' && rowOf.get(action)?.state !== 'refused',
      )
      .map(({ action }) => action),
    'attendee not told of a refund or a cancellation': orders
      .filter(({ id, status }) => {
        const back = ofOrganizers(given).filter(({ registration_id }) => registration_id === id).length;
        const told = noticesOf(id).length;
        return (status !== 'confirmed' && told === 0) || told + mailsOf(id, 'refund-made').length < back;
      })
      .map(({ id }) => id),
    'confirmation sent after a notice of cancellation': orders
      .filter(({ id }) => confirmedAfterNotice(mailsOf(id, 'confirmation'), noticesOf(id)))
      .map(({ id }) => id),
    'history differs from the ledger': unlikeHistory(records),
  };
}

/** The registrations whose history does not tell each refund and each cancellation once. */
function unlikeHistory({ orders, ends, ledger, history, rulings }: RefundRecords): string[] {
  const key = (id: string, kind: string, action: string | null) => [id, kind, action ?? ''].join(' ');
  // An end is the same whether an action or the registration's own run brought it about.
  const told = history
    .filter(({ kind }) => TOLD_ONCE.includes(kind))
    .map(({ registration_id: id, kind, action }) =>
      key(id, kind, NAMED_BY_ACTION.includes(kind) ? action : null),
    );
  const again = rulings.flatMap(({ registration, again: id = null, decision }) =>
    id !== null && decision.status === 'asked' ? key(registration, AGAIN, id) : [],
  );
  const expected = [
    ...orders.map(({ id }) => key(id, 'registered', null)),
    ...ledger.flatMap(({ action, registration_id: id, number, state, amount_minor }) => {
      if (number === null) return key(id, 'refunded-at-paypal', null);
      return [
        ...(action === id ? [] : [key(id, 'refund-asked', action)]),
        ...(state === 'done' && amount_minor > 0 ? [key(id, 'refunded', action)] : []),
      ];
    }),
    // The answer to some may have been lost.
    ...new Set([...again, ...told.filter((each) => each.includes(` ${AGAIN} `))]),
    ...ends.filter(({ status }) => status !== 'expired').map(({ id }) => key(id, 'cancelled', null)),
  ];
  const [wanted, found] = [tally(expected), tally(told)];
  const differing = [...expected, ...told].filter((each) => wanted[each] !== found[each]);
  return [...new Set(differing.map((each) => each.slice(0, each.indexOf(' '))))];
}
