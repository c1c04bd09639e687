/** Compares all records after a store was lost and rebuilt. */
import type { OrderRow } from '../src/database/orders.ts';
import type { HoldRow } from '../src/database/seats/lock.ts';
import { workflowId } from '../src/registration.ts';
import { ifThere } from '../src/temporal/client.ts';
import type { World } from '../stage/world.ts';
import { SENDS } from './changes.ts';
import type { EventRow, RefundRow } from './refunds.ts';
import type { Person } from './states.ts';
import { tally } from './tally.ts';

export const STORE_INVARIANTS = [
  'charged twice',
  'charged without a confirmed order or a full refund',
  'order without its payment',
  'registration without an order or an end',
  'number of sold seats differs from the orders',
  'more seats held or sold than available',
  'claim without an open run',
  'refund of the ledger that PayPal does not have',
  'refund at PayPal that the ledger does not have',
  'refund or step that did not end',
  'more refunded than was paid',
  'cancelled event with a confirmed order',
  'confirmed attendee without an email',
  'email that was neither asked for nor listed',
  'consent without a subscription',
  'subscription without consent',
  'order without its answers',
  'personal data, card number or key in a log',
] as const;
export type StoreViolations = Record<(typeof STORE_INVARIANTS)[number], string[]>;

/** `resumed`: registrations that the repair has listed with a new run, each maybe with a second email. `lost`: those it cannot rebuild. */
export type Listed = { resumed: string[]; lost: string[] };

type TicketRow = { event_id: string; id: string; capacity: number | null; sold: number };
/** States that wait for their attendee. */
const WAITING: Person['state'][] = ['declined', 'held', 'unconfirmed'];
const TAKEN = ['COMPLETED', 'PARTIALLY_REFUNDED', 'REFUNDED'];
const minorOf = ({ amount }: { amount: { value: string } }) => Math.round(Number(amount.value) * 100);

export async function auditStores(
  world: World,
  people: Person[],
  { resumed, lost }: Listed,
): Promise<{ violations: StoreViolations; outcomes: Record<string, number> }> {
  const { client, database, sandbox } = world;
  const { captures, refunds, mails, members } = sandbox.ledger();
  const [orders, holds, tickets, ends, ledger, history, steps, cancelled] = await Promise.all([
    database<OrderRow>('orders').select(),
    database<HoldRow>('seat_holds').select(),
    database<TicketRow>('ticket_types').select('event_id', 'id', 'capacity', 'sold'),
    database<{ id: string; status: string }>('ended_registrations').select('id', 'status'),
    database<RefundRow>('refunds').select(),
    database<EventRow>('registration_events').select('registration_id', 'kind', 'action', 'at'),
    database('step_outcomes').where({ state: 'open' }).pluck<string[]>('registration_id'),
    database('event_cancellations').pluck<string[]>('event_id'),
  ]);
  const open = new Set<string>();
  for (const { id } of people) {
    const run = await ifThere(client.workflow.getHandle(workflowId(id)).describe());
    if (run?.status.name === 'RUNNING') open.add(id);
  }
  const orderOf = new Map(orders.map((order) => [order.id, order]));
  const ended = new Set(ends.map(({ id }) => id));
  const isConfirmed = (id: string) => orderOf.get(id)?.status === 'confirmed';
  const taken = (id: string) =>
    captures.filter(({ custom_id, status }) => custom_id === id && TAKEN.includes(status));
  const made = refunds.filter(({ status }) => status === 'COMPLETED');
  const backOf = (id: string) =>
    made.filter(({ capture_id }) => capture_id === id).reduce((sum, refund) => sum + minorOf(refund), 0);
  const confirmations = (id: string) =>
    mails.filter(
      ({ customArgs, categories }) => customArgs.registrationId === id && categories.includes('confirmation'),
    ).length;
  const asked = (id: string) =>
    1 +
    history.filter(
      ({ registration_id, kind }) => registration_id === id && [...SENDS, 'answers-corrected'].includes(kind),
    ).length;
  const subscribed = new Set(
    members.flatMap(({ email_address, status }) => (status === 'archived' ? [] : [email_address])),
  );
  const soldOf = ({ event_id, id }: TicketRow) =>
    orders.filter(
      (order) => order.status === 'confirmed' && order.event_id === event_id && order.ticket_type_id === id,
    ).length;
  /** Those whom the repair has said it can rebuild, or did not have to. */
  const known = people.filter(({ id }) => !lost.includes(id));
  const ids = (wrong: (person: Person) => boolean) => known.filter(wrong).map(({ id }) => id);
  const done = new Set(ledger.filter(({ state }) => state === 'done').map((one) => one.paypal_refund_id));
  const atPayPal = new Set(made.map(({ id }) => id));

  const violations: StoreViolations = {
    'charged twice': ids(({ id }) => taken(id).length > 1),
    'charged without a confirmed order or a full refund': ids(({ id }) =>
      taken(id).some((capture) => !isConfirmed(id) && backOf(capture.id) !== minorOf(capture)),
    ),
    'order without its payment': ids(({ id }) => {
      const order = orderOf.get(id);
      const isPaid = taken(id).some((capture) => capture.id === order?.paypal_capture_id);
      return !!order && order.amount_minor > 0 && !isPaid;
    }),
    'registration without an order or an end': ids(
      ({ id, state }) => !WAITING.includes(state) && !orderOf.has(id) && !ended.has(id),
    ),
    'number of sold seats differs from the orders': tickets
      .filter((ticket) => ticket.sold !== soldOf(ticket))
      .map(({ event_id, id }) => `${event_id} ${id}`),
    'more seats held or sold than available': tickets
      .filter(({ event_id, id, capacity, sold }) => {
        const claimed = holds.filter((hold) => hold.event_id === event_id && hold.ticket_type_id === id);
        const live = claimed.filter(({ held_until }) => held_until === null || held_until > new Date());
        return capacity !== null && sold + live.length > capacity;
      })
      .map(({ event_id, id }) => `${event_id} ${id}`),
    'claim without an open run': holds
      .filter(({ id, claimed_for }) => claimed_for !== null && !open.has(id))
      .map(({ id }) => id),
    'refund of the ledger that PayPal does not have': ledger
      .filter(({ state, amount_minor }) => state === 'done' && amount_minor > 0)
      .filter(({ paypal_refund_id }) => !atPayPal.has(paypal_refund_id ?? ''))
      .map(({ action }) => action),
    'refund at PayPal that the ledger does not have': made
      .filter(({ id }) => !done.has(id))
      .map(({ id }) => id),
    'refund or step that did not end': [
      ...ledger.filter(({ state }) => state === 'asked').map(({ registration_id }) => registration_id),
      ...steps,
    ],
    'more refunded than was paid': captures
      .filter((capture) => backOf(capture.id) > minorOf(capture))
      .map(({ id }) => id),
    'cancelled event with a confirmed order': orders
      .filter(({ event_id, status }) => cancelled.includes(event_id) && status === 'confirmed')
      .map(({ id }) => id),
    'confirmed attendee without an email': ids(({ id }) => isConfirmed(id) && confirmations(id) === 0),
    'email that was neither asked for nor listed': ids(
      ({ id }) => confirmations(id) > asked(id) + (resumed.includes(id) ? 1 : 0),
    ),
    'consent without a subscription': ids(
      ({ id, newsletter }) => newsletter && isConfirmed(id) && !subscribed.has(orderOf.get(id)?.email ?? ''),
    ),
    'subscription without consent': ids(
      ({ id, newsletter }) => !newsletter && subscribed.has(orderOf.get(id)?.email ?? ''),
    ),
    'order without its answers': ids(
      ({ id, event, state }) =>
        event === 'conference' &&
        !['added by hand', 'imported', 'addition under way', 'import under way'].includes(state) &&
        orderOf.has(id) &&
        !orderOf.get(id)?.answers?.diet,
    ),
    'personal data, card number or key in a log': world.revealing(),
  };
  const outcomeOf = ({ id }: Person) =>
    lost.includes(id)
      ? 'listed as lost'
      : (orderOf.get(id)?.status ?? ends.find((end) => end.id === id)?.status ?? 'waits for its attendee');
  return { violations, outcomes: tally(people.map(outcomeOf)) };
}
