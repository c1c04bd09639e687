import type { Fault } from '../fault.ts';

const registrations = 'src/api/attendee/registrations.ts';
const checkouts = 'src/api/attendee/checkouts.ts';
const limits = 'src/api/limits.ts';
const authentication = 'src/api/organizer/authentication.ts';
const answers = 'test/api/attendee/registrations.test.ts';
const holds = 'test/api/attendee/checkouts.test.ts';
const hostile = 'test/security/hostile-input.test.ts';
const severalApis = 'test/security/several-apis.test.ts';
const truth = 'test/registrations/one-truth.test.ts';
const organizers = 'test/security/codec.test.ts';

/** What the api answers, refuses and logs. */
export const API: Fault[] = [
  {
    name: 'answer: an order of another payment is confirmed',
    file: registrations,
    find: "if (order.paypalOrderId !== paypalOrderId) throw new Problem('already-registered');",
    replace: '',
    caughtBy: { [answers]: 'already registered with another PayPal order' },
  },
  {
    name: 'answer: a cancelled order is confirmed',
    file: registrations,
    find: "if (order.status !== 'confirmed') throw",
    replace: 'if (false) throw',
    caughtBy: { [truth]: 'reports an order as' },
  },
  {
    name: 'answer: a payment that was undone is confirmed',
    file: registrations,
    find: 'if (hold?.claimed) await refuseUndone(id);',
    replace: '',
    caughtBy: { [truth]: 'while PayPal is unavailable for the refund' },
  },
  {
    name: 'answer: a payment that is not known in time counts as expired',
    file: registrations,
    find: "else log.error(entry, 'payment not known');\n        return { status: 'not-known' };",
    replace: "else log.error(entry, 'payment not known');\n        return { status: 'expired' };",
    caughtBy: { 'test/api/outages.test.ts': 'answers 202 while PayPal is slow' },
  },
  {
    name: 'answer: a run is started while Temporal is away',
    file: registrations,
    find: 'await probe().catch(() => {\n        throw unavailable();\n      });',
    replace: '',
    caughtBy: { 'test/api/outages.test.ts': 'answers 503 and reports not ready' },
  },
  {
    name: 'answer: the price of the ticket counts and not that of the hold',
    file: registrations,
    find: 'hold?.amount ?? ticketType.price',
    replace: 'ticketType.price',
    caughtBy: { [holds]: 'for the price of its hold' },
  },
  {
    name: 'answer: another ticket than the one that is held is registered',
    file: registrations,
    find: "throw new Problem('ticket-mismatch')",
    replace: 'undefined',
    caughtBy: { [answers]: 'not the one that is held' },
  },
  {
    name: 'answer: a corrected form does not reach the run',
    file: registrations,
    find: 'hold === undefined || hold.paypalOrders > 1',
    replace: 'false',
    caughtBy: { 'test/registrations/erasure.test.ts': 'corrected e-mail address' },
  },
  {
    name: 'hold: a payment in flight changes its ticket type',
    file: checkouts,
    find: "throw new Problem('payment-in-flight')",
    replace: 'undefined',
    caughtBy: { [holds]: 'of a payment in flight' },
  },
  {
    name: 'hold: the PayPal order is not noted',
    file: checkouts,
    find: 'await notePaypalOrder(database, hold, paypalOrderId);',
    replace: '',
    caughtBy: { [holds]: 'number of its own after a decline' },
  },
  {
    name: 'hold: a paid ticket needs no address',
    file: checkouts,
    find: 'if (cost) throw addressNeeded();',
    replace: '',
    caughtBy: { [hostile]: 'no billing address for a paid ticket' },
  },
  {
    name: 'form: card numbers are stored',
    file: 'src/api/attendee/refusals.ts',
    find: 'pointersWhere(form, holdsCardNumber)',
    replace: 'pointersWhere(form, holdsCardNumber).slice(9)',
    caughtBy: { [hostile]: 'a card number' },
  },
  {
    name: 'form: unknown properties are dropped',
    file: 'src/api/app.ts',
    find: 'removeAdditional: false',
    replace: 'removeAdditional: true',
    caughtBy: { [hostile]: 'an unknown property' },
  },
  {
    name: 'limits: nobody counts the tries',
    file: limits,
    find: 'refuseExceeded(tries);',
    replace: '',
    caughtBy: { [severalApis]: 'in turn are twice as many where each api counts for itself' },
  },
  {
    name: 'limits: declined payments are not looked at',
    file: limits,
    find: 'refuseExceeded(await here.ofAddress(request, look));',
    replace: '',
    caughtBy: { [severalApis]: 'are too many for an address at both' },
  },
  {
    name: 'log: a request is logged with its address',
    file: 'src/api/app.ts',
    find: 'serializers: { req: ({ method, routeOptions }) => ({ method, route: routeOptions.url }) },',
    replace:
      'serializers: { req: ({ method, routeOptions, url }) => ({ method, route: routeOptions.url, url }) },',
    caughtBy: { 'test/security/request-log.test.ts': '' },
  },
  {
    name: 'log: an unexpected error is quoted',
    file: 'src/api/problem.ts',
    find: 'request.log.error({ error: traceOf(error) }',
    replace: 'request.log.error({ error: traceOf(error), message: error.message }',
    caughtBy: { 'test/api/problems.test.ts': 'answered with 500' },
  },
  {
    name: 'organizers: a wrong password decrypts',
    file: authentication,
    find: 'if (isRight || (await isSignedIn(request))) return;',
    replace: 'if (isRight || isSignedIn !== undefined) return;',
    caughtBy: { [organizers]: 'a wrong password' },
  },
  {
    name: 'organizers: passwords can be guessed without a limit',
    file: authentication,
    find: 'refuseExceeded(await guesses(request, { increment: given !== undefined && !isRight }));',
    replace: '',
    caughtBy: { [organizers]: 'after ten wrong passwords' },
  },
  {
    name: 'organizers: every page may read the answers',
    file: authentication,
    find: 'if (uiOrigin && request.headers.origin === uiOrigin) allowOrigin(reply, uiOrigin);',
    replace: "allowOrigin(reply, request.headers.origin ?? '*');",
    caughtBy: { [organizers]: 'only the Web UI as its origin' },
  },
  {
    name: 'organizers: a client behind a proxy is on this machine',
    file: authentication,
    find: "&&\n    headers['x-forwarded-for'] === undefined",
    replace: '',
    caughtBy: { [organizers]: 'a client behind a proxy' },
  },
];
