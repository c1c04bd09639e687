/** The run that cancels all registrations of an event. */
import { randomUUID } from 'node:crypto';
import { ApplicationFailure, WorkflowNotFoundError } from '@temporalio/common';
import type { WorkflowHandle } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest';
import type { Activities } from '../../src/activities/index.ts';
import {
  CANCEL_EVENT_WORKFLOW,
  cancelEventWorkflowId,
  LOOK,
  tellOwnersWorkflowId,
  type CancellationCounts,
  type CancellationToBegin,
  type CancelEventRequest,
  type NextCancellations,
} from '../../src/cancel-event.ts';
import { cancelWorkflowId, refundWorkflowId } from '../../src/refund.ts';
import { bundleWorkflows } from './bundle.ts';
import { activitiesByRun, nothingLeft, standIns } from './stand-ins.ts';

let environment: TestWorkflowEnvironment;
let stop: () => Promise<void>;
const taskQueue = randomUUID();
const { activities, prepare } = activitiesByRun();
beforeAll(async () => {
  environment = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: inject('testServer') } },
  });
  // One worker for all tests, because the clock stands still while a task waits for a worker.
  const worker = await Worker.create({
    ...{ connection: environment.nativeConnection, taskQueue, workflowBundle: await bundleWorkflows() },
    activities,
  });
  const running = worker.run();
  stop = async () => {
    worker.shutdown();
    await running;
  };
});
afterAll(async () => {
  await stop();
  await environment.teardown();
});

const toBegin = (overrides: Partial<CancellationToBegin> = {}): CancellationToBegin => ({
  ...{ does: 'refund', registration: randomUUID(), reference: 'ABCDEFGHJK', ticketType: 'regular' },
  ...{ action: randomUUID(), organizer: randomUUID(), again: null },
  ...overrides,
});
const notOver = (overrides: Partial<NextCancellations> = {}) =>
  nothingLeft({ finished: false, ...overrides });

type Looks = (look: number) => NextCancellations;
type Run = WorkflowHandle<(request: CancelEventRequest) => Promise<CancellationCounts>>;

/** Runs the workflow with what it sees at each look. */
async function run(
  looks: Looks,
  {
    check = (handle) => handle.result(),
    eventsPerRun,
    ...replaced
  }: Partial<Activities> & {
    check?: (handle: Run) => Promise<unknown>;
    eventsPerRun?: number;
  } = {},
) {
  const event = `event-${randomUUID()}`;
  let look = 0;
  const begun = new Set<string>();
  const all = standIns(replaced);
  prepare(tellOwnersWorkflowId(event, 1), all);
  prepare(cancelEventWorkflowId(event), {
    nextCancellations: () => {
      const next = looks(look++);
      for (const { action } of next.begin)
        for (const id of [refundWorkflowId(action), cancelWorkflowId(action)]) {
          begun.add(id);
          prepare(id, all);
        }
      return Promise.resolve(next);
    },
  });
  const handle = await environment.client.workflow.start<
    (request: CancelEventRequest) => Promise<CancellationCounts>
  >(CANCEL_EVENT_WORKFLOW, {
    ...{ taskQueue, workflowId: cancelEventWorkflowId(event) },
    args: [{ event, ...(eventsPerRun !== undefined && { eventsPerRun }) }],
  });
  const result = await check(handle);
  const { startTime, closeTime = startTime } = await handle.describe();
  for (const id of begun) await endOf(id).catch(unlessNeverStarted);
  return {
    event,
    handle,
    result,
    looks: look,
    seconds: (closeTime.getTime() - startTime.getTime()) / 1000,
  };
}
const describeRun = (id: string) => environment.client.workflow.getHandle(id).describe();
/** Waits for the end of one run. The server loses count of who has stopped its clock when two are awaited at once. */
const endOf = (id: string) => environment.client.workflow.getHandle(id).result();
const unlessNeverStarted = (error: unknown) => {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
};

/*
 * The test server's clock skips nothing any more once a run has ended after the run that began it. The tests that wait for long come
 * first, and those whose runs may end late come last.
 */

it('looks each second while there is something to begin, and less and less often while it waits', async () => {
  const slow = 8;
  const { looks, seconds } = await run((look) =>
    look < 3 ? notOver({ begin: [toBegin()] }) : look < 3 + slow ? notOver() : nothingLeft(),
  );
  expect(looks).toBe(12);
  // 1 + 1 + 1, and then 2 + 4 + 8 + 16 + 30 + 30 + 30 + 30
  expect(seconds).toBeGreaterThan(150);
  expect(seconds).toBeLessThan(175);
});

it('tells the owners once for each pause, looks now and then, and goes on at a signal', async () => {
  const [first, second] = [randomUUID(), randomUUID()];
  const mailed: unknown[] = [];
  const { event, looks } = await run(
    (look) => (look < 3 ? notOver({ paused: 'funds', pauses: 1 }) : nothingLeft()),
    {
      findOwners: () => Promise.resolve([first, second]),
      mailPause: (request) => {
        mailed.push(request);
        return Promise.resolve({ attempts: 1 });
      },
      check: async (handle) => {
        await handle.result();
        await endOf(tellOwnersWorkflowId(handle.workflowId.replace('cancel-event-', ''), 1));
      },
    },
  );
  expect(looks).toBe(4);
  expect(mailed).toHaveLength(2);
  expect(mailed).toContainEqual({ event, organizer: first });
  expect(mailed).toContainEqual({ event, organizer: second });
});

it('begins a run for each registration, and ends when nobody is left', async () => {
  const [paid, free] = [toBegin(), toBegin({ does: 'cancel' })];
  const asked: unknown[] = [];
  const note =
    <T>(answer: T) =>
    (request: unknown) => {
      asked.push(request);
      return Promise.resolve(answer);
    };
  const counts = { done: 2, refused: 0, left: 0 };
  const { result } = await run(
    (look) => (look === 0 ? notOver({ begin: [paid, free] }) : nothingLeft({ counts })),
    {
      askRefund: note({ status: 'asked', amount: { minor: 12_000, currency: 'EUR' } } as const),
      cancelOrder: note({ status: 'ended' } as const),
      check: async (handle) => {
        const result = await handle.result();
        await endOf(refundWorkflowId(paid.action));
        await endOf(cancelWorkflowId(free.action));
        return result;
      },
    },
  );
  expect(result).toEqual(counts);
  const asks = ({ registration, action, organizer }: CancellationToBegin) => ({
    registration,
    action,
    organizer,
  });
  expect(asked).toHaveLength(2);
  expect(asked).toContainEqual({ ...asks(paid), reason: '', amount: null, cancels: true });
  expect(asked).toContainEqual({ ...asks(free), reason: '', unlessPaid: true });
});

it('goes on with what has begun when it is handed out again, and begins a refused refund anew', async () => {
  const one = toBegin();
  const asked: unknown[] = [];
  const again = randomUUID();
  await run(
    (look) =>
      [notOver({ begin: [one] }), notOver({ begin: [one] }), notOver({ begin: [{ ...one, again }] })][look] ??
      nothingLeft(),
    {
      askRefund: (request) => {
        asked.push(request.again);
        return Promise.resolve({ status: 'asked', amount: { minor: 12_000, currency: 'EUR' } });
      },
      check: async (handle) => {
        await handle.result();
        await endOf(refundWorkflowId(one.action));
      },
    },
  );
  expect(asked).toEqual([undefined, again]);
});

it('looks at once when an organizer has decided', async () => {
  let resumed = false;
  let seen = 0;
  const { seconds } = await run(
    () => {
      seen++;
      return resumed ? nothingLeft() : notOver({ paused: 'organizer' });
    },
    {
      check: async (handle) => {
        await vi.waitUntil(() => seen > 0, { timeout: 10_000 });
        resumed = true;
        await handle.signal(LOOK);
        return handle.result();
      },
    },
  );
  expect(seconds).toBeLessThan(60);
});

it('does not wait for the mails of the refunds that it begins', async () => {
  const one = toBegin();
  let isAway = true;
  const { seconds, result } = await run((look) => (look === 0 ? notOver({ begin: [one] }) : nothingLeft()), {
    tellAttendee: () =>
      isAway
        ? Promise.reject(ApplicationFailure.retryable('SendGridUnavailable 503'))
        : Promise.resolve({ attempts: 1 }),
    check: async (handle) => {
      await handle.result();
      const { status } = await describeRun(refundWorkflowId(one.action));
      isAway = false;
      return status.name;
    },
  });
  expect(seconds).toBeLessThan(10);
  expect(result).toBe('RUNNING');
});

it('continues as a new run when its history is long, and keeps nothing', async () => {
  const { event, handle, looks } = await run(
    (look) => (look < 9 ? notOver({ begin: [toBegin()] }) : nothingLeft()),
    { eventsPerRun: 30 },
  );
  expect(looks).toBe(10);
  const first = environment.client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId);
  expect((await first.describe()).status.name).toBe('CONTINUED_AS_NEW');
  const last = await describeRun(cancelEventWorkflowId(event));
  expect(last.status.name).toBe('COMPLETED');
  expect(last.historyLength).toBeLessThan(60);
});
