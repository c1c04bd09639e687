/**
 * `npx tsx test/histories/record.ts` runs every scenario on Temporal's development server and writes the
 * histories to this folder under the number of the next shape. With names, it records those scenarios alone. The payloads are not encrypted, because replay
 * does not depend on their encoding and anyone can check that they contain no personal data.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { freePort } from '../../sandbox/servers/process.ts';
import { startTemporal } from '../../sandbox/servers/temporal.ts';
import { importWorkflowId } from '../../src/addition.ts';
import {
  CANCEL_EVENT_WORKFLOW,
  cancelEventWorkflowId,
  LOOK,
  tellOwnersWorkflowId,
} from '../../src/cancel-event.ts';
import { changeWorkflowId, type Change } from '../../src/change.ts';
import { reference } from '../../src/reference.ts';
import { cancelWorkflowId, refundWorkflowId } from '../../src/refund.ts';
import { resendWorkflowId, TASK_QUEUE, workflowId } from '../../src/registration.ts';
import { startCancelEvent } from '../../src/temporal/cancelled-events.ts';
import {
  startAddition,
  startCancellation,
  startChange,
  startImport,
  startRefund,
  startResend,
} from '../../src/temporal/runs.ts';
import { addSearchAttributes } from '../../src/temporal/search-attributes.ts';
import { bundleWorkflows } from '../workflows/bundle.ts';
import { connectRuns, isLeftWith } from '../workflows/dev-server.ts';
import { anOrder, EVERYTHING, nothingLeft } from '../workflows/stand-ins.ts';
import { actions, additions, cancelledEvents, imports, scenarios, toItsEnd } from './scenarios.ts';

const folder = new URL('./', import.meta.url);
const shapes = readdirSync(folder).map((file) => Number(/^\d+/.exec(file)?.[0] ?? 0));
const shape = Math.max(...shapes) + 1;
const names = process.argv.slice(2);
const isWanted = ([name]: [string, unknown]) => names.length === 0 || names.includes(name);
const say = (line: string) => void process.stdout.write(`${line}\n`);
const PERSON = { firstName: 'Grace', lastName: 'Example', email: 'grace@example.org' };
const ABOUT = { event: 'conference', ticketType: 'regular', status: 'confirmed' } as const;
/** Creates an id that is recognizably artificial. */
const idOf = (position: number) => `00000000-0000-4000-8000-${String(position).padStart(12, '0')}`;

// Activities fail on purpose, and the SDK's log of it would hide the output of this script.
Runtime.install({ logger: new DefaultLogger('ERROR') });
const logs = mkdtempSync(join(tmpdir(), 'registration-record-'));
const temporal = await startTemporal({
  report: say,
  port: await freePort(),
  logFile: join(logs, 'temporal.log'),
  retentionDays: 1,
});
try {
  const runs = await connectRuns(temporal.address, TASK_QUEUE);
  // Runs of a namespace with search attributes issue more commands than those of one without.
  await addSearchAttributes(runs.client.connection);
  const stopWorker = await runs.startWorker(await bundleWorkflows());

  async function record(name: string, handle: WorkflowHandle) {
    const file = `${shape}-${name}.json`;
    writeFileSync(new URL(file, folder), `${historyToJSON(await handle.fetchHistory())}\n`);
    say(file);
  }

  const registrations = Object.entries(scenarios)
    .filter(isWanted)
    .map(async ([name, { order, activities, go }], index) => {
      const wanted = anOrder({ id: idOf(index + 1), ...order });
      const run = runs.registration(wanted, activities);
      await (go ?? toItsEnd)(run, wanted);
      await record(name, run.handle);
    });

  const id = idOf(registrations.length + 1);
  runs.prepare(resendWorkflowId(id));
  const resend =
    isWanted(['open-resent', id]) &&
    startResend(runs.client, { id, event: 'conference', ticketType: 'regular' }).then(async () => {
      const handle = runs.client.workflow.getHandle(resendWorkflowId(id));
      await isLeftWith(handle);
      await record('open-resent', handle);
    });

  const organizers = Object.entries(actions)
    .filter(isWanted)
    .map(async ([name, { does, activities, openWith }], index) => {
      const action = idOf(100 + index);
      const request = { action, registration: idOf(200 + index), organizer: idOf(1), reason: '' };
      const { client } = runs;
      const [workflow, start] = {
        refund: [
          refundWorkflowId(action),
          () => startRefund(client, { ...request, amount: EVERYTHING, cancels: false }, ABOUT),
        ] as const,
        cancel: [cancelWorkflowId(action), () => startCancellation(client, request, ABOUT)] as const,
        resend: [changeWorkflowId(action), () => startAgain('email')] as const,
        subscribe: [changeWorkflowId(action), () => startAgain('mailing-list')] as const,
        answer: [
          changeWorkflowId(action),
          () => startChanging({ kind: 'answers', answers: { diet: 'Vegan', dinner: null } }),
        ] as const,
        correct: [changeWorkflowId(action), () => startChanging({ kind: 'correct', ...PERSON })] as const,
        move: [
          changeWorkflowId(action),
          () => startChanging({ kind: 'move', ticketType: 'limited' }),
        ] as const,
      }[does ?? 'refund'];
      const startChanging = (change: Change) => startChange(client, { ...request, change }, ABOUT);
      const startAgain = (step: 'email' | 'mailing-list') => startChanging({ kind: 'again', step });
      runs.prepare(workflow, activities);
      await start();
      const handle = client.workflow.getHandle(workflow);
      if (openWith) await isLeftWith(handle, openWith);
      else await handle.result();
      await record(name, handle);
    });

  const added = Object.entries(additions)
    .filter(isWanted)
    .map(async ([name, { activities, openWith, go }], index) => {
      const registration = idOf(300 + index);
      const handle = runs.client.workflow.getHandle(workflowId(registration));
      runs.prepare(workflowId(registration), activities);
      const request = { registration, action: idOf(400 + index), organizer: idOf(1) };
      // Without an order, nothing is decided.
      const isUndecided = openWith === 'addOrder';
      const options = isUndecided ? { timeoutMs: 2000 } : {};
      await startAddition(runs.client, request, ABOUT, options).catch((error: unknown) => {
        if (!isUndecided) throw error;
      });
      if (openWith) await isLeftWith(handle, openWith);
      await go?.(handle);
      if (!openWith || go) await handle.result();
      await record(name, handle);
    });

  const imported = Object.entries(imports)
    .filter(isWanted)
    .map(async ([name, { batches, activities, openWith }], index) => {
      const id = idOf(500 + index);
      const left = batches(600 + 10 * index).map((batch) => batch.map(idOf));
      for (const registration of left.flat()) runs.prepare(workflowId(registration));
      const next = (registration: string) => ({
        ...{ registration, action: id, organizer: idOf(1), reference: reference(registration) },
        ...{ event: 'conference', ticketType: 'regular' },
      });
      runs.prepare(importWorkflowId(id), {
        nextAdditions: () => Promise.resolve((left.shift() ?? []).map(next)),
        ...activities,
      });
      await startImport(runs.client, { id, event: 'conference' });
      const handle = runs.client.workflow.getHandle(importWorkflowId(id));
      if (openWith) await isLeftWith(handle, openWith);
      else await handle.result();
      await record(name, handle);
    });

  const events = Object.entries(cancelledEvents)
    .filter(isWanted)
    .map(async ([name, scenario]) => {
      const { looks, eventsPerRun, isOpen, continues, records } = scenario;
      const { client, taskQueue } = runs;
      const workflow = cancelEventWorkflowId(name);
      let look = 0;
      runs.prepare(workflow, {
        nextCancellations: () => Promise.resolve(looks[look++] ?? nothingLeft({ finished: !isOpen })),
      });
      for (const { action } of looks.flatMap(({ begin }) => begin))
        for (const id of [refundWorkflowId(action), cancelWorkflowId(action)]) runs.prepare(id);
      const owners = tellOwnersWorkflowId(name, 1);
      runs.prepare(owners, { findOwners: () => Promise.resolve([idOf(1)]) });
      await (eventsPerRun === undefined
        ? startCancelEvent(client, name, { taskQueue })
        : client.workflow.start(CANCEL_EVENT_WORKFLOW, {
            ...{ taskQueue, workflowId: workflow, args: [{ event: name, eventsPerRun }] },
          }));
      const handle = client.workflow.getHandle(workflow);
      const { runId } = await handle.describe();
      if (isOpen) {
        while (look < looks.length) await sleep(50);
        // It has begun everything and waits.
        const last = async () => (await handle.fetchHistory()).events?.at(-1);
        while (!(await last())?.timerStartedEventAttributes) await sleep(50);
      } else {
        // A run that has paused waits for a signal.
        while (look < 1) await sleep(50);
        await handle.signal(LOOK).catch(() => undefined);
        await handle.result();
      }
      if (records === 'owners') {
        const told = client.workflow.getHandle(owners);
        await told.result();
        return record(name, told);
      }
      return record(name, continues ? client.workflow.getHandle(workflow, runId) : handle);
    });

  await Promise.all([...registrations, resend, ...organizers, ...added, ...imported, ...events]);
  await stopWorker();
  await runs.close();
} finally {
  await temporal.stop();
  rmSync(logs, { recursive: true, force: true });
}
