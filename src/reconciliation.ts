/** Finds what no run looks after any more, for it was terminated or is gone: seats, payments, orders; and mends it. */
import type { Client } from '@temporalio/client';
import { findClaims } from './database/claims.ts';
import type { Database } from './database/connection.ts';
import { findOrder } from './database/orders.ts';
import { findHold, giveSeatBack } from './database/seats.ts';
import { captureOf, PayPalFault, type PayPal } from './paypal.ts';
import { reference } from './reference.ts';
import { FREE, registrationId, WORKFLOW, workflowId } from './registration.ts';
import { ifThere } from './temporal.ts';

const PAYPAL_TIMEOUT_MS = 10_000;
/** Statuses of a run that goes on by itself, or has done all it had to. */
const WELL = ['RUNNING', 'CONTINUED_AS_NEW', 'COMPLETED'];
/** There is no run (any more): Temporal keeps closed ones for the retention of the namespace. */
const GONE = 'GONE';
/** Captures that hold money which was not given back. */
const KEPT = ['COMPLETED', 'PENDING', 'PARTIALLY_REFUNDED'];

/**
 * A registration in the middle of something, whose run does not go on: `run` says what became of it, `capture` is the
 * payment that was taken for a seat that is claimed. Where the order was saved already, the seat is sold, and `ordered`.
 */
export type Stray = {
  id: string;
  reference: string;
  run: string;
  ordered: boolean;
  capture: { id: string; status: string } | null;
};
type Dependencies = { database: Database; temporal: Client; paypal: PayPal };

/**
 * Lists claimed seats whose run is not open, and orders whose run was stopped before all was done, such as the mail.
 * @throws PayPalFault, or whatever the database or Temporal says when they are away: then nothing is known
 */
export async function findStrays(dependencies: Dependencies, olderThanMinutes: number): Promise<Stray[]> {
  return [...(await claimed(dependencies, olderThanMinutes)), ...(await ordered(dependencies))];
}

async function claimed({ database, temporal, paypal }: Dependencies, minutes: number): Promise<Stray[]> {
  const strays: Stray[] = [];
  for (const { id, paypalOrderId } of await findClaims(database, minutes)) {
    const run = await statusOf(temporal, id);
    if (run === 'RUNNING') continue;
    // The run may have ended well since its claim was read: only what it has left behind for good is a stray.
    const left = await findHold(database, id);
    if (left?.heldUntil !== null) continue;
    const capture = await captured(paypal, paypalOrderId);
    strays.push({ id, reference: reference(id), run, ordered: false, capture });
  }
  return strays;
}

async function ordered({ database, temporal }: Dependencies): Promise<Stray[]> {
  const query = `WorkflowType = "${WORKFLOW}" AND ExecutionStatus IN ("Terminated", "Failed", "TimedOut")`;
  const ids = new Set<string>();
  for await (const stopped of temporal.workflow.list({ query })) ids.add(registrationId(stopped.workflowId));
  const strays: Stray[] = [];
  for (const id of ids) {
    // A reset leaves the run that it was made from as a terminated one: the last run of a registration counts.
    const run = await statusOf(temporal, id);
    if (WELL.includes(run) || (await findOrder(database, id))?.status !== 'confirmed') continue;
    strays.push({ id, reference: reference(id), run, ordered: true, capture: null });
  }
  return strays;
}

async function statusOf(temporal: Client, id: string): Promise<string> {
  return (await ifThere(temporal.workflow.getHandle(workflowId(id)).describe()))?.status.name ?? GONE;
}

async function captured(paypal: PayPal, paypalOrderId: string): Promise<Stray['capture']> {
  if (paypalOrderId === FREE) return null;
  const order = await paypal.getOrder(paypalOrderId, PAYPAL_TIMEOUT_MS).catch((error: unknown) => {
    if (error instanceof PayPalFault && error.status === 404) return {};
    throw error;
  });
  const { id, status = 'UNKNOWN' } = captureOf(order) ?? {};
  return id !== undefined && KEPT.includes(status) ? { id, status } : null;
}

export type Mended = 'goes on' | 'undone';

/**
 * Has a stopped run go on; where it is gone, gives back what was paid, then the seat. Repeating it changes nothing: the
 * refund is the one that the run itself would have made.
 * @returns undefined while PayPal still reviews the payment, or where its refund failed: then the seat stays as it is
 */
export async function repair(
  { database, temporal, paypal }: Dependencies,
  { id, run, capture }: Stray,
): Promise<Mended | undefined> {
  if (run !== GONE) {
    await goOn(temporal, id);
    return 'goes on';
  }
  if (capture?.status === 'PENDING') return undefined;
  if (capture && (await paypal.refundRegistration(id, capture.id, PAYPAL_TIMEOUT_MS))) return undefined;
  await giveSeatBack(database, id, capture ? 'refunded' : 'cancelled');
  return 'undone';
}

/**
 * Resets the last run of a registration to its last workflow task: a new run goes on from there. What is done stays done;
 * what was under way is tried again, and each step looks for what it did before.
 */
async function goOn({ workflow, workflowService, options }: Client, id: string): Promise<void> {
  const { namespace } = options;
  const handle = workflow.getHandle(workflowId(id));
  const { runId } = await handle.describe();
  const { events } = await handle.fetchHistory();
  const lastTask = events?.findLast((event) => event.workflowTaskCompletedEventAttributes);
  await workflowService.resetWorkflowExecution({
    namespace,
    workflowExecution: { workflowId: workflowId(id), runId },
    reason: 'npm run reconcile: stopped before all was done',
    workflowTaskFinishEventId: lastTask?.eventId ?? null,
    // The same for the same run: asked twice, it is reset once.
    requestId: `${runId}:reconcile`,
  });
}
