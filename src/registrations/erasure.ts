/** Takes one person's data out of everything this service writes to, on their request. */
import type { Client } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';
import { eraseIdentity } from '../database/additions.ts';
import type { Database } from '../database/connection.ts';
import { eraseFromOrder } from '../database/orders.ts';
import { eraseClaimedOrder } from '../database/seats/claim.ts';
import { eraseTexts, findActions } from '../database/history.ts';
import { findByReference } from '../database/registrations.ts';
import { findSubscriptions, leaveToAnother, type Subscription } from '../database/subscriptions.ts';
import type { Activities } from '../activities/index.ts';
import { CHANGE_WORKFLOW, changeWorkflowId } from '../change.ts';
import { CANCEL_WORKFLOW, cancelWorkflowId, REFUND_WORKFLOW, refundWorkflowId } from '../refund.ts';
import { resendWorkflowId, SEARCH_ATTRIBUTES, workflowId } from '../registration.ts';
import { ifThere } from '../temporal/client.ts';
import { decoderOf } from '../temporal/payloads.ts';
import { hasSearchAttributes } from '../temporal/search-attributes.ts';
import type { Mailchimp } from '../vendors/mailchimp.ts';

type Dependencies = { database: Database; temporal: Client; mailchimp: Mailchimp };
type Handle = ReturnType<Client['workflow']['getHandle']>;

const ADDING = 'addToMailingList' satisfies keyof Activities;
type AddingArguments = Parameters<Activities[typeof ADDING]>;

/**
 * What became of the address in the audience. It is left alone when the registration never got as far as adding it
 * (`nothing-added`), when it was a member already (`was-there-before`), and when another registration has it and asked for the
 * newsletter (`kept-for-another`).
 */
export type Audience = 'deleted' | 'not-a-member' | 'nothing-added' | 'was-there-before' | 'kept-for-another';

/** `erased`: what was there to be taken out. Otherwise nothing was erased: an open run still needs the data. */
export type Erasure =
  | { outcome: 'erased'; order: boolean; audience: Audience; histories: number }
  | { outcome: 'unknown-reference' | 'run-open' };

/**
 * Erases the person of a registration: from the audience, from Temporal's histories, and last from the order, because it holds
 * the address. Repeating it finishes an erasure that was cut off.
 * @throws VendorError, or the error of Temporal or the database, when they are away; an error when a history cannot be
 *   decrypted. None of them tells anything about the person.
 */
export async function erase(
  { database, temporal, mailchimp }: Dependencies,
  reference: string,
): Promise<Erasure> {
  const id = await findByReference(database, reference);
  if (id === undefined) return { outcome: 'unknown-reference' };
  const run = temporal.workflow.getHandle(workflowId(id));
  const actions = await findActions(database, id);
  const own = [
    workflowId(id),
    ...actions.flatMap((action) => [
      refundWorkflowId(action),
      cancelWorkflowId(action),
      changeWorkflowId(action),
    ]),
    ...(await refusedIn(temporal, reference)),
  ];
  for (const name of own) {
    const found = await ifThere(temporal.workflow.getHandle(name).describe());
    if (found?.status.name === 'RUNNING') return { outcome: 'run-open' };
  }

  const added = (await findSubscriptions(database, id)) ?? (await addedIn(temporal, run));
  let audience: Audience = 'nothing-added';
  for (const subscription of added)
    if (await leaveToAnother(database, id, subscription)) audience = 'kept-for-another';
    else audience = await mailchimp.forget(subscription.email, subscription.since);
  const histories = await deleteHistories(temporal, [resendWorkflowId(id), ...own]);
  await eraseTexts(database, id);
  await eraseIdentity(database, id);
  await eraseClaimedOrder(database, id);
  return { outcome: 'erased', audience, histories, order: await eraseFromOrder(database, id) };
}

/** The runs of organizers' actions about a registration. Those that came to nothing have left no trace in the database. */
async function refusedIn(temporal: Client, reference: string): Promise<string[]> {
  if (!(await hasSearchAttributes(temporal))) return [];
  const types = [REFUND_WORKFLOW, CANCEL_WORKFLOW, CHANGE_WORKFLOW].map((type) => `"${type}"`).join(', ');
  const query = `${SEARCH_ATTRIBUTES.reference.name} = "${reference}" AND WorkflowType IN (${types})`;
  const names = new Set<string>();
  for await (const run of temporal.workflow.list({ query })) names.add(run.workflowId);
  return [...names];
}

/** The e-mail addresses that a run without an order may have added to the audience, and since when. */
async function addedIn(temporal: Client, run: Handle): Promise<Subscription[]> {
  const history = await ifThere(run.fetchHistory());
  const { namespace, loadedDataConverter } = temporal.options;
  const decode = decoderOf(loadedDataConverter, { namespace, workflowId: run.workflowId });
  const added: Subscription[] = [];
  for (const { activityTaskScheduledEventAttributes: scheduled, eventTime } of history?.events ?? []) {
    if (scheduled?.activityType?.name !== ADDING) continue;
    const [{ attendee }] = (await decode(scheduled.input?.payloads, scheduled.activityId)) as AddingArguments;
    added.push({ email: attendee.email, since: new Date(tsToMs(eventTime)) });
  }
  return added;
}

/** Deletes the histories of all runs with these ids: one that was reset has several. Returns their number. */
async function deleteHistories(
  { workflow, workflowService, options }: Client,
  names: string[],
): Promise<number> {
  const { namespace } = options;
  const runs = new Map<string, { workflowId: string; runId: string }>();
  // The list knows former runs as well, but each run only a moment after it has started.
  for (const name of names) {
    const last = await ifThere(workflow.getHandle(name).describe());
    if (last) runs.set(last.runId, last);
  }
  const query = `WorkflowId IN (${names.map((name) => `"${name}"`).join(', ')})`;
  for await (const run of workflow.list({ query })) runs.set(run.runId, run);
  let deleted = 0;
  for (const { workflowId: name, runId } of runs.values()) {
    const workflowExecution = { workflowId: name, runId };
    // Temporal goes on listing a deleted run for a moment.
    if (await ifThere(workflowService.deleteWorkflowExecution({ namespace, workflowExecution }))) deleted++;
  }
  return deleted;
}
