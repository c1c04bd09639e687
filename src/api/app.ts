/** The HTTP side: plugins, limits and routes, wired from what is passed in. */
import { getHeapStatistics } from 'node:v8';
import accepts from '@fastify/accepts';
import compress from '@fastify/compress';
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import fastifyStatic from '@fastify/static';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import underPressure from '@fastify/under-pressure';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify from 'fastify';
import { assets } from '../web/assets.ts';
import { LANGUAGES } from '../registration.ts';
import type { App, Dependencies } from './dependencies.ts';
import { attemptLimits } from './limits.ts';
import { answerWithProblems, Problem, sendProblem } from './problem.ts';
import { checkoutRoutes } from './routes/checkouts.ts';
import { codecRoutes } from './routes/codec.ts';
import { eventRoutes } from './routes/events.ts';
import { healthRoutes } from './routes/health.ts';
import { pageRoutes } from './routes/pages.ts';
import { registrationRoutes } from './routes/registrations.ts';
import { statusRoutes } from './routes/status.ts';

/** A registration fits into 4 kB; this leaves room for long names in scripts of four bytes a character. */
const BODY_LIMIT = 64 * 1024;

/** How long a client may take to say what it wants (ms); and stay silent, longer than an answer ever takes. */
const TIMES = { headers: 10_000, request: 30_000, silence: 60_000, checkEvery: 1000 };
/**
 * Open connections to one process: each costs memory, also one that says nothing. So many may wait to be taken, too: who
 * finds no room to wait tries again after a second, then two, then four.
 */
export const MAX_CONNECTIONS = 5000;
/** Beyond these, requests are refused before they cost anything, so that those in hand are answered. */
const PRESSURE = {
  maxEventLoopDelay: 1000,
  maxHeapUsedBytes: 0.9 * getHeapStatistics().heap_size_limit,
};

/** The whole api, not listening yet. */
export async function buildApp(dependencies: Dependencies): Promise<App> {
  const { config } = dependencies;
  const app = Fastify({
    // The route, never the address: ids open status pages, and a query may hold anything.
    logger: {
      level: config.logLevel,
      serializers: { req: ({ method, routeOptions }) => ({ method, route: routeOptions.url }) },
      ...(dependencies.logStream ? { stream: dependencies.logStream } : {}),
    },
    trustProxy: config.trustProxy,
    bodyLimit: BODY_LIMIT,
    requestTimeout: TIMES.request,
    connectionTimeout: TIMES.silence,
    http: { headersTimeout: TIMES.headers, connectionsCheckingInterval: TIMES.checkEvery },
    // Unknown properties and wrong types are told, not dropped or bent.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, allErrors: true } },
    routerOptions: { maxParamLength: 200 },
    // An address that cannot be decoded reaches no route, no error handler, and nothing that knows a language.
    frameworkErrors: (_error, _request, reply) =>
      void sendProblem(reply, new Problem('malformed-request'), LANGUAGES[0]),
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.server.maxConnections = MAX_CONNECTIONS;
  await app.register(accepts);
  await app.register(cookie);
  answerWithProblems(app);

  const paypal = paypalSources(config.paypal.webUrl);
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'", ...paypal],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:', ...paypal],
        connectSrc: ["'self'", ...paypal],
        frameSrc: paypal,
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // PayPal's window has to find its opener again.
    crossOriginOpenerPolicy: { policy: 'same-origin-allow-popups' },
    xFrameOptions: { action: 'deny' },
    strictTransportSecurity: config.publicUrl.startsWith('https:') ? { maxAge: 31_536_000 } : false,
  });
  // Nothing here needs any of these; PayPal's window may ask the browser for a payment.
  const permissions = `camera=(), microphone=(), geolocation=(), usb=(), payment=(self "${new URL(config.paypal.webUrl).origin}")`;
  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('permissions-policy', permissions);
    done();
  });
  await app.register(underPressure, PRESSURE);
  await app.register(compress);
  await app.register(rateLimit, { global: false });
  await app.register(swagger, {
    openapi: {
      info: {
        title: 'Event registration',
        version: '1',
        description: 'Hold a seat, pay through PayPal, be registered.',
      },
    },
  });
  await app.register(swaggerUi, { routePrefix: '/documentation', staticCSP: true });
  await app.register(fastifyStatic, {
    root: assets.folder,
    prefix: assets.prefix,
    maxAge: '1y',
    immutable: true,
  });

  const limits = attemptLimits(app, config.rateLimit);
  for (const routes of [
    eventRoutes,
    checkoutRoutes,
    registrationRoutes,
    statusRoutes,
    pageRoutes,
    healthRoutes,
    codecRoutes,
  ])
    routes(app, { ...dependencies, limits });
  return app;
}

/** Where PayPal's script, its frames and what they load come from: in production several hosts of its two domains. */
function paypalSources(webUrl: string): string[] {
  const { origin, hostname } = new URL(webUrl);
  return hostname.endsWith('.paypal.com')
    ? ['https://*.paypal.com', 'https://*.paypalobjects.com']
    : [origin];
}
