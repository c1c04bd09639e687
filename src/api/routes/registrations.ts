import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { findRegistration, type Registration } from '../../database/registrations.ts';
import { giveSeatBack } from '../../database/seats.ts';
import { linksOf } from '../../reference.ts';
import {
  NEWSLETTER_WORDING,
  type Language,
  type Order,
  type PaymentAnswer,
  type RejectReason,
} from '../../registration.ts';
import { payRegistration, sharedProbe } from '../../temporal.ts';
import type { App, RouteDependencies } from '../dependencies.ts';
import { languageOf } from '../language.ts';
import { Problem, problemResponses, unavailable, type ProblemName } from '../problem.ts';
import { RegisteredBody, RegistrationForm } from '../schemas.ts';
import { readStatus } from '../status.ts';
import { refuseFaults, ticketNotOnSale } from '../refusals.ts';

const REJECTED: Record<RejectReason, ProblemName> = {
  'not-approved': 'payment-not-approved',
  unknown: 'payment-unknown',
  mismatch: 'payment-mismatch',
  'not-processed': 'payment-not-processed',
};

export function registrationRoutes(app: App, dependencies: RouteDependencies): void {
  const { database, temporal, config, limits, taskQueue, answerWithinMs } = dependencies;
  const probe = sharedProbe(temporal);

  app.post(
    '/api/registrations',
    {
      onRequest: limits.onRequest,
      preHandler: limits.preHandler,
      schema: {
        summary: 'Pay and be registered; the same request again gives the same answer and charges nothing',
        body: RegistrationForm,
        response: {
          201: RegisteredBody,
          202: RegisteredBody,
          ...problemResponses(400, 402, 409, 413, 415, 422, 429, 503),
        },
      },
    },
    async (request, reply) => {
      const { body: form, log } = request;
      refuseFaults(form);
      const { id } = form;
      const registered = (status: 'confirmed' | 'processing') => ({
        id,
        status,
        ...linksOf(config.publicUrl, id),
      });

      // Order rows come first, so that nothing starts again once Temporal has forgotten the run.
      const found = await findRegistration(database, id, form.event, form.ticketType);
      if (found.order) {
        answerFromOrder(found.order, form.paypalOrderId);
        return reply.code(201).send(registered('confirmed'));
      }
      const { hold, end } = found;
      // A run that ended goes on to answer as it did, and needs no hold for that.
      if (!hold && !end) throw new Problem('hold-expired');
      const order = toOrder(form, found, languageOf(request));
      await probe().catch(() => {
        throw unavailable();
      });

      // The second PayPal order of a registration follows a first attempt, so there may be a run already.
      const answer = await pay(order, hold === undefined || hold.paypalOrders > 1);
      if (answer === 'not known') {
        log.warn('payment not known in time');
        const accepted = registered('processing');
        return reply.code(202).header('location', accepted.statusUrl).send(accepted);
      }
      if (answer.status === 'declined') await limits.declined(request);
      if (answer.status !== 'captured') throw toProblem(answer);
      return reply.code(201).send(registered('confirmed'));
    },
  );

  /** What the run takes with it. Price and ticket type are the hold's, never the form's. */
  function toOrder(form: RegistrationForm, { hold, ticket }: Registration, language: Language): Order {
    if (!ticket) throw ticketNotOnSale();
    const { event, ticketType } = ticket;
    if (hold && (hold.event !== form.event || hold.ticketType !== form.ticketType))
      throw new Problem('ticket-mismatch');
    const amount = hold?.amount ?? ticketType.price;
    if (amount.minor > 0 !== (form.paypalOrderId !== null))
      throw new Problem('payment-mismatch', {
        errors: [{ pointer: '/paypalOrderId', detail: 'fault.paypal-order' }],
      });
    return {
      id: form.id,
      event,
      ticketType: { id: ticketType.id, name: ticketType.name },
      attendee: form.attendee,
      billing: form.billing,
      newsletter: form.newsletter ? { at: new Date().toISOString(), wording: NEWSLETTER_WORDING } : null,
      language,
      amount,
      paypalOrderId: form.paypalOrderId,
    };
  }

  /** The payment's outcome; whatever is not one of our own typed outcomes is not known, never guessed. */
  async function pay(order: Order, mayDiffer: boolean): Promise<PaymentAnswer | 'not known'> {
    try {
      return await payRegistration(temporal, order, mayDiffer, { taskQueue, timeoutMs: answerWithinMs });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) return 'not known';
    }
    // The run is over and never attempted this PayPal order: its result decides.
    const { status } = (await readStatus(dependencies, order.id).catch(() => undefined)) ?? {};
    if (status === 'confirmed') return { status: 'already-paid' };
    if (status === 'declined') {
      // Terminated while it waited for another card: nobody takes one any more. Ended, so that the attendee can start anew.
      await giveSeatBack(database, order.id, 'cancelled');
      return { status: 'cancelled' };
    }
    return status === 'expired' || status === 'cancelled' || status === 'refunded' ? { status } : 'not known';
  }
}

/** A saved order answers as the first request was answered, and refuses to be paid for again. */
function answerFromOrder(order: NonNullable<Registration['order']>, paypalOrderId: string | null): void {
  if (order.status !== 'confirmed') throw new Problem(`was-${order.status}`);
  if (order.paypalOrderId !== paypalOrderId) throw new Problem('already-registered');
}

function toProblem(answer: Exclude<PaymentAnswer, { status: 'captured' }>): Problem {
  switch (answer.status) {
    case 'declined':
      return new Problem('declined', {
        detail: `declined.${answer.reason}`,
        heldUntil: answer.heldUntil,
      });
    case 'rejected':
      return new Problem(REJECTED[answer.reason]);
    case 'expired':
      return new Problem('hold-expired');
    case 'already-paid':
      return new Problem('already-registered');
    case 'cancelled':
    case 'refunded':
      return new Problem(`was-${answer.status}`);
  }
}
