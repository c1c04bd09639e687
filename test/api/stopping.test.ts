/** Tests that an api that is told to stop leaves no request without an answer. */
import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startStack, type Stack } from '../stack.ts';

let stack: Stack;
let port: number;
beforeAll(async () => {
  stack = await startStack({ settings: { SHUTDOWN_DELAY_SECONDS: '3' } });
  await stack.app.listen({ host: '127.0.0.1', port: 0 });
  ({ port } = stack.app.server.address() as AddressInfo);
});
afterAll(() => stack.stop());

/** A client that keeps its connection open. */
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
async function get(path: string) {
  return new Promise<{ status: number | undefined; connection: string | undefined; isReused: boolean }>(
    (resolve, reject) => {
      const sent = request({ agent, port, path, host: '127.0.0.1' }, (response) => {
        const { statusCode: status, headers } = response;
        response.resume().once('end', () => {
          resolve({ status, connection: headers.connection, isReused: sent.reusedSocket });
        });
      });
      sent.once('error', reject).end();
    },
  );
}

it('answers on connections that clients keep open, closes each with its answer, and is not ready', async () => {
  expect(await get('/readyz')).toMatchObject({ status: 200, connection: 'keep-alive' });

  let isClosed = false;
  const closed = stack.app.close().then(() => (isClosed = true));
  await vi.waitUntil(async () => (await get('/readyz')).status === 503);
  expect(await get('/api/events')).toEqual({ status: 200, connection: 'close', isReused: false });
  expect(isClosed).toBe(false);

  await closed;
  await expect(get('/api/events')).rejects.toThrow('ECONNREFUSED');
});
