/** One measured run: a number of registrations by concurrent clients, until the last step is done. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import { each, percentile } from './measure.ts';
import type { Shape } from './shapes.ts';

export type Run = {
  /** Registrations per second, from the first request to the end of the last step. */
  perSecond: number;
  seconds: number;
  /** Milliseconds until the response, and until all steps are done. */
  answer: { p50: number; p99: number };
  done: { p50: number; p99: number };
  /** CPU time (ms) per registration, by part. */
  cpu: Record<string, number>;
  events: number;
  workflowTasks: number;
  historyBytes: number;
};

const { EVENT_TYPE_WORKFLOW_TASK_STARTED } = proto.temporal.api.enums.v1.EventType;
/** The number of runs whose histories are read to count workflow tasks. */
const SAMPLE = 20;
const LOOK_EVERY_MS = 200;

const since = ({ workflowType }: Shape, startedAt: Date) =>
  `WorkflowType = '${workflowType}' AND StartTime >= '${startedAt.toISOString()}'`;

/** Waits until the given number of runs that started since `startedAt` have completed. */
export async function untilDone(client: Client, shape: Shape, startedAt: Date, runs: number): Promise<void> {
  const query = `${since(shape, startedAt)} AND ExecutionStatus = 'Completed'`;
  while ((await client.workflow.count(query)).count < runs) await sleep(LOOK_EVERY_MS);
}

/** @param client a client of the runs' namespace, queried only after they have completed */
export async function measureRun(
  client: Client,
  shape: Shape,
  { registrations, clients }: { registrations: number; clients: number },
): Promise<Run> {
  const people = await shape.prepare(registrations);
  await sleep(500);
  const before = shape.cpu();
  const startedAt = new Date();
  const answers = await each(people, clients, (person) => shape.register(person));
  await untilDone(client, shape, startedAt, registrations);
  const after = shape.cpu();
  await shape.audit(people);

  const runs = [];
  for await (const { raw } of client.workflow.list({ query: since(shape, startedAt) })) runs.push(raw);
  const tasks = await Promise.all(
    runs.slice(0, SAMPLE).map(async ({ execution }) => {
      const { events } = await client.workflow.getHandle(execution?.workflowId ?? '').fetchHistory();
      return (events ?? []).filter(({ eventType }) => eventType === EVENT_TYPE_WORKFLOW_TASK_STARTED).length;
    }),
  );
  const seconds = (Math.max(...runs.map(({ closeTime }) => tsToMs(closeTime))) - startedAt.getTime()) / 1000;
  const done = runs.map(({ startTime, closeTime }) => tsToMs(closeTime) - tsToMs(startTime));
  return {
    perSecond: registrations / seconds,
    seconds,
    answer: { p50: percentile(answers, 0.5), p99: percentile(answers, 0.99) },
    done: { p50: percentile(done, 0.5), p99: percentile(done, 0.99) },
    cpu: Object.fromEntries(
      Object.entries(after).map(([part, ms]) => [part, (ms - (before[part] ?? 0)) / registrations]),
    ),
    events: percentile(
      runs.map(({ historyLength }) => Number(historyLength)),
      0.5,
    ),
    workflowTasks: percentile(tasks, 0.5),
    historyBytes: percentile(
      runs.map(({ historySizeBytes }) => Number(historySizeBytes)),
      0.5,
    ),
  };
}
