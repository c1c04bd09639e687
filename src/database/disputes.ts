/** Payments that a payer disputes at PayPal or at the bank. This file owns the table `disputes`. */
import type { Money } from '../money.ts';
import type { Database } from './connection.ts';
import { note } from './history.ts';

/** A dispute as PayPal tells it. `reason`, `status` and `outcome` are PayPal's words. Times are ISO 8601. */
export type Dispute = {
  id: string;
  reason: string;
  amount: Money;
  status: string;
  outcome: string | null;
  openedAt: string;
  /** Null while it is open. */
  closedAt: string | null;
  changedAt: string;
};

type Row = { closed_at: Date | null; changed_at: Date };

/**
 * Enters a dispute about a capture, or what has become of it. Within a transaction that holds the lock of the registration.
 * Readings may come in any order: one that is older than what is entered changes nothing.
 */
export async function enterDispute(
  trx: Database,
  { registration, captureId }: { registration: string; captureId: string },
  dispute: Dispute,
): Promise<void> {
  const { id, amount, reason, status, outcome, closedAt } = dispute;
  const key = { id, paypal_capture_id: captureId };
  const before = await trx('disputes').where(key).first<Row | undefined>('closed_at', 'changed_at');
  if (before && before.changed_at.getTime() > Date.parse(dispute.changedAt)) return;
  await trx('disputes')
    .insert({
      ...key,
      registration_id: registration,
      ...{ reason, status, outcome },
      ...{ amount_minor: amount.minor, currency: amount.currency },
      ...{ opened_at: dispute.openedAt, closed_at: closedAt, changed_at: dispute.changedAt },
    })
    .onConflict(['id', 'paypal_capture_id'])
    .merge();
  const facts = { amount, dispute: id };
  // One that was resolved may be opened again by an appeal.
  if (!before || (before.closed_at && closedAt === null))
    await note(trx, { registration, kind: 'dispute-opened', facts: { ...facts, word: reason } });
  if (closedAt !== null && !before?.closed_at)
    await note(trx, { registration, kind: 'dispute-resolved', facts: { ...facts, word: outcome ?? status } });
}
