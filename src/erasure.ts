/** Takes one person's data out of everything this service writes to, on their request. */
import type { Client } from '@temporalio/client';
import type { LoadedDataConverter } from '@temporalio/common';
import type { Database } from './database/connection.ts';
import { eraseFromOrder, findByReference, findEmail, isWantedElsewhere } from './database/people.ts';
import type { Audience } from './mailchimp.ts';
import { resendWorkflowId, workflowId, type Order } from './registration.ts';
import { ifThere } from './temporal.ts';

type Dependencies = { database: Database; temporal: Client; audience: Audience };
type Handle = ReturnType<Client['workflow']['getHandle']>;

/**
 * What was there to be taken out. `kept-for-another`: another registration has the address, and asked for the newsletter.
 */
export type Erased = {
  order: boolean;
  audience: 'deleted' | 'not-a-member' | 'kept-for-another';
  histories: number;
};
/** Why nothing was erased. */
export type NotErased = 'unknown-reference' | 'run-open';

/**
 * Erases the person of a registration: from the audience, from Temporal's histories, and last from the order, which holds
 * the address; so what was cut off is finished by repeating it. An open run is left alone: it still needs the data.
 * @throws when Mailchimp, Temporal or the database is away, or a history cannot be decrypted, without a person's data
 */
export async function erase(
  { database, temporal, audience }: Dependencies,
  reference: string,
): Promise<Erased | NotErased> {
  const id = await findByReference(database, reference);
  if (id === undefined) return 'unknown-reference';
  const run = temporal.workflow.getHandle(workflowId(id));
  const found = await ifThere(run.describe());
  if (found?.status.name === 'RUNNING') return 'run-open';

  const inOrder = await findEmail(database, id);
  const emails = inOrder === undefined ? await emailsIn(temporal, run) : [inOrder];
  let fromAudience: Erased['audience'] = 'not-a-member';
  for (const email of emails) {
    if (await isWantedElsewhere(database, id, email)) fromAudience = 'kept-for-another';
    else if (await forget(audience, email)) fromAudience = 'deleted';
  }
  const histories = await deleteHistories(temporal, id);
  return { audience: fromAudience, histories, order: await eraseFromOrder(database, id) };
}

/** Every address that a run without an order was given: an attendee may have corrected it between two attempts to pay. */
async function emailsIn(temporal: Client, run: Handle): Promise<string[]> {
  const history = await ifThere(run.fetchHistory());
  const emails = new Set<string>();
  for (const event of history?.events ?? []) {
    const payloads =
      event.workflowExecutionStartedEventAttributes?.input?.payloads ??
      event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input?.args?.payloads ??
      [];
    for (const value of await decode(temporal.options.loadedDataConverter, payloads)) {
      const { attendee } = Object(value) as Partial<Order>;
      if (attendee) emails.add(attendee.email);
    }
  }
  return [...emails];
}

type Payloads = Parameters<LoadedDataConverter['payloadCodecs'][number]['decode']>[0];

async function decode({ payloadCodecs, payloadConverter }: LoadedDataConverter, payloads: Payloads) {
  let plain = payloads;
  for (const codec of payloadCodecs) plain = await codec.decode(plain);
  return plain.map((payload) => payloadConverter.fromPayload<unknown>(payload));
}

/** @returns false when the address is not in the audience (any more) */
const forget = (audience: Audience, email: string): Promise<boolean> =>
  audience.forget(email).then(
    () => true,
    (error: unknown) => {
      const { status } = Object(error) as { status?: number };
      if (status === 404) return false;
      // Not the SDK's own error, which carries the key.
      throw new Error(`Mailchimp did not delete the member: ${status ?? 'no answer'}`);
    },
  );

/** Deletes the histories of all runs of a registration: one that was reset has several. Answers how many there were. */
async function deleteHistories({ workflow, workflowService, options }: Client, id: string): Promise<number> {
  const { namespace } = options;
  const query = `WorkflowId IN ("${workflowId(id)}", "${resendWorkflowId(id)}")`;
  let deleted = 0;
  for await (const { workflowId: name, runId } of workflow.list({ query })) {
    const workflowExecution = { workflowId: name, runId };
    // Temporal lists what it has deleted for a moment longer.
    if (await ifThere(workflowService.deleteWorkflowExecution({ namespace, workflowExecution }))) deleted++;
  }
  return deleted;
}
