/** Captures, orders and refunds as PayPal's API returns them. */
import { amountOf } from './ledger.ts';
import type { Amount, Capture, Order, Refund } from './records.ts';

/** PayPal's fee, for example: 2.99 % and 0.39. Refunds do not give it back. */
const feeOf = ({ value }: Amount) => Math.round(Number(value) * 2.99 + 39);

/** What the merchant receives of a capture. There is no breakdown before the capture is completed. */
function receivable({ status, amount }: Capture) {
  if (!['COMPLETED', 'PARTIALLY_REFUNDED', 'REFUNDED'].includes(status)) return {};
  const fee = Math.min(feeOf(amount), Number(amount.value) * 100);
  return {
    seller_receivable_breakdown: {
      gross_amount: amount,
      paypal_fee: amountOf(fee, amount.currency_code),
      net_amount: amountOf(Number(amount.value) * 100 - fee, amount.currency_code),
    },
  };
}

export const publicCapture = (capture: Capture) => ({
  id: capture.id,
  status: capture.status,
  ...(capture.status === 'PENDING' ? { status_details: { reason: 'PENDING_REVIEW' } } : {}),
  amount: capture.amount,
  ...receivable(capture),
  custom_id: capture.custom_id,
  final_capture: true,
  processor_response: capture.processor_response,
  create_time: capture.create_time,
  supplementary_data: { related_ids: { order_id: capture.order_id } },
});

export const publicOrder = (order: Order, capture: Capture | undefined, refunds: Refund[], base: string) => ({
  id: order.id,
  intent: order.intent,
  status: order.status,
  create_time: order.createTime,
  payment_source: order.source,
  purchase_units: [
    {
      ...order.unit,
      ...(capture && {
        payments: {
          captures: [publicCapture(capture)],
          ...(refunds.length > 0 && { refunds: refunds.map((refund) => publicRefund(refund, base)) }),
        },
      }),
    },
  ],
  links: [
    { href: `${base}/v2/checkout/orders/${order.id}`, rel: 'self', method: 'GET' },
    { href: `${base}/checkoutnow?token=${order.id}`, rel: 'approve', method: 'GET' },
    { href: `${base}/v2/checkout/orders/${order.id}/capture`, rel: 'capture', method: 'POST' },
  ],
});

export const publicRefund = ({ capture_id, total, reversal: _ours, ...refund }: Refund, base: string) => ({
  ...refund,
  ...(refund.status === 'PENDING' ? { status_details: { reason: 'ECHECK' } } : {}),
  seller_payable_breakdown: {
    gross_amount: refund.amount,
    paypal_fee: amountOf(0, refund.amount.currency_code),
    net_amount: refund.amount,
    total_refunded_amount: total,
  },
  links: [
    { href: `${base}/v2/payments/refunds/${refund.id}`, rel: 'self', method: 'GET' },
    { href: `${base}/v2/payments/captures/${capture_id}`, rel: 'up', method: 'GET' },
  ],
});
