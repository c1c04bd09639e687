/** Finds what no run looks after any more, because the run was terminated or is gone: seats, payments, orders; and repairs it. */
import type { Client } from '@temporalio/client';
import { refundOwn } from '../activities/refund.ts';
import { ADD_WORKFLOW } from '../addition.ts';
import { findWaiting } from '../database/additions.ts';
import type { Database } from '../database/connection.ts';
import { findOutcome, giveSeatBack } from '../database/registrations.ts';
import { findOpenRefunds, findRefund, type OpenRefund } from '../database/refunds.ts';
import { findClaims } from '../database/seats/claim.ts';
import { findHold } from '../database/seats/hold.ts';
import { isPaypalOrder } from '../database/seats/lock.ts';
import { reference } from '../reference.ts';
import { refundWorkflowId } from '../refund.ts';
import { registrationId, WORKFLOW, workflowId } from '../registration.ts';
import { ifThere } from '../temporal/client.ts';
import { startRefund } from '../temporal/runs.ts';
import type { PayPal } from '../vendors/paypal/client.ts';

const PAYPAL_TIMEOUT_MS = 10_000;
/** Statuses of a run that goes on by itself, or has done everything it had to. */
const WELL = ['RUNNING', 'CONTINUED_AS_NEW', 'COMPLETED'];
/** There is no run (any more): Temporal keeps closed ones for the retention of the namespace. */
const GONE = 'GONE';

/**
 * A registration in the middle of something, whose run does not go on. `run` is the run's status. With a claimed seat,
 * `capture` is the payment that was taken for it; with an order (`ordered`), the seat is sold.
 */
export type Orphan = {
  id: string;
  reference: string;
  run: string;
  ordered: boolean;
  capture: { id: string; paypalOrderId: string; status: 'captured' | 'pending' } | null;
  /** A refund that an organizer has asked for, and that its run has not finished; then `run` is the status of that run. */
  refund?: OpenRefund;
};
/** `taskQueue`: for tests, another one than the product's. */
type Dependencies = { database: Database; temporal: Client; paypal: PayPal; taskQueue?: string };

/**
 * Lists claimed seats whose run is not open, and orders whose run was stopped before everything was done, such as the mail; and
 * what organizers add, where its run was stopped before the order.
 * @throws VendorError, or the error of the database or of Temporal when they are away: then nothing is known
 */
export async function findOrphans(dependencies: Dependencies, olderThanMinutes: number): Promise<Orphan[]> {
  return [
    ...(await claimed(dependencies, olderThanMinutes)),
    ...(await ordered(dependencies)),
    ...(await refunding(dependencies, olderThanMinutes)),
  ];
}

async function claimed({ database, temporal, paypal }: Dependencies, minutes: number): Promise<Orphan[]> {
  const orphans: Orphan[] = [];
  for (const { id, paypalOrderId } of await findClaims(database, minutes)) {
    const run = await statusOf(temporal, id);
    if (run === 'RUNNING') continue;
    // The run may have ended well since its claim was read: only a claim that is still there is an orphan.
    const left = await findHold(database, id);
    if (left?.heldUntil !== null) continue;
    const capture = await captured(paypal, paypalOrderId);
    orphans.push({ id, reference: reference(id), run, ordered: false, capture });
  }
  return orphans;
}

async function ordered({ database, temporal }: Dependencies): Promise<Orphan[]> {
  const query = `WorkflowType IN ("${WORKFLOW}", "${ADD_WORKFLOW}") AND ExecutionStatus IN ("Terminated", "Failed", "TimedOut")`;
  const ids = new Set<string>();
  for await (const stopped of temporal.workflow.list({ query })) ids.add(registrationId(stopped.workflowId));
  const orphans: Orphan[] = [];
  for (const id of ids) {
    // A reset leaves the run that it was made from as a terminated one. The last run of a registration counts.
    const run = await statusOf(temporal, id);
    const outcome = await findOutcome(database, id);
    const isOrdered = outcome.found === 'order' && outcome.status === 'confirmed';
    // What an organizer adds waits in the database until it is an order.
    const isWaiting = outcome.found === 'none' && (await findWaiting(database, id)) !== undefined;
    if (WELL.includes(run) || !(isOrdered || isWaiting)) continue;
    orphans.push({ id, reference: reference(id), run, ordered: isOrdered, capture: null });
  }
  return orphans;
}

async function refunding({ database, temporal }: Dependencies, minutes: number): Promise<Orphan[]> {
  const orphans: Orphan[] = [];
  for (const refund of await findOpenRefunds(database, minutes)) {
    const { action, registration: id } = refund;
    const run = await statusOfRun(temporal, refundWorkflowId(action));
    // The run may have ended well since its refund was read.
    if (run === 'RUNNING' || (await findRefund(database, action))?.state !== 'asked') continue;
    orphans.push({ id, reference: reference(id), run, ordered: true, capture: null, refund });
  }
  return orphans;
}

const statusOf = (temporal: Client, id: string) => statusOfRun(temporal, workflowId(id));

async function statusOfRun(temporal: Client, name: string): Promise<string> {
  return (await ifThere(temporal.workflow.getHandle(name).describe()))?.status.name ?? GONE;
}

async function captured(paypal: PayPal, paypalOrderId: string): Promise<Orphan['capture']> {
  if (!isPaypalOrder(paypalOrderId)) return null;
  const capture = (await paypal.findOrder(paypalOrderId, PAYPAL_TIMEOUT_MS))?.capture;
  return capture?.status === 'captured' || capture?.status === 'pending'
    ? { id: capture.captureId, paypalOrderId, status: capture.status }
    : null;
}

/**
 * `resumed`: a stopped run goes on. `undone`: the payment is refunded and the seat given back. Otherwise the seat stays as it
 * is: PayPal still reviews the payment, or refused the refund (`word` is PayPal's).
 */
export type Repair =
  | { outcome: 'resumed' }
  | { outcome: 'undone' }
  | { outcome: 'payment-pending' }
  | { outcome: 'refund-failed'; word: string };

/**
 * Resumes a stopped run, and starts the run of a refund anew; where the run is gone, refunds what was paid, then gives the seat back. Repeating it changes nothing:
 * the refund is the one that the run itself would have made.
 */
export async function repair(dependencies: Dependencies, orphan: Orphan): Promise<Repair> {
  const { database, temporal, taskQueue } = dependencies;
  const { id, run, capture, refund } = orphan;
  if (refund) {
    // The refund is in the ledger, and with it who asked for it.
    const { registration, action, amount, cancels } = refund;
    const request = { registration, action, amount, cancels, organizer: '', reason: '' };
    const stopped = await ifThere(temporal.workflow.getHandle(refundWorkflowId(refund.action)).describe());
    await startRefund(temporal, request, refund, { taskQueue, resumes: `resumes-${stopped?.runId ?? GONE}` });
    return { outcome: 'resumed' };
  }
  if (run !== GONE) {
    await resume(temporal, id);
    return { outcome: 'resumed' };
  }
  if (capture?.status === 'pending') return { outcome: 'payment-pending' };
  if (capture) {
    const refund = await refundOwn(dependencies, {
      id,
      captureId: capture.id,
      paypalOrderId: capture.paypalOrderId,
    });
    if (refund?.status === 'refused') return { outcome: 'refund-failed', word: refund.word };
    if (refund && refund.status !== 'done') return { outcome: 'refund-failed', word: refund.status };
  }
  await giveSeatBack(database, id, capture ? 'refunded' : 'cancelled');
  return { outcome: 'undone' };
}

/**
 * Resets the last run of a registration to its last workflow task: a new run goes on from there. What is done stays done;
 * what was under way is tried again, and each step looks for what it did before.
 */
async function resume({ workflow, workflowService, options }: Client, id: string): Promise<void> {
  const { namespace } = options;
  const handle = workflow.getHandle(workflowId(id));
  const { runId } = await handle.describe();
  const { events } = await handle.fetchHistory();
  const lastTask = events?.findLast((event) => event.workflowTaskCompletedEventAttributes);
  await workflowService.resetWorkflowExecution({
    namespace,
    workflowExecution: { workflowId: workflowId(id), runId },
    reason: 'npm run reconcile: the run was stopped before everything was done',
    workflowTaskFinishEventId: lastTask?.eventId ?? null,
    // The same id for the same run, so that two requests reset it once.
    requestId: `${runId}:reconcile`,
  });
}
