/** The sandbox for people: what was paid, mailed and subscribed, and the switches that break a provider. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';
import type { FastifyInstance } from 'fastify';
import { PROVIDERS, SLOW_MS, type Fault, type Faults, type Provider } from '../vendors/faults.ts';
import { REFUSED_ADDRESSES, type createMailchimp } from '../vendors/mailchimp.ts';
import type { PayPalSandbox } from '../vendors/paypal/api.ts';
import { TEST_CARDS, TEST_WALLETS } from '../vendors/paypal/cards.ts';
import type { createSendGrid } from '../vendors/sendgrid/api.ts';
import { mailRoutes } from './mails.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const eta = new Eta({ views: folder });
const style = readFileSync(`${folder}style.css`, 'utf8');
const script = readFileSync(`${folder}browser/live.js`, 'utf8');

const TITLES: Record<Provider, string> = { paypal: 'PayPal', sendgrid: 'SendGrid', mailchimp: 'Mailchimp' };
const MODES: { mode: Fault['mode']; label: string; hint: string }[] = [
  { mode: 'up', label: 'up', hint: 'Everything works' },
  { mode: 'slow', label: 'slow', hint: `Does the work and answers ${SLOW_MS / 1000} seconds late` },
  { mode: 'failing', label: 'failing', hint: 'Answers every request with an error' },
  { mode: 'unreachable', label: 'unreachable', hint: 'Drops every connection' },
  { mode: 'cut', label: 'cut off', hint: 'Does the work, then drops the connection: the answer is lost' },
];

/** A fault in words, with the limits that a script may have given it. */
function describe({ mode, ms = SLOW_MS, status = 500, retryAfter, times, only }: Fault): string {
  const words: Record<Fault['mode'], string> = {
    up: 'up',
    slow: `slow (${ms / 1000} s)`,
    failing: `failing (${status})`,
    unreachable: 'unreachable',
    cut: 'cut off after the work',
  };
  return [
    words[mode],
    retryAfter !== undefined && `retry after ${retryAfter} s`,
    times !== undefined && `${times} more`,
    only !== undefined && `only ${only}`,
  ]
    .filter(Boolean)
    .join(', ');
}
const at = (iso: string) => iso.slice(0, 19).replace('T', ' ');

type Providers = {
  paypal: PayPalSandbox;
  sendgrid: ReturnType<typeof createSendGrid>;
  mailchimp: ReturnType<typeof createMailchimp>;
  faults: Faults;
};

export function applyPage(app: FastifyInstance, { paypal, sendgrid, mailchimp, faults }: Providers): void {
  const html = 'text/html; charset=utf-8';
  const newestFirst = <T>(values: Iterable<T>) => [...values].reverse();

  app.get('/', (_request, reply) =>
    reply.type(html).send(
      eta.render('index', {
        describe,
        at,
        modes: MODES,
        providers: PROVIDERS.map((name) => ({
          name,
          title: TITLES[name],
          fault: faults.current[name],
          requests: faults.requests[name],
        })),
        payments: newestFirst(paypal.orders.values()).map((order) => {
          const capture = order.captureId === undefined ? undefined : paypal.captures.get(order.captureId);
          const refunded = capture?.refunded ? (capture.refunded / 100).toFixed(2) : undefined;
          return { order, capture, refunded };
        }),
        mails: newestFirst(sendgrid.mails.values()),
        members: newestFirst(mailchimp.members.values()),
        cards: TEST_CARDS,
        wallets: TEST_WALLETS,
        refused: REFUSED_ADDRESSES,
      }),
    ),
  );
  app.get('/sandbox/style.css', (_request, reply) => reply.type('text/css; charset=utf-8').send(style));
  app.get('/sandbox/live.js', (_request, reply) =>
    reply.type('application/javascript; charset=utf-8').send(script),
  );

  mailRoutes(app, sendgrid.mails, (mail) => eta.render('mail', { mail, at }));

  const fields = (body: unknown) => new URLSearchParams(String(body));
  app.post<{ Params: { provider: string } }>('/switches/:provider', ({ params, body }, reply) => {
    const provider = PROVIDERS.find((name) => name === params.provider);
    const mode = MODES.find((known) => known.mode === fields(body).get('mode'))?.mode;
    const status = Number(fields(body).get('status'));
    if (!provider || !mode) return reply.code(404).send({ message: 'There is no such switch' });
    faults.set(provider, {
      mode,
      ...(mode === 'failing' && status >= 400 && status < 600 ? { status } : {}),
    });
    return reply.redirect('/', 303);
  });
  app.post<{ Params: { id: string } }>('/captures/:id', ({ params, body }, reply) => {
    const status = (['COMPLETED', 'DECLINED', 'FAILED'] as const).find(
      (known) => known === fields(body).get('status'),
    );
    // Somebody may have settled it on another page.
    if (status && paypal.captures.get(params.id)?.status === 'PENDING') paypal.settle(params.id, status);
    return reply.redirect('/', 303);
  });
  app.post<{ Params: { id: string } }>('/members/:id/unsubscribe', ({ params }, reply) => {
    mailchimp.unsubscribe(params.id);
    return reply.redirect('/', 303);
  });
}
