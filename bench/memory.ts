/**
 * `npm run bench:memory -- [requests]`: what the memory of api and workers does over many requests of every kind, one in
 * twenty a whole registration. A process that keeps something of each request grows in every tenth of the run.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { emailOf } from '../chaos/client.ts';
import { startWorld } from '../chaos/world.ts';

const [requests = 50_000] = process.argv.slice(2).map(Number);
const AT_ONCE = 20;
const PARTS = ['api', 'worker 1', 'worker 2'];
/** As in earnest, but for their height: the counters of tries are kept. */
const world = await startWorld('', { RATE_LIMIT: '1000000', LOG_LEVEL: 'warn' });

const form = (id: string) => ({
  event: 'conference',
  ticketType: 'free',
  attendee: { firstName: 'Ada', lastName: 'Example', email: emailOf(id) },
  billing: { addressLine1: 'Street 2', city: 'Hamburg', postalCode: '20457', countryCode: 'DE' },
  newsletter: false,
});
const json = { 'content-type': 'application/json' };
const ask = async (method: string, path: string, body?: string) => {
  const response = await fetch(world.url + path, {
    method,
    headers: body ? json : {},
    ...(body && { body }),
  });
  await response.arrayBuffer();
  return response.status;
};

/** Each kind of request, and what it must be answered with. */
const KINDS: [status: number, send: (id: string) => Promise<number>][] = [
  [200, () => ask('GET', '/')],
  [200, () => ask('GET', '/api/events/conference')],
  [404, (id) => ask('GET', `/api/events/${id}`)],
  [404, (id) => ask('GET', `/api/registrations/${id}`)],
  [404, (id) => ask('GET', `/registrations/${id}`)],
  [404, (id) => ask('GET', `/api/registrations/${id}/events`)],
  [201, (id) => ask('PUT', `/api/checkouts/${id}`, JSON.stringify(form(id)))],
  [422, (id) => ask('PUT', `/api/checkouts/${id}`, JSON.stringify({ ...form(id), billing: {} }))],
  [400, (id) => ask('PUT', `/api/checkouts/${id}`, '{"event":')],
  [409, (id) => ask('POST', '/api/registrations', JSON.stringify({ ...form(id), id, paypalOrderId: null }))],
];

async function register(id: string): Promise<void> {
  await ask('PUT', `/api/checkouts/${id}`, JSON.stringify(form(id)));
  const status = await ask(
    'POST',
    '/api/registrations',
    JSON.stringify({ ...form(id), id, paypalOrderId: null }),
  );
  if (status !== 201) throw new Error(`A registration was answered with ${status}`);
}

/** Resident memory in MB, as the system counts it. */
const memoryOf = (name: string) =>
  Math.round(Number(execFileSync('ps', ['-o', 'rss=', '-p', String(world.pidOf(name) ?? 0)])) / 1024);

let sent = 0;
async function work(upTo: number): Promise<void> {
  while (sent < upTo) {
    const n = sent++;
    const id = randomUUID();
    if (n % 20 === 0) {
      sent++;
      await register(id);
      continue;
    }
    const kind = KINDS[n % KINDS.length];
    const status = await kind?.[1](id);
    if (status !== kind?.[0]) throw new Error(`Kind ${n % KINDS.length} was answered with ${String(status)}`);
  }
}

try {
  console.log(`Resident memory in MB\n${['requests', ...PARTS].map((name) => name.padStart(10)).join('')}`);
  for (let tenth = 0; tenth <= 10; tenth++) {
    const upTo = Math.round((requests * tenth) / 10);
    await Promise.all(Array.from({ length: AT_ONCE }, () => work(upTo)));
    console.log([upTo, ...PARTS.map(memoryOf)].map((value) => String(value).padStart(10)).join(''));
  }
} finally {
  await world.stop(false);
}
