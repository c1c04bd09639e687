/**
 * `npm run bench:hoard`: measures how many seats somebody takes who registers made-up people from 1, 10 or 100
 * IP addresses until every request is refused, and what honest people get after that. The tickets are those of
 * the example event. Each attack is measured with the limits on live holds and free tickets and without them.
 */
import { randomUUID } from 'node:crypto';
import { formOf } from '../stage/person.ts';
import type { Ticket } from '../stage/conference.ts';
import { each, onMachine } from './measure.ts';
import { startMeasured } from './product.ts';

const TICKETS: Ticket[] = [
  { id: 'early-bird', name: 'Early bird', price_minor: 9000, capacity: 50 },
  { id: 'regular', name: 'Regular', price_minor: 12_000, capacity: 300 },
  { id: 'student', name: 'Student', price_minor: 0, capacity: 40 },
];
const ADDRESSES = [1, 10, 100];
const CLASS = 30;
const HONEST = 20;
const AT_ONCE = 20;
/** An attacker stops after so many refusals of a ticket type in a row. */
const GIVES_UP_AFTER = 3;
/** The limit on requests per minute only makes an attack longer, so it is out of the way here. */
const PATIENT = { RATE_LIMIT: '1000000', TRUST_PROXY: '1' };
const WITHOUT = { HOLDS_PER_ADDRESS: '0', HOLDS_PER_EMAIL: '0', FREE_PER_ADDRESS: '0', FREE_PER_EMAIL: '0' };

type Product = Awaited<ReturnType<typeof startMeasured>>;

/** Holds a seat, and registers for a free ticket. Returns whether that worked. */
async function take({ url }: Product, ticketType: string, address: string): Promise<boolean> {
  const id = randomUUID();
  const send = async (method: string, path: string, body: object) => {
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': address };
    const response = await fetch(url + path, { method, headers, body: JSON.stringify(body) });
    await response.arrayBuffer();
    return response.status;
  };
  const form = formOf(id, { ticketType, newsletter: false });
  if ((await send('PUT', `/api/checkouts/${id}`, form)) !== 201) return false;
  const isFree = TICKETS.some((ticket) => ticket.id === ticketType && ticket.price_minor === 0);
  if (!isFree) return true;
  return (await send('POST', '/api/registrations', { ...form, id, paypalOrderId: null })) === 201;
}

const times = (count: number) => Array.from({ length: count }, (_, n) => n);

/** Takes seats from so many addresses until none is given any more. Returns how many of each ticket type. */
async function attack(product: Product, addresses: number): Promise<number[]> {
  const taken: number[] = [];
  for (const { id: ticketType } of TICKETS) {
    let count = 0;
    await each(times(addresses), AT_ONCE, async (n) => {
      for (let refused = 0; refused < GIVES_UP_AFTER;)
        if (await take(product, ticketType, `10.0.${Math.floor(n / 250)}.${1 + (n % 250)}`)) count++;
        else refused++;
    });
    taken.push(count);
  }
  return taken;
}

/** Lets honest people ask for each ticket type, from an address each. Returns how many get a seat. */
async function honest(product: Product): Promise<number[]> {
  const served: number[] = [];
  for (const { id } of TICKETS) {
    let count = 0;
    await each(times(HONEST), AT_ONCE, async (n) => {
      if (await take(product, id, `192.0.2.${1 + n}`)) count++;
    });
    served.push(count);
  }
  return served;
}

async function startAnew({ database }: Product): Promise<void> {
  for (const table of ['seat_holds', 'free_registrations', 'orders']) await database(table).delete();
  await database('ticket_types').update({ sold: 0 });
}

const rows: string[] = [];
const row = (...cells: (string | number)[]) =>
  rows.push(cells.map((cell, n) => (n === 0 ? String(cell).padEnd(24) : String(cell).padStart(12))).join(''));
row('', ...TICKETS.map(({ id, capacity }) => `${id} ${String(capacity)}`));
for (const [limits, settings] of [
  ['without', WITHOUT],
  ['with', {}],
] as const) {
  const product = await startMeasured({ tickets: TICKETS, settings: { ...PATIENT, ...settings } });
  try {
    for (const addresses of ADDRESSES) {
      await startAnew(product);
      row(`${limits}: ${addresses} take`, ...(await attack(product, addresses)));
      row('  honest people get', ...(await honest(product)).map((count) => `${count}/${HONEST}`));
    }
    await startAnew(product);
    const seats = await Promise.all(times(CLASS).map(() => take(product, 'regular', '192.0.2.1')));
    row(`${limits}: a class of ${CLASS}`, '', `${seats.filter(Boolean).length}/${CLASS}`);
  } finally {
    await product.stop();
  }
}
process.stdout.write(`${onMachine()}\n\nseats of the ticket types\n${rows.join('\n')}\n`);
