/** PayPal's approval page, which an order links to and the SDK opens in a window or a frame. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { PayPalSandbox } from './api.ts';
import { approveWithWallet, PAYER_ID } from './approval.ts';
import { TEST_WALLETS } from './cards.ts';
import { Opened, sendPage } from './pages.ts';
import { languageOf, money, TEXTS } from './texts.ts';

type OpenedBySdk = { session: string; merchant: string; locale?: string };
type Asked = { token?: string } & Partial<OpenedBySdk>;

export function walletRoutes(app: FastifyInstance, paypal: PayPalSandbox): void {
  const Asked = Type.Intersect([Type.Partial(Opened), Type.Object({ token: Type.Optional(Type.String()) })]);

  app.get<{ Querystring: Asked }>(
    '/checkoutnow',
    { schema: { querystring: Asked } },
    ({ query: { token, ...opened } }, reply) => {
      const bySdk = opened.session !== undefined && opened.merchant !== undefined;
      // The SDK opens its window immediately, while the merchant is still creating the order.
      if (bySdk && token === undefined) return sendPage(reply, 'wallet', { ...opened, waiting: true });
      const order = token === undefined ? undefined : paypal.orders.get(token);
      if (bySdk && (!order || order.status === 'COMPLETED'))
        return sendPage(reply, 'wallet', { ...opened, token, outcome: 'error' });
      const language = languageOf(opened.locale);
      return sendPage(reply.code(order ? 200 : 404), 'approve', {
        ...opened,
        order,
        // After a refused payment, the payer can approve again with another account.
        open: order?.status === 'CREATED' || (bySdk && order?.status === 'APPROVED'),
        cancellable: bySdk || order?.cancelUrl !== undefined,
        wallets: TEST_WALLETS,
        payAs: order && TEXTS[language].wallet.payAs.split('{amount}'),
        amount: order && money(order.unit.amount, language),
      });
    },
  );

  const approve = (request: FastifyRequest, form: URLSearchParams) => {
    const token = form.get('token') ?? '';
    const order = paypal.orders.get(token);
    const canceled = form.has('cancel');
    if (!canceled && order && order.status !== 'COMPLETED')
      approveWithWallet(paypal, token, form.get('email') ?? '');
    const url = canceled ? order?.cancelUrl : order?.returnUrl;
    const back = new URL(url ?? '/checkoutnow', `${request.protocol}://${request.host}`);
    back.searchParams.set('token', token);
    return { token, outcome: canceled ? 'canceled' : 'approved', back: back.href };
  };
  app.post('/checkoutnow', (request, reply) => {
    const form = new URLSearchParams(String(request.body));
    const { token, outcome, back } = approve(request, form);
    const session = form.get('session');
    if (session === null) return reply.redirect(back, 303);
    return sendPage(reply, 'wallet', {
      session,
      merchant: form.get('merchant'),
      locale: form.get('locale') ?? undefined,
      token,
      outcome,
      payerId: PAYER_ID,
    });
  });
}
