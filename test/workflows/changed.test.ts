/** Runs the example of docs/changing-the-workflow.md: adds a step while registrations are in flight. */
import { randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { WorkflowBundle } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { readKeys } from '../../src/encryption-keys.ts';
import { WORKFLOW, workflowId, type Order } from '../../src/registration.ts';
import { bundleChanged, bundleWorkflows } from './bundle.ts';
import { connectRuns, isLeftWith } from './dev-server.ts';
import { HISTORIES, readHistory, replay } from './histories.ts';
import { anOrder, CAPTURED, declined } from './stand-ins.ts';

type Version = 'released' | 'plain' | 'patched' | 'deprecated';
const versions = {} as Record<Version, WorkflowBundle>;
let runs: Awaited<ReturnType<typeof connectRuns>>;

beforeAll(async () => {
  const changed = (version: Version) =>
    bundleChanged({ './payment.ts': fileURLToPath(new URL(`changed/${version}.ts`, import.meta.url)) });
  versions.released = await bundleWorkflows();
  for (const version of ['plain', 'patched', 'deprecated'] as const)
    versions[version] = await changed(version);
  const keys = readKeys(randomBytes(32).toString('base64'));
  if (keys.status === 'faulty') throw new Error(keys.fault);
  runs = await connectRuns(inject('temporalAddress'), `changed-${randomUUID()}`, keys.keys);
});
afterAll(() => runs.close());

/** Runs a worker of this version until `work` is done. */
async function withWorker<T>(version: Version, work: () => Promise<T>): Promise<T> {
  const stop = await runs.startWorker(versions[version], { reserveBadge: () => Promise.resolve() });
  return work().finally(stop);
}

/** Returns the activities of a run in the order in which they were scheduled. */
async function activitiesOf(handle: WorkflowHandle): Promise<string[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap(
    ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name ?? [],
  );
}

const replays = async (version: Version, handle: WorkflowHandle) =>
  replay(versions[version], await handle.fetchHistory(), {
    converter: runs.dataConverter,
    workflowId: handle.workflowId,
  });

/** Creates a vendor that is unavailable until the test calls `end`. */
function outage() {
  let over = false;
  const away = () => ApplicationFailure.create({ message: 'away', nextRetryDelay: '200ms' });
  return {
    end: () => (over = true),
    sendConfirmation: () => (over ? Promise.resolve({ attempts: 2 }) : Promise.reject(away())),
  };
}

/** Runs a registration with a worker of this version until only its mail is left, then stops the worker. */
async function waitsForTheMail(version: Version, order = anOrder()) {
  const mail = outage();
  const { handle, pay } = runs.registration(order, mail);
  await withWorker(version, async () => {
    await pay();
    await isLeftWith(handle, 'sendConfirmation');
  });
  return { handle, mail };
}

/** Resolves when Temporal lists the run for this query, because the index lags behind the runs. */
const isFound = (query: string, { workflowId }: WorkflowHandle) =>
  vi.waitUntil(
    async () => {
      for await (const found of runs.client.workflow.list({ query }))
        if (found.workflowId === workflowId) return true;
      return false;
    },
    { timeout: 10_000, interval: 100 },
  );

/** These queries find the open registrations, and the runs that have taken the new step. */
const OPEN = "WorkflowType = 'registration' AND ExecutionStatus = 'Running'";
const BADGE = "TemporalChangeVersion = 'name-badge'";

/** Returns whether a worker has reported that its workflows do not match the history (TMPRL1100). */
async function isStuck(handle: WorkflowHandle): Promise<boolean> {
  const { events } = await handle.fetchHistory();
  const failures = (events ?? []).map(
    ({ workflowTaskFailedEventAttributes: failed }) => failed?.failure?.message,
  );
  return failures.some((message) => message?.includes('TMPRL1100'));
}

const start = (order: Order, options: { workflowTaskTimeout: '1s' }) =>
  runs.client.workflow.start(WORKFLOW, {
    workflowId: workflowId(order.id),
    taskQueue: runs.taskQueue,
    args: [order],
    ...options,
  });

describe('a step that is added without a patch', () => {
  const fulfilled = HISTORIES.filter((file) => readHistory(file).includes('"saveOrder"'));

  it('breaks every recorded history that has reached it, and no other', { timeout: 400_000 }, async () => {
    const broken: string[] = [];
    for (const file of HISTORIES)
      await replay(versions.plain, JSON.parse(readHistory(file))).catch((error: unknown) => {
        expect(error).toBeInstanceOf(DeterminismViolationError);
        broken.push(file);
      });
    expect(fulfilled.length).toBeGreaterThan(10);
    expect(broken).toEqual(fulfilled);
  });
});

describe('a step that is added with `patched`', () => {
  it.each(HISTORIES)('replays %s', async (file) => {
    await replay(versions.patched, JSON.parse(readHistory(file)));
  });

  it('is taken by a new run', async () => {
    const { handle, pay } = runs.registration(anOrder());
    await withWorker('patched', async () => {
      await pay();
      await handle.result();
    });
    expect((await activitiesOf(handle)).slice(0, 2)).toEqual(['takePayment', 'reserveBadge']);
    await replays('patched', handle);
    await replays('deprecated', handle);
    await expect(replays('plain', handle)).rejects.toThrow(DeterminismViolationError);
    await expect(replays('released', handle)).rejects.toThrow(DeterminismViolationError);
  });

  it('is taken by a run that was still waiting for another card', async () => {
    const order = anOrder();
    const { handle, pay } = runs.registration(order, {
      takePayment: ({ paypalOrderId }) =>
        Promise.resolve(
          paypalOrderId === 'A' ? declined('2099-01-01T00:00:00Z') : { ...CAPTURED, paypalOrderId },
        ),
    });
    await withWorker('released', () => pay());
    await withWorker('patched', async () => {
      expect(await pay({ ...order, paypalOrderId: 'B' })).toMatchObject({ status: 'captured' });
      expect((await handle.result()).status).toBe('confirmed');
    });
    expect((await activitiesOf(handle)).slice(0, 3)).toEqual(['takePayment', 'takePayment', 'reserveBadge']);
  });

  it('is skipped by a run that has passed it, even if a worker without the patch had the run in between', async () => {
    const order = anOrder();
    // Temporal retries a failed workflow task after this timeout, which is ten seconds by default.
    await start(order, { workflowTaskTimeout: '1s' });
    const { handle, mail } = await waitsForTheMail('released', order);
    await isFound(`${OPEN} AND NOT ${BADGE}`, handle);
    mail.end();
    await withWorker('plain', () => vi.waitUntil(() => isStuck(handle), { timeout: 20_000 }));
    await withWorker('patched', async () => {
      expect((await handle.result()).status).toBe('confirmed');
    });
    expect(await activitiesOf(handle)).toEqual([
      'takePayment',
      'saveOrder',
      'sendConfirmation',
      'addToMailingList',
    ]);
  });
});

describe('removing the patch', () => {
  it('lets runs with the patch continue after the old branch is removed', async () => {
    const { handle, mail } = await waitsForTheMail('patched');
    await isFound(`${OPEN} AND ${BADGE}`, handle);
    mail.end();
    await withWorker('deprecated', () => handle.result());
    expect(await activitiesOf(handle)).toContain('reserveBadge');
  });

  it('breaks a history without the step, so the old branch must stay while such runs are open', async () => {
    const history: unknown = JSON.parse(readHistory('2-open-waiting-for-the-mail.json'));
    await expect(replay(versions.deprecated, history)).rejects.toThrow(DeterminismViolationError);
  });

  it('lets runs with the deprecated marker continue after the marker is removed', async () => {
    const { handle, mail } = await waitsForTheMail('deprecated');
    await isFound(`${OPEN} AND StartTime < '${new Date().toISOString()}'`, handle);
    mail.end();
    await withWorker('plain', () => handle.result());
    expect(await activitiesOf(handle)).toContain('reserveBadge');
  });
});
