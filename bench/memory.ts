/**
 * `npm run bench:memory -- [requests]`: measures how the memory of the api and the workers develops over many
 * requests of every kind; one in twenty completes a registration. A process that leaks memory grows in every
 * tenth of the run.
 */
import { randomUUID } from 'node:crypto';
import { formOf } from '../stage/person.ts';
import { startWorld } from '../stage/world.ts';
import { memoryMb } from './measure.ts';

const [requests = 50_000] = process.argv.slice(2).map(Number);
const AT_ONCE = 20;
const PARTS = ['api', 'worker 1', 'worker 2'];
/** The limit is too high to reach, but the api keeps its counters as in production. */
const world = await startWorld({ settings: { RATE_LIMIT: '1000000', LOG_LEVEL: 'warn' } });

const ask = async (method: string, path: string, body?: string) => {
  const response = await fetch(world.url + path, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body }),
  });
  await response.arrayBuffer();
  return response.status;
};
const form = (id: string) => formOf(id, { ticketType: 'free', newsletter: false });
const put = (id: string, body: string) => ask('PUT', `/api/checkouts/${id}`, body);
const hold = (id: string) => put(id, JSON.stringify(form(id)));
const pay = (id: string) =>
  ask('POST', '/api/registrations', JSON.stringify({ ...form(id), id, paypalOrderId: null }));

type Kind = [status: number, send: (id: string) => Promise<number>];
/** Each kind of request, with its expected status. */
const KINDS: Kind[] = [
  [200, () => ask('GET', '/')],
  [200, () => ask('GET', '/api/events/conference')],
  [404, (id) => ask('GET', `/api/events/${id}`)],
  [404, (id) => ask('GET', `/api/registrations/${id}`)],
  [404, (id) => ask('GET', `/registrations/${id}`)],
  [404, (id) => ask('GET', `/api/registrations/${id}/events`)],
  [201, hold],
  [422, (id) => put(id, JSON.stringify({ ...form(id), billing: {} }))],
  [400, (id) => put(id, '{"event":')],
  [409, pay],
];
const REGISTRATION: Kind = [201, (id) => hold(id).then(() => pay(id))];
/** Twenty requests: one registration, and each kind twice except the first. */
const ROUND = [REGISTRATION, ...KINDS.slice(1), ...KINDS];

const processes = () => [...world.pidsOf('api'), ...world.pidsOf('worker')];

let sent = 0;
async function work(upTo: number): Promise<void> {
  while (sent < upTo) {
    const n = sent++;
    const [wanted, send] = ROUND[n % ROUND.length] ?? REGISTRATION;
    const status = await send(randomUUID());
    if (status !== wanted) throw new Error(`Request ${n} returned ${status} instead of ${wanted}`);
  }
}

try {
  console.log(`Resident memory in MB\n${['requests', ...PARTS].map((name) => name.padStart(10)).join('')}`);
  for (let tenth = 0; tenth <= 10; tenth++) {
    const upTo = Math.round((requests * tenth) / 10);
    await Promise.all(Array.from({ length: AT_ONCE }, () => work(upTo)));
    console.log(
      [upTo, ...processes().map((pid) => Math.round(memoryMb(pid)))]
        .map((value) => String(value).padStart(10))
        .join(''),
    );
  }
} finally {
  await world.stop(false);
}
