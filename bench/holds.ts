/**
 * `npm run bench:holds`: measures how many holds per second one ticket type allows when all of them lock its
 * row in turn. It calls the database directly, over as many connections as the processes of a deployment may
 * have.
 */
import { randomUUID } from 'node:crypto';
import { holdSeat } from '../src/database/seats/hold.ts';
import { connectDatabase } from '../src/database/connection.ts';
import { each, figure, onMachine, shown } from './measure.ts';
import { startMeasured } from './product.ts';

const ROUNDS = 5;
const HOLDS = 1000;
const CONNECTIONS = 20;
// A hold of a ticket that is paid for does not wait for the disk, and one of a free ticket does.
const many = { capacity: 1_000_000, price_minor: 9000 };
const spread = Array.from({ length: 10 }, (_, n) => ({ id: `one-of-ten-${n}`, name: 'One of ten', ...many }));
const product = await startMeasured({
  tickets: [
    { id: 'limited', name: 'Limited', ...many },
    { id: 'free', name: 'Free', ...many, price_minor: 0 },
    { id: 'unlimited', name: 'Unlimited', ...many, capacity: null },
    ...spread,
  ],
});
const database = connectDatabase(product.databaseUrl, { min: 0, max: CONNECTIONS });

async function perSecond(ticketType: (n: number) => string): Promise<number> {
  const startedAt = performance.now();
  await each(
    Array.from({ length: HOLDS }, (_, n) => n),
    CONNECTIONS,
    async (n) => {
      const { status } = await holdSeat(database, randomUUID(), 'conference', ticketType(n));
      if (status !== 'held') throw new Error(`The seat was not held: ${status}`);
    },
  );
  return (HOLDS * 1000) / (performance.now() - startedAt);
}
const fill = (ticketType: string, holds: number) =>
  database.raw(
    `insert into seat_holds (id, event_id, ticket_type_id, amount_minor, currency, held_until)
     select gen_random_uuid(), 'conference', ?, 0, 'EUR', now() + interval '1 hour' from generate_series(1, ?::int)`,
    [ticketType, holds],
  );

const CASES: { name: string; already: number; ticketType: (n: number) => string }[] = [
  { name: 'ten ticket types', already: 0, ticketType: (n) => `one-of-ten-${n % 10}` },
  { name: 'one, unlimited', already: 0, ticketType: () => 'unlimited' },
  { name: 'one, 0 to 1,000 seats held', already: 0, ticketType: () => 'limited' },
  { name: 'one, free, 0 to 1,000 held', already: 0, ticketType: () => 'free' },
  { name: 'one, 10,000 to 11,000 held', already: 10_000, ticketType: () => 'limited' },
];
try {
  const results = new Map<string, number[]>(CASES.map(({ name }) => [name, []]));
  for (let round = 0; round < ROUNDS; round++)
    for (const { name, already, ticketType } of CASES) {
      await database('seat_holds').delete();
      if (already > 0) await fill(ticketType(0), already);
      await database.raw('vacuum analyze seat_holds');
      results.get(name)?.push(await perSecond(ticketType));
    }
  const rows = [...results].map(([name, values]) => `${name.padEnd(30)}${shown(figure(values), 0)}`);
  process.stdout.write(
    `${onMachine()}; ${CONNECTIONS} connections, ${ROUNDS} rounds of ${HOLDS} holds\n\nholds per second${' '.repeat(17)}median   range\n${rows.join('\n')}\n`,
  );
} finally {
  await database.destroy();
  await product.stop();
}
