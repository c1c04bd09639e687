import { randomUUID } from 'node:crypto';
import type { FastifyBaseLogger } from 'fastify';
import { findPrice } from '../../database/events.ts';
import { HOLD_MINUTES, holdSeat, notePaypalOrder } from '../../database/seats/hold.ts';
import type { Hold } from '../../database/seats/lock.ts';
import { forgetSecret } from '../../database/seats/owner.ts';
import { Form } from '../../form.ts';
import { workflowId } from '../../registration.ts';
import { VendorError } from '../../vendors/vendor-error.ts';
import type { App } from '../dependencies.ts';
import type { RouteDependencies } from '../limits.ts';
import { Problem, problemResponses } from '../problem.ts';
import { ownerOf, secretIn } from './owner.ts';
import { acceptAnswers, refuseAnswers } from './answers.ts';
import { addressNeeded, notOwner, refuseFaults, ticketNotOnSale } from './refusals.ts';
import { CheckoutBody, price, RegistrationParams, SecretHeader } from './schemas.ts';

/** Somebody waits for this answer: after this time it is better to say that PayPal is away. */
const PAYPAL_TIMEOUT_MS = 10_000;
const DAY_S = 86_400;

export function checkoutRoutes(app: App, dependencies: RouteDependencies): void {
  const { config, database, limits, paypal } = dependencies;

  app.put(
    '/api/checkouts/:id',
    {
      onRequest: limits.onRequest,
      preHandler: limits.preHandler,
      schema: {
        summary: 'Hold a seat and open a PayPal order for it; repeat to renew the hold',
        params: RegistrationParams,
        headers: SecretHeader,
        body: Form,
        response: {
          200: CheckoutBody,
          201: CheckoutBody,
          ...problemResponses(400, 409, 413, 415, 422, 429, 503),
        },
      },
    },
    async (request, reply) => {
      const { body: form, log } = request;
      const { id } = request.params;
      refuseFaults(form);
      const [hasQuestions, cost] = await Promise.all([
        refuseAnswers(database, form),
        form.billing ? undefined : findPrice(database, form.event, form.ticketType),
      ]);
      if (cost) throw addressNeeded();
      // A browser that makes the secret itself still has it when the answer is lost.
      const given = secretIn(request);
      const secret = given ?? randomUUID();
      const owner = ownerOf(request, { id, email: form.attendee.email, secret }, config.limits);
      const outcome = await holdSeat(database, id, form.event, form.ticketType, owner);
      if ('hold' in outcome && hasQuestions) await acceptAnswers(database, id, form.answers);
      switch (outcome.status) {
        case 'unknown-ticket-type':
          throw ticketNotOnSale();
        case 'sold-out':
          throw new Problem('sold-out');
        case 'all-held':
          throw new Problem('sold-out', { detail: 'problem.sold-out.held' });
        case 'too-many-holds':
          throw new Problem('too-many-holds', { retryAfterSeconds: HOLD_MINUTES * 60 });
        case 'too-many-free':
          throw new Problem('too-many-holds', {
            detail: 'problem.too-many-holds.free',
            retryAfterSeconds: DAY_S,
          });
        case 'too-many-orders':
          throw new Problem('too-many-orders', { retryAfterSeconds: HOLD_MINUTES * 60 });
        case 'not-owner':
          throw notOwner();
        case 'registered':
          throw new Problem('already-registered');
        case 'over':
          throw new Problem('registration-over');
        case 'in-flight':
          if (outcome.hold.event !== form.event || outcome.hold.ticketType !== form.ticketType)
            throw new Problem('payment-in-flight');
          return reply.code(200).send(checkout(outcome.hold, outcome.hold.paypalOrderId));
        case 'held': {
          const paypalOrderId = await openPaypalOrder(outcome.hold, log).catch(async (error: unknown) => {
            // This answer does not tell the secret, so the next one has to.
            if (outcome.secretTaken && !given) await forgetSecret(database, id, owner.secretHash);
            throw error;
          });
          return reply
            .code(outcome.renewed ? 200 : 201)
            .send({ ...checkout(outcome.hold, paypalOrderId), ...(outcome.secretTaken && { secret }) });
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
