/**
 * Runs the script given as its argument with protections disabled, to show that the audit detects it.
 * `CHAOS_BREAK` lists the protections:
 * - `seats`: a new hold does not look whether there is a seat
 * - `order`: an order is reported as saved but not written
 * - `guess`: a payment whose response was lost counts as declined
 * - `ledger`: a refund does not look how much is left
 * - `moves`: a move neither looks for a seat nor takes it
 * - `once`: a form that is sent again does again what it did
 * - `address`: mails go to the address from before a correction
 * - `audience`: an address that was corrected does not leave the audience
 * - `sweep`: the cancellation of an event looks once who is registered, and not again
 * - `look`: PayPal is not asked whether it has a refund already, and each request for a refund has a new id
 */
import { randomUUID } from 'node:crypto';
import { OrdersController, PaymentsController } from '@paypal/paypal-server-sdk';
import mailchimp from '@mailchimp/mailchimp_marketing';
import sgMail from '@sendgrid/mail';
import pg from 'pg';

const broken = (process.env.CHAOS_BREAK ?? '').split(',');

const HOLD = 'select * from hold_new_seat($1, $2, $3, $4, $5)';
/** The same without a look at the seats, so that the test does not depend on a race. */
const HOLD_ALWAYS = `
  insert into seat_holds (id, event_id, ticket_type_id, amount_minor, currency, held_until, email_hash)
  select $1::uuid, t.event_id, t.id, t.price_minor, e.currency, now() + make_interval(mins => $4::integer),
    $5::jsonb->>'emailHash'
  from ticket_types t join events e on e.id = t.event_id
  where t.event_id = $2 and t.id = $3
    and not exists (select from orders where id = $1::uuid)
    and not exists (select from ended_registrations where id = $1::uuid)
  on conflict do nothing
  returning 'held' as outcome, amount_minor, currency, held_until`;
/** Matches the statement that inserts an order from its claim. */
const INSERT = /insert into orders \([^)]*\)\s+select ((?:\$\d+(?:, )?)+) from counted returning id/;

/** Matches the statement that adds up the refunds of a registration. */
const SUM = /^select coalesce\(sum\(amount_minor\), 0\)(::integer as sum from refunds)/;

/** How a locked ticket type says whether there is a seat. */
const SEAT = 'own.live or coalesce(a.free > 0, true) as seat';
/** Matches the statement that lists the registrations of a cancelled event. */
const LIST = /where event_id = \$1 and status = 'confirmed'[^]*on conflict do nothing/;
const ONCE = `where event_id = $1 and status = 'confirmed' and $2::text is not null
  and not exists (select from event_cancellations c where c.event_id = $1 and c.round > 0
    and exists (select from cancelled_registrations r where r.event_id = $1))
  on conflict do nothing`;

/** Returns the statement to send instead. */
function rewrite(statement: string): string {
  if (broken.includes('moves') && statement.startsWith('update "ticket_types" set "sold" = "sold" + '))
    return `${statement} and false`;
  // A seat that was not taken cannot be given back.
  if (broken.includes('moves')) statement = statement.replace('"sold" - $1', 'greatest("sold" - $1, 0)');
  if (broken.includes('moves')) statement = statement.replace(SEAT, 'true as seat');
  if (broken.includes('once') && statement.startsWith('select "outcome" from "organizer_actions" where '))
    return statement.replace(' where ', ' where false and ');
  if (broken.includes('once') && statement.startsWith('insert into "organizer_actions" '))
    return `${statement} on conflict do nothing`;
  if (broken.includes('seats') && statement === HOLD) return HOLD_ALWAYS;
  if (broken.includes('order') && INSERT.test(statement))
    // PostgreSQL rejects parameters that the statement does not use.
    return statement.replace(INSERT, (_insert, values: string) => {
      const [id = '', ...texts] = values.split(', ').map((value) => `${value}::text`);
      return `select (${id})::uuid as id, concat(${texts.join(', ')}) as lost from counted`;
    });
  if (broken.includes('sweep') && LIST.test(statement)) return statement.replace(LIST, ONCE);
  if (broken.includes('ledger')) return statement.replace(SUM, 'select min(0)$1');
  return statement;
}

type Query = (...args: unknown[]) => unknown;
const clients = pg.Client.prototype as unknown as { query: Query };
const { query } = clients;
clients.query = function (this: unknown, statement, ...rest) {
  const changed =
    typeof statement === 'object' && statement !== null && 'text' in statement
      ? Object.assign(statement, { text: rewrite(String(statement.text)) })
      : statement;
  return query.call(this, changed, ...rest);
};

if (broken.includes('guess')) {
  type Capture = (...args: unknown[]) => Promise<{ result: object }>;
  const orders = OrdersController.prototype as unknown as { captureOrder: Capture };
  const { captureOrder } = orders;
  const declined = { purchaseUnits: [{ payments: { captures: [{ id: 'GUESSED', status: 'DECLINED' }] } }] };
  let answered = 0;
  // Every fifth answer is lost, too, so that the test does not depend on when the plan loses them.
  orders.captureOrder = async function (this: unknown, ...args) {
    const answer = await captureOrder.apply(this, args).catch(() => undefined);
    return answer && ++answered % 5 > 0 ? answer : { result: declined };
  };
}

if (broken.includes('look')) {
  type Order = { purchaseUnits?: { payments?: { refunds?: { customId?: string }[] } }[] };
  type Find = (...args: unknown[]) => Promise<{ result: Order }>;
  const orders = OrdersController.prototype as unknown as { getOrder: Find };
  const { getOrder } = orders;
  orders.getOrder = async function (this: unknown, ...args) {
    const answer = await getOrder.apply(this, args);
    // Without those made by hand, a refund of all that is left would be asked for too much, again and again.
    for (const { payments } of answer.result.purchaseUnits ?? [])
      if (payments?.refunds) payments.refunds = payments.refunds.filter(({ customId }) => !customId);
    return answer;
  };

  type Refund = (request: { body?: { customId?: string } }, options: unknown) => Promise<unknown>;
  const payments = PaymentsController.prototype as unknown as { refundCapturedPayment: Refund };
  const { refundCapturedPayment } = payments;
  const lost = new Set<string | undefined>();
  // The first answer to each refund is lost, too, so that the test does not depend on when the plan loses them.
  payments.refundCapturedPayment = async function (this: unknown, request, options) {
    const asked = { ...request, paypalRequestId: randomUUID() };
    const answer = await refundCapturedPayment.call(this, asked, options);
    const name = request.body?.customId;
    if (lost.has(name)) return answer;
    lost.add(name);
    throw new Error('The answer is lost');
  };
}

if (broken.includes('address')) {
  type Sent = { personalizations: { to: { email: string } }[] };
  type Mailer = { send: (mail: Sent) => Promise<unknown> };
  const mailer = Object.getPrototypeOf(sgMail) as Mailer;
  const { send } = mailer;
  mailer.send = function (this: unknown, mail) {
    for (const { to } of mail.personalizations) to.email = to.email.replace(/^new-/, '');
    return send.call(this, mail);
  };
}

if (broken.includes('audience')) {
  type Api = { callApi: (path: string, method: string, ...rest: unknown[]) => Promise<unknown> };
  const api = Object.getPrototypeOf(mailchimp) as Api;
  const { callApi } = api;
  api.callApi = function (this: unknown, path, method, ...rest) {
    return method === 'DELETE' ? Promise.resolve({}) : callApi.call(this, path, method, ...rest);
  };
}

await import(process.argv[2] ?? '');
