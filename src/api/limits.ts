/** How often somebody may try to hold a seat or to pay. The limits slow down the testing of stolen cards. */
import { createHash } from 'node:crypto';
import type { CreateRateLimitOptions } from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import type { App, Dependencies } from './dependencies.ts';
import { Problem } from './problem.ts';

/** More declined payments than this within {@link DECLINES_WITHIN} are not one person with a difficult card. */
const DECLINES = 20;
const DECLINES_WITHIN = '10 minutes';

type Hook = (request: FastifyRequest) => Promise<void>;
export type Limits = {
  /** For every attempt: counts the tries, and the declined payments so far, of its IP address. */
  onRequest: Hook[];
  /** The same for the e-mail address in the form, from any IP address. */
  preHandler: Hook[];
  /** Notes that a payment was declined. */
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
  const countBy = (key: CreateRateLimitOptions) => ({
    tries: app.createRateLimit({ ...key, max, timeWindow: '1 minute' }),
    declines: app.createRateLimit({ ...key, max: DECLINES, timeWindow: DECLINES_WITHIN }),
  });
  const address = countBy({});
  const email = countBy({ keyGenerator: emailOf });
  const refuse =
    ({ tries, declines }: typeof address): Hook =>
    async (request) => {
      refuseExceeded(await tries(request));
      refuseExceeded(await declines(request, { increment: false }));
    };
  return {
    onRequest: [refuse(address)],
    preHandler: [refuse(email)],
    async declined(request) {
      await Promise.all([address.declines(request), email.declines(request)]);
    },
  };
}

/** @throws Problem `too-many-requests`, with the time to wait, when a count is over its limit */
export function refuseExceeded(count: Awaited<ReturnType<ReturnType<App['createRateLimit']>>>): void {
  if (!count.isAllowed && count.isExceeded)
    throw new Problem('too-many-requests', { retryAfterSeconds: count.ttlInSeconds });
}

/** A hash, because the counters stay in memory. */
function emailOf({ body }: FastifyRequest): string {
  const { email } = (body as { attendee: { email: string } }).attendee;
  return createHash('sha256').update(email.toLowerCase()).digest('base64');
}
