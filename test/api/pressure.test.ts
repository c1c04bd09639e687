/** Clients that want too much, or take too long, cost little; and whoever has been taken on is answered. */
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

/** What a server says to a client that sends just this, until the server closes the connection. */
async function answerTo(sent: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  let answer = '';
  socket.on('data', (text: string) => (answer += text));
  socket.write(sent);
  await once(socket, 'close');
  return answer;
}

describe('slow clients', () => {
  const PUT = 'PUT /api/checkouts/1 HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';

  it('have ten seconds for the headers, and thirty for all of a request', () => {
    const { headersTimeout, requestTimeout, timeout } = stack.app.server;
    expect([headersTimeout, requestTimeout, timeout]).toEqual([10_000, 30_000, 60_000]);
  });

  it.each([
    ['headers', { headersTimeout: 500 }, PUT],
    ['body', { headersTimeout: 500, requestTimeout: 500 }, `${PUT}content-length: 100\r\n\r\n{"event":`],
  ])('are sent away with 408 when the %s do not end', async (_part, limit, sent) => {
    const { headersTimeout, requestTimeout } = stack.app.server;
    Object.assign(stack.app.server, limit);
    expect(await answerTo(sent)).toMatch(/^HTTP\/1\.1 408 /);
    Object.assign(stack.app.server, { headersTimeout, requestTimeout });
  });

  it('cannot send headers, or bodies, of any size', async () => {
    const long = 'x'.repeat(20_000);
    expect(await answerTo(`GET / HTTP/1.1\r\nhost: x\r\nx-long: ${long}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 /,
    );
    expect(await answerTo(`${PUT}connection: close\r\ncontent-length: 99999\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 413 /,
    );
  });
});

it('no more connections are kept than a process can bear', async () => {
  expect(stack.app.server.maxConnections).toBe(5000);
  stack.app.server.maxConnections = 1;
  const first = connect(port, '127.0.0.1');
  await once(first, 'connect');
  expect(await answerTo('')).toBe('');
  first.destroy();
  stack.app.server.maxConnections = 5000;
});

describe('too much to do', () => {
  it('is said with 503 and when to come back, stays alive, and passes', async () => {
    // Every turn of the event loop takes longer than a second, as with far too many requests at once.
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
