/** The request log names routes and never addresses: a registration's id opens its status page, and a query may hold anything. */
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildApp } from '../../src/api/app.ts';
import { anAttendee, startStack, type Stack } from '../stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  await stack.startWorker();
});
afterAll(() => stack.stop());

it('no request for a registration leaves its id, or a query, in the log', async () => {
  const logStream = new PassThrough();
  let log = '';
  logStream.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const config = { ...stack.config, logLevel: 'trace' as const };
  const app = await buildApp({ ...stack, config, logStream });
  const ada = anAttendee({ app, sandbox: stack.sandbox });
  expect((await ada.register()).statusCode).toBe(201);
  for (const url of [
    `/registrations/${ada.id}?lang=de&from=ada@example.org`,
    `/registrations/${ada.id}/event.ics`,
    `/api/registrations/${ada.id}`,
    `/api/registrations/${ada.id}/nothing`,
    `/api/checkouts/${ada.id}`,
  ])
    await app.inject(url);
  await app.inject({ method: 'POST', url: `/api/registrations/${ada.id}/resend`, body: {} });
  await app.close();
  expect(log).toContain('"route":"/registrations/:id"');
  expect(log).toContain('"route":"/api/checkouts/:id"');
  expect(log).not.toContain(ada.id);
  expect(log).not.toMatch(/lang=|ada@|example\.org|remoteAddress/);
});
