/** Disputes with PayPal's rules: the payer opens one, PayPal decides, and the money may go back. */
import type { Journal } from '../journal.ts';
import type { openLedger } from './ledger.ts';
import type { Amount } from './records.ts';
import { newId, notFound, unprocessable } from './refusals.ts';

export type Dispute = {
  dispute_id: string;
  create_time: string;
  update_time: string;
  captureId: string;
  reason: string;
  status: 'OPEN' | 'WAITING_FOR_SELLER_RESPONSE' | 'WAITING_FOR_BUYER_RESPONSE' | 'UNDER_REVIEW' | 'RESOLVED';
  dispute_amount: Amount;
  outcome?: Outcome;
};
export const OUTCOMES = ['RESOLVED_BUYER_FAVOUR', 'RESOLVED_SELLER_FAVOUR', 'CANCELED_BY_BUYER'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** A dispute as the API returns it (Disputes v1). The people in it are artificial. */
export const publicDispute = ({ captureId, outcome, ...dispute }: Dispute, amount: Amount) => ({
  ...dispute,
  disputed_transactions: [
    {
      seller_transaction_id: captureId,
      gross_amount: amount,
      transaction_status: 'COMPLETED',
      buyer: { name: 'Ada Example', email: 'ada@example.org' },
      seller: { name: 'Society e.V.', email: 'registration@example.org', merchant_id: 'SANDBOXSELLER' },
    },
  ],
  ...(outcome && { dispute_outcome: { outcome_code: outcome } }),
  dispute_life_cycle_stage: 'CHARGEBACK',
  dispute_channel: 'INTERNAL',
  messages: [
    {
      posted_by: 'BUYER',
      time_posted: dispute.create_time,
      content: 'I, ada@example.org, want my money back.',
    },
  ],
});

export function openDisputes(journal: Journal, ledger: ReturnType<typeof openLedger>) {
  const disputes = journal.map<Dispute>('paypal.disputes');
  const find = (id: string): Dispute => {
    const found = disputes.get(id);
    if (!found) throw notFound();
    return found;
  };
  const openOf = (captureId: string) =>
    [...disputes.values()].find(
      (dispute) => dispute.captureId === captureId && dispute.status !== 'RESOLVED',
    );
  /** Two changes never have the same time, as the product compares them. */
  const change = (dispute: Dispute, changes: Partial<Dispute>): Dispute => {
    const update_time = new Date(Math.max(Date.now(), Date.parse(dispute.update_time) + 1)).toISOString();
    const changed = { ...dispute, ...changes, update_time };
    disputes.set(dispute.dispute_id, changed);
    return changed;
  };

  return {
    disputes,
    dispute: find,

    /** Opens a dispute about a whole payment. */
    openDispute(captureId: string, reason = 'MERCHANDISE_OR_SERVICE_NOT_RECEIVED'): Dispute {
      const { amount, status } = ledger.capture(captureId);
      if (openOf(captureId) || !['COMPLETED', 'PARTIALLY_REFUNDED'].includes(status))
        throw unprocessable('DISPUTE_NOT_POSSIBLE');
      const now = new Date().toISOString();
      const opened: Dispute = {
        ...{ dispute_id: `PP-D-${newId(6)}`, create_time: now, update_time: now, captureId, reason },
        ...{ status: 'WAITING_FOR_SELLER_RESPONSE', dispute_amount: amount },
      };
      disputes.set(opened.dispute_id, opened);
      return opened;
    },

    /** Lets PayPal look at it. */
    reviewDispute: (id: string): Dispute => change(find(id), { status: 'UNDER_REVIEW' }),

    /** Ends a dispute. What was taken back before goes to the seller again, unless it was decided for the payer. */
    resolveDispute(id: string, outcome: Outcome): Dispute {
      const dispute = find(id);
      if (dispute.status === 'RESOLVED') throw unprocessable('DISPUTE_IS_RESOLVED');
      if (outcome !== 'RESOLVED_BUYER_FAVOUR') ledger.cancelReversals(dispute.captureId);
      return change(dispute, { status: 'RESOLVED', outcome });
    },

    /** Refuses what PayPal refuses about a disputed payment: a refund of a part, and any refund after a chargeback. */
    refuseRefund(captureId: string, isPart: boolean): void {
      if (ledger.refundsOf(captureId).some(({ reversal, status }) => reversal && status === 'COMPLETED'))
        throw unprocessable(
          'REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK',
          'Refunds are not allowed on this capture due to a chargeback on the card or bank. Please contact the payee to resolve the chargeback.',
        );
      if (isPart && openOf(captureId))
        throw unprocessable(
          'TRANSACTION_DISPUTED',
          'Partial refunds cannot be offered at this time because there is an open case on this transaction. Visit the PayPal Resolution Center to review this case.',
        );
    },
  };
}
