/**
 * The sandbox: PayPal, SendGrid and Mailchimp on one loopback port, with a page that shows their data and can
 * make them fail. `tsx sandbox/vendors/server.ts` runs it alone.
 */
import { join } from 'node:path';
import Fastify, { type FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import { applyPage } from '../page/page.ts';
import { createFaults, Fault, PROVIDERS, type Provider } from './faults.ts';
import { openJournal } from './journal.ts';
import { createMailchimp } from './mailchimp.ts';
import { createPayPal } from './paypal/api.ts';
import { approveWithCard, approveWithWallet, readForOrder, type ChallengeAnswer } from './paypal/approval.ts';
import { browserRoutes } from './paypal/browser.ts';
import type { Card } from './paypal/cards.ts';
import { TEXTS } from './paypal/texts.ts';
import { createSendGrid } from './sendgrid/api.ts';
import { WEBHOOK_PUBLIC_KEY } from './sendgrid/events.ts';

/** The only credentials that the sandbox accepts, because a wrong key must fail as it does at the vendor. */
export const credentials = {
  paypalClientId: 'sandbox-client',
  paypalClientSecret: 'sandbox-secret',
  paypalWebhookId: 'SANDBOX0WEBHOOK01',
  sendgridApiKey: 'SG.sandbox',
  mailchimpApiKey: 'sandbox-us1',
  mailchimpListId: 'sandbox-list',
};

/** The settings that point the product to a sandbox. */
export const settingsFor = (url: string) => ({
  PAYPAL_BASE_URL: url,
  PAYPAL_WEB_URL: url,
  PAYPAL_CLIENT_ID: credentials.paypalClientId,
  PAYPAL_CLIENT_SECRET: credentials.paypalClientSecret,
  PAYPAL_WEBHOOK_ID: credentials.paypalWebhookId,
  SENDGRID_BASE_URL: url,
  SENDGRID_API_KEY: credentials.sendgridApiKey,
  SENDGRID_WEBHOOK_PUBLIC_KEY: WEBHOOK_PUBLIC_KEY,
  MAILCHIMP_BASE_URL: url,
  MAILCHIMP_API_KEY: credentials.mailchimpApiKey,
  MAILCHIMP_LIST_ID: credentials.mailchimpListId,
});

/** What a script may change of the merchant's PayPal account: see {@link Account}. */
const AccountChange = Type.Partial(
  Type.Object(
    {
      funds: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
      refunds: Type.Enum(['COMPLETED', 'PENDING']),
    },
    { additionalProperties: false },
  ),
);

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

export type Sandbox = Awaited<ReturnType<typeof startSandbox>>;

/** Starts all three on one port (0: any free port). `dataFile` persists their data, `webhooksTo` is the origin of the product. */
export async function startSandbox({
  port = 0,
  dataFile,
  webhooksTo,
}: { port?: number; dataFile?: string; webhooksTo?: string | undefined } = {}) {
  const journal = openJournal(dataFile);
  const faults = createFaults();
  const paypal = createPayPal(
    journal,
    {
      clientId: credentials.paypalClientId,
      clientSecret: credentials.paypalClientSecret,
      webhookId: credentials.paypalWebhookId,
    },
    faults,
  );
  const sendgrid = createSendGrid(journal, credentials.sendgridApiKey, faults);
  const mailchimp = createMailchimp(
    journal,
    { apiKey: credentials.mailchimpApiKey, listId: credentials.mailchimpListId },
    faults,
  );

  const app = Fastify({
    forceCloseConnections: true,
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  });
  // A page of another site, whose name was pointed to this machine, would take the sandbox for its own (DNS rebinding).
  app.addHook('onRequest', (request, reply, done) => {
    if (LOOPBACK.has(request.hostname)) done();
    else reply.code(403).send({ message: 'The sandbox answers this machine only' });
  });
  /** Bodies as they came. */
  const texts = new WeakMap<FastifyRequest, string>();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    texts.set(request, body as string);
    try {
      // The vendors treat an empty JSON body as no body.
      done(null, body === '' ? null : JSON.parse(body as string));
    } catch {
      done(Object.assign(new Error('Malformed JSON'), { statusCode: 400 }));
    }
  });
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => {
      done(null, body);
    },
  );

  paypal.routes(app, (request) => texts.get(request) ?? '');
  browserRoutes(app, paypal);
  sendgrid.routes(app);
  mailchimp.routes(app);
  applyPage(app, { paypal, sendgrid, mailchimp, faults });

  const ledger = () => ({
    orders: [...paypal.orders.values()],
    captures: [...paypal.captures.values()],
    refunds: [...paypal.refunds.values()],
    mails: [...sendgrid.mails.values()],
    members: [...mailchimp.members.values()],
    disputes: [...paypal.disputes.values()],
    deliveries: [...paypal.webhooks.deliveries.values(), ...sendgrid.events.deliveries.values()],
  });
  app.get('/sandbox/ledger', () => ledger());
  app.get('/sandbox/faults', () => faults.current);
  app.put<{ Params: { provider: string }; Body: Fault }>(
    '/sandbox/faults/:provider',
    { schema: { body: Fault } },
    ({ params, body }, reply) => {
      if (!PROVIDERS.includes(params.provider as Provider))
        return reply.code(404).send({ message: `The vendor must be one of ${PROVIDERS.join(', ')}` });
      faults.set(params.provider as Provider, body);
      return reply.send(faults.current);
    },
  );
  app.put<{ Body: Static<typeof AccountChange> }>(
    '/sandbox/paypal/account',
    { schema: { body: AccountChange } },
    ({ body }) => {
      paypal.setAccount(body);
      return paypal.account();
    },
  );
  app.delete('/sandbox/faults', () => {
    faults.clear();
    return faults.current;
  });

  /**
   * Sends the webhooks of PayPal and SendGrid to a product at this origin from now on; without one, they send none. `waitMs` replaces the
   * vendors' own times between two attempts.
   */
  function sendWebhooksTo(origin: string | undefined, waitMs?: number): void {
    const to = (path: string) =>
      origin === undefined
        ? undefined
        : { url: `${origin}/webhooks/${path}`, ...(waitMs === undefined ? {} : { waitMs }) };
    paypal.webhooks.sendTo(to('paypal'));
    sendgrid.events.sendTo(to('sendgrid'));
  }
  sendWebhooksTo(webhooksTo);

  const url = await app.listen({ host: '127.0.0.1', port });
  return {
    url,
    settings: settingsFor(url),
    faults,
    /** Returns the records of all three vendors. */
    ledger,
    /**
     * Approves a PayPal order as the card fields do. `answer` is the payer's response to a 3-D Secure
     * challenge, if there is one.
     * @returns the error message if the card is invalid or the payer cancelled, undefined if the order is
     * approved
     */
    approve(
      orderId: string,
      card: Partial<Card> = {},
      answer: ChallengeAnswer = 'confirm',
    ): string | undefined {
      const whole = { number: '4012888888881881', expiry: '12/34', cvv: '123', ...card };
      const approval = readForOrder(paypal, orderId, whole);
      if ('issue' in approval) return TEXTS.en.issues[approval.issue];
      if (approval.challenge && answer === 'cancel') return 'The payer cancelled.';
      approveWithCard(
        paypal,
        orderId,
        approval.card,
        approval.challenge && answer !== 'cancel' ? answer : undefined,
      );
      return undefined;
    },
    /** Approves a PayPal order as the wallet page does. */
    approveByWallet: (orderId: string, email: string): void => {
      approveWithWallet(paypal, orderId, email);
    },
    /** Completes the review of a pending capture. */
    settle: paypal.settle,
    /** Refunds as the merchant does in PayPal's dashboard, without a request of the product; all that is left by default. */
    refundByHand: (captureId: string, amount?: { currency_code: string; value: string }) =>
      paypal.refund(captureId, amount && { amount }),
    settleRefund: (id: string, status: 'COMPLETED' | 'FAILED') => {
      paypal.settleRefund(id, status);
    },
    account: paypal.account,
    setAccount: paypal.setAccount,
    /** Makes a capture older by some days. */
    age: (captureId: string, days: number) => {
      paypal.age(captureId, days);
    },
    /** A chargeback: the bank takes back what is left of a payment. */
    reverse: paypal.reverse,
    openDispute: paypal.openDispute,
    reviewDispute: paypal.reviewDispute,
    resolveDispute: paypal.resolveDispute,
    reportSpam: sendgrid.reportSpam,
    sendWebhooksTo,
    /** Sends an event once more. */
    sendAgain(id: string): void {
      paypal.webhooks.again(id);
      sendgrid.events.again(id);
    },
    /** The headers with which a vendor would send this body now. */
    sign: { paypal: paypal.webhooks.sign, sendgrid: sendgrid.events.sign },
    unsubscribe: mailchimp.unsubscribe,
    async close() {
      await Promise.all([paypal.webhooks.close(), sendgrid.events.close()]);
      await app.close();
    },
  };
}

if (import.meta.filename === process.argv[1]) {
  const { SANDBOX_PORT = '4010', SANDBOX_WEBHOOKS_TO, DATA_DIR } = process.env;
  const sandbox = await startSandbox({
    port: Number(SANDBOX_PORT),
    webhooksTo: SANDBOX_WEBHOOKS_TO,
    ...(DATA_DIR ? { dataFile: join(DATA_DIR, 'sandbox.jsonl') } : {}),
  });
  console.log(`sandbox ready at ${sandbox.url}`);
  const stop = () => {
    sandbox.close().catch((error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
}
