/** How often somebody may try to hold a seat or to pay. The limits slow down the testing of stolen cards. */
import type { FastifyRequest } from 'fastify';
import type { Counted } from '../database/rate-limits.ts';
import type { App, Dependencies } from './dependencies.ts';
import { addressOf, personOf } from './origin.ts';
import { Problem } from './problem.ts';
import { isOver } from './shared-limits.ts';

/** More declined payments than these within {@link DECLINES_SECONDS} are not one person, or one office, with difficult cards. */
const DECLINES = { perAddress: 20, perPerson: 10 };
const DECLINES_SECONDS = 600;

/**
 * The first tries of an IP address at a process, within {@link DECLINES_SECONDS}, which only this process counts, as long as they are
 * no more than these: a registration takes two. So it costs the database nothing, and with each further process an address may
 * make so many tries more.
 */
const unshared = (max: number) => Math.min(4, Math.floor(max / 10));

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
 * The limits, shared by all routes that make an attempt. Each process counts for itself, and all together in the database what
 * exceeds a few tries.
 * @param max tries per minute; 0 for no limits
 */
export function attemptLimits(app: App, max: number): Limits {
  if (max === 0) return { onRequest: [], preHandler: [], declined: () => Promise.resolve() };
  const here = limitsHere(app, max);
  const together = limitsTogether(app, max);
  const look = { increment: false };
  const isShared = new WeakSet<FastifyRequest>();

  return {
    onRequest: [
      async (request) => {
        const tries = await here.tries(request);
        refuseExceeded(tries);
        refuseExceeded(await here.ofAddress(request, look));
        const seen = countOf(await here.first(request));
        const further = seen - unshared(max);
        if (further <= 0) return;
        isShared.add(request);
        // Those that were not shared are told with the first one that is, as far as they are of this minute.
        const untold = further === 1 ? Math.min(countOf(tries), seen) : 1;
        refuseOver(await together.tries.add(addressOf(request), untold));
      },
    ],
    preHandler: [
      async (request) => {
        refuseExceeded(await here.ofPerson(request, look));
        if (isShared.has(request)) refuseOver(await together.ofPerson.look(personIn(request)));
      },
    ],
    async declined(request) {
      if (isExceeded(await here.ofPayment(request))) return;
      await Promise.all([here.ofAddress(request), here.ofPerson(request)]);
      // Another process may have told the attendee before.
      if (isOver(await together.ofPayment.add(paymentIn(request)))) return;
      const address = addressOf(request);
      const [ofAddress] = await Promise.all([
        together.ofAddress.add(address),
        together.ofPerson.add(personIn(request)),
      ]);
      // The count of tries is the one that every process asks for, so it refuses what is declined too often.
      if (isOver(ofAddress)) await together.tries.block(address, ofAddress.endsInMs);
    },
  };
}

/** What this process counts, in a memory of limited size. */
function limitsHere(app: App, max: number) {
  const perAddress = { keyGenerator: addressOf };
  const within = { timeWindow: DECLINES_SECONDS * 1000 };
  return {
    tries: app.createRateLimit({ ...perAddress, max, timeWindow: '1 minute' }),
    first: app.createRateLimit({ ...perAddress, ...within, max: Number.MAX_SAFE_INTEGER }),
    ofAddress: app.createRateLimit({ ...perAddress, ...within, max: DECLINES.perAddress }),
    ofPerson: app.createRateLimit({ ...within, max: DECLINES.perPerson, keyGenerator: personIn }),
    ofPayment: app.createRateLimit({ ...within, max: 1, keyGenerator: paymentIn }),
  };
}

/** What all processes count together. */
function limitsTogether(app: App, max: number) {
  const declines = (most: number) => ({ max: most, seconds: DECLINES_SECONDS });
  return {
    tries: app.createSharedLimit('tries', { max, seconds: 60 }),
    ofAddress: app.createSharedLimit('declines-address', declines(DECLINES.perAddress)),
    ofPerson: app.createSharedLimit('declines-person', declines(DECLINES.perPerson)),
    ofPayment: app.createSharedLimit('declines-payment', declines(1)),
  };
}

const formIn = ({ body }: FastifyRequest) =>
  body as { attendee: { email: string }; paypalOrderId?: string | null };
const personIn = (request: FastifyRequest) => personOf(request, formIn(request).attendee.email);
const paymentIn = (request: FastifyRequest) => formIn(request).paypalOrderId ?? '';

type Count = Awaited<ReturnType<ReturnType<App['createRateLimit']>>>;
const isExceeded = (count: Count): count is Count & { isAllowed: false } =>
  !count.isAllowed && count.isExceeded;
/** What was counted, as long as the limit is not exceeded. */
const countOf = (count: Count) => (count.isAllowed ? 0 : count.max - count.remaining);

/** @throws Problem `too-many-requests`, with the time to wait, when a count is over its limit */
export function refuseExceeded(count: Count): void {
  if (isExceeded(count)) throw new Problem('too-many-requests', { retryAfterSeconds: count.ttlInSeconds });
}

/** @throws Problem `too-many-requests`, with the time to wait, when all processes together have counted too much */
export function refuseOver(counted: Counted | undefined): void {
  if (!isOver(counted)) return;
  throw new Problem('too-many-requests', {
    retryAfterSeconds: Math.max(1, Math.ceil(counted.endsInMs / 1000)),
  });
}
