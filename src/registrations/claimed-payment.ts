/** A payment whose run is gone before its order was saved: a new run finishes it, with the order that was kept beside the claim. */
import type { Client } from '@temporalio/client';
import type { Database } from '../database/connection.ts';
import { findCancelled } from '../database/lost.ts';
import { isCancelAsked } from '../database/history.ts';
import { findRefund } from '../database/refunds.ts';
import { findClaimedOrder, type Claim } from '../database/seats/claim.ts';
import type { Order } from '../registration.ts';
import { openClaimed } from '../temporal/claimed-order.ts';
import { finishRegistration } from '../temporal/runs.ts';

type Dependencies = { database: Database; temporal: Client; taskQueue?: string };

/**
 * Reads the order of a claim. `none`: the claim was made by a version that kept none, or the registration is meant to end: an organizer
 * has cancelled it, its event is cancelled, or its run had begun to refund it. `unreadable`: its key is not in ENCRYPTION_KEY.
 */
async function readOrder(
  { database, temporal }: Dependencies,
  { id, paypalOrderId }: Claim,
): Promise<Order | 'none' | 'unreadable'> {
  const claimed = await findClaimedOrder(database, id);
  if (claimed?.paypalOrderId !== paypalOrderId || !claimed.sealed) return 'none';
  if (await isMeantToEnd(database, claimed)) return 'none';
  const kept = await openClaimed(temporal.options.loadedDataConverter, id, claimed.sealed);
  if (kept === 'unreadable') return kept;
  // A worker of an earlier version has claimed the seat for another payment since.
  return kept.paypalOrderId === paypalOrderId
    ? { ...kept.order, ...taking(paypalOrderId, kept.order) }
    : 'none';
}

/** A free ticket has none: its claim has a word in its place. */
const taking = (paypalOrderId: string, { amount }: Order) => ({
  paypalOrderId: amount.minor > 0 ? paypalOrderId : null,
});

async function isMeantToEnd(
  database: Database,
  { id, event }: { id: string; event: string },
): Promise<boolean> {
  return (
    (await isCancelAsked(database, id)) ||
    (await findRefund(database, id)) !== undefined ||
    (await findCancelled(database, [event])).length > 0
  );
}

/** Whether the order of a claim was kept, so that a new run can finish the registration. */
export async function isKept(dependencies: Dependencies, claim: Claim): Promise<'yes' | 'no' | 'unreadable'> {
  const order = await readOrder(dependencies, claim);
  return typeof order === 'object' ? 'yes' : order === 'none' ? 'no' : order;
}

/**
 * Starts the run that finishes the registration of a claim: it finds at PayPal that the payment is taken, or waits until PayPal knows. When
 * the claim is gone, another run has finished it by then.
 */
export async function finishPayment(dependencies: Dependencies, claim: Claim): Promise<void> {
  const order = await readOrder(dependencies, claim);
  if (typeof order === 'object')
    await finishRegistration(dependencies.temporal, order, dependencies.taskQueue);
}
