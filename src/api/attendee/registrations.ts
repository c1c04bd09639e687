import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import type { FastifyBaseLogger } from 'fastify';
import { findRegistration, giveSeatBack, type Registration } from '../../database/registrations.ts';
import type { Answers } from '../../form.ts';
import { linksOf } from '../../reference.ts';
import {
  NEWSLETTER_WORDING,
  workflowId,
  type Captured,
  type Language,
  type Order,
  type PaymentAnswer,
  type RejectReason,
  type Status,
} from '../../registration.ts';
import { readStatus } from '../../registrations/status.ts';
import { sharedProbe } from '../../temporal/client.ts';
import { payRegistration } from '../../temporal/runs.ts';
import { traceOf } from '../../trace.ts';
import type { App } from '../dependencies.ts';
import { languageOf } from '../language.ts';
import type { RouteDependencies } from '../limits.ts';
import { Problem, problemResponses, unavailable, type ProblemName } from '../problem.ts';
import { answersToPay } from './answers.ts';
import { emailHashOf } from './owner.ts';
import { addressNeeded, notOwner, refuseFaults, ticketNotOnSale } from './refusals.ts';
import { RegisteredBody, RegistrationForm } from './schemas.ts';

/** What is known of a payment, as far as the attendee is told. */
type Answer = Exclude<PaymentAnswer, Captured> | { status: 'captured' } | { status: 'not-known' };

/** A form with the answers for the order. */
type Answered = Omit<RegistrationForm, 'answers'> & { answers: Answers | undefined };

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
      const registered = (status: 'confirmed' | 'processing' | 'unconfirmed') => ({
        id,
        status,
        ...linksOf(config.publicUrl, id),
      });

      // The database decides first, so that nothing starts again once Temporal has forgotten the run.
      const found = await findRegistration(database, id, form.event, form.ticketType);
      if (found.order) {
        answerFromOrder(found.order, form.paypalOrderId);
        return reply.code(201).send(registered('confirmed'));
      }
      const { hold, end } = found;
      // A run that is over has its answers.
      const answers = end ? form.answers : await answersToPay(database, form, hold);
      if (end === 'refunded' || end === 'cancelled') throw new Problem(`was-${end}`);
      // A run that has expired answers as it did before, and needs no hold for that.
      if (!hold && !end) throw new Problem('hold-expired');
      if (hold?.emailHash && hold.emailHash !== emailHashOf(id, form.attendee.email)) throw notOwner();
      const order = toOrder({ ...form, answers }, found, languageOf(request));
      await probe().catch(() => {
        throw unavailable();
      });

      // The second PayPal order of a registration follows a first attempt, so there may be a run already.
      const paid = await pay(order, hold === undefined || hold.paypalOrders > 1, log);
      // What the run said once stays said, and the address may have been confirmed since.
      const answer = paid.status === 'unconfirmed' ? await sinceAsked(id, hold) : paid;
      if (answer.status === 'not-known' || answer.status === 'unconfirmed') {
        const accepted = registered(answer.status === 'unconfirmed' ? 'unconfirmed' : 'processing');
        return reply.code(202).header('location', accepted.statusUrl).send(accepted);
      }
      if (answer.status === 'declined') await limits.declined(request);
      if (answer.status !== 'captured') throw toProblem(answer);
      // A repeated request finds the seat claimed: the payment may have been undone since.
      if (hold?.claimed) await refuseUndone(id);
      return reply.code(201).send(registered('confirmed'));
    },
  );

  /** What became of a registration; undefined when nobody can tell now. */
  async function statusOf(id: string): Promise<Status | undefined> {
    const answer = await readStatus(dependencies, id);
    return answer.found === 'registration' ? answer.registration.status : undefined;
  }

  /** @throws Problem when the registration was undone after its payment */
  async function refuseUndone(id: string): Promise<void> {
    const status = await statusOf(id);
    if (status === 'refunded' || status === 'cancelled') throw new Problem(`was-${status}`);
  }

  /** The input of the run. Price and ticket type are the hold's, never the form's. */
  function toOrder(form: Answered, { hold, ticket }: Registration, language: Language): Order {
    if (!ticket) throw ticketNotOnSale();
    const { event, ticketType, confirmEmail } = ticket;
    if (hold && (hold.event !== form.event || hold.ticketType !== form.ticketType))
      throw new Problem('ticket-mismatch');
    const amount = hold?.amount ?? ticketType.price;
    if (amount.minor > 0 !== (form.paypalOrderId !== null))
      throw new Problem('payment-mismatch', {
        errors: [{ pointer: '/paypalOrderId', detail: 'fault.paypal-order' }],
      });
    if (amount.minor > 0 && !form.billing) throw addressNeeded();
    return {
      id: form.id,
      event,
      ticketType: { id: ticketType.id, name: ticketType.name },
      attendee: form.attendee,
      ...(form.billing && { billing: form.billing }),
      ...(form.answers && Object.keys(form.answers).length > 0 && { answers: form.answers }),
      newsletter: form.newsletter ? { at: new Date().toISOString(), wording: NEWSLETTER_WORDING } : null,
      language,
      amount,
      paypalOrderId: form.paypalOrderId,
      ...(confirmEmail && hold && { confirmationToken: hold.confirmationToken }),
    };
  }

  /** What became of a registration that has waited for its address to be confirmed. */
  async function sinceAsked(id: string, hold: Registration['hold']): Promise<Answer> {
    const status = await statusOf(id);
    switch (status) {
      case undefined:
      case 'unconfirmed':
        return { status: 'unconfirmed' };
      case 'processing':
        return { status: 'not-known' };
      case 'confirmed':
        return { status: 'captured' };
      case 'declined':
        return { status, reason: 'declined', heldUntil: hold?.heldUntil ?? null, attempts: 1 };
      default:
        return { status };
    }
  }

  /** The payment's outcome. Anything that is not one of our own typed outcomes is not known, never guessed. */
  async function pay(order: Order, mayDiffer: boolean, log: FastifyBaseLogger): Promise<Answer> {
    try {
      return await payRegistration(temporal, order, mayDiffer, { taskQueue, timeoutMs: answerWithinMs });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) {
        const late = error instanceof WorkflowUpdateRPCTimeoutOrCancelledError;
        const entry = { workflowId: workflowId(order.id), error: traceOf(error) };
        if (late) log.warn(entry, 'payment not known in time');
        else log.error(entry, 'payment not known');
        return { status: 'not-known' };
      }
    }
    // The run is over and never attempted this PayPal order: what became of the registration decides.
    const status = await statusOf(order.id);
    switch (status) {
      case 'confirmed':
        return { status: 'already-paid' };
      case 'declined':
        // Terminated while it waited for another card, so no run takes one any more. Its end lets the attendee start anew.
        await giveSeatBack(database, order.id, 'cancelled');
        return { status: 'cancelled' };
      case 'expired':
      case 'cancelled':
      case 'refunded':
        return { status };
      case 'unconfirmed':
      case 'processing':
      case undefined:
        return { status: 'not-known' };
    }
  }
}

/** A saved order gives the answer of its first request, and cannot be paid for again. */
function answerFromOrder(order: NonNullable<Registration['order']>, paypalOrderId: string | null): void {
  if (order.status !== 'confirmed') throw new Problem(`was-${order.status}`);
  if (order.paypalOrderId !== paypalOrderId) throw new Problem('already-registered');
}

function toProblem(answer: Exclude<Answer, { status: 'captured' | 'unconfirmed' | 'not-known' }>): Problem {
  switch (answer.status) {
    case 'declined':
      return new Problem('declined', {
        detail: `declined.${answer.reason}`,
        heldUntil: answer.heldUntil,
      });
    case 'rejected':
      return new Problem(REJECTED[answer.reason], { heldUntil: answer.heldUntil });
    case 'expired':
      return new Problem('hold-expired');
    case 'already-paid':
      return new Problem('already-registered');
    case 'cancelled':
    case 'refunded':
      return new Problem(`was-${answer.status}`);
  }
}
