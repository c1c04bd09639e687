/** What is read from a history is what the run itself would tell, at each point of every recorded history. */
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
import { beforeAll, expect, it } from 'vitest';
import { BUNDLE } from '../../src/temporal/bundle.ts';
import { dataConverter } from '../../src/temporal/client.ts';
import { progressFromHistory, type HistoryEvent } from '../../src/temporal/history.ts';
import { decoderOf } from '../../src/temporal/payloads.ts';
import type { Progress } from '../../src/registration.ts';
import { HISTORIES, readHistory } from '../workflows/histories.ts';
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

/** What the run tells after each of its workflow tasks, by the number of events before the task's end. */
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

/** The events up to the end of a workflow task, with what the task ordered; events of updates do not name their task. */
function untilTaskEnd(events: HistoryEvent[], before: number): HistoryEvent[] {
  const task = String(events[before]?.eventId);
  const isOrdered = (event: HistoryEvent) =>
    !!event.workflowExecutionUpdateAcceptedEventAttributes ||
    !!event.workflowExecutionUpdateCompletedEventAttributes ||
    Object.values(event).some(
      (attributes: { workflowTaskCompletedEventId?: unknown } | null) =>
        String(attributes?.workflowTaskCompletedEventId) === task,
    );
  const next = events.findIndex((event, index) => index > before && !isOrdered(event));
  return next < 0 ? events : events.slice(0, next);
}

const REGISTRATIONS = HISTORIES.filter((file) => !file.includes('resent'));
const decode = decoderOf(defaultDataConverter);

it.each(REGISTRATIONS)('%s', async (file) => {
  const json: unknown = JSON.parse(readHistory(file));
  // As the server sends it, which is not quite as it is read from JSON.
  const { events } = History.decode(History.encode(historyFromJSON(json)).finish());
  const told = await toldByRun(json);
  expect(told.size).toBeGreaterThan(1);
  for (const [before, progress] of told) {
    const seen = untilTaskEnd(events, before);
    expect(await progressFromHistory(seen, decode), `after event ${seen.length}`).toEqual(progress);
  }
});
