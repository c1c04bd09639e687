/** Compares the records of all systems and clients after a run. */
import type { OrderRow } from '../src/database/orders.ts';
import type { HoldRow } from '../src/database/seats/lock.ts';
import { changeWorkflowId } from '../src/change.ts';
import { cancelWorkflowId, refundWorkflowId } from '../src/refund.ts';
import { workflowId, type Progress } from '../src/registration.ts';
import { ifThere } from '../src/temporal/client.ts';
import { emailOf } from '../stage/person.ts';
import type { World } from '../stage/world.ts';
import { ADDITION_INVARIANTS, auditAdditions, openAdditions, type Added } from './additions.ts';
import { auditChanges, CHANGE_INVARIANTS, SENDS } from './changes.ts';
import { ENDS, type Told } from './client.ts';
import { auditEdits, EDITED, EDIT_INVARIANTS, type EditRuling } from './edits.ts';
import { correctedEmailOf, type FixRuling } from './fixes.ts';
import { unexplained, type Strike } from './mails.ts';
import type { Ruling } from './organizer.ts';
import { TICKETS, type Client, type Plan } from './plan.ts';
import {
  auditRefunds,
  endedByOrganizer,
  REFUND_INVARIANTS,
  type ActionRun,
  type EventRow,
  type RefundRow,
} from './refunds.ts';
import { tally } from './tally.ts';

/** The ids that violate each invariant. The product guarantees that every list is empty. */
export type Violations = Record<(typeof INVARIANTS)[number], string[]>;
export const INVARIANTS = [
  'payment captured without an order or a refund',
  'order without its payment',
  'registration charged twice',
  'more seats held or sold than available',
  'number of sold seats differs from the orders',
  'attendee told "registered" without an order',
  'attendee told "not charged" but charged',
  'confirmed attendee without an email',
  'consent without a subscription',
  'subscription without consent',
  'claim without an open run',
  'registration that did not end',
  'final status shown and then changed',
  'status page differs from the run',
  'duplicate email without an explanation',
  'personal data, card number or key in a log',
  ...REFUND_INVARIANTS,
  ...CHANGE_INVARIANTS,
  ...ADDITION_INVARIANTS,
  ...EDIT_INVARIANTS,
  'webhook that was not accepted',
] as const;

type TicketRow = { id: string; capacity: number | null; sold: number };

export type Audit = {
  violations: Violations;
  outcomes: Record<string, number>;
  /** How many refunds of the ledger are in each state. */
  refunds: Record<string, number>;
  /** Confirmations beyond those that were asked for. SendGrid does not support idempotent requests. */
  duplicateMails: number;
};

/**
 * Observations: the responses to clients (`told`); the final status of each (`shown`); the answers to organizers (`rulings`, `fixed`,
 * `added`, `edited`);
 * ticket types with more seats held or sold than available (`overheld`); what was killed or failed (`struck`).
 */
type Seen = {
  told: Told[];
  shown: Told[];
  rulings: Ruling[];
  fixed: FixRuling[];
  added: Added[];
  edited: EditRuling[];
  overheld: Set<string>;
  struck: Strike[];
};

/** The runs of all planned actions that were started. */
export async function actionRuns(
  { client }: World,
  { acts, fixes }: Pick<Plan, 'acts' | 'fixes'>,
): Promise<{ refunds: ActionRun[]; changes: ActionRun[] }> {
  const runsOf = async (action: string, ids: string[]): Promise<ActionRun[]> => {
    const runs = await Promise.all(ids.map((id) => ifThere(client.workflow.getHandle(id).describe())));
    return runs.flatMap((run) => (run ? [{ action, status: run.status.name }] : []));
  };
  const refunds: ActionRun[] = [];
  for (const { id } of acts.flatMap(({ actions }) => actions))
    refunds.push(...(await runsOf(id, [refundWorkflowId(id), cancelWorkflowId(id)])));
  const changes: ActionRun[] = [];
  for (const { action } of fixes) changes.push(...(await runsOf(action, [changeWorkflowId(action)])));
  return { refunds, changes };
}

/** Compares all records. A run that is still open is a violation. */
export async function audit(
  world: World,
  { clients, acts, fixes, additions, imports }: Plan,
  { told, shown, rulings, fixed, added, edited, overheld, struck }: Seen,
): Promise<Audit> {
  const { database, client, sandbox } = world;
  const { captures, refunds, mails, members, deliveries } = sandbox.ledger();
  const [orders, holds, tickets, ends, ledger, history] = await Promise.all([
    database<OrderRow>('orders').select(),
    database<HoldRow>('seat_holds').select(),
    database<TicketRow>('ticket_types').select(),
    database<{ id: string; status: string }>('ended_registrations').select('id', 'status'),
    database<RefundRow>('refunds').select(),
    database<EventRow>('registration_events').select('registration_id', 'kind', 'action', 'at'),
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
  const capturesOf = (id: string) =>
    captures.filter(({ custom_id, status }) => custom_id === id && TAKEN.includes(status));
  const kept = (id: string) => capturesOf(id).filter(({ status }) => status !== 'REFUNDED');
  /** A run that undoes its registration refunds under the registration's own id. */
  const isUndone = (id: string, capture: { id: string }) =>
    refunds.some(({ capture_id, custom_id }) => capture_id === capture.id && custom_id === id);
  const charged = (id: string) => capturesOf(id).filter((capture) => !isUndone(id, capture));
  const mailsOf = (id: string, ...wanted: string[]) =>
    mails.filter(
      ({ customArgs, categories }) =>
        customArgs.registrationId === id && categories.some((category) => wanted.includes(category)),
    );
  const isConfirmed = (id: string) => orderOf.get(id)?.status === 'confirmed';
  const subscribed = new Set(
    members.flatMap(({ email_address, status }) => (status === 'archived' ? [] : [email_address])),
  );
  /** An organizer may have corrected it. */
  const addressOf = (id: string) => orderOf.get(id)?.email ?? emailOf(id);
  const ids = (wrong: (client: Client) => boolean) => clients.filter(wrong).map(({ id }) => id);
  const confirmed = orders.filter(({ status }) => status === 'confirmed');
  const ordersOf = (type: string) => confirmed.filter(({ ticket_type_id }) => ticket_type_id === type).length;
  const started = await actionRuns(world, { acts, fixes });
  /** How many confirmations were asked for. */
  const wantedMails = (id: string) =>
    1 + history.filter(({ registration_id, kind }) => registration_id === id && SENDS.includes(kind)).length;

  const runOf = (id: string) => {
    const run = runs.get(id);
    return typeof run === 'string' ? run : run?.status;
  };
  const endStatusOf = new Map(ends.map(({ id, status }) => [id, status]));
  const isEndedByOrganizer = (id: string) => orderOf.has(id) && endedByOrganizer(history, id);
  /** An organizer cancelled it before there was an order. */
  const isCancelAsked = (id: string) =>
    history.some(({ registration_id, kind }) => registration_id === id && kind === 'cancel-asked');
  const isCancelled = (id: string) => endStatusOf.has(id) && !orderOf.has(id) && isCancelAsked(id);
  /** The database says what an organizer has ended: its run may have ended before, or may find no seat any more. */
  const endOf = (id: string) => {
    // A cancellation whose refund PayPal has refused leaves the order as it was, and its run may have been cancelled by then.
    if (isEndedByOrganizer(id) || (orderOf.has(id) && isCancelAsked(id))) return orderOf.get(id)?.status;
    return isCancelled(id) ? endStatusOf.get(id) : runOf(id);
  };

  const violations: Violations = {
    'payment captured without an order or a refund': ids(
      ({ id }) => kept(id).length > 0 && !isConfirmed(id) && !isEndedByOrganizer(id),
    ),
    'order without its payment': ids(
      ({ id }) =>
        isConfirmed(id) &&
        (orderOf.get(id)?.amount_minor ?? 0) > 0 &&
        !charged(id).some(({ order_id }) => order_id === orderOf.get(id)?.paypal_order_id),
    ),
    'registration charged twice': ids(({ id }) => capturesOf(id).length > 1),
    'more seats held or sold than available': [
      ...overheld,
      ...tickets
        .filter(({ id, capacity, sold }) => capacity !== null && Math.max(sold, ordersOf(id)) > capacity)
        .map(({ id }) => id),
    ],
    'number of sold seats differs from the orders': tickets
      .filter(({ id, sold }) => sold !== ordersOf(id))
      .map(({ id }) => id),
    'attendee told "registered" without an order': told
      .filter(({ id, state }) => state === 'confirmed' && !orderOf.has(id) && !isCancelled(id))
      .map(({ id }) => id),
    'attendee told "not charged" but charged': told
      .filter(({ notCharged }) => notCharged)
      .filter(({ id, at, paypalOrderId }) =>
        charged(id).some(({ order_id, create_time }) =>
          paypalOrderId ? order_id === paypalOrderId : Date.parse(create_time) < at,
        ),
      )
      .map(({ id }) => id),
    'confirmed attendee without an email': ids(
      ({ id }) => isConfirmed(id) && mailsOf(id, 'confirmation').length === 0,
    ),
    'consent without a subscription': ids(
      ({ id, newsletter }) => isConfirmed(id) && newsletter && !subscribed.has(addressOf(id)),
    ),
    'subscription without consent': ids(
      ({ id, newsletter }) =>
        !newsletter && [emailOf(id), correctedEmailOf(id)].some((email) => subscribed.has(email)),
    ),
    'claim without an open run': holds
      .filter(({ id, claimed_for }) => claimed_for !== null && runs.get(id) !== 'open')
      .map(({ id }) => id),
    'registration that did not end': ids(({ id }) => ['open', 'failed'].includes(runOf(id) ?? '')),
    'final status shown and then changed': told
      .filter(({ id, state = '' }) => ENDS.includes(state) && !mayBecome(state, endOf(id)))
      .map(({ id }) => id),
    'status page differs from the run': shown
      .filter(({ id, state }) => state !== endOf(id))
      .map(({ id }) => id),
    'duplicate email without an explanation': ids(
      ({ id }) => unexplained(mailsOf(id, 'confirmation'), struck, wantedMails(id)) > 0,
    ),
    'personal data, card number or key in a log': world.revealing(),
    ...auditRefunds({
      ...{ orders, ends, ledger, history, captures, refunds, mailsOf, rulings },
      runs: started.refunds,
    }),
    ...auditChanges({
      ...{ orders, history, fixes, mailsOf, subscribed, struck },
      ...{ rulings: fixed, runs: started.changes },
    }),
    ...auditAdditions({
      planned: [...additions, ...imports.flatMap(({ people }) => people)],
      ...{ added, orders, mailsOf, struck },
      open: await openAdditions(world, added),
    }),
    ...auditEdits(edited, capacityOf(TICKETS), capacityOf(tickets)),
    'webhook that was not accepted': deliveries
      .filter(({ state }) => state !== 'accepted')
      .map(({ id, kind }) => `${kind} ${id}`),
  };
  const outcomes = tally(clients.map(({ id }) => endOf(id) ?? 'no payment attempted'));
  const duplicateMails = clients.reduce(
    (sum, { id }) => sum + Math.max(0, mailsOf(id, 'confirmation').length - wantedMails(id)),
    0,
  );
  return { violations, outcomes, refunds: tally(ledger.map(({ state }) => state)), duplicateMails };
}

const capacityOf = (tickets: { id: string; capacity: number | null }[]) =>
  tickets.find(({ id }) => id === EDITED)?.capacity ?? null;

/** The statuses of a capture that took money, whatever was refunded since. */
const TAKEN = ['COMPLETED', 'PARTIALLY_REFUNDED', 'REFUNDED'];

/** Whether a final status may change to another: a registration that is undone was confirmed before. */
const mayBecome = (shown: string, end: string | undefined) =>
  shown === end || (shown === 'confirmed' && (end === 'refunded' || end === 'cancelled'));
