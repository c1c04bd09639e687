/** Ticket types that ask for a confirmed e-mail address: the run waits until somebody opens the mailed link. */
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { CONFIRM_EMAIL, PROGRESS, type Progress } from '../../src/registration.ts';
import { count, startHarness } from './harness.ts';
import { anOrder, CAPTURED, declined } from './stand-ins.ts';

let harness: Awaited<ReturnType<typeof startHarness>>;
beforeAll(async () => {
  harness = await startHarness(inject('testServer'));
});
afterAll(() => harness.stop());

const confirmationToken = 'the-token-in-the-mail';
const unconfirmed = () =>
  anOrder({ confirmationToken, paypalOrderId: null, amount: { minor: 0, currency: 'EUR' } });
const statusOf = async (handle: { query: (name: string) => Promise<unknown> }) =>
  ((await handle.query(PROGRESS)) as Progress).status;

it('keeps the seat and mails the link first, and goes on once the link was opened', async () => {
  await harness.run(unconfirmed(), {}, async ({ handle, started, starts, pay }) => {
    expect(await pay('free')).toEqual({ status: 'unconfirmed' });
    await starts('askToConfirm');
    expect(await statusOf(handle)).toBe('unconfirmed');
    expect(started).toEqual(['claimUnconfirmed', 'askToConfirm']);
    await handle.signal(CONFIRM_EMAIL, confirmationToken);
    expect((await handle.result()).status).toBe('confirmed');
    expect(started.slice(2)).toContain('takePayment');
    expect(count(started, 'askToConfirm')).toBe(1);
    expect(count(started, 'releaseHold')).toBe(0);
  });
});

it('does not go on with another token, and releases the seat after an hour', async () => {
  await harness.run(unconfirmed(), {}, async ({ handle, started, starts }) => {
    await starts('askToConfirm');
    await handle.signal(CONFIRM_EMAIL, 'a-guess');
    expect((await handle.result()).status).toBe('expired');
    const { events } = await handle.fetchHistory();
    const timers = events?.flatMap(({ timerStartedEventAttributes: timer }) => timer ?? []) ?? [];
    expect(timers.map((timer) => Number(timer.startToFireTimeout?.seconds))).toEqual([3600]);
    expect(started).toEqual(['claimUnconfirmed', 'askToConfirm', 'releaseHold']);
  });
});

it('waits for nobody when there is no seat', async () => {
  const noSeat = { claimUnconfirmed: () => Promise.resolve(false) };
  await harness.run(unconfirmed(), noSeat, async ({ handle, started, pay }) => {
    expect(await pay('free')).toEqual({ status: 'expired' });
    expect((await handle.result()).status).toBe('expired');
    expect(started).toEqual(['claimUnconfirmed']);
  });
});

it('goes on waiting when the mail cannot be sent, and expires', async () => {
  const rejected = () => Promise.reject(ApplicationFailure.nonRetryable('rejected', 'SendGridRejected'));
  await harness.run(unconfirmed(), { askToConfirm: rejected }, async ({ handle, started }) => {
    expect((await handle.result()).status).toBe('expired');
    expect(count(started, 'releaseHold')).toBe(1);
  });
});

it('gives the seat back when an organizer cancels meanwhile', async () => {
  await harness.run(unconfirmed(), {}, async ({ handle, started, starts }) => {
    await starts('askToConfirm');
    await handle.cancel();
    expect((await handle.result()).status).toBe('cancelled');
    expect(started).toContain('giveSeatBack');
    expect(count(started, 'takePayment')).toBe(0);
    expect(count(started, 'releaseHold')).toBe(0);
  });
});

it('takes no payment before the address is confirmed, and tells a later decline by mail', async () => {
  const order = anOrder({ confirmationToken });
  const laterInAnHour = async () =>
    new Date((await harness.environment.currentTimeMs()) + 3_600_000).toISOString();
  const takePayment = async () => declined(await laterInAnHour());
  await harness.run(order, { takePayment }, async ({ handle, started, starts, pay }) => {
    expect(await pay('A')).toEqual({ status: 'unconfirmed' });
    await starts('askToConfirm');
    await harness.environment.sleep('30s');
    expect(count(started, 'takePayment')).toBe(0);
    await handle.signal(CONFIRM_EMAIL, confirmationToken);
    await starts('sendNotice');
    expect(await statusOf(handle)).toBe('declined');
  });
});

it('asks again when the attendee comes back with another address, and not for the same one', async () => {
  const order = anOrder({ confirmationToken });
  const inAnHour = async () =>
    new Date((await harness.environment.currentTimeMs()) + 3_600_000).toISOString();
  await harness.run(
    order,
    {
      takePayment: async ({ paypalOrderId }) =>
        paypalOrderId === 'C' ? { ...CAPTURED, paypalOrderId } : declined(await inAnHour()),
    },
    async ({ handle, started, starts, pay }) => {
      await pay('A');
      await handle.signal(CONFIRM_EMAIL, confirmationToken);
      await starts('takePayment');
      expect((await pay('B', { ...order, paypalOrderId: 'B' })).status).toBe('declined');
      expect(count(started, 'askToConfirm')).toBe(1);
      const other = { ...order, paypalOrderId: 'C', confirmationToken: 'another-token' };
      expect(await pay('C', other)).toEqual({ status: 'unconfirmed' });
      await starts('askToConfirm', 2);
      await handle.signal(CONFIRM_EMAIL, 'another-token');
      expect((await handle.result()).status).toBe('confirmed');
    },
  );
});
