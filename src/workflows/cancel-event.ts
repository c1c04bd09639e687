import {
  condition,
  continueAsNew,
  defineSignal,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  startChild,
  workflowInfo,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow';
import { TypedSearchAttributes, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Activities } from '../activities/index.ts';
import {
  LOOK,
  tellOwnersWorkflowId,
  type CancelEventRequest,
  type CancellationCounts,
  type CancellationToBegin,
  type NextCancellations,
} from '../cancel-event.ts';
import { cancelWorkflowId, refundWorkflowId } from '../refund.ts';
import { NOT_RATE_LIMITED, RATE_LIMITED, SEARCH_ATTRIBUTES } from '../registration.ts';
import { FOR_A_MONTH, UNTIL_DONE } from './options.ts';
import { cancelRegistration, refund } from './refund.ts';

const { nextCancellations, findOwners } = proxyActivities<Activities>({
  ...UNTIL_DONE,
  summary: 'Look in PostgreSQL what there is to do',
});
const { mailPause } = proxyActivities<Activities>({
  ...FOR_A_MONTH,
  priority: RATE_LIMITED.email,
  summary: 'Tell an owner by e-mail',
});

export const lookSignal = defineSignal(LOOK);

/** How long to wait before the next look: a second while there is something to begin, and longer while there is not. */
const [SHORTEST_MS, LONGEST_MS] = [1000, 30_000];
/** A signal ends a pause. In case it is lost, the run looks by itself as well. */
const PAUSE_MS = 300_000;
/** The length of a history after which the run continues as a new one, which is also when Temporal recommends it. */
const EVENTS_PER_RUN = 4000;

/**
 * Cancels everybody who is registered for a cancelled event. The database knows who is left, so that the run keeps nothing: it looks,
 * begins the next ones, each in a run of its own that goes on by itself, and looks again, until nobody is left.
 * @returns how many were cancelled, and how many PayPal has refused to refund
 */
export async function cancelEvent(request: CancelEventRequest): Promise<CancellationCounts> {
  const { event, eventsPerRun = EVENTS_PER_RUN } = request;
  let isAsked = false;
  setHandler(lookSignal, () => {
    isAsked = true;
  });
  for (let waitMs = SHORTEST_MS; ;) {
    isAsked = false;
    const next = await nextCancellations(event);
    show(next);
    await Promise.all(next.begin.map((one) => begin(event, one)));
    if (next.paused === 'funds') await tell(event, next.pauses);
    if (next.finished) return next.counts;
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    if (historyLength > eventsPerRun || continueAsNewSuggested)
      await continueAsNew<typeof cancelEvent>(request);
    waitMs = next.begin.length > 0 ? SHORTEST_MS : Math.min(LONGEST_MS, waitMs * 2);
    await condition(() => isAsked, next.paused ? PAUSE_MS : waitMs);
  }
}

/** What organizers see in Temporal's Web UI. */
function show({ counts: { done, refused, left }, paused }: NextCancellations): void {
  const state = paused ? `paused (${paused})` : 'under way';
  setCurrentDetails(
    [`**${state}**`, '', `- done: ${done}`, `- refused: ${refused}`, `- left: ${left}`].join('\n'),
  );
}

/** Begins to cancel one registration. Its run tells the attendee, however long that takes, so nobody waits for its end. */
async function begin(event: string, one: CancellationToBegin): Promise<void> {
  const { does, registration, action, organizer, reference, ticketType, again } = one;
  const request = { registration, action, organizer, reason: '' };
  // A namespace has all search attributes or none, so those of this run say whether its children may have them.
  const isIndexed = workflowInfo().typedSearchAttributes.get(SEARCH_ATTRIBUTES.event) !== undefined;
  const options = {
    parentClosePolicy: ParentClosePolicy.ABANDON,
    // What was begun before goes on. It is begun anew only where its run has failed, or PayPal has refused.
    workflowIdReusePolicy:
      again === null
        ? WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY
        : WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    priority: NOT_RATE_LIMITED,
    staticSummary: `${reference} · event cancelled`,
    ...(isIndexed && {
      typedSearchAttributes: new TypedSearchAttributes([
        { key: SEARCH_ATTRIBUTES.reference, value: reference },
        { key: SEARCH_ATTRIBUTES.status, value: 'confirmed' },
        { key: SEARCH_ATTRIBUTES.event, value: event },
        { key: SEARCH_ATTRIBUTES.ticketType, value: ticketType },
      ]),
    }),
  };
  const everything = { ...request, amount: null, cancels: true, ...(again !== null && { again }) };
  await unlessStarted(
    does === 'refund'
      ? startChild(refund, { ...options, workflowId: refundWorkflowId(action), args: [everything] })
      : startChild(cancelRegistration, {
          ...options,
          workflowId: cancelWorkflowId(action),
          args: [{ ...request, unlessPaid: true }],
        }),
  );
}

/** Tells the owners of a pause, once. */
const tell = (event: string, pause: number) =>
  unlessStarted(
    startChild(tellOwners, {
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      workflowId: tellOwnersWorkflowId(event, pause),
      args: [event],
      staticSummary: `${event} · paused for want of money`,
    }),
  );

const unlessStarted = (started: Promise<unknown>) =>
  started.catch((error: unknown) => {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  });

/** Mails every owner that the refunds of an event have paused for want of money. The run knows the ids of the owners only. */
export async function tellOwners(event: string): Promise<void> {
  const owners = await findOwners();
  await Promise.allSettled(owners.map((organizer) => mailPause({ event, organizer })));
}
