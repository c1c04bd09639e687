/** The sandbox's page: payments, emails and subscribers, and the switches that make a vendor fail. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';
import type { FastifyInstance } from 'fastify';
import { PROVIDERS, SLOW_MS, type Fault, type Faults, type Provider } from '../vendors/faults.ts';
import { REFUSED_ADDRESSES, type createMailchimp } from '../vendors/mailchimp.ts';
import type { PayPalSandbox } from '../vendors/paypal/api.ts';
import { TEST_CARDS, TEST_WALLETS } from '../vendors/paypal/cards.ts';
import type { Capture } from '../vendors/paypal/records.ts';
import type { createSendGrid } from '../vendors/sendgrid/api.ts';
import { dashboardRoutes } from './dashboard.ts';
import { mailRoutes } from './mails.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const eta = new Eta({ views: folder });
const style = readFileSync(`${folder}style.css`, 'utf8');
const script = readFileSync(`${folder}browser/live.js`, 'utf8');

const TITLES: Record<Provider, string> = { paypal: 'PayPal', sendgrid: 'SendGrid', mailchimp: 'Mailchimp' };
const MODES: { mode: Fault['mode']; label: string; hint: string }[] = [
  { mode: 'up', label: 'up', hint: 'Processes every request normally' },
  { mode: 'slow', label: 'slow', hint: `Delays every request by ${SLOW_MS / 1000} seconds` },
  { mode: 'failing', label: 'failing', hint: 'Responds to every request with an error' },
  {
    mode: 'unreachable',
    label: 'unreachable',
    hint: 'Drops every connection without processing the request',
  },
  {
    mode: 'cut',
    label: 'cut off',
    hint: 'Processes the request, then drops the connection, so that the response is lost',
  },
];

/** Describes a fault, including the limits that a script may have set. */
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
    retryAfter !== undefined && `Retry-After: ${retryAfter} s`,
    times !== undefined && `remaining requests: ${times}`,
    only !== undefined && `only URLs that contain ${only}`,
  ]
    .filter(Boolean)
    .join(', ');
}
const capturedOf = ({ status }: Capture) => ['COMPLETED', 'PARTIALLY_REFUNDED'].includes(status);
const leftOf = ({ amount, refunded }: Capture) => (Number(amount.value) - refunded / 100).toFixed(2);
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
          const refunds = capture ? paypal.refundsOf(capture.id) : [];
          const left = capture && capturedOf(capture) ? leftOf(capture) : undefined;
          const disputes = [...paypal.disputes.values()].filter(({ captureId }) => captureId === capture?.id);
          return { order, capture, refunds, left, disputes };
        }),
        account: paypal.account(),
        deliveries: newestFirst([
          ...paypal.webhooks.deliveries.values(),
          ...sendgrid.events.deliveries.values(),
        ])
          .toSorted((a, b) => b.at.localeCompare(a.at))
          .slice(0, 50),
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
    if (!provider || !mode) return reply.code(404).send({ message: 'The switch does not exist' });
    faults.set(provider, {
      mode,
      ...(mode === 'failing' && status >= 400 && status < 600 ? { status } : {}),
    });
    return reply.redirect('/', 303);
  });
  dashboardRoutes(app, paypal);
  app.post<{ Params: { id: string } }>('/deliveries/:id', ({ params }, reply) => {
    paypal.webhooks.again(params.id);
    sendgrid.events.again(params.id);
    return reply.redirect('/', 303);
  });
  app.post<{ Params: { id: string } }>('/mails/:id/spam', ({ params }, reply) => {
    sendgrid.reportSpam(params.id);
    return reply.redirect('/', 303);
  });
  app.post<{ Params: { id: string } }>('/members/:id/unsubscribe', ({ params }, reply) => {
    mailchimp.unsubscribe(params.id);
    return reply.redirect('/', 303);
  });
}
