/** Somebody with very many addresses fills the memory of the limits. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { FastifyRequest } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { attemptLimits } from '../../src/api/limits.ts';
import { startStack, type Stack } from '../stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const usedMb = () => {
  collect();
  return process.memoryUsage().heapUsed / 2 ** 20;
};

const ADDRESSES = 100_000;
/** What five thousand counters take, ten times over. A counter for each address would take several times as much. */
const ROOM_MB = 20;

it('a hundred thousand addresses take no more memory than a few thousand', { timeout: 120_000 }, async () => {
  const { onRequest, declined } = attemptLimits(stack.app, 60);
  const before = usedMb();
  for (let n = 0; n < ADDRESSES; n++) {
    const ip = [10, n >> 16, (n >> 8) & 255, n & 255].join('.');
    const body = { attendee: { email: `${n}@example.org` }, paypalOrderId: String(n) };
    const request = { ip, body, routeOptions: { config: {} } } as unknown as FastifyRequest;
    for (const hook of onRequest) await hook(request);
    if (n % 50 === 0) await declined(request);
  }
  expect(usedMb() - before).toBeLessThan(ROOM_MB);
});
