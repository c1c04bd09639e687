/** What PayPal serves to a merchant's page: the browser SDK, and the frames of the card fields. */
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { approveWithCard, readForOrder } from './approval.ts';
import type { PayPalSandbox } from './api.ts';
import type { Card } from './cards.ts';
import { challengeRoutes } from './challenge.ts';
import { folder, Opened, sendPage } from './pages.ts';
import { languageOf, sdkTexts, TEXTS } from './texts.ts';
import { walletRoutes } from './wallet.ts';

const AUTOCOMPLETE = { number: 'cc-number', expiry: 'cc-exp', cvv: 'cc-csc' } as const;
type FieldType = keyof typeof AUTOCOMPLETE;
type OpenedBy = { session: string; merchant: string; locale?: string };

/** SDK modules. They are loaded by a page of another origin, which requires CORS headers. */
const SDK_MODULES = ['card-fields', 'wallet', 'button', 'frames'];
const PAGE_SCRIPTS = [
  'field',
  'field-format',
  'field-state',
  'field-style',
  'vault',
  'challenge',
  'wallet-page',
];

/** The payment methods that the eligibility service returns for the sandbox's merchant. */
const ELIGIBLE = ['paypal', 'advanced_cards'];

const read = (file: string) => readFileSync(`${folder}/${file}`, 'utf8');
const javascript = 'application/javascript; charset=utf-8';

function sdkRoutes(app: FastifyInstance, clientId: string): void {
  const serve = (path: string, source: string) =>
    app.get(path, (_request, reply) =>
      reply
        .type(javascript)
        .header('cache-control', 'no-cache')
        .header('access-control-allow-origin', '*')
        .send(source),
    );
  serve('/web-sdk/v6/core', read('sdk.js'));
  serve('/web-sdk/v6/texts.js', `export default ${JSON.stringify(sdkTexts)};\n`);
  for (const name of SDK_MODULES) serve(`/web-sdk/v6/${name}.js`, read(`sdk-${name}.js`));
  const instance = read('sdk-instance.js');
  app.get<{ Querystring: { 'client-id'?: string } }>('/web-sdk/v6/instance.js', ({ query }, reply) =>
    reply
      .code(query['client-id'] === clientId ? 200 : 401)
      .type(javascript)
      .header('cache-control', 'no-cache')
      .header('access-control-allow-origin', '*')
      .send(query['client-id'] === clientId ? instance : ''),
  );
  app.get('/web-sdk/v6/eligibility', (_request, reply) =>
    reply.header('access-control-allow-origin', '*').send({ eligible_methods: ELIGIBLE }),
  );
}

function fieldRoutes(app: FastifyInstance): void {
  for (const name of PAGE_SCRIPTS) {
    const source = read(`${name}.js`);
    app.get(`/sandbox/card/${name}.js`, (_request, reply) =>
      reply.type(javascript).header('cache-control', 'no-cache').send(source),
    );
  }
  const style = read('field.css');
  app.get('/sandbox/card/field.css', (_request, reply) => reply.type('text/css; charset=utf-8').send(style));

  const OfType = Type.Object({ type: Type.Enum(['number', 'expiry', 'cvv']) });
  app.get<{ Querystring: OpenedBy & { type: FieldType } }>(
    '/sandbox/card/field',
    { schema: { querystring: Type.Intersect([Opened, OfType]) } },
    ({ query }, reply) => {
      const { fields, expiryHint } = TEXTS[languageOf(query.locale)];
      const label = query.type === 'expiry' ? expiryHint : fields[query.type];
      return sendPage(reply, 'field', { ...query, label, autocomplete: AUTOCOMPLETE[query.type] });
    },
  );
  app.get<{ Querystring: OpenedBy }>(
    '/sandbox/card/vault',
    { schema: { querystring: Opened } },
    ({ query }, reply) => sendPage(reply, 'vault', query),
  );
}

export function browserRoutes(app: FastifyInstance, paypal: PayPalSandbox): void {
  sdkRoutes(app, paypal.clientId);
  fieldRoutes(app);
  walletRoutes(app, paypal);
  const challenges = challengeRoutes(app, paypal);

  const SubmittedCard = Type.Object({
    orderId: Type.String(),
    number: Type.String(),
    expiry: Type.String(),
    cvv: Type.String(),
    name: Type.Optional(Type.String()),
    locale: Type.Optional(Type.String()),
  });
  app.post<{ Body: Card & { orderId: string; locale?: string } }>(
    '/sandbox/card/approve',
    { schema: { body: SubmittedCard } },
    ({ body: { orderId, locale, ...card } }, reply) => {
      const texts = TEXTS[languageOf(locale)];
      const order = paypal.orders.get(orderId);
      if (!order || order.status === 'COMPLETED')
        return reply.code(422).send({ message: texts.notApprovable });
      const approval = readForOrder(paypal, orderId, card);
      if ('issue' in approval) return reply.code(422).send({ message: texts.issues[approval.issue] });
      if (approval.challenge) return reply.send({ challenge: challenges.open(orderId, approval.card) });
      return reply.send({ orderId, liabilityShift: approveWithCard(paypal, orderId, approval.card) });
    },
  );
}
