/** With keys set, nothing that somebody without a key writes into Temporal is believed. */
import { randomUUID } from 'node:crypto';
import { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { activityOptions } from '../../src/activities/index.ts';
import { ENDED } from '../../src/refund.ts';
import {
  CONFIRM_EMAIL,
  PAY,
  WORKFLOW,
  workflowId,
  type Order,
  type Progress,
} from '../../src/registration.ts';
import { dataConverter } from '../../src/temporal/client.ts';
import { confirmEmail } from '../../src/temporal/runs.ts';
import { aForm } from '../../stage/person.ts';
import { anAttendee, CARDS, startStack, texts, type Stack } from '../stack.ts';
import { bundleWorkflows } from '../workflows/bundle.ts';
import { isLeftWith } from '../workflows/dev-server.ts';
import { anOrder, CAPTURED } from '../workflows/stand-ins.ts';
import { anIntruder, plain } from './intruder.ts';

let stack: Stack;
/** A client of the same server, without the key. */
let stranger: Client;
beforeEach(async () => {
  stack = await startStack({ answerWithinMs: 2000 });
  stranger = new Client({ connection: stack.temporal.connection });
  // Without a cache, no task waits for a worker that has stopped.
  await stack.startWorker({ workflowBundle: await bundleWorkflows(), maxCachedWorkflows: 0 });
});
afterEach(() => stack.stop());

/** Starts the product's activities. Without this call, all of them are left to the intruder. */
const startActivities = () => stack.startWorker(activityOptions(stack));

type Attendee = ReturnType<typeof anAttendee>;
const handleOf = ({ id }: Pick<Attendee, 'id'>) =>
  stack.temporal.workflow.getHandle<() => Promise<Progress>>(workflowId(id));
const statusOf = async (attendee: Attendee) => (await attendee.status()).json<Partial<Progress>>().status;
const isSold = async ({ id }: Attendee) => (await stack.database('orders').where({ id })).length > 0;
const capturesOf = ({ id }: Attendee) =>
  stack.sandbox.ledger().captures.flatMap(({ custom_id, status }) => (custom_id === id ? [status] : []));

/** Resolves, to what Temporal's Web UI says without the key, when a run is stuck at a task that fails again and again. */
async function whatHoldsUp(attendee: Attendee): Promise<string> {
  const handle = stranger.workflow.getHandle(workflowId(attendee.id));
  await vi.waitUntil(async () => ((await handle.describe()).raw.pendingWorkflowTask?.attempt ?? 0) > 1, {
    timeout: 10_000,
  });
  const { events } = await handle.fetchHistory();
  const failed = events?.findLast((event) => event.workflowTaskFailedEventAttributes);
  return failed?.workflowTaskFailedEventAttributes?.failure?.message ?? '';
}

/** Resets a run to the last workflow task that was completed, as docs/operations.md says. */
async function reset(attendee: Attendee): Promise<void> {
  const { events } = await handleOf(attendee).fetchHistory();
  const lastTask = events?.findLast((event) => event.workflowTaskCompletedEventAttributes);
  await stack.temporal.workflowService.resetWorkflowExecution({
    namespace: stack.temporal.options.namespace,
    workflowExecution: { workflowId: workflowId(attendee.id) },
    reason: 'test',
    workflowTaskFinishEventId: lastTask?.eventId ?? null,
    requestId: randomUUID(),
  });
}

/** Lets the product's activities finish a run. */
async function finish(attendee: Attendee): Promise<Progress> {
  await startActivities();
  return handleOf(attendee).result();
}

/** Has PostgreSQL accept new orders, or reject them with the error of a server that shuts down (57P03). */
const acceptOrders = (accept: boolean) =>
  stack.database.raw(
    accept
      ? 'drop trigger refuse on orders'
      : `create function refuse() returns trigger language plpgsql as
           $$ begin raise exception using errcode = '57P03'; end $$;
         create trigger refuse before insert on orders execute function refuse()`,
  );

/** The result of `takePayment` in the history of a registration, as it is stored. */
async function storedResult(attendee: Attendee): Promise<Payload[]> {
  const { events = [] } = await handleOf(attendee).fetchHistory();
  const scheduled = events?.find(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'takePayment',
  );
  const done = events?.find((event) =>
    event.activityTaskCompletedEventAttributes?.scheduledEventId?.equals(scheduled?.eventId ?? -1),
  );
  return done?.activityTaskCompletedEventAttributes?.result?.payloads ?? [];
}

describe('the result of an activity', () => {
  it('that is empty refunds nothing, as if the order could not be saved', async () => {
    const { activities } = activityOptions(stack);
    const ada = anAttendee(stack);
    await stack.startWorker({ activities: { ...activities, saveOrder: () => Promise.resolve() } });
    expect((await ada.register()).statusCode).toBe(201);
    await whatHoldsUp(ada);
    expect(capturesOf(ada)).toEqual(['COMPLETED']);
    await handleOf(ada).terminate();
  });

  it('that is not encrypted confirms nothing; the run says why it waits, and goes on after a reset', async () => {
    const ada = anAttendee(stack);
    const [answer] = await Promise.all([
      ada.register(),
      anIntruder(stranger, stack.taskQueue).complete('takePayment', plain(CAPTURED)),
    ]);
    expect(answer.statusCode).toBe(202);
    expect(await whatHoldsUp(ada)).toBe('Unknown encoding: refused/not-encrypted');
    expect(await statusOf(ada)).not.toBe('confirmed');
    expect([capturesOf(ada), await isSold(ada)]).toEqual([[], false]);

    await reset(ada);
    expect((await finish(ada)).status).toBe('confirmed');
    expect(capturesOf(ada)).toEqual(['COMPLETED']);
  });

  it('that was copied from another registration confirms nothing', async () => {
    const stop = await startActivities();
    const paid = anAttendee(stack);
    expect((await paid.register()).statusCode).toBe(201);
    await handleOf(paid).result();
    await stop();

    const ada = anAttendee(stack);
    const payloads = await storedResult(paid);
    expect(payloads).toHaveLength(1);
    const [answer] = await Promise.all([
      ada.register(),
      anIntruder(stranger, stack.taskQueue).complete('takePayment', { payloads }),
    ]);
    expect(answer.statusCode).toBe(202);
    expect(await whatHoldsUp(ada)).toBe('Unknown encoding: refused/of-another-run');
    expect([capturesOf(ada), await isSold(ada)]).toEqual([[], false]);
  });
});

describe('a final failure of an activity', () => {
  it.each([
    ['without the part that is encrypted', () => undefined],
    ['with that part of another failure of the same activity', encodedInFailure],
    ['with the input of the same activity in its place', encodedInInput],
  ])('%s refunds and confirms nothing', async (_what, encodedPart) => {
    await acceptOrders(false);
    const stop = await startActivities();
    const ada = anAttendee(stack);
    expect((await ada.register()).statusCode).toBe(201);
    await isLeftWith(handleOf(ada), 'saveOrder');
    const encodedAttributes = await encodedPart(ada);
    await stop();
    await anIntruder(stranger, stack.taskQueue).fail('saveOrder', {
      message: 'OrderImpossible SEAT_GONE',
      source: 'TypeScriptSDK',
      applicationFailureInfo: { type: 'OrderImpossible', nonRetryable: true },
      ...(encodedAttributes && { encodedAttributes }),
    });

    expect(await whatHoldsUp(ada)).toBe('Refused: a final failure that no worker reported');
    expect(capturesOf(ada)).toEqual(['COMPLETED']);
    await acceptOrders(true);
    await reset(ada);
    expect((await finish(ada)).status).toBe('confirmed');
    expect([capturesOf(ada), await isSold(ada)]).toEqual([['COMPLETED'], true]);
  });

  async function encodedInFailure(attendee: Attendee): Promise<Payload | null | undefined> {
    const { raw } = await handleOf(attendee).describe();
    return raw.pendingActivities?.[0]?.lastFailure?.encodedAttributes;
  }

  async function encodedInInput(attendee: Attendee): Promise<Payload | undefined> {
    const { events } = await handleOf(attendee).fetchHistory();
    const scheduled = (events ?? []).map((event) => event.activityTaskScheduledEventAttributes);
    return scheduled.find((each) => each?.activityType?.name === 'saveOrder')?.input?.payloads?.[0];
  }
});

describe('an activity', () => {
  it('that somebody without a key schedules refunds nothing, and says why', async () => {
    await acceptOrders(false);
    await startActivities();
    const ada = anAttendee(stack);
    expect((await ada.register()).statusCode).toBe(201);
    await isLeftWith(handleOf(ada), 'saveOrder');
    await stack.stopWorkers();
    const capture = stack.sandbox.ledger().captures.find(({ custom_id }) => custom_id === ada.id);
    // A signal causes the workflow task that the intruder takes.
    await stranger.workflow.getHandle(workflowId(ada.id)).signal('anything');
    const request = { id: ada.id, captureId: capture?.id };
    await anIntruder(stranger, stack.taskQueue).schedule('refundPayment', plain(request));

    await startActivities();
    const failed = await vi.waitUntil(
      async () =>
        (await stranger.workflow.getHandle(workflowId(ada.id)).describe()).raw.pendingActivities?.find(
          ({ activityType, lastFailure }) => activityType?.name === 'refundPayment' && lastFailure,
        ),
      { timeout: 10_000 },
    );
    expect(failed.lastFailure?.message).toBe(
      'Failed to parse activity args for activity refundPayment: Unknown encoding: refused/not-encrypted',
    );
    expect(capturesOf(ada)).toEqual(['COMPLETED']);
  });
});

describe('a request to a run', () => {
  let ada: Attendee;
  beforeEach(async () => {
    await startActivities();
    ada = anAttendee(stack);
    expect((await ada.register(CARDS.declined)).statusCode).toBe(402);
  });

  it('to pay with other data is rejected when it is not encrypted, and changes nothing', async () => {
    const order = anOrder({ id: ada.id });
    const changed: Order = { ...order, attendee: { ...order.attendee, email: 'eve@example.org' } };
    const handle = stranger.workflow.getHandle(workflowId(ada.id));
    const asked = handle.executeUpdate<unknown, [string, Order]>(PAY, { args: ['FORGED', changed] });
    await expect(asked).rejects.toThrow();
    const { events } = await handle.fetchHistory();
    const accepted = events?.filter((event) => event.workflowExecutionUpdateAcceptedEventAttributes);
    expect(accepted).toHaveLength(1);
    expect(await statusOf(ada)).toBe('declined');
    expect((await ada.register()).statusCode).toBe(201);
    await handleOf(ada).result();
    expect(stack.sandbox.ledger().mails.map(({ to }) => to)).not.toContain('eve@example.org');
  });

  it('by a signal that is not encrypted does not hold it up', async () => {
    await stranger.workflow.getHandle(workflowId(ada.id)).signal('anything', { status: 'captured' });
    expect((await ada.register()).statusCode).toBe(201);
    expect((await handleOf(ada).result()).status).toBe('confirmed');
  });

  it('by a signal that the run waits for does not hold it up either, and ends nothing', async () => {
    stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503 });
    expect((await ada.register()).statusCode).toBe(201);
    await isLeftWith(handleOf(ada), 'sendConfirmation');
    const forged = stranger.workflow.getHandle(workflowId(ada.id));
    await forged.signal(ENDED, 'cancelled');
    await forged.signal(CONFIRM_EMAIL, 'a-guess');
    stack.sandbox.faults.clear();
    expect((await handleOf(ada).result()).status).toBe('confirmed');
    expect(await leftOut(ada)).toEqual(['refused-signal-1', 'refused-signal-2']);
    expect([capturesOf(ada), await isSold(ada)]).toEqual([['DECLINED', 'COMPLETED'], true]);
  });
});

/** The signals that a run has left out, by the markers in its history. */
async function leftOut(attendee: Attendee): Promise<string[]> {
  const { events } = await handleOf(attendee).fetchHistory();
  const markers = (events ?? []).flatMap(({ markerRecordedEventAttributes: marker }) => marker ?? []);
  const { payloadConverter } = stack.temporal.options.loadedDataConverter;
  return markers.flatMap(({ details }) => {
    const [payload] = details?.['patch-data']?.payloads ?? [];
    return payload ? payloadConverter.fromPayload<{ id: string }>(payload).id : [];
  });
}

describe('a run that waits for a confirmed address', () => {
  const TOKENS = { own: '', other: 'a-guess' };
  let ada: Attendee;
  beforeEach(async () => {
    await startActivities();
    await stack.database('ticket_types').where({ id: 'free' }).update({ confirm_email: true });
    ada = anAttendee(stack, aForm({ ticketType: 'free' }));
    expect((await ada.register()).statusCode).toBe(202);
    await vi.waitUntil(async () => (await statusOf(ada)) === 'unconfirmed', { timeout: 10_000 });
    const text = () => texts(stack.sandbox.ledger().mails).join('\n');
    await vi.waitUntil(() => text().includes('/confirm/'), { timeout: 10_000 });
    TOKENS.own = /\/confirm\/([\w-]+)/.exec(text())?.[1] ?? '';
  });

  it('is not held up by a plain signal, not even one that knows the token', async () => {
    await stranger.workflow.getHandle(workflowId(ada.id)).signal(CONFIRM_EMAIL, TOKENS.other);
    await stranger.workflow.getHandle(workflowId(ada.id)).signal(CONFIRM_EMAIL, TOKENS.own);
    await vi.waitUntil(async () => (await leftOut(ada)).length === 2, { timeout: 10_000 });
    expect(await statusOf(ada)).toBe('unconfirmed');
    await confirmEmail(stack.temporal, ada.id, TOKENS.own);
    expect((await handleOf(ada).result()).status).toBe('confirmed');
  });

  it('replays alike with other keys: what was left out stays so, and what was read counts', async () => {
    await stranger.workflow.getHandle(workflowId(ada.id)).signal(CONFIRM_EMAIL, TOKENS.own);
    await vi.waitUntil(async () => (await leftOut(ada)).length === 1, { timeout: 10_000 });
    await confirmEmail(stack.temporal, ada.id, TOKENS.own);
    await handleOf(ada).result();
    const history = await handleOf(ada).fetchHistory();
    const acceptsPlain = { ...stack.config, encryptionAcceptPlain: true };
    await expect(
      Worker.runReplayHistory(
        { workflowBundle: await bundleWorkflows(), dataConverter: dataConverter(acceptsPlain) },
        history,
        workflowId(ada.id),
      ),
    ).resolves.toBeUndefined();
  });
});

describe('a run', () => {
  it('that was started with an order that is not encrypted does nothing, and says why', async () => {
    await startActivities();
    const eve = anAttendee(stack);
    await stranger.workflow.start(WORKFLOW, {
      workflowId: workflowId(eve.id),
      taskQueue: stack.taskQueue,
      args: [anOrder({ id: eve.id, paypalOrderId: null, amount: { minor: 0, currency: 'EUR' } })],
    });
    expect(await whatHoldsUp(eve)).toBe('Unknown encoding: refused/not-encrypted');
    const { events } = await handleOf(eve).fetchHistory();
    expect(events?.some((event) => event.activityTaskScheduledEventAttributes)).toBe(false);
    await handleOf(eve).terminate();
  });

  it('that was ended with a result that is not encrypted counts as not known, never as confirmed', async () => {
    await stack.stopWorkers();
    const ada = anAttendee(stack);
    const forged: Progress = { status: 'confirmed', steps: [] };
    const [answer] = await Promise.all([
      ada.register(),
      anIntruder(stranger, stack.taskQueue).endRun(plain(forged)),
    ]);
    expect(answer.statusCode).toBe(202);
    expect(await handleOf(ada).describe()).toMatchObject({ status: { name: 'COMPLETED' } });
    expect((await ada.status()).statusCode).toBe(503);
    expect(capturesOf(ada)).toEqual([]);
  });
});

describe('a service that was not encrypted before', () => {
  it.each([
    ['goes on with its open runs while plain payloads are accepted', 'true'],
    ['has its open runs wait otherwise', 'false'],
  ])('%s', async (_what, accept) => {
    const before = await startStack({ settings: { ENCRYPTION_KEY: '' } });
    before.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503 });
    const stop = await before.startWorker();
    const ada = anAttendee(before);
    expect((await ada.register()).statusCode).toBe(201);
    await stop();
    before.sandbox.faults.clear();

    const { ENCRYPTION_KEY } = stack.environment;
    const after = await startStack({
      settings: { ...before.environment, ENCRYPTION_KEY, ENCRYPTION_ACCEPT_PLAIN: accept },
      taskQueue: before.taskQueue,
    });
    await after.startWorker();
    const handle = after.temporal.workflow.getHandle<() => Promise<Progress>>(workflowId(ada.id));
    if (accept === 'true') expect((await handle.result()).status).toBe('confirmed');
    else expect(await whatHoldsUp(ada)).toBe('Unknown encoding: refused/not-encrypted');
    await Promise.all([after.stop(), before.stop()]);
  });
});
