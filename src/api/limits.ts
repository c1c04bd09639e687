/** How often somebody may try to hold a seat or to pay. The limits slow down the testing of stolen cards. */
import type { FastifyRequest } from 'fastify';
import type { App, Dependencies } from './dependencies.ts';
import { addressOf, personOf } from './origin.ts';
import { Problem } from './problem.ts';

/** More declined payments than these within {@link DECLINES_WITHIN} are not one person, or one office, with difficult cards. */
const DECLINES = { perAddress: 20, perPerson: 10 };
const DECLINES_WITHIN = '10 minutes';

type Hook = (request: FastifyRequest) => Promise<void>;
export type Limits = {
  /** For every attempt: counts the tries, and the declined payments so far, of its IP address. */
  onRequest: Hook[];
  /** The declined payments so far of the e-mail address in the form, at this IP address. */
  preHandler: Hook[];
  /** Notes that a payment was declined. The same PayPal order counts once. */
  declined: Hook;
};

/** What routes for attempts get. */
export type RouteDependencies = Dependencies & { limits: Limits };

/**
 * The limits, shared by all routes that make an attempt. Each process counts for itself.
 * @param max tries per minute; 0 for no limits
 */
export function attemptLimits(app: App, max: number): Limits {
  if (max === 0) return { onRequest: [], preHandler: [], declined: () => Promise.resolve() };
  const perAddress = { keyGenerator: addressOf };
  const perPerson = {
    keyGenerator: (request: FastifyRequest) => personOf(request, formIn(request).attendee.email),
  };
  const perPayment = { keyGenerator: (request: FastifyRequest) => formIn(request).paypalOrderId ?? '' };
  const within = { timeWindow: DECLINES_WITHIN };
  const tries = app.createRateLimit({ ...perAddress, max, timeWindow: '1 minute' });
  const ofAddress = app.createRateLimit({ ...perAddress, ...within, max: DECLINES.perAddress });
  const ofPerson = app.createRateLimit({ ...perPerson, ...within, max: DECLINES.perPerson });
  const ofPayment = app.createRateLimit({ ...perPayment, ...within, max: 1 });
  const look = { increment: false };
  return {
    onRequest: [
      async (request) => {
        refuseExceeded(await tries(request));
        refuseExceeded(await ofAddress(request, look));
      },
    ],
    preHandler: [async (request) => refuseExceeded(await ofPerson(request, look))],
    async declined(request) {
      if (isExceeded(await ofPayment(request))) return;
      await Promise.all([ofAddress(request), ofPerson(request)]);
    },
  };
}

const formIn = ({ body }: FastifyRequest) =>
  body as { attendee: { email: string }; paypalOrderId?: string | null };

type Count = Awaited<ReturnType<ReturnType<App['createRateLimit']>>>;
const isExceeded = (count: Count): count is Count & { isAllowed: false } =>
  !count.isAllowed && count.isExceeded;

/** @throws Problem `too-many-requests`, with the time to wait, when a count is over its limit */
export function refuseExceeded(count: Count): void {
  if (isExceeded(count)) throw new Problem('too-many-requests', { retryAfterSeconds: count.ttlInSeconds });
}
