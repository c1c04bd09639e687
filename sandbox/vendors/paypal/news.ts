/** Tells the product, through PayPal's webhook, what happens to payments. */
import { publicDispute, type Dispute, type openDisputes, type Outcome } from './disputes.ts';
import type { openLedger } from './ledger.ts';
import { readRefund } from './refund-request.ts';
import type { Capture, Refund } from './records.ts';
import { publicCapture, publicRefund } from './shown.ts';
import type { PayPalWebhooks } from './webhooks.ts';

const BASE = 'https://api-m.paypal.com';

/** Adds the events to a ledger and its disputes. */
export function withNews(
  ledger: ReturnType<typeof openLedger>,
  disputes: ReturnType<typeof openDisputes>,
  { tell }: PayPalWebhooks,
) {
  const tellCapture = (capture: Capture, declined = 'DECLINED') => {
    const state = ['DECLINED', 'FAILED'].includes(capture.status) ? declined : capture.status;
    tell(`PAYMENT.CAPTURE.${state}`, 'capture', `Payment ${state.toLowerCase()}`, publicCapture(capture));
  };
  const tellRefund = (refund: Refund) => {
    if (refund.status === 'COMPLETED')
      tell(
        'PAYMENT.CAPTURE.REFUNDED',
        'refund',
        'A capture payment was refunded',
        publicRefund(refund, BASE),
      );
  };
  const tellDispute = (kind: 'CREATED' | 'UPDATED' | 'RESOLVED', dispute: Dispute) => {
    const { amount } = ledger.capture(dispute.captureId);
    tell(`CUSTOMER.DISPUTE.${kind}`, 'dispute', 'A dispute', publicDispute(dispute, amount));
    return dispute;
  };
  const reverse = (captureId: string) => {
    const reversal = ledger.reverse(captureId);
    if (reversal)
      tell(
        'PAYMENT.CAPTURE.REVERSED',
        'refund',
        'A capture payment was reversed',
        publicRefund(reversal, BASE),
      );
    return reversal;
  };

  return {
    ...ledger,
    ...disputes,

    captureOrder(orderId: string) {
      const order = ledger.captureOrder(orderId);
      if (order.captureId !== undefined) tellCapture(ledger.capture(order.captureId));
      return order;
    },
    settle: (captureId: string, status: 'COMPLETED' | 'DECLINED' | 'FAILED'): void => {
      ledger.settle(captureId, status);
      tellCapture(ledger.capture(captureId), 'DENIED');
    },
    refund(captureId: string, body: unknown): Refund {
      const { amount } = readRefund(body);
      const { amount: whole } = ledger.capture(captureId);
      disputes.refuseRefund(captureId, amount !== undefined && Number(amount.value) !== Number(whole.value));
      const refund = ledger.refund(captureId, body);
      tellRefund(refund);
      return refund;
    },
    settleRefund(refundId: string, status: 'COMPLETED' | 'FAILED') {
      ledger.settleRefund(refundId, status);
      const refund = ledger.refunds.get(refundId);
      if (refund) tellRefund(refund);
    },
    /** Takes what is left of a payment back, as a bank does with a chargeback. */
    reverse,
    openDispute: (captureId: string, reason?: string) =>
      tellDispute('CREATED', disputes.openDispute(captureId, reason)),
    reviewDispute: (id: string) => tellDispute('UPDATED', disputes.reviewDispute(id)),
    resolveDispute: (id: string, outcome: Outcome) => {
      const dispute = disputes.resolveDispute(id, outcome);
      if (outcome === 'RESOLVED_BUYER_FAVOUR') reverse(dispute.captureId);
      return tellDispute('RESOLVED', dispute);
    },
  };
}
