import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';

export const PROVIDERS = ['paypal', 'sendgrid', 'mailchimp'] as const;
export type Provider = (typeof PROVIDERS)[number];

/**
 * A fault of a vendor. `unreachable` drops the connection before the request is processed, `cut` afterwards,
 * so that only the response is lost. `times` limits the number of affected requests, including requests
 * for a PayPal token; `only` limits the fault to URLs that contain it.
 */
export const Fault = Type.Object(
  {
    mode: Type.Enum(['up', 'slow', 'failing', 'unreachable', 'cut']),
    ms: Type.Optional(Type.Integer({ minimum: 0, maximum: 600_000 })),
    status: Type.Optional(Type.Integer({ minimum: 400, maximum: 599 })),
    retryAfter: Type.Optional(Type.Integer({ minimum: 0, maximum: 3600 })),
    times: Type.Optional(Type.Integer({ minimum: 1 })),
    only: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);
export type Fault = Static<typeof Fault>;
export type Faults = ReturnType<typeof createFaults>;

const UP: Fault = { mode: 'up' };
export const SLOW_MS = 8000;

/** Creates one switch per vendor, initially up, and counts each vendor's requests. */
export function createFaults() {
  const current: Record<Provider, Fault> = { paypal: UP, sendgrid: UP, mailchimp: UP };
  const requests: Record<Provider, number> = { paypal: 0, sendgrid: 0, mailchimp: 0 };
  return {
    current,
    requests,
    set(provider: Provider, fault: Fault): void {
      current[provider] = { ...fault };
    },
    clear(): void {
      for (const provider of PROVIDERS) current[provider] = UP;
    },
    /** Returns the fault for a request, and counts the request towards the fault's limit. */
    next(provider: Provider, url: string): Fault {
      requests[provider]++;
      const fault = current[provider];
      if (fault.only !== undefined && !url.includes(fault.only)) return UP;
      if (fault.times !== undefined && --fault.times <= 0) current[provider] = UP;
      return fault;
    },
  };
}

/** A vendor's error response. Routes throw it; the error handler sends it. */
export class Refusal extends Error {
  readonly statusCode: number;
  readonly body: object;

  constructor(statusCode: number, body: object) {
    super(`${statusCode} ${JSON.stringify(body)}`);
    this.statusCode = statusCode;
    this.body = body;
  }
}

/** The format of a vendor's errors: the body by status, and the media type if it is not plain JSON. */
type ErrorShape = { body: (status: number) => object; type?: string };

/** Applies a vendor's faults to its routes, and formats all errors as the vendor does. */
export function applyFaults(
  app: FastifyInstance,
  provider: Provider,
  faults: Faults,
  { body, type = 'application/json; charset=utf-8' }: ErrorShape,
): void {
  const unanswered = new WeakSet<FastifyRequest>();
  app.addHook('preHandler', async (request, reply) => {
    const fault = faults.next(provider, request.url);
    switch (fault.mode) {
      case 'slow':
        // `ref: false`, because a pending delay must not keep a stopping sandbox alive.
        await sleep(fault.ms ?? SLOW_MS, undefined, { ref: false });
        break;
      case 'failing': {
        const status = fault.status ?? 500;
        if (fault.retryAfter !== undefined) reply.header('retry-after', fault.retryAfter);
        return reply.code(status).type(type).send(body(status));
      }
      case 'unreachable':
        unanswered.add(request);
        return reply.send();
      case 'cut':
        unanswered.add(request);
    }
    return undefined;
  });
  app.addHook('onSend', (request, _reply, payload, done) => {
    if (unanswered.has(request)) request.raw.socket.destroy();
    done(null, payload);
  });
  app.setErrorHandler((error: FastifyError | Refusal, _request, reply) => {
    const status = error.statusCode ?? 500;
    return reply
      .code(status)
      .type(type)
      .send(error instanceof Refusal ? error.body : body(status));
  });
}
