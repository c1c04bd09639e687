/** Finds seats and payments that no run looks after any more, for it was terminated or is gone; and mends them. */
import { WorkflowNotFoundError } from '@temporalio/common';
import type { Client } from '@temporalio/client';
import { findClaims } from './database/claims.ts';
import type { Database } from './database/connection.ts';
import { findHold, giveSeatBack } from './database/seats.ts';
import { captureOf, PayPalFault, type PayPal } from './paypal.ts';
import { reference } from './reference.ts';
import { FREE, workflowId } from './registration.ts';

const PAYPAL_TIMEOUT_MS = 10_000;
/** Statuses of a run that goes on by itself. */
const ALIVE = ['RUNNING', 'CONTINUED_AS_NEW'];
/** Captures that hold money which was not given back. */
const KEPT = ['COMPLETED', 'PENDING', 'PARTIALLY_REFUNDED'];

/** A claimed seat without a run; `run` says what became of it, `capture` the payment that was taken for it. */
export type Stray = {
  id: string;
  reference: string;
  run: string;
  capture: { id: string; status: string } | null;
};
type Dependencies = { database: Database; temporal: Client; paypal: PayPal };

/**
 * Lists claims whose run is not open. A seat becomes sold with its order, so each of them is a seat that nobody gets, and
 * maybe a payment for nothing.
 * @throws PayPalFault, or whatever the database or Temporal says when they are away: then nothing is known
 */
export async function findStrays(
  { database, temporal, paypal }: Dependencies,
  olderThanMinutes: number,
): Promise<Stray[]> {
  const strays: Stray[] = [];
  for (const { id, paypalOrderId } of await findClaims(database, olderThanMinutes)) {
    const run = await temporal.workflow
      .getHandle(workflowId(id))
      .describe()
      .then(({ status }) => status.name as string)
      .catch((error: unknown) => {
        if (error instanceof WorkflowNotFoundError) return 'GONE';
        throw error;
      });
    if (ALIVE.includes(run)) continue;
    // The run may have ended well since its claim was read: only what it has left behind for good is a stray.
    const left = await findHold(database, id);
    if (left?.heldUntil !== null) continue;
    strays.push({ id, reference: reference(id), run, capture: await captured(paypal, paypalOrderId) });
  }
  return strays;
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

/**
 * Gives back what was paid for a stray, then its seat. Repeating it changes nothing: the refund is the one that the run
 * itself would have made.
 * @returns false while PayPal still reviews the payment, or where its refund failed: then the seat stays as it is
 */
export async function repair({ database, paypal }: Dependencies, { id, capture }: Stray): Promise<boolean> {
  if (capture?.status === 'PENDING') return false;
  if (capture && (await paypal.refundRegistration(id, capture.id, PAYPAL_TIMEOUT_MS))) return false;
  await giveSeatBack(database, id, capture ? 'refunded' : 'cancelled');
  return true;
}
