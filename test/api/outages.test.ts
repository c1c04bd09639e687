/**
 * Tests what attendees are told while a part of the product is unavailable, and what becomes of their
 * registrations. The tests kill a real Temporal server.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { freePort } from '../../sandbox/servers/process.ts';
import { startTemporal } from '../../sandbox/servers/temporal.ts';
import { buildApp } from '../../src/api/app.ts';
import { loadConfig } from '../../src/config.ts';
import { connectDatabase } from '../../src/database/connection.ts';
import { workflowId, type Progress } from '../../src/registration.ts';
import { connectTemporal } from '../../src/temporal/client.ts';
import { aForm } from '../../stage/person.ts';
import { anAttendee, startStack, type Stack } from '../stack.ts';

const folder = mkdtempSync(join(tmpdir(), 'registration-outage-'));
let temporal: Awaited<ReturnType<typeof startTemporal>>;
let stack: Stack;

async function startServer(port: number) {
  temporal = await startTemporal({
    report: () => undefined,
    port,
    databaseFile: join(folder, 'temporal.sqlite'),
    logFile: join(folder, 'temporal.log'),
    retentionDays: 1,
  });
}

beforeAll(async () => {
  await startServer(await freePort());
  stack = await startStack({ answerWithinMs: 1500, settings: { TEMPORAL_ADDRESS: temporal.address } });
});
afterAll(async () => {
  await stack.stop();
  await temporal.stop();
  rmSync(folder, { recursive: true, force: true });
});

const kill = async () => {
  process.kill(temporal.pid, 'SIGKILL');
  await temporal.ended;
};
const portOf = () => Number(temporal.address.split(':')[1]);
const capturesOf = (id: string) =>
  stack.sandbox.ledger().captures.filter(({ custom_id }) => custom_id === id);

it('confirms a registration although no worker was running, the server was killed and no client retried', async () => {
  const ada = anAttendee(stack);
  const response = await ada.register();
  expect(response.statusCode).toBe(202);
  expect(response.headers.location).toBe(`http://registration.test/registrations/${ada.id}`);
  expect(response.json()).toMatchObject({ status: 'processing' });
  // The status is available without a worker.
  expect((await ada.status()).json()).toMatchObject({
    status: 'processing',
    steps: [{ name: 'payment', state: 'waiting' }, {}, {}, {}],
  });

  await kill();
  await startServer(portOf());
  const stopWorker = await stack.startWorker();
  await vi.waitUntil(
    async () => (await ada.status()).json<Partial<Progress>>().steps?.every(({ state }) => state === 'done'),
    { timeout: 40_000, interval: 250 },
  );
  expect((await ada.status()).json()).toMatchObject({ status: 'confirmed' });
  expect(capturesOf(ada.id)).toHaveLength(1);
  expect(await stack.database('orders').where({ id: ada.id })).toHaveLength(1);
  await stopWorker();
}, 90_000);

it('answers 202 while PayPal is slow, and returns the outcome when the request is repeated', async () => {
  const stopWorker = await stack.startWorker();
  stack.sandbox.faults.set('paypal', { mode: 'slow', ms: 2500, only: '/capture', times: 1 });
  const ada = anAttendee(stack);
  const paypalOrderId = await ada.approve();
  expect((await ada.post(paypalOrderId)).statusCode).toBe(202);
  await vi.waitUntil(async () => (await ada.post(paypalOrderId)).statusCode === 201, {
    timeout: 20_000,
    interval: 250,
  });
  expect(capturesOf(ada.id)).toHaveLength(1);
  await stopWorker();
});

it('shows the progress while no worker is running, and continues when a worker is back', async () => {
  let stopWorker = await stack.startWorker();
  stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503 });
  const ada = anAttendee(stack, aForm({ newsletter: false }));
  expect((await ada.register()).statusCode).toBe(201);
  const steps = async () =>
    Object.fromEntries((await ada.status()).json<Progress>().steps.map(({ name, state }) => [name, state]));
  await vi.waitUntil(async () => (await steps()).email === 'retrying', { timeout: 15_000 });
  await stopWorker();
  expect(await steps()).toEqual({
    payment: 'done',
    order: 'done',
    email: 'retrying',
    'mailing-list': 'skipped',
  });
  stack.sandbox.faults.clear();
  stopWorker = await stack.startWorker();
  expect(await stack.temporal.workflow.getHandle(workflowId(ada.id)).result()).toMatchObject({
    status: 'confirmed',
  });
  await stopWorker();
});

it('answers 503 and reports not ready while Temporal is down, and charges once when it is back', async () => {
  const ada = anAttendee(stack);
  const paypalOrderId = await ada.approve();
  expect((await stack.app.inject('/readyz')).json()).toEqual({ temporal: 'up', postgresql: 'up' });
  await kill();
  const response = await ada.post(paypalOrderId);
  expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '10']);
  expect(response.headers['content-type']).toMatch(/problem\+json/);
  expect((await stack.app.inject('/readyz')).json()).toEqual({ temporal: 'down', postgresql: 'up' });
  expect((await ada.status()).statusCode).toBe(503);
  await startServer(portOf());
  await vi.waitUntil(async () => (await stack.app.inject('/readyz')).statusCode === 200, {
    timeout: 30_000,
    interval: 250,
  });
  const stopWorker = await stack.startWorker();
  expect((await ada.post(paypalOrderId)).statusCode).toBe(201);
  expect(capturesOf(ada.id)).toHaveLength(1);
  await stopWorker();
}, 60_000);

it('starts while PostgreSQL is down, and answers 503', async () => {
  const config = loadConfig({
    ...stack.environment,
    DATABASE_URL: 'postgres://nobody:secret@127.0.0.1:1/none',
  });
  const database = connectDatabase(config.databaseUrl);
  const client = connectTemporal(config);
  const app = await buildApp({ ...stack, config, database, temporal: client });
  const ada = anAttendee({ app, sandbox: stack.sandbox });
  for (const response of [await ada.put(), await ada.post('ANY'), await app.inject('/api/events')]) {
    expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '10']);
    expect(response.body).not.toMatch(/secret|nobody|ECONN/);
  }
  expect((await app.inject('/readyz')).json()).toEqual({ temporal: 'up', postgresql: 'down' });
  expect((await app.inject('/healthz')).statusCode).toBe(200);
  await app.close();
  await Promise.all([database.destroy(), client.connection.close()]);
});

it('answers 503 and keeps the hold while PayPal is unreachable', async () => {
  stack.sandbox.faults.set('paypal', { mode: 'unreachable' });
  const ada = anAttendee(stack, aForm({ ticketType: 'limited' }));
  const response = await ada.put();
  expect([response.statusCode, response.json<{ type: string }>().type]).toEqual([
    503,
    '/problems/payment-service-away',
  ]);
  const { heldUntil } = response.json<{ heldUntil: string }>();
  expect(Date.parse(heldUntil)).toBeGreaterThan(Date.now());
  expect(await stack.database('seat_holds').where({ id: ada.id })).toHaveLength(1);
  stack.sandbox.faults.clear();
  expect((await ada.put()).json()).toMatchObject({ paypalOrderId: expect.any(String) as string });
});
