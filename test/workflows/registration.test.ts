import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import type { Activities } from '../../src/activities/index.ts';
import { PAYMENT_NEWS, type Attempt, type Progress, type StepName } from '../../src/registration.ts';
import { count, startHarness } from './harness.ts';
import { anOrder, CAPTURED, declined, gate, EVERYTHING } from './stand-ins.ts';

let harness: Awaited<ReturnType<typeof startHarness>>;
beforeAll(async () => {
  harness = await startHarness(inject('testServer'));
});
afterAll(() => harness.stop());

const final = (type: string) => Promise.reject(ApplicationFailure.nonRetryable(type, type));
const outOfReach = () => Promise.reject(ApplicationFailure.retryable('out of reach', 'Unavailable'));
const states = ({ steps }: Progress) => Object.fromEntries(steps.map(({ name, state }) => [name, state]));
const step = ({ steps }: Progress, name: StepName) => steps.find((candidate) => candidate.name === name);

/** Returns the end of a hold that begins now. */
const inFifteenMinutes = async () =>
  new Date((await harness.environment.currentTimeMs()) + 900_000).toISOString();

/** Fails the first `times` calls and then calls `then`. */
function after<T>(times: number, then: () => Promise<T>) {
  let failed = 0;
  return () => (failed++ < times ? outOfReach() : then());
}

/** Creates a service that is out of reach until the test calls `end`. */
function outage<T>(answer: T) {
  let over = false;
  return {
    end: () => (over = true),
    ask: () => (over ? Promise.resolve(answer) : outOfReach()) as Promise<T>,
  };
}

/**
 * Resolves when the mail and the mailing list are done. The test server fails when an activity ends while it
 * is being cancelled.
 */
const othersDone = (handle: WorkflowHandle) =>
  vi.waitUntil(
    async () => {
      const { email, 'mailing-list': list } = states(await handle.query<Progress>('progress'));
      return email === 'done' && list === 'done';
    },
    { timeout: 10_000 },
  );

/**
 * Resolves when an activity has failed and waits for its next attempt. The test server loses a cancellation
 * that arrives during an attempt that then fails, so tests wait for this state before they cancel.
 */
const backsOff = (handle: WorkflowHandle, activity: keyof Activities) =>
  vi.waitUntil(
    async () => {
      const { raw } = await handle.describe();
      return raw.pendingActivities?.some(
        ({ activityType, attempt, lastFailure }) =>
          activityType?.name === activity && attempt === 2 && !!lastFailure,
      );
    },
    { timeout: 10_000 },
  );

/** Resolves when the run has accepted so many updates, which wait for the attempt in flight. */
const accepts = (handle: WorkflowHandle, updates: number) =>
  vi.waitUntil(
    async () => {
      const { events } = await handle.fetchHistory();
      const accepted = events?.filter((event) => event.workflowExecutionUpdateAcceptedEventAttributes);
      return accepted?.length === updates;
    },
    { timeout: 10_000 },
  );

describe('an ordinary registration', () => {
  it('is confirmed without a client that waits', async () => {
    await harness.run(anOrder(), {}, async ({ handle, started }) => {
      const result = await handle.result();
      expect(result.status).toBe('confirmed');
      expect(states(result)).toEqual({
        payment: 'done',
        order: 'done',
        email: 'done',
        'mailing-list': 'done',
      });
      expect(started.toSorted()).toEqual([
        'addToMailingList',
        'saveOrder',
        'sendConfirmation',
        'takePayment',
      ]);
    });
  });

  it('starts the order, the mail and the mailing list at the same time', async () => {
    const { opened, open } = gate();
    const wait = () => opened.then(() => ({ attempts: 1 }));
    const waiting = { saveOrder: wait, sendConfirmation: wait, addToMailingList: wait };
    await harness.run(anOrder(), waiting, async ({ handle, starts }) => {
      await Promise.all([starts('saveOrder'), starts('sendConfirmation'), starts('addToMailingList')]);
      const progress = await handle.query<Progress>('progress');
      expect(progress.status).toBe('confirmed');
      expect(states(progress)).toEqual({
        payment: 'done',
        order: 'running',
        email: 'running',
        'mailing-list': 'running',
      });
      open();
      expect((await handle.result()).status).toBe('confirmed');
    });
  });

  it('takes 25 to 31 events of history', async () => {
    await harness.run(
      anOrder(),
      {},
      async ({ handle, pay }) => {
        await pay('A');
        await handle.result();
        const { events } = await handle.fetchHistory();
        expect(events?.length).toBeGreaterThanOrEqual(25);
        expect(events?.length).toBeLessThanOrEqual(31);
      },
      // The delay lets the first task see the update, as it does when the api starts the run with the update.
      '5 hours',
    );
  });

  it('answers the payment before the order is saved', async () => {
    const { opened, open } = gate();
    await harness.run(
      anOrder(),
      { saveOrder: () => opened.then(() => ({ attempts: 1 })) },
      async ({ handle, pay }) => {
        expect(await pay('A')).toMatchObject({ status: 'captured', captureId: 'CAPTURE' });
        open();
        await handle.result();
      },
    );
  });

  it('adds nobody to the mailing list without consent', async () => {
    await harness.run(anOrder({ newsletter: null }), {}, async ({ handle, started }) => {
      expect(states(await handle.result())['mailing-list']).toBe('skipped');
      expect(count(started, 'addToMailingList')).toBe(0);
    });
  });

  it('skips the payment for a free ticket', async () => {
    const order = anOrder({ paypalOrderId: null, amount: { minor: 0, currency: 'EUR' } });
    const free = { ...CAPTURED, paypalOrderId: null, captureId: null };
    await harness.run(order, { takePayment: () => Promise.resolve(free) }, async ({ handle, pay }) => {
      expect(await pay('free')).toMatchObject({ status: 'captured', captureId: null });
      expect(states(await handle.result())).toMatchObject({ payment: 'skipped', order: 'done' });
    });
  });
});

describe('when a payment is attempted', () => {
  it('accepts another card after a decline', async () => {
    await harness.run(
      anOrder(),
      {
        takePayment: async ({ paypalOrderId }) =>
          paypalOrderId === 'A' ? declined(await inFifteenMinutes()) : { ...CAPTURED, paypalOrderId },
      },
      async ({ handle, pay, started }) => {
        expect(await pay('A')).toMatchObject({ status: 'declined' });
        expect((await handle.query<Progress>('progress')).status).toBe('declined');
        expect(await pay('B')).toMatchObject({ status: 'captured', paypalOrderId: 'B' });
        expect((await handle.result()).status).toBe('confirmed');
        expect(count(started, 'takePayment')).toBe(2);
        expect(count(started, 'sendNotice')).toBe(0);
      },
    );
  });

  it('fulfils the order as it was when it was paid', async () => {
    const order = anOrder({ newsletter: null });
    const corrected = {
      ...order,
      attendee: { ...order.attendee, email: 'grace@example.org' },
      newsletter: { at: 'now', wording: '1' },
    };
    const mailed: string[] = [];
    await harness.run(
      order,
      {
        takePayment: async ({ paypalOrderId }) =>
          paypalOrderId === 'A' ? declined(await inFifteenMinutes()) : { ...CAPTURED, paypalOrderId },
        sendConfirmation: ({ attendee }) => {
          mailed.push(attendee.email);
          return Promise.resolve({ attempts: 1 });
        },
      },
      async ({ handle, pay, started }) => {
        await pay('A');
        await pay('B', corrected);
        expect(states(await handle.result())['mailing-list']).toBe('done');
        expect(mailed).toEqual(['grace@example.org']);
        expect(count(started, 'addToMailingList')).toBe(1);
      },
    );
  });

  it('captures a PayPal order once when it is sent twice', async () => {
    const { opened, open } = gate();
    await harness.run(
      anOrder(),
      { takePayment: () => opened.then(() => CAPTURED) },
      async ({ handle, pay, started, starts }) => {
        await starts('takePayment');
        const again = pay('A');
        await accepts(handle, 1);
        open();
        expect(await again).toMatchObject({ status: 'captured' });
        await handle.result();
        expect(count(started, 'takePayment')).toBe(1);
      },
    );
  });

  it('attempts a PayPal order once when it is sent twice and declined', async () => {
    const { opened, open } = gate();
    await harness.run(
      anOrder(),
      { takePayment: () => opened.then(async () => declined(await inFifteenMinutes())) },
      async ({ handle, pay, started, starts }) => {
        await starts('takePayment');
        const again = pay('A');
        await accepts(handle, 1);
        open();
        expect(await again).toMatchObject({ status: 'declined' });
        expect((await handle.result()).status).toBe('expired');
        expect(count(started, 'takePayment')).toBe(1);
      },
    );
  });

  it('captures one of two cards that are sent at once, and answers `already-paid` to the other', async () => {
    const { opened, open } = gate();
    await harness.run(
      anOrder(),
      { takePayment: () => opened.then(() => CAPTURED) },
      async ({ handle, pay, started, starts }) => {
        await starts('takePayment');
        const answers = Promise.all([pay('A'), pay('B')]);
        await accepts(handle, 2);
        open();
        expect((await answers).map(({ status }) => status)).toEqual(['captured', 'already-paid']);
        await handle.result();
        expect(count(started, 'takePayment')).toBe(1);
      },
    );
  });

  it('expires when the hold ends', async () => {
    let heldUntil = '';
    let released = 0;
    await harness.run(
      anOrder(),
      {
        takePayment: async () => declined((heldUntil = await inFifteenMinutes())),
        releaseHold: async () => {
          released = await harness.environment.currentTimeMs();
          return null;
        },
      },
      async ({ handle, started }) => {
        expect((await handle.result()).status).toBe('expired');
        expect(released).toBeGreaterThanOrEqual(Date.parse(heldUntil));
        expect(count(started, 'releaseHold')).toBe(1);
        expect(count(started, 'saveOrder')).toBe(0);
      },
    );
  });

  it('keeps waiting for a card when the attendee has renewed the hold', async () => {
    let renewals = 1;
    await harness.run(
      anOrder(),
      {
        takePayment: async () => declined(await inFifteenMinutes()),
        releaseHold: async () => (renewals-- > 0 ? inFifteenMinutes() : null),
      },
      async ({ handle, started }) => {
        expect((await handle.result()).status).toBe('expired');
        expect(count(started, 'releaseHold')).toBe(2);
      },
    );
  });

  it('expires without an error when the hold ended in the past', async () => {
    await harness.run(
      anOrder(),
      { takePayment: () => Promise.resolve(declined('2001-01-01T00:00:00Z')) },
      async ({ handle }) => {
        expect((await handle.result()).status).toBe('expired');
      },
    );
  });

  it('answers `expired` without asking PayPal once the seat is released', async () => {
    const { opened, open } = gate();
    await harness.run(
      anOrder(),
      {
        takePayment: () => Promise.resolve(declined('2001-01-01T00:00:00Z')),
        releaseHold: () => opened.then(() => null),
      },
      async ({ handle, pay, started, starts }) => {
        await starts('releaseHold');
        const late = pay('B');
        open();
        expect(await late).toMatchObject({ status: 'expired' });
        expect((await handle.result()).status).toBe('expired');
        expect(count(started, 'takePayment')).toBe(1);
      },
    );
  });

  it('confirms a capture that is in flight when the hold ends', async () => {
    const { opened, open } = gate();
    let heldUntil = 0;
    await harness.run(
      anOrder(),
      {
        takePayment: async ({ paypalOrderId }) => {
          if (paypalOrderId !== 'A') return opened.then(() => ({ ...CAPTURED, paypalOrderId }));
          heldUntil = (await harness.environment.currentTimeMs()) + 1500;
          return declined(new Date(heldUntil).toISOString());
        },
      },
      async ({ handle, pay, started, starts, now }) => {
        await pay('A');
        const second = pay('B');
        await starts('takePayment', 2);
        // The server does not skip time while an activity runs, so the test waits in real time.
        await vi.waitUntil(async () => (await now()) > heldUntil + 1000, { timeout: 10_000 });
        open();
        expect(await second).toMatchObject({ status: 'captured' });
        expect((await handle.result()).status).toBe('confirmed');
        expect(count(started, 'releaseHold')).toBe(0);
      },
    );
  });

  it('expires when there is no seat to claim', async () => {
    await harness.run(
      anOrder(),
      { takePayment: () => Promise.resolve({ status: 'expired', attempts: 1 }) },
      async ({ handle, pay }) => {
        expect(await pay('A')).toMatchObject({ status: 'expired' });
        expect((await handle.result()).status).toBe('expired');
      },
    );
  });
});

describe('when the outcome of a payment is unknown', () => {
  it('asks PayPal until the outcome is known after an attempt ended in doubt', async () => {
    await harness.run(
      anOrder(),
      { takePayment: outOfReach, settlePayment: after(20, () => Promise.resolve(CAPTURED)) },
      async ({ handle, started }) => {
        expect((await handle.result()).status).toBe('confirmed');
        expect(count(started, 'settlePayment')).toBe(21);
        expect(count(started, 'takePayment')).toBeGreaterThan(10);
      },
    );
  });

  it('waits for days while PayPal reviews a capture, and tells the attendee by mail when it is declined', async () => {
    const heldUntil = new Date(0).toISOString();
    const notices: string[] = [];
    await harness.run(
      anOrder(),
      {
        takePayment: () => Promise.resolve({ status: 'pending' }),
        settlePayment: after(100, () => Promise.resolve(declined(heldUntil))),
        sendNotice: ({ kind }) => {
          notices.push(kind);
          return Promise.resolve({ attempts: 1 });
        },
      },
      async ({ handle, started, now }) => {
        const begun = await now();
        expect((await handle.result()).status).toBe('expired');
        expect(((await now()) - begun) / 86_400_000).toBeGreaterThan(3);
        expect(notices).toEqual(['payment-failed']);
        expect(started).not.toContain('saveOrder');
      },
    );
  });

  it('waits for days while PayPal reviews a capture, and confirms the registration when it completes', async () => {
    await harness.run(
      anOrder(),
      {
        takePayment: () => Promise.resolve({ status: 'pending' }),
        settlePayment: after(100, () => Promise.resolve(CAPTURED)),
      },
      async ({ handle, started, now }) => {
        const begun = await now();
        expect((await handle.result()).status).toBe('confirmed');
        expect(((await now()) - begun) / 86_400_000).toBeGreaterThan(3);
        expect([count(started, 'takePayment'), count(started, 'sendConfirmation')]).toEqual([1, 1]);
      },
    );
  });

  it('answers the payment when PayPal completes a pending capture', async () => {
    await harness.run(
      anOrder(),
      {
        takePayment: () => Promise.resolve({ status: 'pending' }),
        settlePayment: after(5, () => Promise.resolve(CAPTURED)),
      },
      async ({ handle, pay, started }) => {
        const [answer, result] = await Promise.all([pay('A'), handle.result()]);
        expect([answer.status, result.status]).toEqual(['captured', 'confirmed']);
        expect(count(started, 'takePayment')).toBe(1);
      },
    );
  });

  it('tells the attendee by mail when PayPal reports late that it captured nothing', async () => {
    const notices: unknown[] = [];
    await harness.run(
      anOrder(),
      {
        takePayment: outOfReach,
        settlePayment: () =>
          Promise.resolve({ status: 'rejected', reason: 'not-processed', heldUntil: null, attempts: 1 }),
        sendNotice: ({ kind, refunded }) => {
          notices.push({ kind, refunded });
          return Promise.resolve({ attempts: 1 });
        },
      },
      async ({ handle }) => {
        expect((await handle.result()).status).toBe('expired');
        expect(notices).toEqual([{ kind: 'payment-failed', refunded: null }]);
      },
    );
  });
});

describe('a late notice', () => {
  it('is tried until it is sent, and the run stays open until the late notice is sent', async () => {
    await harness.run(
      anOrder(),
      {
        takePayment: outOfReach,
        settlePayment: () => Promise.resolve({ status: 'expired', attempts: 1 }),
        sendNotice: after(5, () => Promise.resolve({ attempts: 6 })),
      },
      async ({ handle, started }) => {
        expect((await handle.result()).status).toBe('expired');
        expect(count(started, 'sendNotice')).toBe(6);
      },
    );
  });
});

describe('when no worker runs for hours', () => {
  it('captures the payment when a worker is back', async () => {
    await harness.run(
      anOrder(),
      {},
      async ({ handle, started }) => {
        expect((await handle.result()).status).toBe('confirmed');
        expect(count(started, 'takePayment')).toBe(1);
      },
      '5 hours',
    );
  });

  it.each([
    ['the seat is gone', { status: 'expired', attempts: 1 }],
    [
      'PayPal no longer knows the order',
      { status: 'rejected', reason: 'unknown', heldUntil: null, attempts: 1 },
    ],
  ] satisfies [string, Attempt][])('tells by mail that nothing was captured: %s', async (_why, answer) => {
    const notices: string[] = [];
    await harness.run(
      anOrder(),
      {
        takePayment: () => Promise.resolve(answer),
        sendNotice: ({ kind }) => {
          notices.push(kind);
          return Promise.resolve({ attempts: 1 });
        },
      },
      async ({ handle }) => {
        expect((await handle.result()).status).toBe('expired');
        expect(notices).toEqual(['payment-failed']);
      },
      '5 hours',
    );
  });
});

describe('when a step after the payment fails', () => {
  it('sends the mail after SendGrid was unavailable for more than 40 hours', async () => {
    await harness.run(
      anOrder(),
      { sendConfirmation: after(55, () => Promise.resolve({ attempts: 56 })) },
      async ({ handle, now }) => {
        const begun = await now();
        const result = await handle.result();
        expect(result.status).toBe('confirmed');
        expect(step(result, 'email')).toMatchObject({ state: 'done', attempts: 56 });
        expect(((await now()) - begun) / 3_600_000).toBeGreaterThan(40);
      },
    );
  });

  const steps: [StepName, keyof Activities][] = [
    ['email', 'sendConfirmation'],
    ['mailing-list', 'addToMailingList'],
  ];
  it.each(steps)(
    'shows %s as failed and keeps the registration when the vendor rejects it permanently',
    async (name, activity) => {
      await harness.run(anOrder(), { [activity]: () => final('Rejected') }, async ({ handle, started }) => {
        const result = await handle.result();
        expect(result.status).toBe('confirmed');
        expect(step(result, name)?.state).toBe('failed');
        expect(step(result, 'order')?.state).toBe('done');
        expect(count(started, 'refundPayment')).toBe(0);
      });
    },
  );

  it('shows how often a step that failed was tried', async () => {
    const rejected = ApplicationFailure.create({
      ...{ type: 'Rejected', message: 'Rejected', nonRetryable: true, details: [{ attempts: 7 }] },
    });
    const sendConfirmation = () => Promise.reject(rejected);
    await harness.run(anOrder(), { sendConfirmation }, async ({ handle }) => {
      expect(step(await handle.result(), 'email')).toMatchObject({ state: 'failed', attempts: 7 });
    });
  });

  it('gives up the mail after 30 days and keeps the registration', async () => {
    await harness.run(anOrder(), { sendConfirmation: outOfReach }, async ({ handle, now }) => {
      const begun = await now();
      const result = await handle.result();
      expect(result.status).toBe('confirmed');
      expect(step(result, 'email')?.state).toBe('failed');
      expect(((await now()) - begun) / 86_400_000).toBeGreaterThan(29);
    });
  });

  it('saves the order after the database was unavailable for hours', async () => {
    await harness.run(
      anOrder(),
      { saveOrder: after(200, () => Promise.resolve({ attempts: 201 })) },
      async ({ handle }) => {
        expect((await handle.result()).status).toBe('confirmed');
      },
    );
  });

  it('refunds at once when the order cannot be saved, without waiting for the mail', async () => {
    const { opened, open } = gate();
    await harness.run(
      anOrder(),
      { saveOrder: () => opened.then(() => final('OrderImpossible')), sendConfirmation: outOfReach },
      async ({ handle, started }) => {
        await backsOff(handle, 'sendConfirmation');
        await vi.waitUntil(
          async () => states(await handle.query<Progress>('progress'))['mailing-list'] === 'done',
        );
        open();
        const result = await handle.result();
        expect(result.status).toBe('refunded');
        expect(step(result, 'order')?.state).toBe('failed');
        expect(step(result, 'email')?.state).toBe('skipped');
        expect(
          started.filter((name) => ['refundPayment', 'giveSeatBack', 'sendNotice'].includes(name)),
        ).toEqual(['refundPayment', 'giveSeatBack', 'sendNotice']);
      },
    );
  });

  it('refunds after PayPal was unavailable for hours', async () => {
    const { opened, open } = gate();
    await harness.run(
      anOrder(),
      {
        saveOrder: () => opened.then(() => final('OrderImpossible')),
        refundPayment: after(200, () => Promise.resolve({ refunded: EVERYTHING })),
      },
      async ({ handle }) => {
        await othersDone(handle);
        open();
        expect((await handle.result()).status).toBe('refunded');
      },
    );
  });
});

describe('when an organizer cancels a registration', () => {
  const undone = ['refundPayment', 'giveSeatBack', 'sendNotice'];

  it('waits for a capture in flight and then refunds it', async () => {
    const { opened, open } = gate();
    await harness.run(
      anOrder(),
      { takePayment: () => opened.then(() => CAPTURED) },
      async ({ handle, started, starts }) => {
        await starts('takePayment');
        await handle.cancel();
        open();
        expect((await handle.result()).status).toBe('cancelled');
        expect(started).toEqual(['takePayment', ...undone]);
      },
    );
  });

  it('waits for the end of a pending capture and then refunds it', async () => {
    const { opened, open } = gate();
    await harness.run(
      anOrder(),
      {
        takePayment: () => Promise.resolve({ status: 'pending' }),
        settlePayment: () => opened.then(() => CAPTURED),
      },
      async ({ handle, started, starts }) => {
        await starts('settlePayment');
        await handle.cancel();
        open();
        expect((await handle.result()).status).toBe('cancelled');
        expect(started).toEqual(['takePayment', 'settlePayment', ...undone]);
      },
    );
  });

  it('tells the attendee how much is refunded', async () => {
    const { opened, open } = gate();
    const refunds: unknown[] = [];
    await harness.run(
      anOrder(),
      {
        takePayment: () => opened.then(() => CAPTURED),
        sendNotice: ({ kind, refunded }) => {
          refunds.push({ kind, refunded });
          return Promise.resolve({ attempts: 1 });
        },
      },
      async ({ handle, starts }) => {
        await starts('takePayment');
        await handle.cancel();
        open();
        await handle.result();
        expect(refunds).toEqual([{ kind: 'cancelled', refunded: { minor: 12_000, currency: 'EUR' } }]);
      },
    );
  });

  it('takes no other card once it is cancelled, and answers `cancelled` to it', async () => {
    const { opened, open } = gate();
    await harness.run(
      anOrder(),
      { takePayment: () => opened.then(async () => declined(await inFifteenMinutes())) },
      async ({ handle, pay, started, starts }) => {
        await starts('takePayment');
        const second = pay('B');
        await accepts(handle, 1);
        await handle.cancel();
        open();
        expect(await second).toEqual({ status: 'cancelled' });
        expect((await handle.result()).status).toBe('cancelled');
        expect(count(started, 'takePayment')).toBe(1);
      },
    );
  });

  it('repeats a capture that backs off, and then refunds it', async () => {
    const paypal = outage(CAPTURED);
    await harness.run(anOrder(), { takePayment: paypal.ask }, async ({ handle, started }) => {
      await backsOff(handle, 'takePayment');
      await handle.cancel();
      paypal.end();
      expect((await handle.result()).status).toBe('cancelled');
      expect(new Set(started)).toEqual(new Set(['takePayment', ...undone]));
    });
  });

  it('goes on asking about a pending capture that backs off, and then refunds it', async () => {
    const paypal = outage(CAPTURED);
    await harness.run(
      anOrder(),
      { takePayment: () => Promise.resolve({ status: 'pending' }), settlePayment: paypal.ask },
      async ({ handle, started }) => {
        await backsOff(handle, 'settlePayment');
        await handle.cancel();
        paypal.end();
        expect((await handle.result()).status).toBe('cancelled');
        expect(started).toEqual(['takePayment', 'settlePayment', 'settlePayment', ...undone]);
      },
    );
  });

  it('asks at once when PayPal has news of a pending capture, although it was cancelled meanwhile', async () => {
    const paypal = outage(CAPTURED);
    await harness.run(
      anOrder(),
      { takePayment: () => Promise.resolve({ status: 'pending' }), settlePayment: paypal.ask },
      async ({ handle, started }) => {
        await backsOff(handle, 'settlePayment');
        await handle.cancel();
        paypal.end();
        await handle.signal(PAYMENT_NEWS);
        expect((await handle.result()).status).toBe('cancelled');
        expect(started).toEqual(['takePayment', 'settlePayment', 'settlePayment', ...undone]);
      },
    );
  });

  it.each([
    ['was renewed', 'cancelled', ['giveSeatBack', 'sendNotice'], async () => inFifteenMinutes()],
    ['has ended', 'expired', [], () => Promise.resolve(null)],
  ] as const)(
    'repeats the release of a hold that backs off, when the hold %s',
    async (_what, status, then, release) => {
      const database = outage(release);
      await harness.run(
        anOrder(),
        {
          takePayment: () => Promise.resolve(declined('2001-01-01T00:00:00Z')),
          releaseHold: async () => (await database.ask())(),
        },
        async ({ handle, started }) => {
          await backsOff(handle, 'releaseHold');
          await handle.cancel();
          database.end();
          expect((await handle.result()).status).toBe(status);
          expect(new Set(started)).toEqual(new Set(['takePayment', 'releaseHold', ...then]));
        },
      );
    },
  );

  it('gives the seat back and refunds nothing while the run waits for another card', async () => {
    const heldUntil = async () => new Date((await harness.environment.currentTimeMs()) + 9e7).toISOString();
    await harness.run(
      anOrder(),
      { takePayment: async () => declined(await heldUntil()) },
      async ({ handle, pay, started }) => {
        await pay('A');
        await handle.cancel();
        expect((await handle.result()).status).toBe('cancelled');
        expect(started).toEqual(['takePayment', 'giveSeatBack', 'sendNotice']);
      },
    );
  });

  it.each(['saveOrder', 'sendConfirmation', 'addToMailingList'] as const)(
    'refunds the payment, gives the seat back and tells the attendee during %s',
    async (activity) => {
      await harness.run(anOrder(), { [activity]: outOfReach }, async ({ handle, started }) => {
        await backsOff(handle, activity);
        await handle.cancel();
        expect((await handle.result()).status).toBe('cancelled');
        expect(started.filter((name) => undone.includes(name))).toEqual(undone);
      });
    },
  );

  it('completes a refund that is already in progress', async () => {
    const order = gate();
    const refund = gate();
    await harness.run(
      anOrder(),
      {
        saveOrder: () => order.opened.then(() => final('OrderImpossible')),
        refundPayment: () => refund.opened.then(() => ({ refunded: EVERYTHING })),
      },
      async ({ handle, started, starts }) => {
        await othersDone(handle);
        order.open();
        await starts('refundPayment');
        await handle.cancel();
        refund.open();
        expect((await handle.result()).status).toBe('refunded');
        expect(started.filter((name) => undone.includes(name))).toEqual(undone);
      },
    );
  });

  it('ends the run even when the notice is rejected permanently', async () => {
    await harness.run(
      anOrder(),
      { saveOrder: outOfReach, sendNotice: () => final('Rejected') },
      async ({ handle }) => {
        await backsOff(handle, 'saveOrder');
        await handle.cancel();
        expect((await handle.result()).status).toBe('cancelled');
      },
    );
  });
});
