/** What attendees use: the pages, and the HTTP API behind them. */
import fastifyStatic from '@fastify/static';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { assets } from '../../web/assets.ts';
import type { Dependencies } from '../dependencies.ts';
import { attemptLimits } from '../limits.ts';
import { checkoutRoutes } from './checkouts.ts';
import { confirmationRoutes } from './confirmation.ts';
import { eventRoutes } from './events.ts';
import { pageRoutes } from './pages.ts';
import { registrationRoutes } from './registrations.ts';
import { statusRoutes } from './status.ts';

export async function attendeeRoutes(instance: FastifyInstance, dependencies: Dependencies): Promise<void> {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { config } = dependencies;
  const { webUrl } = config.paypal;
  const policies = {
    'content-security-policy': contentPolicy(webUrl),
    // The pages need none of these powers; PayPal's window may ask the browser for a payment.
    'permissions-policy': `camera=(), microphone=(), geolocation=(), usb=(), payment=(self "${new URL(webUrl).origin}")`,
  };
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(policies);
    done();
  });
  await app.register(assetRoutes);

  const limits = attemptLimits(app, config.rateLimit);
  const all = [eventRoutes, checkoutRoutes, registrationRoutes, statusRoutes, pageRoutes, confirmationRoutes];
  for (const routes of all) routes(app, { ...dependencies, limits });
}

/** Headers that browsers obey for documents only. With fifteen assets they would be a third of what a phone loads. */
const FOR_DOCUMENTS = [
  'content-security-policy',
  'cross-origin-opener-policy',
  'origin-agent-cluster',
  'permissions-policy',
  'referrer-policy',
  'x-dns-prefetch-control',
  'x-download-options',
  'x-frame-options',
  'x-permitted-cross-domain-policies',
  'x-xss-protection',
];

async function assetRoutes(app: FastifyInstance): Promise<void> {
  app.addHook('onSend', (_request, reply, _payload, done) => {
    for (const name of FOR_DOCUMENTS) reply.removeHeader(name);
    done();
  });
  await app.register(fastifyStatic, {
    root: assets.folders,
    prefix: assets.prefix,
    maxAge: '1y',
    immutable: true,
    // Nobody asks again for what never changes.
    ...{ etag: false, lastModified: false, acceptRanges: false },
  });
}

/** Scripts are our own and PayPal's; frames are PayPal's (W3C, Content Security Policy). */
function contentPolicy(webUrl: string): string {
  const { origin, hostname } = new URL(webUrl);
  // In production PayPal uses several hosts of its two domains.
  const paypal = hostname.endsWith('.paypal.com')
    ? 'https://*.paypal.com https://*.paypalobjects.com'
    : origin;
  return [
    "default-src 'none'",
    `script-src 'self' ${paypal}`,
    "style-src 'self'",
    `img-src 'self' data: ${paypal}`,
    `connect-src 'self' ${paypal}`,
    `frame-src ${paypal}`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join(';');
}
