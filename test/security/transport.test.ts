/** Somebody on the way between a browser and the service: the browser is told to use TLS only. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildApp } from '../../src/api/app.ts';
import { loadConfig } from '../../src/config.ts';
import { startStack, type Stack } from '../stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

/** What a browser gets that chooses a language at this public address. */
async function visit(publicUrl: string) {
  const app = await buildApp({
    ...stack,
    config: loadConfig({ ...stack.environment, PUBLIC_URL: publicUrl }),
  });
  const { headers } = await app.inject('/?lang=de');
  const api = await app.inject('/api/events');
  await app.close();
  return {
    cookie: String(headers['set-cookie']),
    transport: [headers, api.headers].map((all) => all['strict-transport-security']),
  };
}

it('behind TLS, every answer asks for TLS for a year, and cookies travel over TLS only', async () => {
  const { cookie, transport } = await visit('https://tickets.example.org');
  for (const asked of transport) expect(asked).toMatch(/^max-age=31536000/);
  expect(cookie).toMatch(/; Secure/);
  expect(cookie).toMatch(/; HttpOnly/);
  expect(cookie).toMatch(/; SameSite=Lax/);
});

it('without TLS, nothing asks for it', async () => {
  const { cookie, transport } = await visit('http://tickets.example.org');
  expect(transport).toEqual([undefined, undefined]);
  expect(cookie).not.toMatch(/Secure/);
});
