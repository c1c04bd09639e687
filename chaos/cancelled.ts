/** Compares all records after an event was cancelled. */
import { setTimeout as sleep } from 'node:timers/promises';
import { cancelEventWorkflowId } from '../src/cancel-event.ts';
import { listRefused } from '../src/database/cancelled-events/progress.ts';
import { findCancellation } from '../src/database/cancelled-events/cancellation.ts';
import type { OrderRow } from '../src/database/orders.ts';
import type { World } from '../stage/world.ts';
import { LOOK_EVERY_MS, type Attendee } from './attendees.ts';
import { look } from './client.ts';
import type { RefundRow } from './refunds.ts';

export const CANCELLATION_INVARIANTS = [
  'payment not refunded exactly once',
  'payment refunded that PayPal refuses to refund',
  'registration still confirmed',
  'refused refund not listed with its reason',
  'seat still sold, held or claimed',
  'refund of the ledger that PayPal does not have',
  'refund at PayPal that the ledger does not have',
  'status page differs from the order',
  'attendee not told that the event is cancelled',
  'owner not told once of a pause',
  'cancellation that did not end',
  'more than one run',
  'personal data, card number or key in a log',
] as const;
export type CancellationViolations = Record<(typeof CANCELLATION_INVARIANTS)[number], string[]>;

const TOO_OLD = 'REFUND_TIME_LIMIT_EXCEEDED';
const AT_ONCE = 10;
const minor = ({ amount }: { amount: { value: string } }) => Math.round(Number(amount.value) * 100);
type Seen = { event: string; everybody: Attendee[]; old: Attendee[]; owner: string };

/** The runs that have cancelled an event. One that continues as a new run is one run. */
async function runsOf({ client }: World, event: string): Promise<string[]> {
  const runs: string[] = [];
  const query = `WorkflowId = "${cancelEventWorkflowId(event)}"`;
  for await (const { runId, status } of client.workflow.list({ query }))
    if (status.name !== 'CONTINUED_AS_NEW') runs.push(runId);
  return runs;
}

const MOST_LOOKS = 20;
/** The status that an attendee sees. An api that has just come up may not answer at first. */
async function statusShown(world: World, id: string): Promise<string | undefined> {
  for (let n = 0; n < MOST_LOOKS; n++) {
    const seen = await look(world, id).catch(() => undefined);
    if (seen?.state !== undefined || seen?.status === 404) return seen.state;
    await sleep(LOOK_EVERY_MS);
  }
  return undefined;
}

/** Reads the statuses that attendees see, a few at a time. */
async function shownTo(world: World, everybody: Attendee[]): Promise<Map<string, string | undefined>> {
  const shown = new Map<string, string | undefined>();
  for (let n = 0; n < everybody.length; n += AT_ONCE)
    await Promise.all(
      everybody.slice(n, n + AT_ONCE).map(async ({ id }) => shown.set(id, await statusShown(world, id))),
    );
  return shown;
}

export async function auditCancellation(world: World, { event, everybody, old, owner }: Seen) {
  const { database, sandbox } = world;
  const { captures, refunds, mails } = sandbox.ledger();
  const [orders, ledger, tickets, holds, refused, cancellation, runs, shown] = await Promise.all([
    database<OrderRow>('orders').where({ event_id: event }),
    database<RefundRow>('refunds').select(),
    database('ticket_types').where({ event_id: event }).select<{ id: string; sold: number }[]>('id', 'sold'),
    database('live_holds').where({ event_id: event }).select<{ id: string }[]>('id'),
    listRefused(database, event, 1000),
    findCancellation(database, event),
    runsOf(world, event),
    shownTo(world, everybody),
  ]);
  const made = refunds.filter(({ status }) => status === 'COMPLETED');
  const ofCapture = (id: string) => made.filter(({ capture_id }) => capture_id === id);
  const isOld = (id: string) => old.some((one) => one.id === id);
  const taken = captures.filter(({ status }) => !['DECLINED', 'FAILED'].includes(status));
  const orderOf = new Map(orders.map((order) => [order.id, order]));
  const mailed = (id: string) =>
    mails.some(
      (mail) =>
        mail.customArgs.registrationId === id &&
        mail.categories.includes('cancelled') &&
        mail.subject.startsWith('The event was cancelled'),
    );
  const pauseMails = mails.filter(
    ({ to, categories }) => to[0]?.email === owner && categories.includes('refunds-paused'),
  );
  const known = new Set(ledger.map(({ paypal_refund_id }) => paypal_refund_id));
  const atPayPal = new Set(made.map(({ id }) => id));
  const soldOf = (type: string) =>
    orders.filter(({ status, ticket_type_id }) => status === 'confirmed' && ticket_type_id === type).length;

  const violations: CancellationViolations = {
    'payment not refunded exactly once': taken
      .filter(({ custom_id }) => !isOld(custom_id ?? ''))
      .filter((capture) => {
        const [refund, ...others] = ofCapture(capture.id);
        return !refund || others.length > 0 || minor(refund) !== minor(capture);
      })
      .map(({ custom_id }) => custom_id ?? ''),
    'payment refunded that PayPal refuses to refund': old
      .filter(({ captureId }) => ofCapture(captureId ?? '').length > 0)
      .map(({ id }) => id),
    'registration still confirmed': orders
      .filter(({ id, status }) => status === 'confirmed' && !isOld(id))
      .map(({ id }) => id),
    'refused refund not listed with its reason': [
      ...old.filter(({ id }) => !refused.some((one) => one.registration === id && one.word === TOO_OLD)),
      ...refused.filter(({ registration }) => !isOld(registration)).map(({ registration: id }) => ({ id })),
    ].map(({ id }) => id),
    'seat still sold, held or claimed': [
      ...holds.map(({ id }) => id),
      ...tickets
        .filter(
          ({ id, sold }) =>
            sold !== soldOf(id) ||
            sold !== old.filter((one) => orderOf.get(one.id)?.ticket_type_id === id).length,
        )
        .map(({ id }) => id),
    ],
    'refund of the ledger that PayPal does not have': ledger
      .filter(({ state, amount_minor }) => state === 'done' && amount_minor > 0)
      .filter(({ paypal_refund_id }) => !atPayPal.has(paypal_refund_id ?? ''))
      .map(({ action }) => action),
    'refund at PayPal that the ledger does not have': made
      .filter(({ id }) => !known.has(id))
      .map(({ id }) => id),
    'status page differs from the order': everybody
      .filter(({ id }) => orderOf.has(id) && shown.get(id) !== orderOf.get(id)?.status)
      .map(({ id }) => id),
    'attendee not told that the event is cancelled': orders
      .filter(({ id }) => !isOld(id) && !mailed(id))
      .map(({ id }) => id),
    'owner not told once of a pause':
      pauseMails.length === (cancellation?.pauses ?? 0) ? [] : [`${pauseMails.length} emails`],
    'cancellation that did not end': cancellation?.finishedAt ? [] : [event],
    'more than one run': runs.length === 1 ? [] : runs,
    'personal data, card number or key in a log': world.revealing(),
  };
  return { violations, runs: runs.length };
}
