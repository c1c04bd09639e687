import type { FastifyBaseLogger } from 'fastify';
import { findPrice } from '../../database/events.ts';
import { holdSeat, notePaypalOrder } from '../../database/seats/hold.ts';
import type { Hold } from '../../database/seats/lock.ts';
import { Form } from '../../form.ts';
import { workflowId } from '../../registration.ts';
import { VendorError } from '../../vendors/vendor-error.ts';
import type { App } from '../dependencies.ts';
import type { RouteDependencies } from '../limits.ts';
import { Problem, problemResponses } from '../problem.ts';
import { addressNeeded, refuseFaults, ticketNotOnSale } from './refusals.ts';
import { CheckoutBody, price, RegistrationParams } from './schemas.ts';

/** Somebody waits for this answer: after this time it is better to say that PayPal is away. */
const PAYPAL_TIMEOUT_MS = 10_000;

export function checkoutRoutes(app: App, dependencies: RouteDependencies): void {
  const { database, limits, paypal } = dependencies;

  app.put(
    '/api/checkouts/:id',
    {
      onRequest: limits.onRequest,
      preHandler: limits.preHandler,
      schema: {
        summary: 'Hold a seat and open a PayPal order for it; repeat to renew the hold',
        params: RegistrationParams,
        body: Form,
        response: {
          200: CheckoutBody,
          201: CheckoutBody,
          ...problemResponses(400, 409, 413, 415, 422, 429, 503),
        },
      },
    },
    async ({ params: { id }, body: form, log }, reply) => {
      refuseFaults(form);
      if (!form.billing && (await findPrice(database, form.event, form.ticketType))) throw addressNeeded();
      const outcome = await holdSeat(database, id, form.event, form.ticketType);
      switch (outcome.status) {
        case 'unknown-ticket-type':
          throw ticketNotOnSale();
        case 'sold-out':
          throw new Problem('sold-out');
        case 'all-held':
          throw new Problem('sold-out', { detail: 'problem.sold-out.held' });
        case 'registered':
          throw new Problem('already-registered');
        case 'over':
          throw new Problem('registration-over');
        case 'in-flight':
          if (outcome.hold.event !== form.event || outcome.hold.ticketType !== form.ticketType)
            throw new Problem('payment-in-flight');
          return reply.code(200).send(checkout(outcome.hold, outcome.hold.paypalOrderId));
        case 'held': {
          const paypalOrderId = await openPaypalOrder(outcome.hold, log);
          return reply.code(outcome.renewed ? 200 : 201).send(checkout(outcome.hold, paypalOrderId));
        }
      }
    },
  );

  /** The PayPal order of a hold, opened where it has none. The hold is kept when PayPal cannot be reached. */
  async function openPaypalOrder(hold: Hold, log: FastifyBaseLogger): Promise<string | null> {
    if (hold.amount.minor === 0 || hold.paypalOrderId) return hold.paypalOrderId;
    try {
      const paypalOrderId = await paypal.createOrder(
        {
          requestId: `${hold.id}:${hold.paypalOrders}:order`,
          registrationId: hold.id,
          amount: hold.amount,
          description: `${hold.event} ${hold.ticketType}`,
        },
        PAYPAL_TIMEOUT_MS,
      );
      await notePaypalOrder(database, hold, paypalOrderId);
      return paypalOrderId;
    } catch (error) {
      if (!(error instanceof VendorError)) throw error;
      log.error({ error: error.message, workflowId: workflowId(hold.id) }, 'PayPal did not open an order');
      throw new Problem('payment-service-away', { retryAfterSeconds: 10, heldUntil: hold.heldUntil });
    }
  }
}

const checkout = ({ id, amount, heldUntil }: Hold, paypalOrderId: string | null) => ({
  id,
  amount: price(amount),
  paypalOrderId,
  heldUntil,
});
