import type { Fault } from '../fault.ts';

const sendgrid = 'src/vendors/sendgrid.ts';
const mailchimp = 'src/vendors/mailchimp.ts';
const failure = 'src/activities/failure.ts';
const orders = 'src/activities/orders.ts';
const test = 'test/activities/activities.test.ts';

/** Mails, the mailing list, and what Temporal is told of a failure. */
export const VENDORS: Fault[] = [
  {
    name: 'PayPal: a call waits for its token for ever',
    file: 'src/vendors/paypal/sdk.ts',
    find: 'Promise.race([send({ abortSignal: late.signal }), end])',
    replace:
      'Promise.race([send({ abortSignal: late.signal }), end.catch(() => new Promise<never>(() => undefined))])',
    caughtBy: { 'test/vendors/paypal.test.ts': 'nobody waits for a token' },
  },
  {
    name: "mail: SendGrid's Retry-After is ignored",
    file: sendgrid,
    find: "retryAfterMs(response?.headers?.['retry-after']) ?? reset",
    replace: 'reset',
    caughtBy: { [test]: 'Retry-After of SendGrid' },
  },
  {
    name: "mail: the reset of SendGrid's limit is ignored",
    file: sendgrid,
    find: ' ?? reset',
    replace: '',
    caughtBy: { 'test/vendors/sendgrid.test.ts': 'reset of the limit' },
  },
  {
    name: 'mail: a message that SendGrid refuses is sent again for a month',
    file: sendgrid,
    find: 'const final = status === 400 || status === 413',
    replace: 'const final = status === 413',
    caughtBy: { [test]: 'turns status 400' },
  },
  {
    name: 'mail: a refused key of SendGrid is final',
    file: sendgrid,
    find: 'const final = status === 400',
    replace: 'const final = status === 401 || status === 400',
    caughtBy: { [test]: 'turns status 401' },
  },
  {
    name: 'mail: links go through a tracker',
    file: sendgrid,
    find: 'trackingSettings: { clickTracking: off, openTracking: off },',
    replace: '',
    caughtBy: { 'test/vendors/sendgrid.test.ts': 'no tracker' },
  },
  {
    name: 'mail: the confirmation of an order that was refunded is sent again',
    file: 'src/activities/email.ts',
    find: "ticket?.status !== 'confirmed'",
    replace: '!ticket',
    caughtBy: { [test]: 'is not sent again for an order that was' },
  },
  {
    name: 'list: a person who left is subscribed again',
    file: mailchimp,
    find: 'status_if_new: wanted,',
    replace: 'status: wanted, status_if_new: wanted,',
    caughtBy: { [test]: 'does not subscribe an unsubscribed person again' },
  },
  {
    name: 'list: Mailchimp’s Retry-After is ignored',
    file: mailchimp,
    find: "retryAfterMs: retryAfterMs(response?.headers?.['retry-after']),",
    replace: '',
    caughtBy: { [test]: 'Retry-After of Mailchimp' },
  },
  {
    name: 'list: an address that opted out is tried for a month',
    file: mailchimp,
    find: "meaning: 'OptOut', final: true",
    replace: "meaning: 'OptOut', final: false",
    caughtBy: { [test]: 'compliance' },
  },
  {
    name: 'list: an overloaded Mailchimp (429) is final',
    file: mailchimp,
    find: '[403, 408, 429]',
    replace: '[403, 408]',
    caughtBy: { [test]: 'is retried: mailchimp' },
  },
  {
    name: 'vendors: a vendor may ask to wait for days',
    file: 'src/vendors/retry-after.ts',
    find: 'Math.min(ms, MAX_MS)',
    replace: 'ms',
    caughtBy: { 'test/vendors/retry-after.test.ts': '' },
  },
  {
    name: 'failure: no wait is passed on to Temporal',
    file: failure,
    find: '...(delay ? { nextRetryDelay: delay } : {}),',
    replace: '',
    caughtBy: { [test]: 'waits as long as the Retry-After' },
  },
  {
    name: 'failure: every failure is tried again',
    file: failure,
    find: 'nonRetryable: final',
    replace: 'nonRetryable: false',
    caughtBy: { [test]: 'fails permanently' },
  },
  {
    name: 'failure: an unexpected error is quoted',
    file: failure,
    find: "type: 'Unexpected', word: wordFor(error)",
    replace: "type: 'Unexpected', word: String(error)",
    caughtBy: { 'test/activities/failure.test.ts': '' },
  },
  {
    name: 'failure: the stack of an unexpected error begins with its message',
    file: failure,
    find: "unexpected.stack = [unexpected.message, ...traceOf(error).frames.map((frame) => `    ${frame}`)].join('\\n');",
    replace: 'unexpected.stack = (error as Error | null)?.stack ?? "";',
    caughtBy: { 'test/activities/failure.test.ts': 'quotes nothing of it' },
  },
  {
    name: 'failure: what is thrown reaches Temporal unmapped',
    file: failure,
    find: 'throw toFailure(error);',
    replace: 'throw error;',
    caughtBy: { [test]: 'is retried while the database is unavailable' },
  },
  {
    name: 'order: a database that is away fails it for good',
    file: orders,
    find: 'if (!isConstraintViolation(error)) throw error;',
    replace: '',
    caughtBy: { [test]: 'is retried while the database is unavailable' },
  },
  {
    name: 'order: a row that the database refuses is tried for ever',
    file: orders,
    find: "throw failure({ type: 'OrderImpossible', final: true, word: 'CONSTRAINT' });",
    replace: 'throw error;',
    caughtBy: { [test]: 'when the database rejects the row' },
  },
  {
    name: 'order: a seat that is gone is tried for ever',
    file: orders,
    find: "final: true, word: 'SEAT_GONE'",
    replace: "final: false, word: 'SEAT_GONE'",
    caughtBy: { [test]: 'fails permanently without a seat' },
  },
];
