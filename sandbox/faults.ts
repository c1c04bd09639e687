import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';

export const PROVIDERS = ['paypal', 'sendgrid', 'mailchimp'] as const;
export type Provider = (typeof PROVIDERS)[number];

/**
 * How a provider misbehaves. `unreachable` drops the connection before doing the work, `cut` after it, so that the answer
 * alone is lost. `times` ends the fault after so many requests; `only` limits it to addresses that contain it.
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
const SLOW_MS = 8000;

/** The switches, one per provider, all up at first; and how many requests each provider has seen. */
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
    /** The fault that meets this request now; a limited one is used up by it. */
    meet(provider: Provider, url: string): Fault {
      requests[provider]++;
      const fault = current[provider];
      if (fault.only !== undefined && !url.includes(fault.only)) return UP;
      if (fault.times !== undefined && --fault.times <= 0) current[provider] = UP;
      return fault;
    },
  };
}

/** Puts a provider's routes behind its switch. `error` makes a body in the provider's own shape. */
export function applyFaults(
  app: FastifyInstance,
  provider: Provider,
  faults: Faults,
  error: (status: number) => unknown,
): void {
  const cut = new WeakSet<FastifyRequest>();
  app.addHook('preHandler', async (request, reply) => {
    const fault = faults.meet(provider, request.url);
    switch (fault.mode) {
      case 'slow':
        await sleep(fault.ms ?? SLOW_MS);
        break;
      case 'failing': {
        const status = fault.status ?? 500;
        if (fault.retryAfter !== undefined) void reply.header('retry-after', fault.retryAfter);
        return reply.code(status).send(error(status));
      }
      case 'unreachable':
        request.raw.socket.destroy();
        return reply.hijack();
      case 'cut':
        cut.add(request);
    }
    return undefined;
  });
  app.addHook('onSend', (request, _reply, payload, done) => {
    if (cut.has(request)) request.raw.socket.destroy();
    done(null, payload);
  });
}
