/** Finds registrations in the middle of something, whose run was stopped or is gone: by Temporal and the database, without PayPal. */
import type { Client } from '@temporalio/client';
import { ADD_WORKFLOW } from '../addition.ts';
import { changeWorkflowId } from '../change.ts';
import { findWaitingByHand, type WaitingByHand } from '../database/additions.ts';
import type { Database } from '../database/connection.ts';
import { findOpenRefunds, findRefund, type OpenRefund } from '../database/refunds.ts';
import { findClaims, type Claim } from '../database/seats/claim.ts';
import { findHold } from '../database/seats/hold.ts';
import { findActions } from '../database/history.ts';
import { findOpenRegistrations, findUnfinished } from '../database/steps.ts';
import { refundWorkflowId } from '../refund.ts';
import { registrationId, WORKFLOW, workflowId } from '../registration.ts';
import { ifThere } from '../temporal/client.ts';

/** Statuses of a run that goes on by itself, or has done everything it had to. */
const WELL = ['RUNNING', 'CONTINUED_AS_NEW', 'COMPLETED'];
/** There is no run (any more): Temporal keeps closed ones for the retention of the namespace. */
export const GONE = 'GONE';

/** `run` is the status of the run that was stopped: that of the registration, or that of the refund. */
export type Stopped = { id: string; run: string } & (
  | { kind: 'payment'; claim: Claim }
  | { kind: 'registration' }
  | { kind: 'addition'; added: WaitingByHand | undefined }
  | { kind: 'refund'; refund: OpenRefund }
);

type Dependencies = { database: Database; temporal: Pick<Client, 'workflow'> };
type Options = {
  /** Seats that were claimed, and refunds that were asked for, since then may not have their run yet. */
  olderThanMinutes: number;
  /** How many stopped runs of Temporal's list are looked at, the newest first. */
  most?: number;
  /** Registrations that are looked at as well, because they were found before. */
  known?: string[];
  signal?: AbortSignal;
};

/**
 * Lists claimed seats whose run is not open, orders whose run was stopped before everything was done, such as the mail, what
 * organizers add, where its run was stopped before the order, and refunds whose run was stopped.
 * @throws the error of the database or of Temporal when they are away: then nothing is known
 */
export async function findStopped(dependencies: Dependencies, options: Options): Promise<Stopped[]> {
  return [
    ...(await paying(dependencies, options)),
    ...(await ordered(dependencies, options)),
    ...(await refunding(dependencies, options)),
  ];
}

async function paying(
  { database, temporal }: Dependencies,
  { olderThanMinutes, signal }: Options,
): Promise<Stopped[]> {
  const stopped: Stopped[] = [];
  for (const claim of await findClaims(database, olderThanMinutes)) {
    signal?.throwIfAborted();
    const { id } = claim;
    const run = await statusOf(temporal, workflowId(id));
    if (run === 'RUNNING') continue;
    // The run may have ended well since its claim was read: only a claim that is still there counts.
    const left = await findHold(database, id);
    if (left?.heldUntil !== null) continue;
    stopped.push({ kind: 'payment', id, run, claim });
  }
  return stopped;
}

async function ordered(
  { database, temporal }: Dependencies,
  { olderThanMinutes, most = Infinity, known = [], signal }: Options,
): Promise<Stopped[]> {
  const query = `WorkflowType IN ("${WORKFLOW}", "${ADD_WORKFLOW}") AND ExecutionStatus IN ("Terminated", "Failed", "TimedOut")`;
  const ids = new Set<string>();
  for await (const listed of temporal.workflow.list({ query })) {
    ids.add(registrationId(listed.workflowId));
    if (ids.size >= most) break;
  }
  // A server that has lost its runs has none in its list.
  const open = await findOpenRegistrations(database, olderThanMinutes);
  const waiting = new Map(
    (await findWaitingByHand(database, olderThanMinutes)).map((one) => [one.request.registration, one]),
  );
  const stopped: Stopped[] = [];
  const looked = new Set([...ids, ...known, ...open.slice(0, most), ...waiting.keys()]);
  for (const { id, isOrdered } of await findUnfinished(database, [...looked])) {
    signal?.throwIfAborted();
    // A reset leaves the run that it was made from as a terminated one. The last run of a registration counts.
    const run = await statusOf(temporal, workflowId(id));
    // What an organizer has done once more has a run of its own.
    if (run === GONE && (await isChanging(temporal, await findActions(database, id)))) continue;
    if (WELL.includes(run)) continue;
    if (isOrdered) stopped.push({ kind: 'registration', id, run });
    else stopped.push({ kind: 'addition', id, run, added: waiting.get(id) });
  }
  return stopped;
}

async function isChanging(temporal: Pick<Client, 'workflow'>, actions: string[]): Promise<boolean> {
  for (const action of actions)
    if ((await statusOf(temporal, changeWorkflowId(action))) === 'RUNNING') return true;
  return false;
}

async function refunding(
  { database, temporal }: Dependencies,
  { olderThanMinutes, signal }: Options,
): Promise<Stopped[]> {
  const stopped: Stopped[] = [];
  for (const refund of await findOpenRefunds(database, olderThanMinutes)) {
    signal?.throwIfAborted();
    const { action, registration: id } = refund;
    const run = await statusOf(temporal, action === id ? workflowId(id) : refundWorkflowId(action));
    // The run may have ended well since its refund was read.
    if (run === 'RUNNING' || (await findRefund(database, action))?.state !== 'asked') continue;
    stopped.push({ kind: 'refund', id, run, refund });
  }
  return stopped;
}

async function statusOf({ workflow }: Pick<Client, 'workflow'>, name: string): Promise<string> {
  return (await ifThere(workflow.getHandle(name).describe()))?.status.name ?? GONE;
}
