/**
 * Cancels registrations while a step is running. These tests need a real server, because the time-skipping one fails when an
 * activity ends while it is being cancelled.
 */
import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';
import { afterAll, beforeAll, expect, inject, it, onTestFinished, vi } from 'vitest';
import { bundleWorkflows } from './bundle.ts';
import { connectRuns } from './dev-server.ts';
import { anOrder, gate, EVERYTHING } from './stand-ins.ts';

const { PENDING_ACTIVITY_STATE_CANCEL_REQUESTED } = proto.temporal.api.enums.v1.PendingActivityState;
const UNDOING = ['refundPayment', 'giveSeatBack', 'sendNotice'];

let runs: Awaited<ReturnType<typeof connectRuns>>;
let stopWorker: () => Promise<void>;
beforeAll(async () => {
  runs = await connectRuns(inject('temporalAddress'), `cancellation-${randomUUID()}`);
  stopWorker = await runs.startWorker(await bundleWorkflows());
});
afterAll(async () => {
  await stopWorker();
  await runs.close();
});

/** Resolves when the run has handled its cancellation, which asks the activity to end. */
const isAskedToEnd = (handle: WorkflowHandle, activity: string) =>
  vi.waitUntil(
    async () => {
      const { raw } = await handle.describe();
      return raw.pendingActivities?.some(
        ({ activityType, state }) =>
          activityType?.name === activity && state === PENDING_ACTIVITY_STATE_CANCEL_REQUESTED,
      );
    },
    { timeout: 10_000 },
  );

it.each(['saveOrder', 'sendConfirmation', 'addToMailingList'] as const)(
  'undoes nothing before %s, which is running when the run is cancelled, has ended',
  async (activity) => {
    const happened: string[] = [];
    const note = (name: string) => {
      happened.push(name);
      return Promise.resolve();
    };
    const [begin, end] = [gate(), gate()];
    onTestFinished(end.open);
    const { handle, pay } = runs.registration(anOrder(), {
      [activity]: async () => {
        begin.open();
        await end.opened;
        await note(activity);
        return { attempts: 1 };
      },
      refundPayment: () => note('refundPayment').then(() => ({ refunded: EVERYTHING })),
      giveSeatBack: (_id, status) => note('giveSeatBack').then(() => ({ status })),
      sendNotice: () => note('sendNotice').then(() => ({ attempts: 1 })),
    });
    await pay();
    await begin.opened;
    await handle.cancel();
    await isAskedToEnd(handle, activity);
    const { events } = await handle.fetchHistory();
    const scheduled = events?.map(
      (event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? '',
    );
    expect(scheduled).toContain(activity);
    expect(scheduled).not.toContain('refundPayment');
    end.open();
    expect(await handle.result()).toMatchObject({ status: 'cancelled' });
    expect(happened).toEqual([activity, ...UNDOING]);
  },
);
