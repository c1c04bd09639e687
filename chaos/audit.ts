/** When all is over, the ledgers of everybody who took part are held against each other. */
import { workflowId, type Progress } from '../src/registration.ts';
import { ifThere } from '../src/temporal/client.ts';
import { emailOf } from '../stage/person.ts';
import type { World } from '../stage/world.ts';
import { ENDS, type Told } from './client.ts';
import { unexplained, type Strike } from './mails.ts';
import type { Client } from './plan.ts';

/** What must never be, and the registrations of which it is; `[]` for each is the promise of the product. */
export type Violations = Record<(typeof INVARIANTS)[number], string[]>;
export const INVARIANTS = [
  'captured without an order or a refund',
  'an order without its payment',
  'charged twice for one registration',
  'more seats given away than there are',
  'sold seats that are not those of the orders',
  'told "registered" without an order',
  'told "not charged" and charged',
  'a confirmed attendee without a mail',
  'consent without a subscription',
  'a subscription without consent',
  'a seat that nobody looks after',
  'a registration that did not end',
  'an end that was shown, and was not so',
  'another end on the status page than in the run',
  'a mail too many',
  'a person, a card or a key in a log',
] as const;

type OrderRow = {
  id: string;
  status: string;
  ticket_type_id: string;
  amount_minor: number;
  paypal_order_id: string;
};
type HoldRow = { id: string; claimed_for: string | null };
type TicketRow = { id: string; capacity: number | null; sold: number };

export type Audit = {
  violations: Violations;
  outcomes: Record<string, number>;
  /** Confirmations beyond the first of a registration: SendGrid cannot tell a repeated request. */
  duplicateMails: number;
};

/**
 * What was seen while it went on: `told` to clients; `shown` to each when all was over; ticket types with more seats held or
 * owned than there are; what was killed or failed.
 */
type Seen = { told: Told[]; shown: Told[]; overheld: Set<string>; struck: Strike[] };

/** Holds all ledgers against each other; runs that are open by now are a violation. */
export async function audit(
  world: World,
  clients: Client[],
  { told, shown, overheld, struck }: Seen,
): Promise<Audit> {
  const { database, client, sandbox } = world;
  const { captures, mails, members } = sandbox.ledger();
  const [orders, holds, tickets] = await Promise.all([
    database<OrderRow>('orders').select(),
    database<HoldRow>('seat_holds').select(),
    database<TicketRow>('ticket_types').select(),
  ]);
  const runs = new Map<string, Progress | 'open' | 'failed'>();
  for (const { id } of clients) {
    const handle = client.workflow.getHandle<() => Promise<Progress>>(workflowId(id));
    const run = await ifThere(handle.describe());
    if (run)
      runs.set(
        id,
        run.status.name === 'RUNNING' ? 'open' : await handle.result().catch(() => 'failed' as const),
      );
  }

  const orderOf = new Map(orders.map((order) => [order.id, order]));
  const capturesOf = (id: string) => captures.filter(({ custom_id }) => custom_id === id);
  const kept = (id: string) => capturesOf(id).filter(({ status }) => status === 'COMPLETED');
  const mailsOf = (id: string) =>
    mails.filter(
      ({ customArgs, categories }) => customArgs.registrationId === id && categories.includes('confirmation'),
    );
  const isConfirmed = (id: string) => orderOf.get(id)?.status === 'confirmed';
  const subscribed = new Set(members.map(({ email_address }) => email_address));
  const ids = (wrong: (client: Client) => boolean) => clients.filter(wrong).map(({ id }) => id);
  const confirmed = orders.filter(({ status }) => status === 'confirmed');

  const endOf = (id: string) => {
    const run = runs.get(id);
    return typeof run === 'string' ? run : run?.status;
  };

  const violations: Violations = {
    'captured without an order or a refund': ids(({ id }) => kept(id).length > 0 && !isConfirmed(id)),
    'an order without its payment': ids(
      ({ id }) =>
        isConfirmed(id) &&
        (orderOf.get(id)?.amount_minor ?? 0) > 0 &&
        !kept(id).some(({ order_id }) => order_id === orderOf.get(id)?.paypal_order_id),
    ),
    'charged twice for one registration': ids(({ id }) => kept(id).length > 1),
    'more seats given away than there are': [
      ...overheld,
      ...tickets.filter(({ capacity, sold }) => capacity !== null && sold > capacity).map(({ id }) => id),
    ],
    'sold seats that are not those of the orders': tickets
      .filter(
        ({ id, sold }) => sold !== confirmed.filter(({ ticket_type_id }) => ticket_type_id === id).length,
      )
      .map(({ id }) => id),
    'told "registered" without an order': told
      .filter(({ id, state }) => state === 'confirmed' && !orderOf.has(id))
      .map(({ id }) => id),
    'told "not charged" and charged': told
      .filter(({ notCharged }) => notCharged)
      .filter(({ id, at, paypalOrderId }) =>
        kept(id).some(({ order_id, create_time }) =>
          paypalOrderId ? order_id === paypalOrderId : Date.parse(create_time) < at,
        ),
      )
      .map(({ id }) => id),
    'a confirmed attendee without a mail': ids(({ id }) => isConfirmed(id) && mailsOf(id).length === 0),
    'consent without a subscription': ids(
      ({ id, newsletter }) => isConfirmed(id) && newsletter && !subscribed.has(emailOf(id)),
    ),
    'a subscription without consent': ids(({ id, newsletter }) => !newsletter && subscribed.has(emailOf(id))),
    'a seat that nobody looks after': holds
      .filter(({ id, claimed_for }) => claimed_for !== null && runs.get(id) !== 'open')
      .map(({ id }) => id),
    'a registration that did not end': ids(({ id }) => ['open', 'failed'].includes(endOf(id) ?? '')),
    'an end that was shown, and was not so': told
      .filter(({ id, state = '' }) => ENDS.includes(state) && !mayBecome(state, endOf(id)))
      .map(({ id }) => id),
    'another end on the status page than in the run': shown
      .filter(({ id, state }) => state !== endOf(id))
      .map(({ id }) => id),
    'a mail too many': ids(({ id }) => unexplained(mailsOf(id), struck) > 0),
    'a person, a card or a key in a log': world.revealing(),
  };
  const outcomes = tally(clients.map(({ id }) => endOf(id) ?? 'no payment tried'));
  const duplicateMails = clients.reduce((sum, { id }) => sum + Math.max(0, mailsOf(id).length - 1), 0);
  return { violations, outcomes, duplicateMails };
}

/** Whether a registration that was shown in one end may be in another one later: what is undone was confirmed before. */
const mayBecome = (shown: string, end: string | undefined) =>
  shown === end || (shown === 'confirmed' && (end === 'refunded' || end === 'cancelled'));

/** How often each name occurs. */
export function tally(names: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
