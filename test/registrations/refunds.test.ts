/** Refunds and cancellations by organizers, with every ledger compared: ours, PayPal's, the seats and the mails. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { activityOptions, type Activities } from '../../src/activities/index.ts';
import { sendRefund } from '../../src/activities/refund.ts';
import { findRefund } from '../../src/database/refunds.ts';
import {
  CANCEL_WORKFLOW,
  cancelWorkflowId,
  REFUND_WORKFLOW,
  refundWorkflowId,
  type RefundRequest,
} from '../../src/refund.ts';
import { workflowId } from '../../src/registration.ts';
import { startCancellation, startRefund } from '../../src/temporal/runs.ts';
import { ifThere } from '../../src/temporal/client.ts';
import { aForm, emailOf } from '../../stage/person.ts';
import { anAttendee, startStack, texts, type Stack } from '../stack.ts';
import { requestIdsTo } from '../vendors/request-ids.ts';
import { bundleWorkflows } from '../workflows/bundle.ts';
import { isLeftWith } from '../workflows/dev-server.ts';
import { gate } from '../workflows/stand-ins.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ answerWithinMs: 3000 });
  await stack.startWorker();
});
afterEach(() => {
  stack.sandbox.faults.clear();
  stack.sandbox.setAccount({ funds: null, refunds: 'COMPLETED' });
});
afterAll(() => stack.stop());

const euros = (amount: number) => ({ minor: Math.round(amount * 100), currency: 'EUR' });
const ABOUT = { event: 'conference', ticketType: 'regular', status: 'confirmed' } as const;
const runOf = (id: string) => stack.temporal.workflow.getHandle(workflowId(id));

/** Registers somebody with an e-mail address of their own, for 120 euros. */
async function registered({ ticketType = 'regular', waits = true, newsletter = false } = {}) {
  const id = randomUUID();
  const attendee = { firstName: 'Ada', lastName: 'Example', email: emailOf(id) };
  const person = anAttendee(stack, aForm({ ticketType, attendee, newsletter }), id);
  // On a busy machine the outcome may not be known within a second.
  expect([201, 202]).toContain((await person.register()).statusCode);
  if (waits) await runOf(id).result();
  else await vi.waitUntil(async () => (await statusOf(id)) === 'confirmed');
  return person;
}
const statusOf = async (id: string) =>
  (await stack.database('orders').where({ id }).pluck<string[]>('status'))[0];
const shownTo = async ({ status }: Pick<ReturnType<typeof anAttendee>, 'status'>) =>
  (await status()).json<{ status: string }>().status;
const captureOf = (id: string) => {
  const capture = stack.sandbox.ledger().captures.find(({ custom_id }) => custom_id === id);
  if (!capture) throw new Error('There is no capture');
  return capture;
};
const refundsOf = (id: string) =>
  stack.sandbox
    .ledger()
    .refunds.filter(({ capture_id }) => capture_id === captureOf(id).id)
    .map(({ amount }) => amount.value);
const ledgerOf = (id: string) =>
  stack
    .database('refunds')
    .where({ registration_id: id })
    .orderBy('asked_at')
    .select<{ state: string; amount_minor: number; word: string | null }[]>('state', 'amount_minor', 'word');
const noticesTo = (id: string, category: string) =>
  stack.sandbox
    .ledger()
    .mails.filter(({ to, categories }) => to[0]?.email === emailOf(id) && categories.includes(category));
const request = (
  registration: string,
  amount: number | null,
  more: Partial<RefundRequest> = {},
): RefundRequest => ({
  ...{ registration, action: randomUUID(), organizer: randomUUID(), reason: 'A reason', cancels: false },
  amount: amount === null ? null : euros(amount),
  ...more,
});
const start = (asked: RefundRequest) =>
  startRefund(stack.temporal, asked, ABOUT, { taskQueue: stack.taskQueue });
const ended = ({ action }: RefundRequest) =>
  stack.temporal.workflow.getHandle(refundWorkflowId(action)).result() as Promise<object>;
const refund = async (asked: RefundRequest) => {
  await start(asked);
  return ended(asked);
};
/** Makes the next try to send a refund, without waiting for it. */
const sendNow = async ({ action }: RefundRequest) => {
  const found = await findRefund(stack.database, action);
  return found && sendRefund(stack, found);
};
const cancelled = async (registration: string) => {
  const { action, organizer, reason } = request(registration, null);
  const decision = await startCancellation(
    stack.temporal,
    { registration, action, organizer, reason },
    ABOUT,
    { taskQueue: stack.taskQueue },
  );
  await stack.temporal.workflow.getHandle(cancelWorkflowId(action)).result();
  return decision;
};
const soldOf = async (ticketType: string) =>
  (await stack.database('ticket_types').where({ id: ticketType }).first<{ sold: number }>('sold')).sold;

describe('a refund', () => {
  it('of a part and then of the rest leaves the registration as it is, and tells the attendee', async () => {
    const person = await registered();
    const { id } = person;
    expect(await refund(request(id, 40))).toMatchObject({ status: 'done', amount: euros(40), ended: null });
    expect(await refund(request(id, null))).toMatchObject({ status: 'done', amount: euros(80) });
    expect(refundsOf(id)).toEqual(['40.00', '80.00']);
    expect(captureOf(id).status).toBe('REFUNDED');
    expect([await statusOf(id), await shownTo(person)]).toEqual(['confirmed', 'confirmed']);
    const notices = noticesTo(id, 'refund-made');
    expect(notices).toHaveLength(2);
    expect(texts(notices[0]).join('\n')).toContain('A refund of €40.00 is on its way');
    expect(texts(notices[0]).join('\n')).not.toContain('A reason');
  });

  it('that cancels gives the seat back, and status page, API and mail say so', async () => {
    const before = await soldOf('limited');
    const person = await registered({ ticketType: 'limited' });
    const { id } = person;
    expect(await refund(request(id, null, { cancels: true }))).toMatchObject({ ended: 'refunded' });
    expect(await soldOf('limited')).toBe(before);
    expect(await shownTo(person)).toBe('refunded');
    const page = await stack.app.inject({ url: `/registrations/${id}`, headers: { accept: 'text/html' } });
    expect(page.body).toContain('class="status refunded"');
    expect(texts(noticesTo(id, 'cancelled')[0]).join('\n')).toContain('The full amount of €90.00');
    // The seat can be sold again.
    await registered({ ticketType: 'limited' });
  });

  it('is one of two, and not both, when they are more than was paid', async () => {
    const { id } = await registered();
    const decisions = await Promise.all([start(request(id, 70)), start(request(id, 70))]);
    expect(decisions.map(({ status }) => status).toSorted()).toEqual(['asked', 'too-much']);
    await vi.waitUntil(async () => (await ledgerOf(id)).every(({ state }) => state === 'done'));
    expect(refundsOf(id)).toEqual(['70.00']);
  });

  it('is one, with one mail, when the same action comes ten times', async () => {
    const { id } = await registered();
    const asked = request(id, 40);
    const decisions = await Promise.all(Array.from({ length: 10 }, () => start(asked)));
    expect(decisions).toEqual(Array(10).fill({ status: 'asked', amount: euros(40) }));
    await ended(asked);
    expect(await start(asked)).toEqual({ status: 'asked', amount: euros(40) });
    expect(refundsOf(id)).toEqual(['40.00']);
    expect(noticesTo(id, 'refund-made')).toHaveLength(1);
  });

  it('is made once although the answer of PayPal is lost, and although PayPal has forgotten its request id', async () => {
    const { id } = await registered();
    const ids = requestIdsTo(`/${captureOf(id).id}/refund`);
    stack.sandbox.faults.set('paypal', { mode: 'cut', only: '/refund', times: 1 });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    const asked = request(id, 40);
    try {
      await start(asked);
      await vi.waitUntil(() => refundsOf(id).length === 1);
      vi.setSystemTime(Date.now() + 46 * 24 * 3_600_000);
      expect(await ended(asked)).toMatchObject({ status: 'done', amount: euros(40) });
    } finally {
      vi.useRealTimers();
    }
    expect(refundsOf(id)).toEqual(['40.00']);
    expect(ids).toEqual([`${id}:refund:1`]);
  });

  it('is found when it was made in the dashboard of PayPal meanwhile, and not repeated', async () => {
    const { id } = await registered();
    stack.sandbox.faults.set('paypal', { mode: 'unreachable' });
    const asked = request(id, 40);
    await start(asked);
    stack.sandbox.refundByHand(captureOf(id).id, { currency_code: 'EUR', value: '40.00' });
    stack.sandbox.faults.clear();
    expect(await ended(asked)).toMatchObject({ status: 'done', amount: euros(40) });
    expect(refundsOf(id)).toEqual(['40.00']);
    expect(await ledgerOf(id)).toMatchObject([{ state: 'done', amount_minor: 4000 }]);
  });

  it('of everything is what the dashboard of PayPal has left', async () => {
    const { id } = await registered();
    stack.sandbox.refundByHand(captureOf(id).id, { currency_code: 'EUR', value: '30.00' });
    expect(await refund(request(id, null))).toMatchObject({ status: 'done', amount: euros(90) });
    expect(refundsOf(id)).toEqual(['30.00', '90.00']);
    expect((await ledgerOf(id)).map(({ amount_minor }) => amount_minor).toSorted()).toEqual([3000, 9000]);
  });

  it('of everything cancels, and moves nothing, when everything was refunded in the dashboard before', async () => {
    const { id } = await registered();
    stack.sandbox.refundByHand(captureOf(id).id);
    expect(await refund(request(id, null, { cancels: true }))).toMatchObject({
      status: 'done',
      amount: euros(0),
      ended: 'refunded',
    });
    expect(refundsOf(id)).toEqual(['120.00']);
    expect(await statusOf(id)).toBe('refunded');
  });

  it.each([
    [
      'REFUND_FAILED_INSUFFICIENT_FUNDS',
      () => {
        stack.sandbox.setAccount({ funds: 1000 });
      },
      () => {
        stack.sandbox.setAccount({ funds: null });
      },
    ],
    [
      'REFUND_TIME_LIMIT_EXCEEDED',
      (id: string) => {
        stack.sandbox.age(captureOf(id).id, 181);
      },
      (id: string) => {
        stack.sandbox.age(captureOf(id).id, -181);
      },
    ],
  ] as const)(
    'that PayPal refuses with %s cancels nothing, and is made when it is asked for again',
    async (word, hinder, help) => {
      const { id } = await registered();
      hinder(id);
      const asked = request(id, null, { cancels: true });
      expect(await refund(asked)).toEqual({ status: 'refused', word, asked: euros(120) });
      expect([await statusOf(id), refundsOf(id), noticesTo(id, 'cancelled')]).toEqual(['confirmed', [], []]);
      expect(await ledgerOf(id)).toEqual([{ state: 'refused', amount_minor: 12_000, word }]);
      help(id);
      const again = { ...asked, again: randomUUID() };
      const twice = await Promise.all([start(again), start(again)]);
      expect(twice.map(({ status }) => status)).toEqual(['asked', 'asked']);
      expect(await ended(asked)).toMatchObject({ status: 'done', ended: 'refunded' });
      expect([await statusOf(id), refundsOf(id)]).toEqual(['refunded', ['120.00']]);
      expect(await start({ ...asked, again: randomUUID() })).toEqual({ status: 'not-refused' });
    },
  );

  it('that is asked for again while the run of the first try is still open is made', async () => {
    const late = await startStack({ answerWithinMs: 1000 });
    onTestFinished(() => late.stop());
    const options = activityOptions({ ...late, config: late.config });
    const [refused, closing] = [gate(), gate()];
    await late.startWorker({
      ...options,
      workflowBundle: await bundleWorkflows(),
      activities: {
        ...options.activities,
        sendRefund: async (action) => {
          const outcome = await options.activities.sendRefund(action);
          refused.open();
          await closing.opened;
          return outcome;
        },
      } satisfies Activities,
    });
    const person = anAttendee(late, aForm({ newsletter: false }));
    await person.register();
    await late.temporal.workflow.getHandle(workflowId(person.id)).result();
    const asked = request(person.id, 40);
    const ask = (more: Partial<RefundRequest> = {}) =>
      startRefund(late.temporal, { ...asked, ...more }, ABOUT, { taskQueue: late.taskQueue });
    late.sandbox.setAccount({ funds: 0 });
    await ask();
    await refused.opened;
    late.sandbox.setAccount({ funds: null });
    const tries = vi.spyOn(late.temporal.workflow, 'executeUpdateWithStart');
    const settled = vi.fn();
    const again = ask({ again: randomUUID() }).finally(settled);
    await vi.waitUntil(() => settled.mock.calls.length > 0 || tries.mock.calls.length > 1);
    closing.open();
    expect(await again).toEqual({ status: 'asked', amount: euros(40) });
    await late.temporal.workflow.getHandle(refundWorkflowId(asked.action)).result();
    expect(late.sandbox.ledger().refunds.map(({ amount }) => amount.value)).toEqual(['40.00']);
  });

  it('that PayPal has not completed is waited for, and one that fails in the end is refused', async () => {
    const [{ id: done }, { id: failed }] = [await registered(), await registered()];
    stack.sandbox.setAccount({ refunds: 'PENDING' });
    const [first, second] = [request(done, 40), request(failed, 40)];
    await Promise.all([start(first), start(second)]);
    for (const { action } of [first, second])
      await isLeftWith(stack.temporal.workflow.getHandle(refundWorkflowId(action)), 'sendRefund');
    expect(await ledgerOf(done)).toMatchObject([{ state: 'asked' }]);
    const refundIds = stack.sandbox.ledger().refunds.filter(({ status }) => status === 'PENDING');
    for (const { id, capture_id } of refundIds)
      stack.sandbox.settleRefund(id, capture_id === captureOf(done).id ? 'COMPLETED' : 'FAILED');
    // The runs ask again after ten minutes.
    expect(await sendNow(first)).toMatchObject({ status: 'done' });
    expect(await sendNow(second)).toEqual({ status: 'refused', word: 'FAILED' });
    expect(captureOf(failed).status).toBe('COMPLETED');
  });

  it('is answered although Temporal has lost the question, and the run is over', async () => {
    const [{ id }, { id: other }] = [await registered(), await registered()];
    const [first, refused] = [request(id, 40), request(other, 130)];
    const { taskQueue } = stack;
    for (const asked of [first, refused]) {
      const ids = { workflowId: refundWorkflowId(asked.action), taskQueue };
      await stack.temporal.workflow.execute(REFUND_WORKFLOW, { ...ids, args: [asked] });
    }
    expect(await start(first)).toEqual({ status: 'asked', amount: euros(40) });
    expect(await start(refused)).toEqual({ status: 'too-much', left: euros(120) });
    const { action, organizer, reason } = request(id, null);
    const cancellation = { registration: id, action, organizer, reason };
    const ids = { workflowId: cancelWorkflowId(action), taskQueue };
    await stack.temporal.workflow.execute(CANCEL_WORKFLOW, { ...ids, args: [cancellation] });
    expect(await startCancellation(stack.temporal, cancellation, ABOUT, { taskQueue })).toEqual({
      status: 'ended',
    });
  });

  it('of a registration that has no order yet, or was free, is not possible', async () => {
    expect(await start(request(randomUUID(), null))).toEqual({ status: 'no-order' });
    const { id } = await registered({ ticketType: 'free' });
    expect(await start(request(id, null))).toEqual({ status: 'nothing-paid' });
  });

  it('of a registration that Temporal has forgotten is made', async () => {
    const { id } = await registered();
    const { namespace } = stack.temporal.options;
    const workflowExecution = { workflowId: workflowId(id) };
    await stack.temporal.workflowService.deleteWorkflowExecution({ namespace, workflowExecution });
    await vi.waitUntil(async () => !(await ifThere(runOf(id).describe())), { timeout: 60_000 });
    expect(await refund(request(id, null, { cancels: true }))).toMatchObject({ ended: 'refunded' });
    expect(refundsOf(id)).toEqual(['120.00']);
  }, 90_000);
});

describe('a registration whose run is still open', () => {
  /** Registers somebody whose confirmation cannot be sent. */
  async function withoutMail() {
    stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503 });
    const person = await registered({ waits: false });
    await isLeftWith(runOf(person.id), 'sendConfirmation');
    return person;
  }

  it('ends with a refund that cancels, and nobody gets its confirmation', async () => {
    const person = await withoutMail();
    const { id } = person;
    await start(request(id, 50, { cancels: true }));
    expect(await runOf(id).result()).toMatchObject({ status: 'cancelled' });
    stack.sandbox.faults.clear();
    await vi.waitUntil(() => noticesTo(id, 'cancelled').length === 1, { timeout: 10_000 });
    expect([await shownTo(person), refundsOf(id)]).toEqual(['cancelled', ['50.00']]);
    expect(noticesTo(id, 'confirmation')).toEqual([]);
    expect(noticesTo(id, 'cancelled')).toHaveLength(1);
  });

  it('and free ends with a cancellation, which is told once', async () => {
    stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503 });
    const { id } = await registered({ ticketType: 'free', waits: false });
    await isLeftWith(runOf(id), 'sendConfirmation');
    const done = cancelled(id);
    expect(await runOf(id).result()).toMatchObject({ status: 'cancelled' });
    stack.sandbox.faults.clear();
    expect(await done).toEqual({ status: 'ended' });
    expect(noticesTo(id, 'cancelled')).toHaveLength(1);
    expect(noticesTo(id, 'confirmation')).toEqual([]);
  });

  it('has one outcome when its run is cancelled while an organizer refunds a part', async () => {
    const { id } = await withoutMail();
    await Promise.all([start(request(id, 50, { cancels: true })), runOf(id).cancel()]);
    stack.sandbox.faults.clear();
    await runOf(id).result();
    await vi.waitUntil(async () => (await ledgerOf(id)).every(({ state }) => state === 'done'));
    const given = refundsOf(id).reduce((sum, value) => sum + Number(value), 0);
    // Whoever came first has decided: the organizer about a part, or the run about everything.
    expect([50, 120]).toContain(given);
    expect(['cancelled', 'refunded']).toContain(await statusOf(id));
    await vi.waitUntil(() => noticesTo(id, 'cancelled').length > 0, { timeout: 10_000 });
  });
});

describe('a cancellation without a refund', () => {
  it('keeps the payment, gives the seat back and says so', async () => {
    const before = await soldOf('limited');
    const person = await registered({ ticketType: 'limited' });
    const { id } = person;
    expect(await cancelled(id)).toEqual({ status: 'ended' });
    expect([await shownTo(person), refundsOf(id), await soldOf('limited')]).toEqual([
      'cancelled',
      [],
      before,
    ]);
    expect(texts(noticesTo(id, 'cancelled')[0]).join('\n')).toContain('Your payment was not refunded');
    expect(await cancelled(id)).toEqual({ status: 'over' });
    // The money can still go back.
    expect(await refund(request(id, null))).toMatchObject({ status: 'done', amount: euros(90) });
  });

  it('of a free ticket does not speak of money that was kept', async () => {
    const { id } = await registered({ ticketType: 'free' });
    expect(await cancelled(id)).toEqual({ status: 'ended' });
    expect(texts(noticesTo(id, 'cancelled')[0]).join('\n')).toContain('You have not been charged');
  });

  it('of a registration without an order has its run undo it, with a refund of what was taken', async () => {
    const person = anAttendee(stack);
    stack.sandbox.faults.set('paypal', { mode: 'cut', only: '/capture' });
    const answered = person.register();
    await vi.waitUntil(() =>
      stack.sandbox.ledger().captures.some(({ custom_id }) => custom_id === person.id),
    );
    // PayPal has the money, and nobody can know it yet.
    stack.sandbox.faults.set('paypal', { mode: 'unreachable' });
    expect((await answered).statusCode).toBe(202);
    expect(await cancelled(person.id)).toEqual({ status: 'open' });
    stack.sandbox.faults.clear();
    await runOf(person.id).result();
    expect([await shownTo(person), refundsOf(person.id)]).toEqual(['cancelled', ['120.00']]);
  });

  it('is decided before there is an order, and refunds what was taken although the run has ended meanwhile', async () => {
    const late = await startStack({ answerWithinMs: 1000 });
    onTestFinished(() => late.stop());
    const options = activityOptions({ ...late, config: late.config });
    const [decided, saved] = [gate(), gate()];
    await late.startWorker({
      ...options,
      workflowBundle: await bundleWorkflows(),
      activities: {
        ...options.activities,
        saveOrder: async (...args) => {
          await decided.opened;
          return options.activities.saveOrder(...args);
        },
        cancelOrder: async (asked) => {
          const decision = await options.activities.cancelOrder(asked);
          decided.open();
          await saved.opened;
          return decision;
        },
      } satisfies Activities,
    });
    const person = anAttendee(late, aForm({ newsletter: false }));
    await person.register();
    const { action, organizer, reason } = request(person.id, null);
    const answer = startCancellation(
      late.temporal,
      { registration: person.id, action, organizer, reason },
      ABOUT,
      { taskQueue: late.taskQueue },
    );
    await late.temporal.workflow.getHandle(workflowId(person.id)).result();
    saved.open();
    expect(await answer).toEqual({ status: 'open' });
    await late.temporal.workflow.getHandle(cancelWorkflowId(action)).result();
    const { refunds, mails } = late.sandbox.ledger();
    expect(refunds.map(({ amount }) => amount.value)).toEqual(['120.00']);
    expect((await person.status()).json()).toMatchObject({ status: 'refunded' });
    expect(mails.map(({ categories }) => categories[0])).toEqual(['confirmation', 'cancelled']);
  });

  it('of a hold without a run gives the seat back', async () => {
    const person = anAttendee(stack, aForm({ ticketType: 'limited' }));
    await person.put();
    expect(await cancelled(person.id)).toEqual({ status: 'open' });
    expect(await stack.database('seat_holds').where({ id: person.id })).toEqual([]);
    expect((await person.put()).json()).toMatchObject({ type: '/problems/registration-over' });
  });
});

it('the run that undoes its own registration enters its refund in the ledger', async () => {
  await stack.database.raw('alter table orders add constraint broken check (false) not valid');
  const person = anAttendee(stack, aForm({ newsletter: false }));
  await person.register();
  await runOf(person.id).result();
  await stack.database.raw('alter table orders drop constraint broken');
  expect(refundsOf(person.id)).toEqual(['120.00']);
  expect(await ledgerOf(person.id)).toEqual([{ state: 'done', amount_minor: 12_000, word: null }]);
});
