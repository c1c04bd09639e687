/** The run of an import: few at a time, none stops another, and one that grows goes on as a new one. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { importWorkflowId } from '../../src/addition.ts';
import { workflowId } from '../../src/registration.ts';
import { startImport } from '../../src/temporal/runs.ts';
import { bundleWorkflows } from './bundle.ts';
import { connectRuns } from './dev-server.ts';
import { gate } from './stand-ins.ts';

let runs: Awaited<ReturnType<typeof connectRuns>>;
let stopWorker: () => Promise<void>;
beforeAll(async () => {
  runs = await connectRuns(inject('temporalAddress'), `import-${randomUUID()}`);
  stopWorker = await runs.startWorker(await bundleWorkflows());
});
afterAll(async () => {
  await stopWorker();
  await runs.close();
});

/**
 * Runs an import of these batches, in which the registrations of `refused` are not added. None is added before `together` of them
 * are about to be.
 */
async function run(batches: string[][], refused: string[] = [], together = 1) {
  const id = randomUUID();
  const left = [...batches];
  const told = { added: [] as string[], mailed: [] as string[], noted: [] as string[], most: 0, finished: 0 };
  let atOnce = 0;
  const { opened, open } = gate();
  const next = (registration: string) => ({
    ...{ registration, action: id, organizer: randomUUID(), reference: 'ABCDEFGHJK' },
    ...{ event: 'conference', ticketType: 'regular' },
  });
  for (const registration of batches.flat())
    runs.prepare(workflowId(registration), {
      confirmAdded: (of) => {
        told.mailed.push(of);
        return Promise.resolve({ attempts: 1 });
      },
    });
  runs.prepare(importWorkflowId(id), {
    nextAdditions: () => Promise.resolve((left.shift() ?? []).map(next)),
    addOrder: async (registration) => {
      told.most = Math.max(told.most, ++atOnce);
      told.added.push(registration);
      if (atOnce >= together) open();
      await opened;
      atOnce--;
      const status = refused.includes(registration) ? 'sold-out' : 'added';
      return { decision: { status }, paid: false, attempts: 1 };
    },
    noteRuns: (ids) => {
      told.noted.push(...ids);
      return Promise.resolve();
    },
    finishImport: () => {
      told.finished++;
      return Promise.resolve();
    },
  });
  await startImport(runs.client, { id, event: 'conference' }, runs.taskQueue);
  const handle = runs.client.workflow.getHandle(importWorkflowId(id));
  await handle.result();
  const added = batches.flat().filter((registration) => !refused.includes(registration));
  for (const registration of added) await runs.client.workflow.getHandle(workflowId(registration)).result();
  const { events } = await handle.fetchHistory();
  const former = events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
  return { ...told, isNewRun: Boolean(former) };
}

const several = (count: number) => Array.from({ length: count }, () => randomUUID());

it('adds five at a time, and starts the run of each that is added', async () => {
  const batches = [several(20), several(3)];
  const [refused = ''] = batches[0] ?? [];
  const told = await run(batches, [refused], 5);
  const all = batches.flat().toSorted();
  expect(told.most).toBe(5);
  expect(told.added.toSorted()).toEqual(all);
  expect(told.noted.toSorted()).toEqual(all);
  expect(told.mailed.toSorted()).toEqual(all.filter((registration) => registration !== refused));
  expect(told).toMatchObject({ finished: 1, isNewRun: false });
});

it('goes on as a new run after some batches, and ends once', async () => {
  const batches = Array.from({ length: 7 }, () => several(2));
  const told = await run(batches);
  expect(told.mailed.toSorted()).toEqual(batches.flat().toSorted());
  expect(told).toMatchObject({ finished: 1, isNewRun: true });
});

it('does not start a run again that a former run of the import has started', async () => {
  const [registration = ''] = several(1);
  const told = await run([[registration], [registration]]);
  expect(told.added).toHaveLength(2);
  expect(told.mailed).toEqual([registration]);
});
