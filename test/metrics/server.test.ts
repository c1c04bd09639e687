/** Metrics have a port of their own, and a process goes on without it. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { freePort, isTaken } from '../../sandbox/servers/process.ts';
import { processMetrics, serveMetrics, type MetricsSource } from '../../src/metrics/server.ts';
import { namesOf } from './text.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});
const aLog = () => ({ warn: vi.fn(), info: vi.fn() });

async function serve(...sources: MetricsSource[]) {
  const [port, logger] = [await freePort(), aLog()];
  const stop = serveMetrics({ host: '127.0.0.1', port }, sources, logger);
  stops.push(stop);
  await vi.waitFor(() => {
    expect(logger.info).toHaveBeenCalledWith({ port }, 'metrics are served');
  });
  const get = (path = '/metrics', method = 'GET') => fetch(`http://127.0.0.1:${port}${path}`, { method });
  return { port, logger, stop, get };
}

it('serves the metrics of the process, and nothing else', async () => {
  const registry = processMetrics();
  const { get } = await serve(() => registry.metrics());
  const answer = await get();
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const names = namesOf(await answer.text());
  for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes'])
    expect(names).toContain(name);
  expect((await get('/')).status).toBe(404);
  expect((await get('/metrics', 'POST')).status).toBe(404);
});

it('serves the rest while one source fails, and says so once until it is back', async () => {
  let isAway = true;
  const broken = () => (isAway ? Promise.reject(new TypeError('with a secret')) : Promise.resolve('b 2\n'));
  const { get, logger } = await serve(
    () => Promise.resolve('a 1\n'),
    broken,
    () => Promise.resolve('c 3'),
  );
  expect(await (await get()).text()).toBe('a 1\nc 3\n');
  await get();
  expect(logger.warn.mock.calls).toEqual([[{ reason: 'TypeError' }, 'some metrics cannot be read']]);
  isAway = false;
  expect(await (await get()).text()).toBe('a 1\nb 2\nc 3\n');
  isAway = true;
  await get();
  expect(logger.warn).toHaveBeenCalledTimes(2);
});

it('closes its port when it is stopped, also while somebody reads', async () => {
  const { port, stop, get } = await serve(() => new Promise(() => undefined));
  const reading = get().then(
    () => 'answered',
    () => 'cut off',
  );
  await vi.waitFor(async () => {
    expect(await isTaken(port)).toBe(true);
  });
  await stop();
  expect(await isTaken(port)).toBe(false);
  expect(await reading).toBe('cut off');
});

it('says once that its port is in use, and disturbs nobody', async () => {
  const other: Server = createServer((_, response) => response.end('somebody else'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  stops.push(() => other.close());
  const { port } = other.address() as AddressInfo;
  const logger = aLog();
  const stop = serveMetrics({ host: '127.0.0.1', port }, [], logger);
  await vi.waitFor(() => {
    expect(logger.warn.mock.calls).toEqual([[{ port, reason: 'EADDRINUSE' }, 'metrics are not served']]);
  });
  expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toBe('somebody else');
  // Nothing is left to stop, and that is no error.
  await stop();
});
