/** The HTTP side: what all routes share, and a plugin for each audience. */
import { setTimeout as sleep } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import { constants } from 'node:zlib';
import compress from '@fastify/compress';
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import underPressure from '@fastify/under-pressure';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify from 'fastify';
import { logOptions } from '../log.ts';
import { measureAnswers } from '../metrics/http.ts';
import { attendeeRoutes } from './attendee/index.ts';
import { showToAttendee } from './attendee/problems.ts';
import type { App, Dependencies } from './dependencies.ts';
import { documentation } from './documentation.ts';
import { healthRoutes } from './health.ts';
import { organizerRoutes } from './organizer/index.ts';
import { showToOrganizer } from './organizer/problems.ts';
import { answerErrors, Problem } from './problem.ts';
import { shareLimits } from './shared-limits.ts';
import { webhookRoutes } from './webhooks/index.ts';

/**
 * Bytes of a request's body. The largest valid form has 30.6 kB: every field and five answers at their longest, and every character written as an
 * escape of JSON, which takes 12 bytes for a character beyond U+FFFF. As plain text of such characters it has 10 kB.
 */
export const BODY_LIMIT = 32 * 1024;

/** How long a client may take for its headers and its request, and stay silent; longer than any answer takes. */
const TIMES = { headers: 10_000, request: 30_000, silence: 60_000, checkEvery: 1000 };
/**
 * Open connections to one process: each costs memory, also a silent one. As many may wait to be accepted. Clients that find no
 * room to wait try again after one second, then two, then four.
 */
export const MAX_CONNECTIONS = 5000;
/** Beyond these limits requests are refused before they cost anything, so that those in hand are answered. */
const PRESSURE = {
  maxEventLoopDelay: 1000,
  maxHeapUsedBytes: 0.9 * getHeapStatistics().heap_size_limit,
};
/** 8 % smaller than with 4, the default, in the same time; more takes several times as long. */
const BROTLI_QUALITY = 5;
/** For answers that are not pages of an audience: nothing may be loaded, and no site may frame them. */
const NO_CONTENT_POLICY = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
};

/** The whole api, not listening yet. */
export async function buildApp(dependencies: Dependencies): Promise<App> {
  const { config } = dependencies;
  const show = showToAttendee(config);
  const app = Fastify({
    logger: {
      ...logOptions('api', config),
      // The route, never the address: the ids in it open status pages, and a query may hold anything.
      serializers: { req: ({ method, routeOptions }) => ({ method, route: routeOptions.url }) },
      ...(dependencies.logStream ? { stream: dependencies.logStream } : {}),
    },
    trustProxy: config.trustProxy,
    bodyLimit: BODY_LIMIT,
    // A request that comes while the api stops is answered, and its connection closed.
    return503OnClosing: false,
    requestTimeout: TIMES.request,
    connectionTimeout: TIMES.silence,
    http: { headersTimeout: TIMES.headers, connectionsCheckingInterval: TIMES.checkEvery },
    // Unknown properties and wrong types are reported, not dropped or converted.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, allErrors: true } },
    routerOptions: { maxParamLength: 200 },
    // An address that cannot be decoded reaches no route and no error handler.
    frameworkErrors: (_error, request, reply) => void show(request, reply, new Problem('malformed-request')),
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.server.maxConnections = MAX_CONNECTIONS;
  // Before all other hooks, so that what they do is part of the trace.
  dependencies.tracing?.traceRequests(app);
  // Another site may send text without asking first, so no route takes it.
  app.removeContentTypeParser('text/plain');
  await app.register(cookie);
  answerErrors(app, show);
  const showOrganizer = showToOrganizer(config);
  // Other addresses that lead nowhere are most likely an attendee's.
  app.setNotFoundHandler((request, reply) => {
    const shown = /^\/organizer\b/.test(request.url) ? showOrganizer : show;
    return shown(request, reply, new Problem('not-found'));
  });
  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('permissions-policy', 'camera=(), microphone=(), geolocation=(), usb=(), payment=()');
    done();
  });
  await app.register(helmet, {
    contentSecurityPolicy: NO_CONTENT_POLICY,
    // PayPal's window has to find its opener.
    crossOriginOpenerPolicy: { policy: 'same-origin-allow-popups' },
    xFrameOptions: { action: 'deny' },
    strictTransportSecurity: config.publicUrl.startsWith('https:') ? { maxAge: 31_536_000 } : false,
  });
  await app.register(underPressure, {
    ...PRESSURE,
    maxEventLoopDelay: dependencies.maxEventLoopDelayMs ?? PRESSURE.maxEventLoopDelay,
  });
  await app.register(compress, {
    brotliOptions: { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } },
  });
  await app.register(rateLimit, { global: false });
  shareLimits(app, dependencies);
  await app.register(swagger, documentation);
  await app.register(swaggerUi, { routePrefix: '/documentation', staticCSP: true });

  if (dependencies.metrics) measureAnswers(app, dependencies.metrics);
  healthRoutes(app, dependencies);
  // Connections that are idle are closed afterwards. A request that a client sends at that moment has no answer.
  app.addHook('preClose', () => sleep(config.shutdownDelayMs));
  await app.register(attendeeRoutes, dependencies);
  await app.register(organizerRoutes, dependencies);
  await app.register(webhookRoutes, { ...dependencies, prefix: '/webhooks' });
  return app;
}
