/** Api and worker as processes serve what they do over HTTP. They have a Temporal namespace of their own, and so nobody else's tasks. */
import { spawnSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { freePort, isTaken, start, until, type Running } from '../../sandbox/servers/process.ts';
import { startSandbox } from '../../sandbox/vendors/server.ts';
import { connectDatabase } from '../../src/database/connection.ts';
import { TASK_QUEUE } from '../../src/registration.ts';
import { aForm, PERSONAL } from '../../stage/person.ts';
import { createDatabase } from '../store.ts';
import { testEnvironment } from '../stack.ts';
import { namesUsed } from './deployed.ts';
import { namesOf, valueOf, valuesOf } from './text.ts';

const folder = mkdtempSync(join(tmpdir(), 'registration-metrics-'));
const namespace = `metrics-${randomBytes(4).toString('hex')}`;
type Process = Running & { metrics: () => Promise<string>; metricsPort: number };
let sandbox: Awaited<ReturnType<typeof startSandbox>>;
let store: Awaited<ReturnType<typeof createDatabase>>;
let connection: Connection;
let url: string;
let api: Process;
let worker: Process;
const started: Running[] = [];

async function run(name: string, script: string, settings: Record<string, string>): Promise<Process> {
  const metricsPort = await freePort();
  const running = await start(name, process.execPath, ['--import', 'tsx', script], {
    env: {
      ...process.env,
      ...testEnvironment(sandbox.settings, store.url),
      ...{ TEMPORAL_NAMESPACE: namespace, LOG_LEVEL: 'info', METRICS_PORT: String(metricsPort) },
      ...settings,
    },
    logFile: join(folder, `${name}.log`),
  });
  started.push(running);
  const metrics = async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  return { ...running, metrics, metricsPort };
}
const logOf = (name: string) => readFileSync(join(folder, `${name}.log`), 'utf8');

beforeAll(async () => {
  [sandbox, store] = await Promise.all([startSandbox(), createDatabase()]);
  connection = await Connection.connect({ address: inject('temporalAddress') });
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  [api, worker] = await Promise.all([
    run('api', 'src/api/server.ts', { PORT: String(port) }),
    run('worker', 'src/worker.ts', {}),
  ]);
  const ready = async () => {
    if (!(await fetch(`${url}/readyz`)).ok) throw new Error('not ready');
  };
  await until(ready, api);
  await vi.waitUntil(() => worker.isReady(), { timeout: 60_000 });
});
afterAll(async () => {
  await Promise.all(started.map((running) => running.stop()));
  await connection.close();
  await Promise.all([sandbox.close(), store.drop()]);
  rmSync(folder, { recursive: true });
});

async function register(): Promise<number> {
  const id = randomUUID();
  const send = (method: string, path: string, body: object) =>
    fetch(url + path, {
      method,
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
  const held = await send('PUT', `/api/checkouts/${id}`, aForm());
  const { paypalOrderId } = (await held.json()) as { paypalOrderId: string };
  sandbox.approve(paypalOrderId, {});
  return (await send('POST', '/api/registrations', { ...aForm(), id, paypalOrderId })).status;
}

describe('a registration', () => {
  it('is counted by the api and the worker, without a name or an id', { timeout: 120_000 }, async () => {
    sandbox.faults.set('sendgrid', { mode: 'failing', status: 503, times: 1 });
    expect(await register()).toBe(201);
    await vi.waitFor(
      async () => {
        for (const process of [api, worker]) {
          const text = await process.metrics();
          expect(valueOf(text, 'registration_outcomes', 'outcome="confirmed"')).toBe(1);
          expect(valueOf(text, 'registration_steps', 'step="email",state="open"')).toBe(0);
        }
      },
      { timeout: 60_000, interval: 1000 },
    );
    const [ofApi, ofWorker] = [await api.metrics(), await worker.metrics()];
    const posted = 'method="POST",route="/api/registrations",status="201"';
    expect(valueOf(ofApi, 'http_request_duration_seconds_count', posted)).toBe(1);
    const tasks = valuesOf(ofWorker, 'temporal_activity_schedule_to_start_latency_seconds_count');
    expect(Object.values(tasks).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
    const failed = Object.entries(valuesOf(ofWorker, 'temporal_activity_execution_failed_total'));
    expect(failed.filter(([labels]) => labels.includes('sendConfirmation')).map(([, n]) => n)).toEqual([1]);
    for (const text of [ofApi, ofWorker]) {
      for (const secret of PERSONAL) expect(text).not.toContain(secret);
      expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-/);
    }
  });
});

it('serves every metric that the rules and the dashboard use', { timeout: 120_000 }, async () => {
  // A run that no worker knows: its workflow task fails until it is terminated.
  const client = new Client({ connection, namespace });
  await store.database('refunds').insert({
    ...{ action: randomUUID(), registration_id: randomUUID(), number: 1, state: 'done', amount_minor: 100 },
    ...{ paypal_capture_id: 'C', currency: 'EUR', rest: false, cancels: false },
  });
  const unknown = await client.workflow.start('nobody', { taskQueue: TASK_QUEUE, workflowId: randomUUID() });
  await vi.waitFor(
    async () => {
      const served = new Set([...namesOf(await api.metrics()), ...namesOf(await worker.metrics())]);
      expect(namesUsed().filter((name) => !served.has(name))).toEqual([]);
    },
    { timeout: 60_000, interval: 1000 },
  );
  await unknown.terminate();
});

const promtool = process.env.PROMTOOL;
it.skipIf(!promtool)('writes what Prometheus can read, by its rules for names (needs PROMTOOL)', async () => {
  for (const process of [api, worker]) {
    const input = await process.metrics();
    const { status, stderr } = spawnSync(promtool ?? '', ['check', 'metrics'], { input, encoding: 'utf8' });
    // 3: it was read, and some names are not as recommended. Those of the libraries are not ours.
    expect([0, 3], stderr).toContain(status);
    expect(stderr.split('\n').filter((line) => /^(registration|http)_/.test(line))).toEqual([]);
  }
});

it('goes on while its metrics port is in use, and says so once', async () => {
  const port = await freePort();
  const second = await run('second', 'src/api/server.ts', {
    ...{ PORT: String(port), METRICS_PORT: String(api.metricsPort) },
  });
  await until(async () => {
    if (!(await fetch(`http://127.0.0.1:${port}/healthz`)).ok) throw new Error('not healthy');
  }, second);
  await vi.waitFor(() => {
    expect(logOf('second').match(/metrics are not served/g) ?? []).toHaveLength(1);
  });
  expect(await second.stop().then(() => second.ended)).toBe('exit code 0');
});

it('serves the rest while the database is away, and says so once', { timeout: 120_000 }, async () => {
  const name = new URL(store.url).pathname.slice(1);
  const admin = async (sql: string) => {
    const database = connectDatabase(inject('postgresUrl'));
    await database.raw(sql);
    await database.destroy();
  };
  await admin(`alter database ${name} with allow_connections false`);
  await admin(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
  await vi.waitFor(
    async () => {
      for (const process of [api, worker]) {
        const text = await process.metrics();
        expect(valueOf(text, 'registration_business_metrics_readable')).toBe(0);
        expect(text).not.toContain('registration_outcomes');
        expect(valueOf(text, 'process_cpu_seconds_total')).toBeGreaterThan(0);
      }
    },
    { timeout: 60_000, interval: 1000 },
  );
  // Logs come through a pipe, after the answer.
  for (const log of ['api', 'worker'])
    await vi.waitFor(() => {
      expect(logOf(log).match(/the metrics of the business cannot be read/g) ?? []).toHaveLength(1);
    });
  await admin(`alter database ${name} with allow_connections true`);
  await vi.waitFor(
    async () => {
      expect(valueOf(await api.metrics(), 'registration_outcomes', 'outcome="confirmed"')).toBe(1);
    },
    { timeout: 60_000, interval: 1000 },
  );
});

it('closes its metrics port when it is told to stop', { timeout: 60_000 }, async () => {
  for (const process of [api, worker]) {
    expect(await isTaken(process.metricsPort)).toBe(true);
    await process.stop(30_000);
    expect(await process.ended).toBe('exit code 0');
    expect(await isTaken(process.metricsPort)).toBe(false);
  }
});
