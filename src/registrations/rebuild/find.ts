/** Finds runs in Temporal that the database does not know (any more), because it was restored from a backup. */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { ADD_WORKFLOW } from '../../addition.ts';
import { CANCEL_EVENT_WORKFLOW, cancelEventWorkflowId } from '../../cancel-event.ts';
import { CHANGE_WORKFLOW } from '../../change.ts';
import type { Database } from '../../database/connection.ts';
import { findCancelled, findKnown, findKnownActions } from '../../database/lost.ts';
import { CANCEL_WORKFLOW, REFUND_WORKFLOW } from '../../refund.ts';
import { registrationId, SEARCH_ATTRIBUTES, WORKFLOW } from '../../registration.ts';

type Dependencies = { database: Database; temporal: Pick<Client, 'workflow'> };
/** A run by its two ids. `status` is Temporal's word. */
export type Run = { workflowId: string; runId: string; status: string; startedAt: Date };

/**
 * `registrations`: the last run of each registration that has left too little. `actions`: runs of organizers' actions that have. `events`:
 * those that were cancelled, which the database does not know.
 */
export type Unknown = { registrations: Run[]; actions: Run[]; events: string[] };

/** Runs that one statement asks about. */
const AT_ONCE = 500;

/**
 * Lists them, of all runs that Temporal still has. It reads the list of runs, and no history.
 * @throws the error of the database or of Temporal when they are away: then nothing is known
 */
export async function findUnknown({ database, temporal }: Dependencies): Promise<Unknown> {
  const registrations = await filter(list(temporal, [WORKFLOW, ADD_WORKFLOW]), async (runs) => {
    const last = new Map(runs.toReversed().map((run) => [registrationId(run.workflowId), run]));
    const known = await findKnown(database, [...last.keys()]);
    return known.flatMap(({ id, status, ended, open }) => {
      const run = last.get(id);
      if (!run) return [];
      const undone = ['refunded', 'cancelled'].includes(statusOf(run) ?? '') && status === 'confirmed';
      // The backup was made before its mail went out, and the run is over.
      const isOpenNoMore = open && run.status.name !== 'RUNNING';
      // A hold or a claim may be from before the backup, and what came of it is lost.
      return undone || isOpenNoMore || (status === null && !ended) ? [run] : [];
    });
  });
  const actions = await filter(
    list(temporal, [REFUND_WORKFLOW, CANCEL_WORKFLOW, CHANGE_WORKFLOW]),
    async (runs) => {
      const known = await findKnownActions(database, runs.map(actionOf));
      return runs.filter((run) => !known.has(actionOf(run)));
    },
  );
  const events = await filter(list(temporal, [CANCEL_EVENT_WORKFLOW]), async (runs) => {
    const all = [
      ...new Set(runs.map(({ workflowId }) => workflowId.slice(cancelEventWorkflowId('').length))),
    ];
    const known = await findCancelled(database, all);
    return all.filter((event) => !known.includes(event));
  });
  return {
    registrations: registrations.map(toRun),
    actions: actions.map(toRun),
    events: [...new Set(events)],
  };
}

const list = ({ workflow }: Dependencies['temporal'], types: string[]) =>
  workflow.list({ query: `WorkflowType IN (${types.map((type) => `"${type}"`).join(', ')})` });

/** Asks about some runs at a time. The list begins with the newest, so that the first run of an id is its last one. */
async function filter<T>(
  runs: AsyncIterable<WorkflowExecutionInfo>,
  choose: (some: WorkflowExecutionInfo[]) => Promise<T[]>,
): Promise<T[]> {
  const chosen: T[] = [];
  let some: WorkflowExecutionInfo[] = [];
  for await (const run of runs)
    if (some.push(run) === AT_ONCE) {
      chosen.push(...(await choose(some)));
      some = [];
    }
  return some.length > 0 ? [...chosen, ...(await choose(some))] : chosen;
}

const statusOf = (run: WorkflowExecutionInfo) => run.typedSearchAttributes.get(SEARCH_ATTRIBUTES.status);
/** The id of an action follows the only word before it: `refund-<action>`. */
const actionOf = ({ workflowId }: { workflowId: string }) => workflowId.slice(workflowId.indexOf('-') + 1);
const toRun = ({ workflowId, runId, status, startTime }: WorkflowExecutionInfo): Run => ({
  ...{ workflowId, runId },
  status: status.name,
  startedAt: startTime,
});
