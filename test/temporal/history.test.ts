/** The progress read from a history equals what the run answers, at each point of every recorded history. */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { defaultDataConverter } from '@temporalio/common';
import proto from '@temporalio/proto';
import {
  DefaultLogger,
  bundleWorkflowCode,
  Worker,
  type InjectedSinks,
  type WorkflowBundle,
} from '@temporalio/worker';
import { beforeAll, expect, inject, it, vi } from 'vitest';
import { BUNDLE } from '../../src/temporal/bundle.ts';
import { dataConverter } from '../../src/temporal/client.ts';
import { progressFromHistory, type HistoryEvent } from '../../src/temporal/history.ts';
import { decoderOf } from '../../src/temporal/payloads.ts';
import type { Progress } from '../../src/registration.ts';
import { bundleWorkflows } from '../workflows/bundle.ts';
import { connectRuns } from '../workflows/dev-server.ts';
import { HISTORIES, readHistory } from '../workflows/histories.ts';
import { anOrder, CAPTURED, declined, gate } from '../workflows/stand-ins.ts';
import type { ProgressSinks } from './progress-sink.ts';

const { History } = proto.temporal.api.history.v1;
let workflowBundle: WorkflowBundle;
beforeAll(async () => {
  workflowBundle = await bundleWorkflowCode({
    ...BUNDLE,
    workflowInterceptorModules: [fileURLToPath(new URL('progress-sink.ts', import.meta.url))],
    logger: new DefaultLogger('ERROR', () => undefined),
  });
});

/**
 * Replays a history and returns what the run answers after each workflow task, by the number of events before
 * the end of that task.
 */
async function toldByRun(history: unknown): Promise<Map<number, Progress>> {
  const told = new Map<number, Progress>();
  const sinks: InjectedSinks<ProgressSinks> = {
    progress: {
      told: {
        fn: ({ historyLength }, json) => void told.set(historyLength, JSON.parse(json) as Progress),
        callDuringReplay: true,
      },
    },
  };
  const options = { workflowBundle, sinks, dataConverter: dataConverter({ encryptionKeys: [] }) };
  await Worker.runReplayHistory(options, history);
  return told;
}

/**
 * Returns the events up to the end of a workflow task, including those of the commands it issued. Events of
 * updates do not name their task.
 */
function untilTaskEnd(events: HistoryEvent[], before: number): HistoryEvent[] {
  const task = String(events[before]?.eventId);
  const isIssued = (event: HistoryEvent) =>
    !!event.workflowExecutionUpdateAcceptedEventAttributes ||
    !!event.workflowExecutionUpdateCompletedEventAttributes ||
    Object.values(event).some(
      (attributes: { workflowTaskCompletedEventId?: unknown } | null) =>
        String(attributes?.workflowTaskCompletedEventId) === task,
    );
  const next = events.findIndex((event, index) => index > before && !isIssued(event));
  return next < 0 ? events : events.slice(0, next);
}

/** The workflow of a history, which its first event names. */
const workflowOf = (file: string) =>
  /"workflowType": \{\s*"name": "(\w+)"/.exec(readHistory(file))?.[1] ?? '';
const REGISTRATIONS = HISTORIES.filter((file) =>
  ['registration', 'addRegistration'].includes(workflowOf(file)),
);
const decode = decoderOf(defaultDataConverter, { namespace: 'default', workflowId: 'registration' });

it.each(REGISTRATIONS)('reads from %s the progress that the run answers', async (file) => {
  const json: unknown = JSON.parse(readHistory(file));
  // The test reads the events as the server sends them, which differ slightly from events parsed from JSON.
  const { events } = History.decode(History.encode(historyFromJSON(json)).finish());
  const told = await toldByRun(json);
  expect(told.size).toBeGreaterThan(0);
  for (const [before, progress] of told) {
    const seen = untilTaskEnd(events, before);
    expect(await progressFromHistory(seen, decode), `after event ${seen.length}`).toEqual(progress);
  }
});

it('reads the progress of an order that was corrected between two attempts', async () => {
  const runs = await connectRuns(inject('temporalAddress'), `history-${randomUUID()}`);
  const stopWorker = await runs.startWorker(await bundleWorkflows());
  const { opened, open } = gate();
  const order = anOrder({ newsletter: null });
  const { handle, pay } = runs.registration(order, {
    takePayment: ({ paypalOrderId }) =>
      paypalOrderId === 'A'
        ? Promise.resolve(declined('2099-01-01T00:00:00.000Z'))
        : opened.then(() => ({ ...CAPTURED, paypalOrderId })),
  });
  await pay();
  const corrected = { ...order, newsletter: { at: 'now', wording: '1' }, paypalOrderId: 'B' };
  const paid = pay(corrected);
  const told = () => handle.query<Progress>('progress');
  try {
    await vi.waitUntil(async () => (await told()).status === 'processing', { timeout: 10_000 });
    const { events } = await handle.fetchHistory();
    expect(await progressFromHistory(events ?? [], decode)).toEqual(await told());
  } finally {
    open();
    await paid;
    await handle.result();
    await stopWorker();
    await runs.close();
  }
});
