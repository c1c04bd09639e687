/** The sandbox for people: what was paid, mailed and subscribed, and the switches that break a provider. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';
import type { FastifyInstance } from 'fastify';
import { PROVIDERS, type Fault, type Faults, type Provider } from '../faults.ts';
import type { createMailchimp } from '../mailchimp.ts';
import type { PayPalSandbox } from '../paypal/api.ts';
import { TEST_CARDS, TEST_WALLETS } from '../paypal/cards.ts';
import type { createSendGrid } from '../sendgrid.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const eta = new Eta({ views: folder });
const style = readFileSync(`${folder}style.css`, 'utf8');

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
        providers: PROVIDERS.map((name) => ({
          name,
          fault: faults.current[name],
          requests: faults.requests[name],
        })),
        payments: newestFirst(paypal.orders.values()).map((order) => ({
          ...order,
          capture: order.captureId === undefined ? undefined : paypal.captures.get(order.captureId),
        })),
        mails: newestFirst(sendgrid.mails.values()),
        members: newestFirst(mailchimp.members.values()),
        cards: TEST_CARDS,
        wallets: TEST_WALLETS,
      }),
    ),
  );
  app.get('/sandbox/style.css', (_request, reply) => reply.type('text/css; charset=utf-8').send(style));

  app.get<{ Params: { id: string } }>('/mails/:id', ({ params }, reply) => {
    const mail = sendgrid.mails.get(params.id);
    return reply
      .code(mail ? 200 : 404)
      .type(html)
      .send(eta.render('mail', { mail }));
  });
  app.get<{ Params: { id: string } }>('/mails/:id/html', ({ params }, reply) =>
    // A mail is somebody's text: it may show itself, and do nothing.
    reply
      .type(html)
      .header(
        'content-security-policy',
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
      )
      .send(sendgrid.mails.get(params.id)?.html ?? ''),
  );
  app.get<{ Params: { id: string; file: string } }>('/mails/:id/attachments/:file', ({ params }, reply) => {
    const attachment = sendgrid.mails.get(params.id)?.attachments[Number(params.file)];
    if (!attachment) return reply.code(404).send();
    return reply
      .type('application/octet-stream')
      .header(
        'content-disposition',
        `attachment; filename="${attachment.filename.replaceAll(/[^\w.-]/g, '_')}"`,
      )
      .send(Buffer.from(attachment.content, 'base64'));
  });

  const form = (body: unknown) => new URLSearchParams(body as string);
  app.post<{ Params: { provider: string } }>('/switches/:provider', ({ params, body }, reply) => {
    const fields = form(body);
    const mode = PROVIDERS.includes(params.provider as Provider) ? fields.get('mode') : null;
    const status = Number(fields.get('status'));
    if (mode !== null)
      faults.set(params.provider as Provider, {
        mode: mode as Fault['mode'],
        ...(mode === 'failing' && status >= 400 && status < 600 ? { status } : {}),
      });
    return reply.redirect('/', 303);
  });
  app.post<{ Params: { id: string } }>('/captures/:id', ({ params, body }, reply) => {
    paypal.settle(params.id, form(body).get('status') === 'COMPLETED' ? 'COMPLETED' : 'DECLINED');
    return reply.redirect('/', 303);
  });
  app.post<{ Params: { id: string } }>('/members/:id/unsubscribe', ({ params }, reply) => {
    mailchimp.unsubscribe(params.id);
    return reply.redirect('/', 303);
  });
}
