/** A registration has one run, whatever is asked for and how often. */
import { randomUUID } from 'node:crypto';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { bundleWorkflows } from '../workflows/bundle.ts';
import { connectRuns } from '../workflows/dev-server.ts';
import { anOrder, CAPTURED, declined, gate } from '../workflows/stand-ins.ts';

let runs: Awaited<ReturnType<typeof connectRuns>>;
let stopWorker: () => Promise<void>;
beforeAll(async () => {
  runs = await connectRuns(inject('temporalAddress'), `runs-${randomUUID()}`);
  stopWorker = await runs.startWorker(await bundleWorkflows());
});
afterAll(async () => {
  await stopWorker();
  await runs.close();
});

it('a payment that is asked for again joins the open run', async () => {
  const { opened, open } = gate();
  const saved = opened.then(() => ({ attempts: 1 }));
  const { handle, pay } = runs.registration(anOrder(), { saveOrder: () => saved });
  const first = await pay();
  const { runId } = await handle.describe();
  expect(await pay()).toEqual(first);
  expect((await handle.describe()).runId).toBe(runId);
  open();
  await handle.result();
});

it('a payment that is asked for again after the end of the run gets the same answer from that run', async () => {
  const { handle, pay } = runs.registration(anOrder());
  const first = await pay();
  await handle.result();
  const { runId } = await handle.describe();
  expect(await pay()).toEqual(first);
  expect((await handle.describe()).runId).toBe(runId);
});

it('a run that is over takes no other PayPal order, and no second run is started', async () => {
  const order = anOrder();
  const { handle, pay } = runs.registration(order);
  await pay();
  await handle.result();
  const { runId } = await handle.describe();
  await expect(pay({ ...order, paypalOrderId: 'B' })).rejects.toBeInstanceOf(
    WorkflowExecutionAlreadyStartedError,
  );
  expect((await handle.describe()).runId).toBe(runId);
});

it('another PayPal order brings the order as it is now, where it may differ', async () => {
  const order = anOrder();
  const mails: string[] = [];
  const { handle, pay } = runs.registration(order, {
    takePayment: ({ paypalOrderId }) =>
      Promise.resolve(
        paypalOrderId === 'A' ? declined('2099-01-01T00:00:00.000Z') : { ...CAPTURED, paypalOrderId },
      ),
    sendConfirmation: ({ attendee }) => {
      mails.push(attendee.email);
      return Promise.resolve({ attempts: 1 });
    },
  });
  expect(await pay()).toMatchObject({ status: 'declined' });
  const attendee = { ...order.attendee, email: 'corrected@example.org' };
  await pay({ ...order, attendee, paypalOrderId: 'B' });
  await handle.result();
  expect(mails).toEqual(['corrected@example.org']);
});
