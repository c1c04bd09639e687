/** Orders, captures and refunds with PayPal's rules, without HTTP. A violated rule throws a `Refusal`. */
import type { Journal } from '../journal.ts';
import type { Outcome } from './cards.ts';
import { digitsOf, isObject, readAmount, readOrder } from './order-request.ts';
import type { Amount, Capture, Order, Refund } from './records.ts';
import { newId, notFound, unprocessable } from './refusals.ts';

const hundredths = ({ value }: Amount) => Math.round(Number(value) * 100);

export function openLedger(journal: Journal) {
  const orders = journal.map<Order>('paypal.orders');
  const captures = journal.map<Capture>('paypal.captures');
  const refunds = journal.map<Refund>('paypal.refunds');

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

    /** Refunds the amount in the body, or the remaining amount. */
    refund(captureId: string, body: unknown): Refund {
      const taken = capture(captureId);
      if (taken.status === 'REFUNDED')
        throw unprocessable('CAPTURE_FULLY_REFUNDED', 'The capture has already been fully refunded.');
      if (taken.status !== 'COMPLETED' && taken.status !== 'PARTIALLY_REFUNDED')
        throw unprocessable('CAPTURE_STATUS_INVALID');
      const { currency_code } = taken.amount;
      const asked =
        isObject(body) && body.amount !== undefined ? readAmount(body.amount, '/amount') : undefined;
      if (asked && asked.currency_code !== currency_code)
        throw unprocessable('REFUND_CAPTURE_CURRENCY_MISMATCH');
      const left = hundredths(taken.amount) - taken.refunded;
      const given = asked ? hundredths(asked) : left;
      if (given > left) throw unprocessable('REFUND_AMOUNT_EXCEEDED');
      const refund: Refund = {
        id: newId(),
        status: 'COMPLETED',
        amount: { currency_code, value: (given / 100).toFixed(digitsOf(currency_code)) },
        capture_id: captureId,
        create_time: new Date().toISOString(),
      };
      refunds.set(refund.id, refund);
      captures.set(captureId, {
        ...taken,
        refunded: taken.refunded + given,
        status: given === left ? 'REFUNDED' : 'PARTIALLY_REFUNDED',
      });
      return refund;
    },
  };
}
