import type { Fault } from '../fault.ts';

const payment = 'src/activities/payment.ts';
const client = 'src/vendors/paypal/client.ts';
const outcome = 'src/vendors/paypal/outcome.ts';
const sdk = 'src/vendors/paypal/sdk.ts';
const test = 'test/activities/activities.test.ts';
const meaning = 'test/vendors/paypal.test.ts';

/** Money: what is captured, for whom, once; and what PayPal's answers mean. */
export const PAYMENTS: Fault[] = [
  {
    name: 'payment: it is captured without a seat',
    file: payment,
    find: "if (claimed.status !== 'claimed') return { status: 'expired', attempts: activityInfo().attempt };",
    replace:
      "if (claim.status !== 'claimed') Object.assign(claim, { amount: { minor: 12_000, currency: 'EUR' } });",
    caughtBy: { [test]: 'expired` without a seat' },
  },
  {
    name: 'payment: the capture has a new id each time',
    file: payment,
    find: '`${id}:${paypalOrderId}:capture`',
    replace: 'crypto.randomUUID()',
    caughtBy: { [test]: 'capture under the same id' },
  },
  {
    name: 'payment: the refund has a new id each time',
    file: 'src/activities/refund.ts',
    find: '`${registration}:refund:${number}`',
    replace: 'crypto.randomUUID()',
    caughtBy: {
      [test]: 'refund under the same id',
      'test/registrations/reconciliation.test.ts': 'under the same id as the run',
    },
  },
  {
    name: 'payment: the PayPal order has a new id each time',
    file: 'src/api/attendee/checkouts.ts',
    find: '`${hold.id}:${hold.paypalOrders}:order`',
    replace: 'crypto.randomUUID()',
    caughtBy: { 'test/api/attendee/checkouts.test.ts': 'although its answer was lost' },
  },
  {
    name: 'payment: the number of the PayPal order is not part of its id',
    file: 'src/api/attendee/checkouts.ts',
    find: '`${hold.id}:${hold.paypalOrders}:order`',
    replace: '`${hold.id}:order`',
    caughtBy: { 'test/api/attendee/checkouts.test.ts': 'number of its own after a decline' },
  },
  {
    name: 'payment: a PayPal order of another registration is captured',
    file: payment,
    find: 'purchase?.registrationId === id &&',
    replace: 'purchase !== undefined && (id as unknown) !== undefined &&',
    caughtBy: { [test]: 'of another registration' },
  },
  {
    name: 'payment: a PayPal order in another currency is captured',
    file: payment,
    find: 'purchase.currency === amount.currency &&',
    replace: '',
    caughtBy: { [test]: 'in another currency' },
  },
  {
    name: 'payment: a PayPal order of another amount is captured',
    file: payment,
    find: '&&\n  purchase.value === decimal(amount)',
    replace: '',
    caughtBy: { [test]: 'of a cent less' },
  },
  {
    name: 'payment: a PayPal order of two units counts as its first one',
    file: outcome,
    find: 'others.length === 0 ? unit?.amount : undefined',
    replace: 'unit?.amount',
    caughtBy: { [meaning]: 'two purchase units' },
  },
  {
    name: 'payment: a capture that was made before is not looked at',
    file: payment,
    find: 'if (order.capture) return toFinding(order.capture);',
    replace: '',
    caughtBy: { [test]: 'does not count a refunded capture' },
  },
  {
    name: 'payment: a card is charged although 3-D Secure failed',
    file: payment,
    find: "if (!order.authenticated) return { status: 'declined', reason: 'not-authenticated' };",
    replace: '',
    caughtBy: { [test]: '3-D Secure fails' },
  },
  {
    name: 'payment: a card counts as authenticated when the bank did not answer',
    file: outcome,
    find: 'result.liabilityShift === LiabilityShiftIndicator.No &&',
    replace: '',
    caughtBy: { [meaning]: 'may be charged' },
  },
  {
    name: 'payment: a decline keeps the seat claimed',
    file: payment,
    find: 'heldUntil: await unclaimSeat(database, id, paypalOrderId)',
    replace: 'heldUntil: null',
    caughtBy: { [test]: 'with the reason and holds the seat' },
  },
  {
    name: 'payment: a paid ticket is given away as a free one',
    file: payment,
    find: "if (claimed.amount.minor > 0) return conclude(request, { status: 'rejected', reason: 'mismatch' });",
    replace: '',
    caughtBy: { [test]: 'does not give a paid ticket away' },
  },
  {
    name: 'payment: nothing was captured, although a capture may still arrive',
    file: payment,
    find: '< CAPTURE_MAY_ARRIVE_MS',
    replace: '< 0',
    caughtBy: { [test]: 'while a capture may still arrive' },
  },
  {
    name: 'payment: a refusal ends the asking about a payment',
    file: 'src/activities/failure.ts',
    find: 'throw failure({ type: `${error.vendor}Unavailable`, status: error.status, word: error.word });',
    replace: 'throw error;',
    caughtBy: { [test]: 'goes on asking when PayPal refuses' },
  },
  {
    name: 'payment: a refund that failed counts as done',
    file: 'src/activities/refund.ts',
    find: "if (settled.status === 'refused') throw failure({ type: 'RefundFailed', word: settled.word });\n      return { refunded: settled.amount };",
    replace: "return { refunded: 'amount' in settled ? settled.amount : null };",
    caughtBy: { [test]: 'when PayPal refuses the refund' },
  },
  {
    name: 'payment: a refunded capture counts as paid',
    file: outcome,
    find: "case CaptureStatus.Refunded:\n      return { captureId, amount, status: 'refunded' };",
    replace: "case CaptureStatus.Refunded:\n      return { captureId, amount, status: 'captured', paidAt };",
    caughtBy: { [meaning]: 'REFUNDED counts as refunded', [test]: 'does not count a refunded capture' },
  },
  {
    name: 'payment: a partly refunded capture counts as none',
    file: outcome,
    find: '    case CaptureStatus.PartiallyRefunded:\n',
    replace: '',
    caughtBy: { [meaning]: 'counts as captured' },
  },
  {
    name: 'payment: an unknown state of a capture counts as failed',
    file: outcome,
    find: "return { captureId, amount, status: 'pending' };",
    replace: "return { captureId, amount, status: 'failed' };",
    caughtBy: { [meaning]: 'counts as pending' },
  },
  {
    name: 'payment: an order that was captured before counts as refused',
    file: client,
    find: "issue === 'ORDER_ALREADY_CAPTURED'",
    replace: "issue === 'NEVER'",
    caughtBy: { [test]: 'finds the capture of an order that was captured under another id' },
  },
  {
    name: 'payment: a wallet that cannot pay fails the attempt',
    file: outcome,
    find: "  'PAYER_CANNOT_PAY',\n",
    replace: '',
    caughtBy: { [test]: 'cannot-pay' },
  },
  {
    name: 'payment: a request in progress (409) is final',
    file: sdk,
    find: '408, 409, 425',
    replace: '408, 425',
    caughtBy: { [test]: 'is retried after 409' },
  },
  {
    name: 'payment: a limit of PayPal (429) is final',
    file: sdk,
    find: '425, 429]',
    replace: '425]',
    caughtBy: { [test]: 'is retried after 429' },
  },
  {
    name: 'payment: a refused key of PayPal is final',
    file: sdk,
    find: '[401, 403, ',
    replace: '[',
    caughtBy: { [test]: 'is retried after a rejected API key' },
  },
];
