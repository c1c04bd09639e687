/** Server-sent events cost memory and requests to Temporal: nobody can take all places, and each place is given back. */
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildApp } from '../../src/api/app.ts';
import { PLACES } from '../../src/api/attendee/places.ts';
import type { App } from '../../src/api/dependencies.ts';
import { anAttendee, CARDS, startStack, type Stack } from '../stack.ts';

let stack: Stack;
let app: App;
let port: number;
/** Ids of registrations that stay open, because they wait for another card. */
const ids: string[] = [];
/** How often Temporal was asked, and what holds its answers back. */
let asked = 0;
let answering = Promise.resolve();

beforeAll(async () => {
  stack = await startStack();
  await stack.startWorker();
  for (let n = 0; n < 6; n++) {
    const ada = anAttendee(stack);
    expect((await ada.register(CARDS.declined)).statusCode).toBe(402);
    ids.push(ada.id);
  }
});
afterAll(() => stack.stop());

async function start(rateLimit: number): Promise<void> {
  const temporal = new Proxy(stack.temporal, {
    get(client, key) {
      if (key !== 'withDeadline') return Reflect.get(client, key) as unknown;
      return async (deadline: number, ask: () => Promise<unknown>) => {
        asked++;
        await answering;
        return client.withDeadline(deadline, ask);
      };
    },
  });
  // The proxy before the api is the client of these tests, which names its address.
  const trustProxy = (_address: string, hop: number) => hop < 1;
  app = await buildApp({ ...stack, temporal, config: { ...stack.config, rateLimit, trustProxy } });
  await app.listen({ host: '127.0.0.1', port: 0 });
  ({ port } = app.server.address() as AddressInfo);
}
const until = (condition: () => boolean | Promise<boolean>) => vi.waitUntil(condition, { timeout: 15_000 });
function holdBack(): () => void {
  let answer: () => void = () => undefined;
  answering = new Promise((resolve) => (answer = resolve));
  return answer;
}
const open: Socket[] = [];
afterEach(async () => {
  letGo();
  answering = Promise.resolve();
  await app.close();
});
const letGo = () => open.splice(0).forEach((socket) => socket.destroy());

type Asked = { id?: string; method?: string; from?: string };
/** The text of a request for the events of a registration. */
const requestFor = ({ id = ids[0], method = 'GET', from = '203.0.113.1' }: Asked) =>
  `${method} /api/registrations/${id ?? ''}/events HTTP/1.1\r\nhost: x\r\nx-forwarded-for: ${from}\r\n\r\n`;

/** Sends requests for events over a connection of their own. */
function ask(...requests: Asked[]): Socket {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  socket.on('error', () => undefined);
  socket.write(requests.map(requestFor).join(''));
  open.push(socket);
  return socket;
}
/** The status of an answer, and how often it was given. The connections stay open. */
async function answers(sockets: Socket[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  await Promise.all(
    sockets.map(async (socket) => {
      const [text] = (await once(socket, 'data')) as [string];
      const status = text.slice(9, 12);
      counts[status] = (counts[status] ?? 0) + 1;
    }),
  );
  return counts;
}
const connections = () =>
  new Promise((resolve) => {
    app.server.getConnections((_error, open) => resolve(open));
  });
const many = (n: number, make: (i: number) => Socket) => Array.from({ length: n }, (_, i) => make(i));

/** Waits until every place of a registration is free, which shows only by taking them all. */
const untilAllAreFree = () =>
  until(async () => {
    const free = await answers(many(PLACES.perRegistration, () => ask({})));
    letGo();
    return free['200'] === PLACES.perRegistration;
  });

it('there are no more places than one process can serve, although all ask before one is answered', async () => {
  await start(0);
  const answer = holdBack();
  const told: Record<string, number> = {};
  // In waves, because too many connections at once are refused for their work alone.
  for (let n = 0; n < PLACES.inAll + 30; n += 10) {
    const wave = many(10, () => ask({}));
    for (const socket of wave)
      socket.once('data', (text: string) => {
        const status = text.slice(9, 12);
        told[status] = (told[status] ?? 0) + 1;
      });
    await Promise.all(wave.map((socket) => once(socket, 'connect')));
  }
  await until(() => told['503'] === 30);
  answer();
  await until(() => told['200'] === PLACES.inAll);
  expect(told).toEqual({ 200: PLACES.inAll, 503: 30 });
});

describe('with limits', () => {
  beforeEach(() => start(60));

  it('a registration has places for a person with several devices, and others have theirs', async () => {
    const told = await answers(many(PLACES.perRegistration + 5, () => ask({})));
    expect(told).toEqual({ 200: PLACES.perRegistration, 429: 5 });
    expect(await answers([ask({ id: ids[1] ?? '' })])).toEqual({ 200: 1 });
  });

  it('an address has places for an office, and other addresses have theirs', async () => {
    const told = await answers(many(PLACES.perAddress + 5, (n) => ask({ id: ids[n % ids.length] ?? '' })));
    expect(told).toEqual({ 200: PLACES.perAddress, 429: 5 });
    expect(await answers([ask({ from: '203.0.113.2' })])).toEqual({ 200: 1 });
  });

  it('a client that goes away at once gives its place back', async () => {
    const before = asked;
    for (const socket of many(PLACES.perRegistration, () => ask({}))) {
      await once(socket, 'connect');
      socket.destroySoon();
    }
    await until(() => asked > before);
    await untilAllAreFree();
  });

  it('a client that goes away while its registration is looked up gives its place back', async () => {
    const answer = holdBack();
    // One more than there are places is refused once all of them are taken.
    const refused = many(PLACES.perRegistration + 1, () => ask({})).map((socket) => once(socket, 'data'));
    expect(String(await Promise.race(refused))).toContain('429');
    letGo();
    await until(async () => (await connections()) === 0);
    answer();
    await untilAllAreFree();
  });

  it('a client that goes away while it follows gives its place back', async () => {
    expect(await answers(many(PLACES.perRegistration, () => ask({})))).toEqual({
      200: PLACES.perRegistration,
    });
    expect(await answers([ask({})])).toEqual({ 429: 1 });
    letGo();
    await untilAllAreFree();
  });

  it('so does one that asks twice on one connection and reads one answer only', async () => {
    expect(await answers(many(5, () => ask({}, {})))).toEqual({ 200: 5 });
    expect(await answers([ask({})])).toEqual({ 429: 1 });
    letGo();
    await untilAllAreFree();
  });

  it('a request for an unknown registration takes no place', async () => {
    const unknown = anAttendee(stack).id;
    const sockets = many(3 * PLACES.perRegistration, () => ask({ id: unknown }));
    expect(Object.keys(await answers(sockets))).toContain('404');
    const [socket] = sockets;
    for (let n = 0; n < 2 * PLACES.perRegistration; n++) {
      socket?.write(requestFor({ id: unknown }));
      expect(await answers(sockets.slice(0, 1))).toEqual({ 404: 1 });
    }
  });

  it('HEAD takes no place', async () => {
    const told = await answers(many(PLACES.perAddress + 10, () => ask({ method: 'HEAD' })));
    expect(told).toEqual({ 404: PLACES.perAddress + 10 });
    await untilAllAreFree();
  });
});

it.each([
  '/',
  '/api/events',
  '/api/events/conference',
  '/api/registrations/:id',
  '/registrations/:id',
  '/healthz',
])('HEAD %s has the status of GET, and an end without content', async (route) => {
  const url = route.replace(':id', ids[0] ?? '');
  const [head, get] = [await stack.app.inject({ method: 'HEAD', url }), await stack.app.inject(url)];
  expect([head.statusCode, head.body]).toEqual([get.statusCode, '']);
  expect(get.statusCode).toBe(200);
});
