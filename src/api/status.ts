/** How far a registration has come, from whoever still knows: its run, what Temporal shows of it, or the order row. */
import { WorkflowNotFoundError } from '@temporalio/common';
import type { WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import { findOrder, type OrderRecord } from '../database/orders.ts';
import { reference } from '../reference.ts';
import {
  PROGRESS,
  workflowId,
  type Progress,
  type Status,
  type Step,
  type StepName,
} from '../registration.ts';
import type { Dependencies } from './dependencies.ts';
import { Problem } from './problem.ts';
import type { StatusBody } from './schemas.ts';

/** Each question to Temporal; a query is answered by a worker, and there may be none. */
const DESCRIBE_WITHIN_MS = 3000;
const QUERY_WITHIN_MS = 1000;

const STEP_OF: Record<string, StepName> = {
  takePayment: 'payment',
  settlePayment: 'payment',
  saveOrder: 'order',
  sendConfirmation: 'email',
  addToMailingList: 'mailing-list',
};

type Known = Pick<Dependencies, 'temporal' | 'database'>;

/**
 * @returns undefined when there is no such registration
 * @throws Problem `unavailable` when neither Temporal nor PostgreSQL can tell
 */
export async function readStatus({ temporal, database }: Known, id: string): Promise<StatusBody | undefined> {
  const handle = temporal.workflow.getHandle(workflowId(id));
  const within = <T>(ms: number, ask: () => Promise<T>) => temporal.withDeadline(Date.now() + ms, ask);
  let progress: Progress | undefined;
  let away = false;
  try {
    const run = await within(DESCRIBE_WITHIN_MS, () => handle.describe());
    progress =
      run.status.name === 'RUNNING'
        ? withAttempts(await ask(handle, within), run)
        : ((await within(DESCRIBE_WITHIN_MS, () => handle.result()).catch(() =>
            fromHistory(handle, within),
          )) as Progress);
  } catch (error) {
    away = !(error instanceof WorkflowNotFoundError);
  }
  if (!progress) {
    const order = await findOrder(database, id).catch(() => {
      throw new Problem('unavailable', { retryAfterSeconds: 10 });
    });
    if (order) progress = fromOrder(order);
    else if (away) throw new Problem('unavailable', { retryAfterSeconds: 10 });
  }
  return progress && { id, reference: reference(id), ...progress };
}

type Within = <T>(ms: number, ask: () => Promise<T>) => Promise<T>;

/** The run itself, or without a worker to answer for it, its history. */
async function ask(handle: WorkflowHandle, within: Within): Promise<Progress> {
  return within(QUERY_WITHIN_MS, () => handle.query<Progress>(PROGRESS)).catch(() =>
    fromHistory(handle, within),
  );
}

/** How often an activity was tried is known to the server while it is pending, and to nobody else. */
function withAttempts(progress: Progress, run: WorkflowExecutionDescription): Progress {
  const pending = new Map(
    run.raw.pendingActivities?.map((activity) => [STEP_OF[activity.activityType?.name ?? ''], activity]),
  );
  const steps = progress.steps.map((step): Step => {
    const attempts = pending.get(step.name)?.attempt ?? 0;
    return attempts > 1 ? { ...step, state: 'retrying', attempts } : step;
  });
  return { ...progress, steps };
}

/** What the events of a run tell of its steps. It needs no worker, and no look into any payload. */
async function fromHistory(handle: WorkflowHandle, within: Within): Promise<Progress> {
  const { events } = await within(DESCRIBE_WITHIN_MS, () => handle.fetchHistory());
  const steps = new Map<StepName, Step>();
  const scheduled = new Map<string, { step: Step | undefined; name: string }>();
  const attempts = new Map<string, number>();
  let status: Status = 'processing';
  for (const event of events ?? []) {
    const at = new Date(Number(event.eventTime?.seconds) * 1000).toISOString();
    const begun = event.activityTaskScheduledEventAttributes;
    if (begun) {
      const name = begun.activityType?.name ?? '';
      const stepName = STEP_OF[name];
      const step: Step | undefined = stepName && { name: stepName, state: 'running', attempts: 1, at };
      if (step) steps.set(step.name, step);
      scheduled.set(String(event.eventId), { step, name });
      if (name === 'takePayment') status = 'processing';
      if (name === 'saveOrder') status = 'confirmed';
      if (name === 'refundPayment') status = 'refunded';
    }
    const started = event.activityTaskStartedEventAttributes;
    if (started) attempts.set(String(started.scheduledEventId), started.attempt ?? 1);
    const done = event.activityTaskCompletedEventAttributes;
    const ended =
      done ??
      event.activityTaskFailedEventAttributes ??
      event.activityTaskTimedOutEventAttributes ??
      event.activityTaskCanceledEventAttributes;
    if (ended) {
      const key = String(ended.scheduledEventId);
      const step = scheduled.get(key)?.step;
      if (step)
        Object.assign(step, {
          state: done ? 'done' : 'failed',
          attempts: attempts.get(key) ?? step.attempts,
          at,
        });
    }
    // Only a run that took nothing waits for the end of a hold.
    if (event.timerStartedEventAttributes) {
      status = 'declined';
      Object.assign(steps.get('payment') ?? {}, { state: 'failed' });
    }
  }
  const rest = status === 'confirmed' || status === 'refunded' ? 'skipped' : 'waiting';
  const all = (['payment', 'order', 'email', 'mailing-list'] as const).map(
    (name): Step =>
      steps.get(name) ?? { name, state: name === 'mailing-list' ? rest : 'waiting', attempts: 0, at: null },
  );
  return { status, steps: all };
}

/** Beyond retention: the payment and the order are certain, of the rest nothing is known any more. */
function fromOrder(order: OrderRecord): Progress {
  const done = (name: StepName): Step => ({ name, state: 'done', attempts: 1, at: order.paidAt });
  const payment = order.paypalOrderId ? done('payment') : { ...done('payment'), state: 'skipped' as const };
  return { status: order.status, steps: [payment, done('order')] };
}
