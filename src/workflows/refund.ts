import {
  allHandlersFinished,
  condition,
  getExternalWorkflowHandle,
  patched,
  proxyActivities,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import {
  ENDED,
  type CancelDecision,
  type CancelRequest,
  type EndedStatus,
  type OrganizerAction,
  type RefundOutcome,
  type RefundRequest,
  type RefundResult,
} from '../refund.ts';
import { RATE_LIMITED, workflowId } from '../registration.ts';
import { announce } from './decision.ts';
import { showInList } from './list.ts';
import { FOR_A_MONTH, UNTIL_DONE } from './options.ts';

const { askRefund, cancelOrder, giveSeatBack } = proxyActivities<Activities>({
  ...UNTIL_DONE,
  summary: 'Decide about it in PostgreSQL',
});
const { sendRefund } = proxyActivities<Activities>({ ...UNTIL_DONE, summary: 'Refund through PayPal' });
const { tellAttendee } = proxyActivities<Activities>({
  ...FOR_A_MONTH,
  priority: RATE_LIMITED.email,
  summary: 'Tell the attendee by e-mail',
});

/** One refund: it is entered in the ledger, made by PayPal, and told to the attendee. A refusal by PayPal ends the run. */
export async function refund(request: RefundRequest): Promise<RefundResult> {
  const decided = announce(request.again);
  const decision = await askRefund(request);
  decided(decision);
  const result =
    decision.status === 'asked' ? { ...(await make(request)), asked: decision.amount } : decision;
  await condition(allHandlersFinished);
  return result;
}

/** Makes a refund of the ledger, and tells the attendee. */
async function make(request: RefundRequest): Promise<RefundOutcome> {
  const outcome = await sendRefund(request.action);
  if (outcome.status === 'done') {
    const { ended } = outcome;
    if (ended) await end(request.registration, ended);
    const refunded = outcome.amount.minor > 0 ? outcome.amount : null;
    if (ended || refunded) await tell(request, ended ? 'cancelled' : 'refund-made', refunded);
  }
  return outcome;
}

/** Cancels a registration without a refund. One without an order is undone by its own run, with a refund of what was taken. */
export async function cancelRegistration(request: CancelRequest): Promise<CancelDecision> {
  const decided = announce();
  const decision = await cancelOrder(request);
  decided(decision);
  if (decision.status === 'ended') {
    await end(request.registration, 'cancelled');
    await tell(request, 'cancelled', null);
  } else if (decision.status === 'open') {
    const run = getExternalWorkflowHandle(workflowId(request.registration));
    const hasRun = await run.cancel().then(
      () => true,
      () => false,
    );
    const isOrdered = await undoOrder(request);
    // Without a run and an order nothing was paid: only the hold is left.
    if (!hasRun && !isOrdered) await giveSeatBack(request.registration, 'cancelled');
    if (!isOrdered) show('cancelled');
  }
  await condition(allHandlersFinished);
  return decision;
}

/**
 * Temporal accepts the cancellation of a run that has ended just before, and nothing comes of it. The order that such a run has
 * left is undone here, as an open run undoes it: whichever asks for the refund first makes it.
 * @returns whether there is an order
 */
async function undoOrder(request: OrganizerAction): Promise<boolean> {
  const everything = { ...request, amount: null, cancels: true };
  const { status } = await askRefund(everything);
  if (status === 'asked') await make(everything);
  if (status === 'nothing-paid' || status === 'paid-elsewhere') {
    await giveSeatBack(request.registration, 'cancelled');
    show('cancelled');
    await tell(request, 'cancelled', null);
  }
  return status !== 'no-order';
}

/** The registration is over, whatever its run still tries. Most runs have ended long before. */
async function end(registration: string, status: EndedStatus): Promise<void> {
  show(status);
  await getExternalWorkflowHandle(workflowId(registration))
    .signal(ENDED, status)
    .catch(() => undefined);
}

/** The run of a registration that has ended keeps its search attributes, so the run that ends the registration says it. */
function show(status: EndedStatus): void {
  if (patched('status-in-list')) showInList({ status });
}

const tell = ({ registration: id }: OrganizerAction, ...[kind, refunded]: Notice) =>
  tellAttendee({ id, kind, refunded }).catch(() => undefined);
type Told = Parameters<Activities['tellAttendee']>[0];
type Notice = [kind: Told['kind'], refunded: Told['refunded']];
