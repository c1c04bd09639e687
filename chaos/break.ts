/**
 * Runs the script that is named after it with protections switched off, to show that the harness notices. `CHAOS_BREAK`
 * lists them:
 * - `lock`: seats are counted without a lock on the ticket type
 * - `order`: an order is not written, though it is said to be
 * - `guess`: a payment whose answer was lost counts as declined
 */
import { OrdersController } from '@paypal/paypal-server-sdk';
import pg from 'pg';

const broken = (process.env.CHAOS_BREAK ?? '').split(',');

const HOLD = 'select * from hold_new_seat(';
const LOCK = ' for update of t';
/** An order, from what was claimed for it. */
const INSERT = /insert into orders \([^)]*\)\s+select ((?:\$\d+(?:, )?)+) from counted returning id/;
const COUNT = 'select count(*) as "count"';

/** Statements as they are sent instead. */
function rewrite(statement: string): string {
  if (broken.includes('lock')) {
    // The database's own way to a first hold locks as well: it decides nothing, and leaves all to the long way.
    if (statement.startsWith(HOLD))
      return `select 1 where concat($1::text, $2::text, $3::text, $4::text) is null`;
    if (statement.trimEnd().endsWith(LOCK)) return statement.replace(LOCK, '');
    // A moment between looking and taking, as there is one on a busy server.
    if (statement.startsWith(COUNT)) return statement.replace(COUNT, `${COUNT}, pg_sleep(1)`);
  }
  if (broken.includes('order') && INSERT.test(statement))
    // The values have to stay in it somewhere.
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
  orders.captureOrder = function (this: unknown, ...args) {
    return captureOrder.apply(this, args).catch(() => ({ result: declined }));
  };
}

await import(process.argv[2] ?? '');
