/**
 * Runs the script given as its argument with protections disabled, to show that the audit detects it.
 * `CHAOS_BREAK` lists the protections:
 * - `seats`: a new hold does not look whether there is a seat
 * - `order`: an order is reported as saved but not written
 * - `guess`: a payment whose response was lost counts as declined
 */
import { OrdersController } from '@paypal/paypal-server-sdk';
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

/** Returns the statement to send instead. */
function rewrite(statement: string): string {
  if (broken.includes('seats') && statement === HOLD) return HOLD_ALWAYS;
  if (broken.includes('order') && INSERT.test(statement))
    // PostgreSQL rejects parameters that the statement does not use.
    return statement.replace(INSERT, (_insert, values: string) => {
      const texts = values.split(', ').map((value) => `${value}::text`);
      return `select concat(${texts.join(', ')}) as id from counted`;
    });
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

await import(process.argv[2] ?? '');
