/** Limits count the address that a proxy saw, never one that a client has made up. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildApp } from '../../src/api/app.ts';
import { ConfigError, loadConfig } from '../../src/config.ts';
import { startStack, type Stack } from '../stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const configWith = (trustProxy: string) =>
  loadConfig({ ...stack.environment, RATE_LIMIT: '3', TRUST_PROXY: trustProxy });

/** The statuses of five tries, with these X-Forwarded-For headers as the api gets them. */
async function tries(trustProxy: string, forwarded: (n: number) => string): Promise<number[]> {
  // The apis before this one have counted the same addresses in the database.
  await stack.database('rate_limits').delete();
  const app = await buildApp({ ...stack, config: configWith(trustProxy) });
  const statuses = [];
  for (let n = 1; n <= 5; n++) {
    // An empty form: a try counts before it is read.
    const { statusCode } = await app.inject({
      ...{ method: 'PUT', url: `/api/checkouts/${randomUUID()}`, remoteAddress: '10.0.0.1', body: {} },
      headers: { 'x-forwarded-for': forwarded(n) },
    });
    statuses.push(statusCode);
  }
  await app.close();
  return statuses;
}

describe('a client that writes X-Forwarded-For itself', () => {
  it('is counted as one behind a proxy that appends the address it saw', async () => {
    expect(await tries('1', (n) => `198.51.100.${n}, 203.0.113.7`)).toEqual([422, 422, 422, 429, 429]);
    expect(await tries('10.0.0.1', (n) => `198.51.100.${n}, 203.0.113.7`)).toEqual([422, 422, 422, 429, 429]);
  });

  it('is counted as one where there is no proxy', async () => {
    expect(await tries('false', (n) => `198.51.100.${n}`)).toEqual([422, 422, 422, 429, 429]);
  });
});

it('clients behind one proxy are counted apart', async () => {
  expect(await tries('1', (n) => `203.0.113.${n}`)).toEqual([422, 422, 422, 422, 422]);
});

it.each(['true', '0.0.0.0/0', '10.0.0.1, ::/0'])(
  'a process does not start when it would trust every address: TRUST_PROXY=%s',
  (value) => {
    expect(() => configWith(value)).toThrow(ConfigError);
    expect(() => configWith(value)).toThrow(/TRUST_PROXY.*number of proxies, such as 1, or their addresses/);
  },
);
