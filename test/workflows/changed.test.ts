/** The example of docs/changing-the-workflow.md, executed: a step is added while registrations are in flight. */
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

/** Has a worker of that version while `work` goes on. */
async function withWorker<T>(version: Version, work: () => Promise<T>): Promise<T> {
  const stop = await runs.startWorker(versions[version], { reserveBadge: () => Promise.resolve() });
  return work().finally(stop);
}

/** The activities of a run, in the order they were scheduled. */
async function activitiesOf(handle: WorkflowHandle): Promise<string[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap(
    ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name ?? [],
  );
}

const replays = async (version: Version, handle: WorkflowHandle) =>
  replay(versions[version], await handle.fetchHistory(), runs.dataConverter);

/** A provider that is away until the test says otherwise. */
function outage() {
  let over = false;
  const away = () => ApplicationFailure.create({ message: 'away', nextRetryDelay: '200ms' });
  return {
    end: () => (over = true),
    sendConfirmation: () => (over ? Promise.resolve({ attempts: 2 }) : Promise.reject(away())),
  };
}

/** A registration that workers of that version have brought to where only its mail is left, and then left alone. */
async function waitsForTheMail(version: Version, order = anOrder()) {
  const mail = outage();
  const { handle, pay } = runs.registration(order, mail);
  await withWorker(version, async () => {
    await pay();
    await isLeftWith(handle, 'sendConfirmation');
  });
  return { handle, mail };
}

/** Resolves when Temporal lists the run under this query: its index lags behind the runs. */
const isFound = (query: string, { workflowId }: WorkflowHandle) =>
  vi.waitUntil(
    async () => {
      for await (const found of runs.client.workflow.list({ query }))
        if (found.workflowId === workflowId) return true;
      return false;
    },
    { timeout: 10_000, interval: 100 },
  );

/** Open registrations, and those of them that took the step. */
const OPEN = "WorkflowType = 'registration' AND ExecutionStatus = 'Running'";
const BADGE = "TemporalChangeVersion = 'name-badge'";

/** Whether a worker has found that its workflows do not do again what they did before. */
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

describe('a step that is simply added', () => {
  const fulfilled = HISTORIES.filter((file) => readHistory(file).includes('"saveOrder"'));

  it('breaks every recorded history that had come to it, and no other', async () => {
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
  it.each(HISTORIES)('%s replays', async (file) => {
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

  it('is left out by a run that was past it, even if a worker without the patch had it in between', async () => {
    const order = anOrder();
    // A task that a worker cannot do is tried again after this time, which is ten seconds otherwise.
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

describe('when no run is open that left the step out', () => {
  it('the old branch may go: runs with the patch go on', async () => {
    const { handle, mail } = await waitsForTheMail('patched');
    await isFound(`${OPEN} AND ${BADGE}`, handle);
    mail.end();
    await withWorker('deprecated', () => handle.result());
    expect(await activitiesOf(handle)).toContain('reserveBadge');
  });

  it('but no earlier: it breaks a history without the step', async () => {
    const history: unknown = JSON.parse(readHistory('2-open-waiting-for-the-mail.json'));
    await expect(replay(versions.deprecated, history)).rejects.toThrow(DeterminismViolationError);
  });

  it('the marker may go, too, once all open runs have the deprecated one', async () => {
    const { handle, mail } = await waitsForTheMail('deprecated');
    await isFound(`${OPEN} AND StartTime < '${new Date().toISOString()}'`, handle);
    mail.end();
    await withWorker('plain', () => handle.result());
    expect(await activitiesOf(handle)).toContain('reserveBadge');
  });
});
