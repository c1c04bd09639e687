/** Orders, captures and refunds with PayPal's rules, without HTTP. A violated rule throws a `Refusal`. */
import type { Journal } from '../journal.ts';
import type { Outcome } from './cards.ts';
import { digitsOf, readOrder } from './order-request.ts';
import type { Account, Amount, Capture, Order, Refund } from './records.ts';
import { readRefund } from './refund-request.ts';
import { newId, notFound, unprocessable } from './refusals.ts';

const hundredths = ({ value }: Amount) => Math.round(Number(value) * 100);
export const amountOf = (value: number, currency_code: string): Amount => ({
  currency_code,
  value: (value / 100).toFixed(digitsOf(currency_code)),
});

/** PayPal refunds a capture for 180 days (developer.paypal.com, REFUND_TIME_LIMIT_EXCEEDED). */
const REFUNDABLE_MS = 180 * 24 * 3_600_000;
const UNLIMITED: Account = { funds: null, refunds: 'COMPLETED' };

export function openLedger(journal: Journal) {
  const orders = journal.map<Order>('paypal.orders');
  const captures = journal.map<Capture>('paypal.captures');
  const refunds = journal.map<Refund>('paypal.refunds');
  const accounts = journal.map<Account>('paypal.account');
  const account = () => accounts.get('merchant') ?? UNLIMITED;
  const setAccount = (change: Partial<Account>): void =>
    void accounts.set('merchant', { ...account(), ...change });

  const order = (id: string): Order => {
    const found = orders.get(id);
    if (!found) throw notFound();
    return found;
  };
  const capture = (id: string): Capture => {
    const found = captures.get(id);
    if (!found) throw notFound();
    return found;
  };

  return {
    orders,
    captures,
    refunds,
    order,
    capture,

    createOrder(body: unknown): Order {
      const created = readOrder(body);
      orders.set(created.id, created);
      return created;
    },

    /** Approves an order on behalf of the payer. Replaces an earlier approval whose payment was refused. */
    approve: (orderId: string, source: NonNullable<Order['source']>, outcome: Outcome): void => {
      const approved = order(orderId);
      if (approved.status === 'COMPLETED') throw unprocessable('ORDER_ALREADY_CAPTURED');
      orders.set(orderId, { ...approved, status: 'APPROVED', source, outcome });
    },

    /** Captures an approved order. As at PayPal, the order is COMPLETED even if the card is declined. */
    captureOrder(orderId: string): Order {
      const { outcome, ...approved } = order(orderId);
      if (approved.status === 'COMPLETED')
        throw unprocessable(
          'ORDER_ALREADY_CAPTURED',
          'Order already captured. If intent=CAPTURE only one capture per order is allowed.',
        );
      if (!outcome)
        throw unprocessable('ORDER_NOT_APPROVED', 'Payer has not yet approved the Order for payment.');
      if (outcome.status === 'REFUSED') throw unprocessable(outcome.issue);
      const { amount, custom_id } = approved.unit;
      const code = outcome.status === 'DECLINED' ? outcome.responseCode : '0000';
      const taken: Capture = {
        id: newId(),
        status: outcome.status,
        amount,
        ...(custom_id === undefined ? {} : { custom_id }),
        order_id: orderId,
        create_time: new Date().toISOString(),
        ...(approved.source && 'card' in approved.source
          ? { processor_response: { response_code: code } }
          : {}),
        refunded: 0,
      };
      captures.set(taken.id, taken);
      const completed: Order = { ...approved, outcome, status: 'COMPLETED', captureId: taken.id };
      orders.set(orderId, completed);
      return completed;
    },

    /** Completes the review of a PENDING capture. */
    settle: (captureId: string, status: 'COMPLETED' | 'DECLINED' | 'FAILED'): void => {
      const taken = capture(captureId);
      if (taken.status !== 'PENDING') throw unprocessable('CAPTURE_STATUS_INVALID');
      captures.set(captureId, { ...taken, status });
    },

    account,
    setAccount,

    /** Returns the refunds of a capture, the oldest first. */
    refundsOf: (captureId: string) =>
      [...refunds.values()].filter((refund) => refund.capture_id === captureId),

    /** Refunds the amount in the body, or the remaining amount. */
    refund(captureId: string, body: unknown): Refund {
      const taken = capture(captureId);
      const { currency_code } = taken.amount;
      const asked = readRefund(body);
      if (taken.status === 'REFUNDED')
        throw unprocessable('CAPTURE_FULLY_REFUNDED', 'The capture has already been fully refunded.');
      if (taken.status !== 'COMPLETED' && taken.status !== 'PARTIALLY_REFUNDED')
        throw unprocessable('CAPTURE_STATUS_INVALID');
      if (asked.amount && asked.amount.currency_code !== currency_code)
        throw unprocessable('REFUND_CAPTURE_CURRENCY_MISMATCH');
      const left = hundredths(taken.amount) - taken.refunded;
      const given = asked.amount ? hundredths(asked.amount) : left;
      if (given > left) throw unprocessable('REFUND_AMOUNT_EXCEEDED');
      if (Date.now() - Date.parse(taken.create_time) > REFUNDABLE_MS)
        throw unprocessable(
          'REFUND_TIME_LIMIT_EXCEEDED',
          'You are over the time limit to perform a refund on this capture.',
        );
      const { funds, refunds: status } = account();
      if (funds !== null && given > funds)
        throw unprocessable(
          'REFUND_FAILED_INSUFFICIENT_FUNDS',
          'Capture could not be refunded due to insufficient funds.',
        );
      if (funds !== null) setAccount({ funds: funds - given });
      const refunded = taken.refunded + given;
      const refund: Refund = {
        id: newId(),
        status,
        amount: amountOf(given, currency_code),
        total: amountOf(refunded, currency_code),
        capture_id: captureId,
        ...(asked.custom_id === undefined ? {} : { custom_id: asked.custom_id }),
        ...(asked.note_to_payer === undefined ? {} : { note_to_payer: asked.note_to_payer }),
        create_time: new Date().toISOString(),
      };
      refunds.set(refund.id, refund);
      captures.set(captureId, {
        ...taken,
        refunded,
        status: given === left ? 'REFUNDED' : 'PARTIALLY_REFUNDED',
      });
      return refund;
    },

    /** Ends a PENDING refund. The money of one that failed is back in the capture. */
    settleRefund(refundId: string, status: 'COMPLETED' | 'FAILED'): void {
      const refund = refunds.get(refundId);
      if (refund?.status !== 'PENDING') throw unprocessable('REFUND_STATUS_INVALID');
      refunds.set(refundId, { ...refund, status });
      if (status === 'COMPLETED') return;
      const taken = capture(refund.capture_id);
      const refunded = taken.refunded - hundredths(refund.amount);
      const { funds } = account();
      if (funds !== null) setAccount({ funds: funds + hundredths(refund.amount) });
      captures.set(taken.id, { ...taken, refunded, status: refunded ? 'PARTIALLY_REFUNDED' : 'COMPLETED' });
    },

    /** Takes back what is left of a capture. As at PayPal, that is a refund that nobody asked for. Undefined when nothing is left. */
    reverse(captureId: string): Refund | undefined {
      const taken = capture(captureId);
      const left = hundredths(taken.amount) - taken.refunded;
      if (left <= 0 || !['COMPLETED', 'PARTIALLY_REFUNDED'].includes(taken.status)) return undefined;
      const { currency_code } = taken.amount;
      const reversal: Refund = {
        ...{ id: newId(), status: 'COMPLETED', amount: amountOf(left, currency_code), total: taken.amount },
        ...{ capture_id: captureId, note_to_payer: 'Payment reversed', reversal: true },
        create_time: new Date().toISOString(),
      };
      refunds.set(reversal.id, reversal);
      captures.set(captureId, { ...taken, refunded: taken.refunded + left, status: 'REFUNDED' });
      return reversal;
    },

    /** Gives back what was taken back. */
    cancelReversals(captureId: string): void {
      for (const refund of refunds.values()) {
        if (refund.capture_id !== captureId || !refund.reversal || refund.status !== 'COMPLETED') continue;
        refunds.set(refund.id, { ...refund, status: 'CANCELLED' });
        const taken = capture(captureId);
        const refunded = taken.refunded - hundredths(refund.amount);
        captures.set(captureId, {
          ...taken,
          refunded,
          status: refunded ? 'PARTIALLY_REFUNDED' : 'COMPLETED',
        });
      }
    },

    /** Makes a capture older, as if its payment had been taken that many days earlier. */
    age(captureId: string, days: number): void {
      const taken = capture(captureId);
      const create_time = new Date(Date.parse(taken.create_time) - days * 24 * 3_600_000).toISOString();
      captures.set(captureId, { ...taken, create_time });
    },
  };
}
