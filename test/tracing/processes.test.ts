/** What traces cost a process that has none, and one whose collector is away or hangs. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { freePort, start, until, type Running } from '../../sandbox/servers/process.ts';
import { startSandbox } from '../../sandbox/vendors/server.ts';
import { startCollector } from '../../stage/collector.ts';
import { testEnvironment } from '../stack.ts';
import { createDatabase } from '../store.ts';

const folder = mkdtempSync(join(tmpdir(), 'registration-traces-'));
let sandbox: Awaited<ReturnType<typeof startSandbox>>;
let store: Awaited<ReturnType<typeof createDatabase>>;
beforeAll(async () => {
  [sandbox, store] = await Promise.all([startSandbox(), createDatabase()]);
});
afterAll(async () => {
  await Promise.all(started.map((running) => running.stop()));
  await Promise.all([sandbox.close(), store.drop()]);
  rmSync(folder, { recursive: true });
});

const logOf = (name: string) => readFileSync(join(folder, `${name}.log`), 'utf8');
/** What a process that has ended had loaded. Its log comes through a pipe, after its end. */
const loadedBy = (name: string) =>
  vi.waitUntil(() => /^loaded: (.*)\.$/m.exec(logOf(name))?.[1]?.split(' '), { timeout: 30_000 });
/** Prometheus' client loads this one for its types of metrics. */
const API = '@opentelemetry/api';

const started: Running[] = [];
async function run(name: string, script: string, settings: Record<string, string>) {
  const env = { ...testEnvironment(sandbox.settings, store.url), LOG_LEVEL: 'info', ...settings };
  const preload = new URL('./loaded.ts', import.meta.url).href;
  const running = await start(name, process.execPath, ['--import', 'tsx', '--import', preload, script], {
    env: { ...process.env, ...env },
    logFile: join(folder, `${name}.log`),
  });
  started.push(running);
  return running;
}

async function startApi(name: string, settings: Record<string, string> = {}) {
  const port = await freePort();
  const running = await run(name, 'src/api/server.ts', { PORT: String(port), ...settings });
  /** On a busy machine, an api may refuse what it cannot answer in time. */
  const look = () =>
    until(async () => {
      const { ok } = await fetch(`http://127.0.0.1:${port}/api/events`);
      if (!ok) throw new Error('not answered');
    }, running);
  await look();
  return { ...running, look };
}

it('an api without traces loads nothing of OpenTelemetry', { timeout: 180_000 }, async () => {
  const api = await startApi('api');
  await api.look();
  await api.stop(30_000);
  expect(await api.ended).toBe('exit code 0');
  expect(await loadedBy('api')).toEqual([API]);
});

it('nor does a worker', { timeout: 180_000 }, async () => {
  // It has loaded everything by the time when it waits for Temporal.
  const worker = await run('worker', 'src/worker.ts', { TEMPORAL_ADDRESS: '127.0.0.1:1' });
  await vi.waitFor(
    () => {
      expect(logOf('worker')).toContain('worker waits for Temporal');
    },
    { timeout: 120_000, interval: 200 },
  );
  await worker.stop(30_000);
  expect(await loadedBy('worker')).toEqual([API]);
});

it('an api whose collector is away says so once, and goes on', { timeout: 180_000 }, async () => {
  const gone = await startCollector();
  await gone.close();
  const api = await startApi('away', {
    OTEL_EXPORTER_OTLP_ENDPOINT: gone.url,
    OTEL_BSP_SCHEDULE_DELAY: '50',
  });
  const said = () => logOf('away').match(/the collector does not take the traces/g) ?? [];
  await vi.waitFor(
    () => {
      expect(said()).toHaveLength(1);
    },
    { timeout: 90_000 },
  );
  await api.look();
  // Its last spans cannot be sent either.
  await api.stop(30_000);
  expect(await api.ended).toBe('exit code 0');
  expect(said()).toHaveLength(1);
  expect(logOf('away')).toContain('ECONNREFUSED');
  expect(await loadedBy('away')).toContain('@opentelemetry/sdk-trace-base');
});

it('an api whose collector hangs ends all the same', { timeout: 180_000 }, async () => {
  const collector = await startCollector();
  collector.hang();
  const api = await startApi('hanging', {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_TIMEOUT: '600000',
    OTEL_BSP_SCHEDULE_DELAY: '50',
  });
  await vi.waitUntil(() => collector.asked() > 0, { timeout: 90_000 });
  await api.look();
  await api.stop(30_000);
  expect(await api.ended).toBe('exit code 0');
  await collector.close();
});
