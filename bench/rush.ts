/**
 * `npm run bench:rush -- [people] [seats]`: measures many people who compete for fewer seats of one ticket
 * type, over connections that are already open. Those who get a hold pay; the others must get a quick and
 * correct refusal.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { each, memoryMb, onMachine, percentile } from './measure.ts';
import { startMeasured } from './product.ts';

const [people = 2000, seats = 100] = process.argv.slice(2).map(Number);
const AT_ONCE = 1000;
const TICKET = 'rush';
const LOOK_EVERY_MS = 100;

const product = await startMeasured({
  tickets: [{ id: TICKET, name: 'Rush', price_minor: 9000, capacity: seats }],
});
const answers = new Map<string, number[]>();
const record = (what: string, startedAt: number) =>
  answers.set(what, [...(answers.get(what) ?? []), performance.now() - startedAt]);

async function attempt(id: string): Promise<void> {
  let startedAt = performance.now();
  const held = await product.hold(id, TICKET);
  record(`hold ${held.status}`, startedAt);
  if (held.status !== 201 || held.paypalOrderId === null) return;
  await product.approve(held.paypalOrderId);
  startedAt = performance.now();
  record(`register ${await product.register({ id, paypalOrderId: held.paypalOrderId }, TICKET)}`, startedAt);
}

/** The highest number of concurrent connections to PostgreSQL that was observed. */
let connections = 0;
const watching = new AbortController();
const watched = (async () => {
  while (!watching.signal.aborted) {
    const { rows } = await product.database.raw<{ rows: [{ count: number }] }>(
      `select count(*)::int from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    );
    connections = Math.max(connections, rows[0].count);
    await sleep(LOOK_EVERY_MS);
  }
})();

try {
  // People who wait for the sale to start have the form open, and therefore a connection.
  await Promise.all(Array.from({ length: AT_ONCE }, () => product.look()));
  const startedAt = Date.now();
  await each(
    Array.from({ length: people }, () => randomUUID()),
    AT_ONCE,
    attempt,
  );
  const seconds = (Date.now() - startedAt) / 1000;
  watching.abort();
  await watched;
  let orders = 0;
  for (let look = 0; look < 100 && orders < seats; look++) {
    await sleep(LOOK_EVERY_MS);
    const [row] = await product.database('orders').where({ status: 'confirmed' }).count({ count: '*' });
    orders = Number(row?.count);
  }
  const type = await product.database('ticket_types').where({ id: TICKET }).first<{ sold: number }>('sold');
  const [holds] = await product.database('seat_holds').count({ count: '*' });
  const rows = [...answers]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([what, times]) =>
      [
        what.padEnd(20),
        String(times.length).padStart(8),
        ...[0.5, 0.99, 1].map((share) => percentile(times, share).toFixed(0).padStart(10)),
      ].join(''),
    );
  process.stdout.write(
    [
      `${onMachine()}; ${people} people, ${AT_ONCE} connections, ${seats} seats, ${seconds.toFixed(1)} s`,
      '',
      'response              people    p50 ms    p99 ms    max ms',
      ...rows,
      '',
      `${type.sold} seats sold, ${orders} orders, ${Number(holds?.count)} open holds; at most ${connections} connections to PostgreSQL; api ${memoryMb(product.parts().api[0] ?? 0).toFixed(0)} MB`,
      '',
    ].join('\n'),
  );
  const failed = [...answers.keys()].filter((what) => / 5\d\d$/.test(what));
  if (type.sold !== seats || orders !== seats || failed.length > 0) process.exitCode = 1;
} finally {
  watching.abort();
  await product.stop();
}
