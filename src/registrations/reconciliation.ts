/** Finds what no run looks after any more, because the run was terminated or is gone: seats, payments, orders; and repairs it. */
import type { Client } from '@temporalio/client';
import { refundOwn } from '../activities/refund.ts';
import type { WaitingByHand } from '../database/additions.ts';
import type { Database } from '../database/connection.ts';
import { findTicket } from '../database/orders.ts';
import { giveSeatBack } from '../database/registrations.ts';
import type { OpenRefund } from '../database/refunds.ts';
import { findOpenSteps } from '../database/steps.ts';
import type { Claim } from '../database/seats/claim.ts';
import { isPaypalOrder } from '../database/seats/lock.ts';
import { hashedUuid } from '../hash.ts';
import { reference } from '../reference.ts';
import { refundWorkflowId } from '../refund.ts';
import { FREE, workflowId } from '../registration.ts';
import { ifThere } from '../temporal/client.ts';
import { startAddition, startChange, startRefund } from '../temporal/runs.ts';
import type { PayPal } from '../vendors/paypal/client.ts';
import { finishPayment, isKept } from './claimed-payment.ts';
import { findStopped, GONE } from './stopped-runs.ts';

const PAYPAL_TIMEOUT_MS = 10_000;
/**
 * A registration in the middle of something, whose run does not go on. `run` is the run's status. With a claimed seat,
 * `capture` is the payment that was taken for it, and `kept` whether the order was kept beside the claim; with an order (`ordered`), the
 * seat is sold.
 */
export type Orphan = {
  id: string;
  reference: string;
  run: string;
  ordered: boolean;
  capture: { id: string; paypalOrderId: string; status: 'captured' | 'pending' } | null;
  claim?: Claim & { kept: Awaited<ReturnType<typeof isKept>> };
  /** A refund that an organizer has asked for, and that its run has not finished; then `run` is the status of that run. */
  refund?: OpenRefund;
  /** What an organizer adds, as its run is started; without it, there is no such thing. */
  added?: WaitingByHand;
};
/** `taskQueue`: for tests, another one than the product's. */
type Dependencies = { database: Database; temporal: Client; paypal: PayPal; taskQueue?: string };

/**
 * Lists everything that {@link findStopped} finds. For a claimed seat, PayPal is asked what was paid.
 * @throws VendorError, or the error of the database or of Temporal when they are away: then nothing is known
 */
export async function findOrphans(dependencies: Dependencies, olderThanMinutes: number): Promise<Orphan[]> {
  const orphans: Orphan[] = [];
  for (const stopped of await findStopped(dependencies, { olderThanMinutes })) {
    const { id, run, kind } = stopped;
    const claim = kind === 'payment' ? stopped.claim : undefined;
    const ordered = kind === 'registration' || kind === 'refund';
    orphans.push({
      ...{ id, reference: reference(id), run, ordered },
      capture: claim ? await captured(dependencies.paypal, claim.paypalOrderId) : null,
      ...(claim && { claim: { ...claim, kept: await isKept(dependencies, claim) } }),
      ...(kind === 'refund' && { refund: stopped.refund }),
      ...(kind === 'addition' && stopped.added && { added: stopped.added }),
    });
  }
  return orphans;
}

async function captured(paypal: PayPal, paypalOrderId: string): Promise<Orphan['capture']> {
  if (!isPaypalOrder(paypalOrderId)) return null;
  const capture = (await paypal.findOrder(paypalOrderId, PAYPAL_TIMEOUT_MS))?.capture;
  return capture?.status === 'captured' || capture?.status === 'pending'
    ? { id: capture.captureId, paypalOrderId, status: capture.status }
    : null;
}

/**
 * `resumed`: a stopped run goes on, or a new one does what is left. `undone`: the payment is refunded and the seat given back. Otherwise the
 * seat stays as it is: PayPal still reviews the payment, the kept order cannot be decrypted, or PayPal refused the refund (`word` is
 * PayPal's).
 */
export type Repair =
  | { outcome: 'resumed' }
  | { outcome: 'undone' }
  | { outcome: 'payment-pending' }
  | { outcome: 'unreadable' }
  | { outcome: 'refund-failed'; word: string };

/**
 * Resumes a stopped run, and starts the run of a refund anew. Where the run is gone, and the order was kept beside the claim, a new run
 * finishes what was paid; otherwise what was paid is refunded, then the seat given back. Repeating it changes nothing: the refund is the
 * one that the run itself would have made.
 */
export async function repair(dependencies: Dependencies, orphan: Orphan): Promise<Repair> {
  const { database, temporal, taskQueue } = dependencies;
  const { id, run, capture, claim, refund } = orphan;
  if (refund && refund.action !== id) {
    // The refund is in the ledger, and with it who asked for it.
    const { registration, action, amount, cancels, event, ticketType, status } = refund;
    const request = { registration, action, amount, cancels, organizer: '', reason: '' };
    const stopped = await ifThere(temporal.workflow.getHandle(refundWorkflowId(refund.action)).describe());
    await startRefund(
      temporal,
      request,
      { event, ticketType, status },
      { taskQueue, resumes: `resumes-${stopped?.runId ?? GONE}` },
    );
    return { outcome: 'resumed' };
  }
  if (run !== GONE) {
    await resume(temporal, id);
    return { outcome: 'resumed' };
  }
  if (!refund && (orphan.ordered || orphan.added)) {
    await beginAgain(dependencies, orphan);
    return { outcome: 'resumed' };
  }
  if (claim && (capture || claim.paypalOrderId === FREE) && claim.kept !== 'no') {
    if (claim.kept === 'unreadable') return { outcome: 'unreadable' };
    await finishPayment(dependencies, claim);
    return { outcome: 'resumed' };
  }
  // The attendee has come back meanwhile, and the registration goes on.
  if (claim && (await ifThere(temporal.workflow.getHandle(workflowId(id)).describe())))
    return { outcome: 'resumed' };
  if (capture?.status === 'pending') return { outcome: 'payment-pending' };
  const paid = refund ? { id: refund.captureId, paypalOrderId: refund.paypalOrderId } : capture;
  if (paid) {
    const own = { id, captureId: paid.id, paypalOrderId: paid.paypalOrderId };
    const outcome = await refundOwn(dependencies, own);
    if (outcome?.status === 'refused') return { outcome: 'refund-failed', word: outcome.word };
    if (outcome && outcome.status !== 'done') return { outcome: 'refund-failed', word: outcome.status };
  }
  await giveSeatBack(database, id, paid ? 'refunded' : 'cancelled');
  return { outcome: 'undone' };
}

/** Does with new runs what is left of an order, or of what an organizer adds, whose run is gone. */
async function beginAgain(
  { database, temporal, taskQueue }: Dependencies,
  { id, added }: Orphan,
): Promise<void> {
  if (added) {
    const { request, ...about } = added;
    await startAddition(temporal, request, about, { taskQueue });
    return;
  }
  const ticket = await findTicket(database, id);
  if (!ticket) return;
  const about = { event: ticket.event.id, ticketType: ticket.ticketType.id, status: ticket.status };
  for (const step of await findOpenSteps(database, id)) {
    // The same step twice is one action.
    const action = hashedUuid('once more', id, step);
    const request = { registration: id, action, organizer: '', reason: '' };
    await startChange(temporal, { ...request, change: { kind: 'again', step } }, about, { taskQueue });
  }
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
