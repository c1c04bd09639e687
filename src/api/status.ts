/** How far a registration has come, from whoever still knows: its run, what Temporal shows of it, or the order row. */
import { WorkflowNotFoundError } from '@temporalio/common';
import type { WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import { findOrder, type OrderRecord } from '../database/orders.ts';
import { findEnd } from '../database/seats.ts';
import { reference } from '../reference.ts';
import {
  isOpen,
  PROGRESS,
  STEP_NAMES,
  workflowId,
  type Progress,
  type Status,
  type Step,
  type StepName,
} from '../registration.ts';
import type { Dependencies } from './dependencies.ts';
import { unavailable } from './problem.ts';
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

/** Whether a registration may still change by itself, or by what its attendee does next. */
export const canChange = ({ status, steps }: Progress): boolean =>
  status === 'processing' || status === 'declined' || (status === 'confirmed' && steps.some(isOpen));

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
    // The run itself knows best; an open one without a worker, and one that was terminated, leave their history.
    if (run.status.name === 'RUNNING') {
      const told = within(QUERY_WITHIN_MS, () => handle.query<Progress>(PROGRESS));
      progress = withAttempts(await told.catch(() => fromHistory(handle, within)), run);
    } else {
      const told = within(DESCRIBE_WITHIN_MS, () => handle.result() as Promise<Progress>);
      progress = await told.catch(async () => {
        const left = await fromHistory(handle, within);
        // What it was in the middle of may have been mended since, by hand.
        return { ...left, status: (await findEnd(database, id)) ?? left.status };
      });
    }
  } catch (error) {
    away = !(error instanceof WorkflowNotFoundError);
  }
  if (!progress) {
    const order = await findOrder(database, id).catch(() => {
      throw unavailable();
    });
    if (order) progress = fromOrder(order);
    else if (away) throw unavailable();
  }
  return progress && { id, reference: reference(id), ...progress };
}

type Within = <T>(ms: number, ask: () => Promise<T>) => Promise<T>;

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
  const scheduled = new Map<string, Step>();
  const stepOf = (eventId: unknown) => scheduled.get(String(eventId));
  let status: Status = 'processing';
  for (const event of events ?? []) {
    const at = new Date(Number(event.eventTime?.seconds) * 1000).toISOString();
    const activity = event.activityTaskScheduledEventAttributes?.activityType?.name ?? '';
    if (activity === 'takePayment') status = 'processing';
    if (activity === 'saveOrder') status = 'confirmed';
    if (activity === 'refundPayment') status = 'refunded';
    const name = STEP_OF[activity];
    if (name) {
      const step: Step = { name, state: 'running', attempts: 1, at };
      steps.set(name, step);
      scheduled.set(String(event.eventId), step);
    }
    const started = event.activityTaskStartedEventAttributes;
    const begun = stepOf(started?.scheduledEventId);
    if (begun) begun.attempts = started?.attempt ?? 1;
    const done = event.activityTaskCompletedEventAttributes;
    const failed =
      event.activityTaskFailedEventAttributes ??
      event.activityTaskTimedOutEventAttributes ??
      event.activityTaskCanceledEventAttributes;
    const ended = stepOf((done ?? failed)?.scheduledEventId);
    if (ended) Object.assign(ended, { state: done ? 'done' : 'failed', at });
    // Only a run that took nothing waits for the end of a hold.
    if (event.timerStartedEventAttributes) {
      status = 'declined';
      const payment = steps.get('payment');
      if (payment) payment.state = 'failed';
    }
  }
  const fannedOut = status === 'confirmed' || status === 'refunded';
  const unseen = (name: StepName): Step => {
    const skipped = fannedOut && name === 'mailing-list';
    return { name, state: skipped ? 'skipped' : 'waiting', attempts: 0, at: null };
  };
  return { status, steps: STEP_NAMES.map((name) => steps.get(name) ?? unseen(name)) };
}

/** Beyond retention: the payment and the order are certain, of the rest nothing is known any more. */
function fromOrder(order: OrderRecord): Progress {
  const done = (name: StepName): Step => ({ name, state: 'done', attempts: 1, at: order.paidAt });
  const payment = order.paypalOrderId ? done('payment') : { ...done('payment'), state: 'skipped' as const };
  return { status: order.status, steps: [payment, done('order')] };
}
