import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  continueAsNew,
  ParentClosePolicy,
  proxyActivities,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { NextAddition } from '../addition.ts';
import { SEARCH_ATTRIBUTES, workflowId } from '../registration.ts';
import { addRegistration } from './add.ts';
import { UNTIL_DONE } from './options.ts';

const { nextAdditions, addOrder, noteRuns, finishImport } = proxyActivities<Activities>({
  ...UNTIL_DONE,
  summary: 'Add the registrations of a file in PostgreSQL',
});

/** How many registrations are added at a time: the seats of a ticket type are counted one after the other anyway. */
const AT_A_TIME = 5;
/** A run goes on as a new one after this many batches, so that its history stays small. */
const BATCHES = 5;

/**
 * Adds the registrations of a file, each once. One that is added gets a run of its own, which sends the confirmation and which
 * this run does not wait for. What cannot be added is noted with its reason, and stops nothing else.
 */
export async function importRegistrations(id: string): Promise<void> {
  for (let batch = 0; batch < BATCHES; batch++) {
    const batchOf = await nextAdditions(id);
    if (batchOf.length === 0) return finishImport(id);
    const left = [...batchOf];
    const addNext = async (): Promise<void> => {
      for (let next = left.shift(); next; next = left.shift()) {
        const { decision } = await addOrder(next.registration);
        if (decision.status === 'added') await startRun(next);
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, addNext));
    await noteRuns(batchOf.map(({ registration }) => registration));
  }
  await continueAsNew<typeof importRegistrations>(id);
}

/** Starts the run of a registration that is added, unless a run of this import has started it before. */
async function startRun({ registration, action, organizer, ...about }: NextAddition): Promise<void> {
  const isIndexed = workflowInfo().typedSearchAttributes.get(SEARCH_ATTRIBUTES.event) !== undefined;
  const { reference, event, ticketType } = about;
  await startChild(addRegistration, {
    workflowId: workflowId(registration),
    args: [{ registration, action, organizer }],
    parentClosePolicy: ParentClosePolicy.ABANDON,
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    staticSummary: `${reference} · ${event} · ${ticketType} · import`,
    ...(isIndexed && {
      typedSearchAttributes: [
        { key: SEARCH_ATTRIBUTES.reference, value: reference },
        { key: SEARCH_ATTRIBUTES.status, value: 'processing' },
        { key: SEARCH_ATTRIBUTES.event, value: event },
        { key: SEARCH_ATTRIBUTES.ticketType, value: ticketType },
      ],
    }),
  }).catch((error: unknown) => {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  });
}
