/** What PayPal serves to browsers: the SDK, the frames of its card fields, and the page where a wallet approves. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';
import type { FastifyInstance, FastifyReply } from 'fastify';
import Type from 'typebox';
import type { PayPalSandbox } from './api.ts';
import { unprocessable } from './refusals.ts';
import { readCard, TEST_WALLETS, type Card } from './cards.ts';

const folder = fileURLToPath(new URL('browser', import.meta.url));
const eta = new Eta({ views: folder });
const script = (name: string) => readFileSync(`${folder}/${name}.js`, 'utf8');

const FIELDS = {
  number: { label: 'Card number', autocomplete: 'cc-number' },
  expiry: { label: 'Expiry date (MM/YY)', autocomplete: 'cc-exp' },
  cvv: { label: 'Security code', autocomplete: 'cc-csc' },
} as const;

/** What the hosted fields say to the person in front of them. */
const MESSAGES: Record<string, string> = {
  INVALID_CARD_NUMBER: 'The card number is not valid.',
  INVALID_EXPIRY_DATE: 'The expiry date is not valid: please enter month and year.',
  CARD_EXPIRED: 'The card has expired.',
  INVALID_SECURITY_CODE_LENGTH: 'The security code is not valid.',
};

/**
 * Approves an order with a card, as the frames do; nothing of the card is kept but what PayPal would tell.
 * @returns what is wrong with the card, undefined when the order is approved
 */
export function approveWithCard(paypal: PayPalSandbox, orderId: string, card: Card): string | undefined {
  const read = readCard(card);
  if ('issue' in read) return MESSAGES[read.issue] ?? read.issue;
  paypal.approve(orderId, { card: read.facts }, read.outcome);
  return undefined;
}

/** Approves an order with one of the test wallets. */
export function approveWithWallet(paypal: PayPalSandbox, orderId: string, email: string): void {
  const wallet = TEST_WALLETS.find((known) => known.email === email);
  if (!wallet) throw unprocessable('PAYER_ACCOUNT_RESTRICTED', 'There is no such test wallet.');
  paypal.approve(orderId, { paypal: { email_address: email, account_id: 'QYR5Z8XDVJNXQ' } }, wallet.outcome);
}

export function browserRoutes(app: FastifyInstance, paypal: PayPalSandbox): void {
  const session = Type.String({ pattern: '^[0-9a-f-]{36}$' });
  const scripts = {
    '/web-sdk/v6/core': script('sdk'),
    '/sandbox/card/field.js': script('field'),
    '/sandbox/card/vault.js': script('vault'),
  };
  for (const [path, source] of Object.entries(scripts))
    app.get(path, (_request, reply) =>
      reply.type('application/javascript; charset=utf-8').header('cache-control', 'no-cache').send(source),
    );
  const html = 'text/html; charset=utf-8';
  /** A page of PayPal's own origin that sees card data: it keeps nothing and talks to nobody else. */
  const frame = (reply: FastifyReply, template: string, data: object) =>
    reply
      .type(html)
      .header('cache-control', 'no-store')
      .header('referrer-policy', 'no-referrer')
      .header(
        'content-security-policy',
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'",
      )
      .send(eta.render(template, data));

  app.get<{ Querystring: { type: keyof typeof FIELDS; session: string; placeholder?: string } }>(
    '/sandbox/card/field',
    {
      schema: {
        querystring: Type.Object({
          type: Type.Enum(['number', 'expiry', 'cvv']),
          session,
          placeholder: Type.Optional(Type.String({ maxLength: 40 })),
        }),
      },
    },
    ({ query }, reply) => frame(reply, 'field', { ...query, ...FIELDS[query.type] }),
  );
  app.get<{ Querystring: { session: string } }>(
    '/sandbox/card/vault',
    { schema: { querystring: Type.Object({ session }) } },
    ({ query }, reply) => frame(reply, 'vault', query),
  );
  app.post<{ Body: Card & { orderId: string } }>(
    '/sandbox/card/approve',
    {
      schema: {
        body: Type.Object({
          orderId: Type.String(),
          number: Type.String(),
          expiry: Type.String(),
          cvv: Type.String(),
          name: Type.Optional(Type.String()),
        }),
      },
    },
    ({ body: { orderId, ...card } }, reply) => {
      const order = paypal.orders.get(orderId);
      if (!order || order.status === 'COMPLETED')
        return reply.code(422).send({ message: 'This payment cannot be approved (any more).' });
      const message = approveWithCard(paypal, orderId, card);
      return message === undefined ? reply.send({ orderId }) : reply.code(422).send({ message });
    },
  );

  app.get<{ Querystring: { token?: string } }>('/checkoutnow', ({ query: { token = '' } }, reply) => {
    const order = paypal.orders.get(token);
    return reply
      .code(order ? 200 : 404)
      .type(html)
      .send(eta.render('approve', { order, wallets: TEST_WALLETS }));
  });
  app.post('/checkoutnow', (request, reply) => {
    const form = new URLSearchParams(String(request.body));
    const token = form.get('token') ?? '';
    const order = paypal.orders.get(token);
    if (order && order.status !== 'COMPLETED') approveWithWallet(paypal, token, form.get('email') ?? '');
    const back = new URL(order?.returnUrl ?? '/checkoutnow', `${request.protocol}://${request.host}`);
    back.searchParams.set('token', token);
    return reply.redirect(back.href, 303);
  });
}
