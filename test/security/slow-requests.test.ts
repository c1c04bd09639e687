/** The api limits what slow clients, large requests, many connections and overload can cost it. */
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startStack, type Stack } from '../stack.ts';

let stack: Stack;
let port: number;
beforeAll(async () => {
  stack = await startStack();
  await stack.app.listen({ host: '127.0.0.1', port: 0 });
  ({ port } = stack.app.server.address() as AddressInfo);
});
afterAll(() => stack.stop());

/** Sends this text and returns everything the server answers until it closes the connection. */
async function answerTo(sent: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  let answer = '';
  socket.on('data', (text: string) => (answer += text));
  socket.write(sent);
  await once(socket, 'close');
  return answer;
}

describe('slow or oversized requests', () => {
  const PUT = 'PUT /api/checkouts/1 HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';

  it('have 10 seconds for the headers, 30 for the whole request and 60 of silence', () => {
    const { headersTimeout, requestTimeout, timeout } = stack.app.server;
    expect([headersTimeout, requestTimeout, timeout]).toEqual([10_000, 30_000, 60_000]);
  });

  it.each([
    ['headers', { headersTimeout: 500 }, PUT],
    ['body', { headersTimeout: 500, requestTimeout: 500 }, `${PUT}content-length: 100\r\n\r\n{"event":`],
  ])('are answered with 408 when sending the %s takes too long', async (_part, limit, sent) => {
    const { headersTimeout, requestTimeout } = stack.app.server;
    Object.assign(stack.app.server, limit);
    expect(await answerTo(sent)).toMatch(/^HTTP\/1\.1 408 /);
    Object.assign(stack.app.server, { headersTimeout, requestTimeout });
  });

  it('are answered with 431 for large headers and with 413 for a large body', async () => {
    const long = 'x'.repeat(20_000);
    expect(await answerTo(`GET / HTTP/1.1\r\nhost: x\r\nx-long: ${long}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 /,
    );
    expect(await answerTo(`${PUT}connection: close\r\ncontent-length: 99999\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 413 /,
    );
  });
});

describe('hundreds of clients that send a byte at a time', () => {
  const SLOW = 300;
  const EVERY_MS = 50;

  it.each([
    ['headers', { headersTimeout: 1000 }, 'GET / HTTP/1.1\r\nhost: x\r\nx-long: '],
    [
      'bodies',
      { headersTimeout: 1000, requestTimeout: 1000 },
      'POST /api/registrations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9000\r\n\r\n',
    ],
  ])('of their %s are let go, and others are served meanwhile', async (_part, limit, beginning) => {
    const { headersTimeout, requestTimeout } = stack.app.server;
    Object.assign(stack.app.server, limit);
    const slow = Array.from({ length: SLOW }, () => connect(port, '127.0.0.1'));
    const drip = setInterval(() => slow.forEach((socket) => socket.writable && socket.write('x')), EVERY_MS);
    const open = new Set(slow);
    for (const socket of slow) {
      socket.on('error', () => undefined).on('close', () => open.delete(socket));
      socket.resume();
      socket.write(beginning);
    }
    let served = 0;
    while (open.size > 0) {
      expect((await fetch(`http://127.0.0.1:${port}/api/events`)).status).toBe(200);
      served++;
    }
    clearInterval(drip);
    expect(served).toBeGreaterThan(3);
    Object.assign(stack.app.server, { headersTimeout, requestTimeout });
  });
});

it('the api closes connections beyond its limit', async () => {
  expect(stack.app.server.maxConnections).toBe(5000);
  stack.app.server.maxConnections = 1;
  const first = connect(port, '127.0.0.1');
  await once(first, 'connect');
  expect(await answerTo('')).toBe('');
  first.destroy();
  stack.app.server.maxConnections = 5000;
});

describe('an overloaded api', () => {
  it('answers 503 with Retry-After, still answers the health check, and recovers', async () => {
    // Each turn of the event loop takes longer than a second, as it does with far too many requests.
    let busy = true;
    const work = () => {
      const end = Date.now() + 1200;
      while (Date.now() < end);
      if (busy) setImmediate(work);
    };
    setImmediate(work);
    const refused = await vi.waitUntil(
      async () => {
        const response = await stack.app.inject('/api/events');
        return response.statusCode === 503 && response;
      },
      { timeout: 20_000 },
    );
    expect(refused.headers).toMatchObject({ 'retry-after': '10' });
    expect(refused.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(refused.json()).toMatchObject({ type: '/problems/unavailable', status: 503 });
    expect((await stack.app.inject('/healthz')).statusCode).toBe(200);
    busy = false;
    await vi.waitUntil(async () => (await stack.app.inject('/api/events')).statusCode === 200, {
      timeout: 10_000,
    });
  });
});
