/**
 * The progress of a run from its history, for a run that no worker can be asked about. It tells the same as the query
 * `progress` of the run (workflows/progress.ts): test/temporal/history.test.ts compares the two for every recorded history.
 */
import { tsToMs } from '@temporalio/common/lib/time.js';
import type proto from '@temporalio/proto';
import type { Activities } from '../activities/index.ts';
import type { Added } from '../addition.ts';
import {
  FREE,
  STEP_NAMES,
  type Attempt,
  type Order,
  type PayArguments,
  type Progress,
  type Step,
  type StepName,
} from '../registration.ts';
import type { Decode } from './payloads.ts';

export type HistoryEvent = proto.temporal.api.history.v1.IHistoryEvent;
type ActivityName = keyof Activities;

/** The activities of a registration, by the step that they are an attempt at. */
export const STEP_OF: Partial<Record<ActivityName, StepName>> = {
  takePayment: 'payment',
  settlePayment: 'payment',
  saveOrder: 'order',
  addOrder: 'order',
  sendConfirmation: 'email',
  confirmAdded: 'email',
  addToMailingList: 'mailing-list',
};
/** The activities that undo a registration. */
const UNDOING: ActivityName[] = ['refundPayment', 'giveSeatBack'];

/** Says how far a run has come. Rejects where payloads of the history cannot be decoded. */
export async function progressFromHistory(events: HistoryEvent[], decode: Decode): Promise<Progress> {
  const steps = Object.fromEntries(
    STEP_NAMES.map((name): [StepName, Step] => [name, { name, state: 'waiting', attempts: 0, at: null }]),
  ) as Record<StepName, Step>;
  const progress: Progress = { status: 'processing', steps: Object.values(steps) };
  const activities = new Map<string, { name: ActivityName; id: string | null | undefined }>();
  /** The orders that payments were asked for, by their PayPal order; and the one that counts now. */
  const asked = new Map<string, Order>();
  let order: Order | undefined;
  let cancelled = false;
  /** The time of the workflow task, which is the workflow's own; and the steps whose news no task has seen yet. */
  let now = '';
  const unseen = new Set<Step>();

  const use = (next: Order | undefined) => {
    order = next;
    steps['mailing-list'].state = order?.newsletter ? 'waiting' : 'skipped';
  };
  /** Changes a step as a workflow task did, or, with a time of its own, as the next one will. */
  const set = (step: Step, change: Partial<Step>, at?: string) => {
    Object.assign(step, { ...change, at: at ?? now });
    if (at !== undefined) unseen.add(step);
  };

  function scheduled(name: ActivityName, request: unknown) {
    if (name === 'takePayment') {
      use(asked.get((request as Parameters<Activities['takePayment']>[0]).paypalOrderId));
      progress.status = 'processing';
      set(steps.payment, { state: 'running', attempts: 1 });
    } else if (UNDOING.includes(name)) {
      progress.status = cancelled ? 'cancelled' : 'refunded';
      // Cancelled before the fan-out: its steps end as they begin, without a trace in the history.
      const paid = ['done', 'skipped'].includes(steps.payment.state);
      for (const step of progress.steps)
        if (paid && step.state === 'waiting') set(step, { state: 'skipped', attempts: 1 });
    } else if (name === 'askToConfirm') {
      progress.status = 'unconfirmed';
    } else {
      const step = STEP_OF[name];
      if (step && step !== 'payment') set(steps[step], { state: 'running', attempts: 1 });
    }
  }

  function completed(name: ActivityName, result: unknown, at: string) {
    const step = STEP_OF[name];
    if (step === undefined) return;
    if (name === 'addOrder') {
      const { decision, paid, attempts } = result as Added;
      const isAdded = decision.status === 'added';
      progress.status = isAdded ? 'confirmed' : 'expired';
      if (isAdded) set(steps.payment, { state: paid ? 'done' : 'skipped', attempts }, at);
      set(steps.order, { state: isAdded ? 'done' : 'failed', attempts }, at);
      return;
    }
    const { attempts, status } = result as Attempt | { status: 'pending'; attempts?: undefined };
    if (step !== 'payment') {
      set(steps[step], { state: 'done', attempts: attempts ?? 1 }, at);
    } else if (status !== 'pending') {
      const taken = status === 'captured';
      const state = taken ? (order?.paypalOrderId ? 'done' : 'skipped') : 'failed';
      set(steps.payment, { state, attempts }, at);
      progress.status = taken ? 'confirmed' : status === 'expired' ? 'expired' : 'declined';
    }
  }

  /** A payment that ended in doubt is not over: `settlePayment` follows. */
  function failed(name: ActivityName, state: 'failed' | 'skipped', attempts: number | undefined, at: string) {
    const step = STEP_OF[name];
    if (step === undefined || step === 'payment') return;
    set(steps[step], { state, attempts: attempts ?? steps[step].attempts }, at);
  }

  for (const event of events) {
    const at = new Date(tsToMs(event.eventTime)).toISOString();
    const activityOf = (id: unknown) => activities.get(String(id));
    const started = event.workflowExecutionStartedEventAttributes;
    const update = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input;
    const activity = event.activityTaskScheduledEventAttributes;
    const done = event.activityTaskCompletedEventAttributes;
    const failure = event.activityTaskFailedEventAttributes;
    const timeout = event.activityTaskTimedOutEventAttributes;
    const cancel = event.activityTaskCanceledEventAttributes;
    const end = event.workflowExecutionCompletedEventAttributes;

    if (started) {
      const [first] = (await decode(started.input?.payloads)) as [Order];
      asked.set(first.paypalOrderId ?? FREE, first);
      use(first);
    } else if (update) {
      const [paypalOrderId, changed] = (await decode(update.args?.payloads)) as PayArguments;
      const current = changed ?? order;
      if (current && !asked.has(paypalOrderId)) asked.set(paypalOrderId, current);
    } else if (event.workflowTaskStartedEventAttributes) {
      now = at;
    } else if (event.workflowTaskCompletedEventAttributes) {
      for (const step of unseen) step.at = now;
      unseen.clear();
    } else if (event.workflowExecutionCancelRequestedEventAttributes) {
      cancelled = true;
    } else if (activity) {
      const name = activity.activityType?.name as ActivityName;
      activities.set(String(event.eventId), { name, id: activity.activityId });
      const [request] = await decode(activity.input?.payloads, activity.activityId);
      scheduled(name, request);
    } else if (done) {
      const of = activityOf(done.scheduledEventId);
      if (of) completed(of.name, (await decode(done.result?.payloads, of.id))[0], at);
    } else if (failure) {
      const of = activityOf(failure.scheduledEventId);
      const [detail] = await decode(failure.failure?.applicationFailureInfo?.details?.payloads, of?.id);
      if (of) failed(of.name, 'failed', (detail as { attempts?: number } | undefined)?.attempts, at);
    } else if (timeout) {
      const of = activityOf(timeout.scheduledEventId);
      if (of) failed(of.name, 'failed', undefined, at);
    } else if (cancel) {
      const of = activityOf(cancel.scheduledEventId);
      if (of) failed(of.name, 'skipped', undefined, at);
    } else if (end) {
      const [{ status, steps: last }] = (await decode(end.result?.payloads)) as [Progress];
      return { status, steps: last };
    }
  }
  return progress;
}
