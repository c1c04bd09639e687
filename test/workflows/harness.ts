/** Runs the workflow on the time-skipping server with activities made for the test, and notes which of them ran. */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, Worker, type WorkflowBundle } from '@temporalio/worker';
import type { Activities } from '../../src/activities/index.ts';
import {
  PAY,
  WORKFLOW,
  workflowId,
  type Attempt,
  type Captured,
  type Order,
  type PayArguments,
  type PaymentAnswer,
  type Progress,
} from '../../src/registration.ts';

export const CAPTURED: Captured = {
  status: 'captured',
  paypalOrderId: 'A',
  captureId: 'CAPTURE',
  paidAt: '2027-01-01T00:00:00.000Z',
  attempts: 1,
};

/** An order as the api makes it; give what the test is about. */
export function anOrder(overrides: Partial<Order> = {}): Order {
  return {
    id: randomUUID(),
    event: {
      id: 'conference',
      name: 'Conference',
      startsAt: '2027-05-14T07:00:00.000Z',
      endsAt: '2027-05-15T16:00:00.000Z',
      timeZone: 'Europe/Berlin',
      venue: 'Hall 4',
      seller: 'Society e.V.\nStreet 1',
    },
    ticketType: { id: 'regular', name: 'Regular' },
    attendee: { firstName: 'Ada', lastName: 'Example', email: 'ada@example.org' },
    billing: { addressLine1: 'Street 2', city: 'Hamburg', postalCode: '20457', countryCode: 'DE' },
    newsletter: { at: '2027-01-01T00:00:00.000Z', wording: '2026-11' },
    amount: { minor: 12_000, currency: 'EUR' },
    paypalOrderId: 'A',
    ...overrides,
  };
}

export type Run = {
  handle: WorkflowHandle<(order: Order) => Promise<Progress>>;
  /** Names of the activities in the order they were started, once for each attempt. */
  started: string[];
  /** Sends `pay` as the api does and waits for its answer. */
  pay: (paypalOrderId: string, changed?: Order) => Promise<PaymentAnswer>;
  /** Resolves when an activity has been started (again). */
  starts: (activity: keyof Activities, times?: number) => Promise<void>;
  /** The time of the test server, in milliseconds. */
  now: () => Promise<number>;
};

export async function startHarness(testServer: string) {
  const environment = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: testServer } },
  });
  const workflowsPath = fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url));
  const bundle: WorkflowBundle = await bundleWorkflowCode({
    workflowsPath,
    logger: new DefaultLogger('ERROR'),
  });

  /**
   * Starts a run whose activities succeed unless the test replaces them, and hands it to `check`.
   * @param firstTaskAfter when a worker first sees it, as if there were none before: the clock stands still while a task waits
   */
  async function run(
    order: Order,
    replaced: Partial<Activities>,
    check: (run: Run) => Promise<void>,
    firstTaskAfter?: '5 hours',
  ): Promise<void> {
    const taskQueue = randomUUID();
    const started: string[] = [];
    const waiting = new Set<() => void>();
    const done = { attempts: 1 };
    const activities: Activities = {
      takePayment: ({ paypalOrderId }) => Promise.resolve({ ...CAPTURED, paypalOrderId }),
      settlePayment: ({ paypalOrderId }) => Promise.resolve({ ...CAPTURED, paypalOrderId }),
      refundPayment: () => Promise.resolve(),
      saveOrder: () => Promise.resolve(done),
      releaseHold: () => Promise.resolve(null),
      giveSeatBack: () => Promise.resolve(),
      sendConfirmation: () => Promise.resolve(done),
      resendConfirmation: () => Promise.resolve(done),
      sendNotice: () => Promise.resolve(done),
      addToMailingList: () => Promise.resolve(done),
      ...replaced,
    };
    const noted = Object.fromEntries(
      Object.entries(activities).map(([name, activity]) => [
        name,
        (...args: unknown[]) => {
          started.push(name);
          for (const wake of waiting) wake();
          return (activity as (...args: unknown[]) => Promise<unknown>)(...args);
        },
      ]),
    );
    const worker = await Worker.create({
      connection: environment.nativeConnection,
      taskQueue,
      workflowBundle: bundle,
      activities: noted,
      shutdownGraceTime: '1s',
    });
    await worker.runUntil(async () => {
      const handle = await environment.client.workflow.start<(order: Order) => Promise<Progress>>(WORKFLOW, {
        taskQueue,
        workflowId: workflowId(order.id),
        args: [order],
        ...(firstTaskAfter && { startDelay: firstTaskAfter }),
      });
      const now = () => environment.currentTimeMs();
      const checked = check({
        handle,
        started,
        now,
        pay: (paypalOrderId, changed) =>
          handle.executeUpdate<PaymentAnswer, PayArguments>(PAY, {
            args: changed ? [paypalOrderId, changed] : [paypalOrderId],
            updateId: paypalOrderId,
          }),
        starts: (name, times = 1) =>
          new Promise((resolve) => {
            const look = () => {
              if (started.filter((other) => other === name).length < times) return;
              waiting.delete(look);
              resolve();
            };
            waiting.add(look);
            look();
          }),
      });
      // A run that a failed test leaves behind would hold up the clock of all that follow.
      await checked.finally(() => handle.terminate().catch(() => undefined));
    });
  }

  return { environment, run, stop: () => environment.teardown() };
}

/** How often an activity was started. */
export const count = (started: string[], activity: keyof Activities) =>
  started.filter((name) => name === activity).length;

/** A declined attempt whose seat is held until then. */
export const declined = (heldUntil: string): Attempt => ({
  status: 'declined',
  reason: 'declined',
  heldUntil,
  attempts: 1,
});
