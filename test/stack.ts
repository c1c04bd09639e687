/** Runs the sandbox, the api and workers in one process, with the real SDKs and a database of its own. */
import { randomBytes, randomUUID } from 'node:crypto';
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { inject } from 'vitest';
import { startSandbox } from '../sandbox/vendors/server.ts';
import { aForm, type Form } from '../stage/person.ts';
import { activityOptions } from '../src/activities/index.ts';
import { buildApp } from '../src/api/app.ts';
import { loadConfig } from '../src/config.ts';
import { NO_SPANS, startTracing } from '../src/tracing/index.ts';
import { connectVendors } from '../src/vendors/index.ts';
import { connectTemporal, dataConverter } from '../src/temporal/client.ts';
import { createDatabase } from './store.ts';
import { bundleWorkflows } from './workflows/bundle.ts';

export type Stack = Awaited<ReturnType<typeof startStack>>;

/** On a busy machine, a test's api answers late and refuses nothing. */
const PATIENT_MS = 60_000;
const ENCRYPTION_KEY = randomBytes(32).toString('base64');

/** Returns the settings that an organizer would give, with the addresses of the suite's servers. */
export const testEnvironment = (sandboxSettings: Record<string, string>, databaseUrl: string) => ({
  ...sandboxSettings,
  DATABASE_URL: databaseUrl,
  TEMPORAL_ADDRESS: inject('temporalAddress'),
  PUBLIC_URL: 'http://registration.test',
  EMAIL_FROM: 'Conference <registration@example.org>',
  LOG_LEVEL: 'silent',
  RATE_LIMIT: '0',
  ENCRYPTION_KEY,
});

export async function startStack({
  answerWithinMs,
  settings = {},
  taskQueue = `test-${randomUUID()}`,
  onUntraced = () => undefined,
}: {
  answerWithinMs?: number;
  settings?: Record<string, string>;
  taskQueue?: string;
  /** Is called when the collector that the settings name does not take spans. */
  onUntraced?: (error: unknown) => void;
} = {}) {
  const [sandbox, store] = await Promise.all([startSandbox(), createDatabase()]);
  const environment = { ...testEnvironment(sandbox.settings, store.url), ...settings };
  const config = loadConfig(environment);
  const { database } = store;
  const tracing = await startTracing(config.tracing, 'api', onUntraced);
  tracing?.traceStatements(database);
  const vendors = connectVendors(config, tracing);
  const { paypal } = vendors;
  const temporal = connectTemporal(config, tracing?.clientInterceptors);
  const app = await buildApp({
    ...{ config, database, paypal, temporal, tracing, taskQueue, answerWithinMs },
    maxEventLoopDelayMs: PATIENT_MS,
  });
  const connection = await NativeConnection.connect(config.temporal.connectionOptions);
  const bundle = await bundleWorkflows();
  const workers = new Set<() => Promise<void>>();

  /**
   * Starts a worker and returns a function that stops it. Without this call, the stack has no worker.
   * @param does what the worker runs: by default, workflows and activities
   */
  async function startWorker(
    does: Partial<WorkerOptions> = {
      ...activityOptions({ config, database, ...vendors }, tracing?.activityInterceptors),
      sinks: tracing?.sinks ?? NO_SPANS,
      workflowBundle: bundle,
    },
  ): Promise<() => Promise<void>> {
    const worker = await Worker.create({
      ...{ connection, taskQueue, dataConverter: dataConverter(config), shutdownGraceTime: '1s' },
      ...does,
    });
    const running = worker.run();
    const stop = async () => {
      workers.delete(stop);
      worker.shutdown();
      await running;
    };
    workers.add(stop);
    return stop;
  }

  const stopWorkers = () => Promise.all([...workers].map((stop) => stop()));

  return {
    app,
    maxEventLoopDelayMs: PATIENT_MS,
    config,
    database,
    environment,
    ...vendors,
    tracing,
    sandbox,
    store,
    taskQueue,
    temporal,
    startWorker,
    stopWorkers,
    async stop() {
      await stopWorkers();
      await app.close();
      await tracing?.stop();
      await connection.close();
      await temporal.connection.close();
      await Promise.all([sandbox.close(), store.drop()]);
    },
  };
}

/** Creates an attendee who uses the HTTP API with one registration id. */
export function anAttendee(
  { app, sandbox }: Pick<Stack, 'app' | 'sandbox'>,
  form: Form = aForm(),
  id: string = randomUUID(),
) {
  const secret = randomUUID();
  const headers = { 'x-checkout-secret': secret };
  const put = (body: object = form) =>
    app.inject({ method: 'PUT', url: `/api/checkouts/${id}`, body, headers });
  const post = (paypalOrderId: string | null, body: object = form) =>
    app.inject({ method: 'POST', url: '/api/registrations', body: { ...body, id, paypalOrderId } });
  const status = () => app.inject({ method: 'GET', url: `/api/registrations/${id}` });
  return {
    id,
    form,
    put,
    post,
    status,
    /** Holds a seat and approves its PayPal order. Returns the id of the order, or null for a free ticket. */
    async approve(number?: string): Promise<string | null> {
      const { paypalOrderId } = (await put()).json<{ paypalOrderId: string | null }>();
      if (paypalOrderId !== null) sandbox.approve(paypalOrderId, number === undefined ? {} : { number });
      return paypalOrderId;
    },
    /** Performs all steps of an attendee and returns the answer to the POST. */
    async register(number?: string) {
      return post(await this.approve(number));
    },
  };
}

export const CARDS = {
  declined: '4000000000000002',
  insufficientFunds: '4000000000009995',
  refused: '4000000000000101',
  pending: '4000000000000077',
  failing: '4000000000000341',
};

/** Returns every string in a server's answer, with bytes decoded as text. */
export function texts(value: unknown): string[] {
  if (value instanceof Uint8Array) return [Buffer.from(value).toString('latin1')];
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
}
