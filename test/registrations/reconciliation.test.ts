/** Reconciliation finds what a stopped or deleted run has left unfinished, and repairs it once. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { findOrphans, repair } from '../../src/registrations/reconciliation.ts';
import { refundWorkflowId } from '../../src/refund.ts';
import { workflowId } from '../../src/registration.ts';
import { ifThere } from '../../src/temporal/client.ts';
import { startRefund } from '../../src/temporal/runs.ts';
import { aForm } from '../../stage/person.ts';
import { anAttendee, CARDS, startStack, type Stack } from '../stack.ts';
import { requestIdsTo } from '../vendors/request-ids.ts';
import { isLeftWith } from '../workflows/dev-server.ts';
import { gate } from '../workflows/stand-ins.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ answerWithinMs: 1000 });
  await stack.startWorker();
});
afterEach(() => stack.sandbox.faults.clear());
afterAll(() => stack.stop());

const orphans = () => findOrphans(stack, 0);
const handleOf = (id: string) => stack.temporal.workflow.getHandle(workflowId(id));
const captureOf = (id: string) =>
  stack.sandbox.ledger().captures.find(({ custom_id }) => custom_id === id)?.status;

/** Deletes a run, as Temporal does after the retention of the namespace. */
async function deleteRun(id: string): Promise<void> {
  const { namespace } = stack.temporal.options;
  const workflowExecution = { workflowId: workflowId(id) };
  await stack.temporal.workflowService.deleteWorkflowExecution({ namespace, workflowExecution });
  await vi.waitUntil(async () => !(await ifThere(handleOf(id).describe())), { timeout: 20_000 });
}

/** Leaves a claim as a worker of an earlier version would have made it. */
const keepNoOrder = (id: string) =>
  stack.database('seat_holds').where({ id }).update({ claimed_order: null });

it('repairs a pending payment without a kept order only when its run is gone and PayPal has decided', async () => {
  const ada = anAttendee(stack);
  expect((await ada.register(CARDS.pending)).statusCode).toBe(202);
  await isLeftWith(handleOf(ada.id), 'settlePayment');
  expect(await orphans()).toEqual([]);
  await handleOf(ada.id).terminate();
  await deleteRun(ada.id);
  await keepNoOrder(ada.id);
  // PayPal has not decided yet, so there is nothing to repair.
  const [orphan] = await orphans();
  expect(orphan).toMatchObject({ id: ada.id, run: 'GONE', capture: { status: 'pending' } });
  expect(orphan && (await repair(stack, orphan))).toEqual({ outcome: 'payment-pending' });
  stack.sandbox.settle(orphan?.capture?.id ?? '', 'DECLINED');
  const [decided] = await orphans();
  expect(decided?.capture).toBeNull();
  expect(decided && (await repair(stack, decided))).toEqual({ outcome: 'undone' });
  expect(await orphans()).toEqual([]);
});

it('does not report a registration whose run completes during the search', async () => {
  const ada = anAttendee(stack, aForm({ newsletter: false }));
  stack.sandbox.faults.set('paypal', { mode: 'slow', ms: 1500, only: '/capture', times: 1 });
  expect((await ada.register()).statusCode).toBe(202);
  // The seat is claimed when the claims are listed. By the time the run is described, it has completed.
  const delayed = {
    ...stack,
    temporal: {
      workflow: {
        list: stack.temporal.workflow.list.bind(stack.temporal.workflow),
        getHandle: (name: string) => ({
          describe: async () => {
            const handle = stack.temporal.workflow.getHandle(name);
            if (name === workflowId(ada.id)) await handle.result();
            return handle.describe();
          },
        }),
      },
    } as unknown as Stack['temporal'],
  };
  expect(await findOrphans(delayed, 0)).toEqual([]);
  expect(captureOf(ada.id)).toBe('COMPLETED');
});

it('refunds a payment once and frees its seat when the run is gone, and neither an order was saved nor one kept', async () => {
  const ada = anAttendee(stack, aForm({ ticketType: 'limited' }));
  stack.sandbox.faults.set('paypal', { mode: 'cut', only: '/capture' });
  expect((await ada.register()).statusCode).toBe(202);
  await vi.waitUntil(() => captureOf(ada.id) === 'COMPLETED', { timeout: 10_000 });
  await handleOf(ada.id).terminate();
  await deleteRun(ada.id);
  await keepNoOrder(ada.id);
  stack.sandbox.faults.clear();

  const [orphan] = await orphans();
  expect(orphan).toMatchObject({ id: ada.id, run: 'GONE', capture: { status: 'captured' } });
  expect(JSON.stringify(orphan)).not.toMatch(/ada@|Example/);
  expect(orphan && (await repair(stack, orphan))).toEqual({ outcome: 'undone' });
  expect(orphan && (await repair(stack, orphan))).toEqual({ outcome: 'undone' });
  expect(captureOf(ada.id)).toBe('REFUNDED');
  expect(stack.sandbox.ledger().refunds).toHaveLength(1);
  expect(await orphans()).toEqual([]);
  expect(await stack.database('seat_holds').where({ id: ada.id })).toEqual([]);
  // A late request does not revive the registration.
  expect((await ada.put()).json()).toMatchObject({ type: '/problems/registration-over' });
});

it('asks for the refund under the same id as the run that began it', async () => {
  const ada = anAttendee(stack, aForm({ newsletter: false }));
  const ids = requestIdsTo('/refund');
  await stack.database.raw('alter table orders add constraint broken check (false) not valid');
  stack.sandbox.faults.set('paypal', { mode: 'unreachable', only: '/refund' });
  expect((await ada.register()).statusCode).toBe(201);
  await isLeftWith(handleOf(ada.id), 'refundPayment');
  await handleOf(ada.id).terminate();
  await deleteRun(ada.id);
  await stack.database.raw('alter table orders drop constraint broken');
  stack.sandbox.faults.clear();

  const [orphan] = await orphans();
  expect(orphan && (await repair(stack, orphan))).toEqual({ outcome: 'undone' });
  expect(ids.length).toBeGreaterThan(1);
  expect(new Set(ids)).toEqual(new Set([`${ada.id}:refund:1`]));
});

it('resumes a stopped run once when it is repaired twice at the same moment', async () => {
  const ada = anAttendee(stack, aForm({ newsletter: false }));
  expect((await ada.register(CARDS.pending)).statusCode).toBe(202);
  await isLeftWith(handleOf(ada.id), 'settlePayment');
  await handleOf(ada.id).terminate();
  const [orphan] = await orphans();
  if (!orphan) throw new Error('There is no orphan');

  // The run asks once more after it is resumed, and then only after a minute.
  const [capture] = stack.sandbox.ledger().captures.filter(({ custom_id }) => custom_id === ada.id);
  stack.sandbox.settle(capture?.id ?? '', 'COMPLETED');
  const { opened, open } = gate();
  const requests: string[] = [];
  const resumed: string[] = [];
  const resetWorkflowExecution = async (request: { requestId: string }) => {
    if (requests.push(request.requestId) === 2) open();
    await opened;
    const { runId } = await stack.temporal.workflowService.resetWorkflowExecution(request);
    resumed.push(runId);
  };
  const temporal = Object.create(stack.temporal, {
    workflowService: { value: { resetWorkflowExecution } },
  }) as Stack['temporal'];
  await Promise.all([repair({ ...stack, temporal }, orphan), repair({ ...stack, temporal }, orphan)]);
  expect(new Set(resumed).size).toBe(1);
  await handleOf(ada.id).result();
});

it('has a refund made whose run was terminated', async () => {
  const ada = anAttendee(stack, aForm({ newsletter: false }));
  expect((await ada.register()).statusCode).toBe(201);
  await handleOf(ada.id).result();
  stack.sandbox.faults.set('paypal', { mode: 'unreachable' });
  const action = randomUUID();
  const request = { registration: ada.id, action, organizer: randomUUID(), reason: '', cancels: true };
  const about = { event: 'conference', ticketType: 'regular', status: 'confirmed' } as const;
  await startRefund(stack.temporal, { ...request, amount: null }, about, { taskQueue: stack.taskQueue });
  const run = stack.temporal.workflow.getHandle(refundWorkflowId(action));
  expect(await orphans()).toEqual([]);
  await run.terminate();
  stack.sandbox.faults.clear();

  const [orphan] = await orphans();
  expect(orphan).toMatchObject({ id: ada.id, run: 'TERMINATED', refund: { action } });
  if (!orphan) throw new Error('There is no orphan');
  const repaired = await Promise.all([repair(stack, orphan), repair(stack, orphan)]);
  expect(repaired).toEqual([{ outcome: 'resumed' }, { outcome: 'resumed' }]);
  expect(await stack.temporal.workflow.getHandle(refundWorkflowId(action)).result()).toMatchObject({
    status: 'done',
    ended: 'refunded',
  });
  expect(captureOf(ada.id)).toBe('REFUNDED');
  expect(await orphans()).toEqual([]);
});
