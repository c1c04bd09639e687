/** Why a step of a registration has not succeeded: the last failure of its activity, as long as Temporal has its run. */
import type { Client } from '@temporalio/client';
import type proto from '@temporalio/proto';
import type { Activities } from '../activities/index.ts';
import { workflowId, type Step, type StepName } from '../registration.ts';
import { ifThere } from './client.ts';
import { STEP_OF } from './history.ts';

type Failure = proto.temporal.api.failure.v1.IFailure | null | undefined;
/** The type of a failure (activities/failure.ts), such as `SendGridAuth`; and the vendor's own word, if there is one. */
export type StepFailure = { type: string; word: string | undefined };
export type StepFailures = Partial<Record<StepName, StepFailure>>;

const CALL_TIMEOUT_MS = 3000;
/**
 * Type and message of a failure are readable without the key. The message ends with the facts in parentheses, such as
 * `(SendGridAuth 401 UNAUTHORIZED)`; those of earlier releases are the facts alone.
 */
const WORD = /(?:^|\()[A-Za-z]+(?: \d{3})?(?: ([\w.:-]{1,80}))?\)?$/;

/**
 * Reads the last failure of each step that is being tried again or has failed for good. It asks Temporal only when there is such a
 * step. Where Temporal cannot be reached, or has forgotten the run, there are none.
 */
export async function readFailures(temporal: Client, id: string, steps: Step[]): Promise<StepFailures> {
  const isIn = (...states: Step['state'][]) => steps.some(({ state }) => states.includes(state));
  if (!isIn('retrying', 'failed')) return {};
  const handle = temporal.workflow.getHandle(workflowId(id));
  const within = <T>(ask: () => Promise<T>) => temporal.withDeadline(Date.now() + CALL_TIMEOUT_MS, ask);
  try {
    const run = await within(() => ifThere(handle.describe()));
    const pending = (run?.raw.pendingActivities ?? []).map(({ activityType, lastFailure }) => ({
      ...{ name: activityType?.name, failure: lastFailure },
    }));
    const over =
      run && isIn('failed') ? finalFailures((await within(() => handle.fetchHistory())).events) : [];
    return Object.fromEntries(
      [...over, ...pending].flatMap(({ name, failure }) => {
        const step = STEP_OF[name as keyof Activities];
        return step && failure ? [[step, toStepFailure(failure)]] : [];
      }),
    );
  } catch {
    return {};
  }
}

function finalFailures(events: proto.temporal.api.history.v1.IHistoryEvent[] | null | undefined) {
  const names = new Map<string, string | null | undefined>();
  const failures: { name: string | null | undefined; failure: Failure }[] = [];
  for (const event of events ?? []) {
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled) names.set(String(event.eventId), scheduled.activityType?.name);
    const ended = event.activityTaskFailedEventAttributes ?? event.activityTaskTimedOutEventAttributes;
    if (ended) failures.push({ name: names.get(String(ended.scheduledEventId)), failure: ended.failure });
  }
  return failures;
}

/** What ran out of time has its last failure as the cause. */
function toStepFailure(failure: NonNullable<Failure>): StepFailure {
  const info = failure.applicationFailureInfo;
  if (info?.type) return { type: info.type, word: WORD.exec(failure.message ?? '')?.[1] };
  return failure.cause ? toStepFailure(failure.cause) : { type: 'Timeout', word: undefined };
}
