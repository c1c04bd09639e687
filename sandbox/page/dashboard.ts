/** What happens in PayPal's dashboard: reviews, refunds by hand, chargebacks, disputes, and the money in the account. */
import type { FastifyInstance } from 'fastify';
import type { PayPalSandbox } from '../vendors/paypal/api.ts';
import { Refusal } from '../vendors/faults.ts';
import { OUTCOMES } from '../vendors/paypal/disputes.ts';

type Id = { Params: { id: string } };

export function dashboardRoutes(app: FastifyInstance, paypal: PayPalSandbox): void {
  const fields = (body: unknown) => new URLSearchParams(String(body));
  /** Somebody may have done the same on another page. Then nothing happens. */
  const unlessRefused = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  };

  app.post<Id>('/captures/:id', ({ params, body }, reply) => {
    const wanted = fields(body).get('status');
    const status = (['COMPLETED', 'DECLINED', 'FAILED'] as const).find((known) => known === wanted);
    if (status)
      unlessRefused(() => {
        paypal.settle(params.id, status);
      });
    return reply.redirect('/', 303);
  });
  app.post<Id>('/captures/:id/refund', ({ params, body }, reply) => {
    unlessRefused(() => {
      const { currency_code } = paypal.capture(params.id).amount;
      const value = fields(body).get('value')?.trim().replace(',', '.');
      paypal.refund(params.id, value ? { amount: { currency_code, value } } : {});
    });
    return reply.redirect('/', 303);
  });
  app.post<Id>('/captures/:id/age', ({ params }, reply) => {
    unlessRefused(() => {
      paypal.age(params.id, 181);
    });
    return reply.redirect('/', 303);
  });
  app.post<Id>('/captures/:id/reverse', ({ params }, reply) => {
    unlessRefused(() => paypal.reverse(params.id));
    return reply.redirect('/', 303);
  });
  app.post<Id>('/captures/:id/dispute', ({ params }, reply) => {
    unlessRefused(() => paypal.openDispute(params.id));
    return reply.redirect('/', 303);
  });
  app.post<Id>('/disputes/:id', ({ params, body }, reply) => {
    const outcome = OUTCOMES.find((known) => known === fields(body).get('outcome'));
    unlessRefused(() =>
      outcome ? paypal.resolveDispute(params.id, outcome) : paypal.reviewDispute(params.id),
    );
    return reply.redirect('/', 303);
  });
  app.post<Id>('/refunds/:id', ({ params, body }, reply) => {
    const status = fields(body).get('status') === 'FAILED' ? 'FAILED' : 'COMPLETED';
    unlessRefused(() => {
      paypal.settleRefund(params.id, status);
    });
    return reply.redirect('/', 303);
  });
  app.post('/account', ({ body }, reply) => {
    const given = fields(body).get('funds')?.trim() ?? '';
    const funds = given === '' ? null : Math.round(Number(given) * 100);
    if (funds === null || funds >= 0) paypal.setAccount({ funds });
    paypal.setAccount({ refunds: fields(body).get('refunds') === 'PENDING' ? 'PENDING' : 'COMPLETED' });
    return reply.redirect('/', 303);
  });
}
