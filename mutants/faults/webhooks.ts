/** What PayPal and SendGrid tell by themselves: signatures, events that come again, money that goes back without us. */
import type { Fault } from '../fault.ts';

const [route, batch, room, events, ledger, stored, disputes, mails, run] = [
  'src/api/webhooks/paypal.ts',
  'src/api/webhooks/sendgrid.ts',
  'src/api/webhooks/index.ts',
  'src/registrations/paypal-events.ts',
  'src/database/refunds.ts',
  'src/database/webhook-events.ts',
  'src/database/disputes.ts',
  'src/database/mail-events.ts',
  'src/workflows/payment.ts',
];
const [told, paypal, sendgrid, security, database] = [
  'test/registrations/paypal-events.test.ts',
  'test/api/webhooks/paypal.test.ts',
  'test/api/webhooks/sendgrid.test.ts',
  'test/security/webhooks.test.ts',
  'test/database/webhook-events.test.ts',
];

export const WEBHOOKS: Fault[] = [
  {
    name: 'webhooks: a vendor that hangs up keeps its place',
    file: room,
    find: "app.addHook('onSend', (request, _reply, payload, next) => {\n    if (inHand.delete(request)) count--;\n    next(null, payload);",
    replace:
      "app.addHook('onResponse', (request, _reply, next) => {\n    if (inHand.delete(request)) count--;\n    next();",
    caughtBy: { [paypal]: 'hung up' },
  },
  {
    name: 'webhooks: PayPal is not asked whether it has signed an event',
    file: route,
    find: 'if (!(await paypal.verifyWebhook({ webhookId, transmission, body: text }, VERIFY_WITHIN_MS)))',
    replace: 'if (webhookId === VERIFY_WITHIN_MS.toString() && !paypal)',
    caughtBy: { [security]: 'forged, borrowed or missing', [paypal]: 'answers 401' },
  },
  {
    name: 'webhooks: the signature of a batch of SendGrid is not checked',
    file: batch,
    find: "if (!isSigned(text, headerOf(headers, 'signature'), headerOf(headers, 'timestamp')))",
    replace:
      "if (text === '' && !isSigned(text, headerOf(headers, 'signature'), headerOf(headers, 'timestamp')))",
    caughtBy: { [sendgrid]: 'has not signed' },
  },
  {
    name: 'webhooks: an event is answered although PayPal or the database is away',
    file: room,
    find: 'if (error instanceof VendorError || isDatabaseAway(error) || isTemporalAway) return 503;',
    replace: 'if (error instanceof VendorError || isDatabaseAway(error) || isTemporalAway) return 200;',
    caughtBy: { [paypal]: 'away' },
  },
  {
    name: 'webhooks: as many deliveries at a time as come',
    file: room,
    find: 'if (count >= MOST_IN_HAND) {',
    replace: 'if (count >= 20 * MOST_IN_HAND) {',
    caughtBy: { [paypal]: 'so many deliveries at a time' },
  },
  {
    name: 'webhooks: a reversal is taken for a refund by hand',
    file: events,
    find: "if (isReversal && told && told.refund.status !== 'failed')",
    replace: "if (isReversal && told && told.refund.status === 'failed')",
    caughtBy: { [told]: 'a chargeback' },
  },
  {
    name: 'webhooks: our own refund is entered as made by hand',
    file: events,
    find: 'const others = await withoutOwn(trx, ours.registration, all);',
    replace: 'const others = all;',
    caughtBy: { [told]: 'our own refund' },
  },
  {
    name: 'webhooks: a refund by hand that PayPal has told of is made once more',
    file: ledger,
    find: ".whereRaw('(number is not null or reversed)')\n",
    replace: '',
    caughtBy: { [told]: 'also when PayPal tells of it first' },
  },
  {
    name: 'webhooks: payments of others count',
    file: events,
    find: 'return ordered || over || hold ? {',
    replace: 'return ordered || over || hold || true ? {',
    caughtBy: { [told]: 'payments of others' },
  },
  {
    name: 'webhooks: a run under review is not told',
    file: events,
    find: 'await tellPaymentNews(temporal, ours.registration);',
    replace: 'if (temporal === undefined) await tellPaymentNews(temporal, ours.registration);',
    caughtBy: { [told]: 'is known at once' },
  },
  {
    name: 'webhooks: a run that is told goes on waiting',
    file: run,
    find: 'setHandler(paymentNews, () => wait?.cancel());',
    replace: 'setHandler(paymentNews, () => void wait);',
    caughtBy: { [told]: 'is known at once' },
  },
  {
    name: 'webhooks: two deliveries at the same moment both count',
    file: stored,
    find: 'await locked(database, registration, async (trx) => {',
    replace: 'await database.transaction(async (trx) => {',
    caughtBy: { [database]: 'at the same moment' },
  },
  {
    name: 'webhooks: an event that comes again counts again',
    file: stored,
    find: 'if (stored.length > 0) await effect(trx);',
    replace: 'if (stored.length >= 0) await effect(trx);',
    caughtBy: { [database]: '25 times at once' },
  },
  {
    name: 'webhooks: an older reading opens a dispute again',
    file: disputes,
    find: 'if (before && before.changed_at.getTime() > Date.parse(dispute.changedAt)) return;',
    replace: '',
    caughtBy: { [database]: 'by an older reading' },
  },
  {
    name: 'webhooks: a bounce of an address that was corrected counts',
    file: mails,
    find: 'return found && (!found.ordered || found.email?.toLowerCase() === email.toLowerCase());',
    replace: 'return found && (!found.ordered || email !== undefined);',
    caughtBy: { [sendgrid]: 'that was corrected since', [security]: 'of somebody else' },
  },
  {
    name: 'webhooks: the problem with an address outlives its correction',
    file: mails,
    find: "and e.kind = 'corrected' and e.facts",
    replace: "and e.kind = 'moved' and e.facts",
    caughtBy: { [sendgrid]: 'a corrected address gets one' },
  },
  {
    name: 'webhooks: a bounce from before a delivery counts',
    file: mails,
    find: 'cleared_at: since ? trx.fn.now() : null,',
    replace: 'cleared_at: since ? null : null,',
    caughtBy: { [sendgrid]: 'in whatever order SendGrid tells' },
  },
];
