/** What PayPal tells by itself, with every ledger compared: however often, in whatever order, and during our own refunds. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { sendRefund } from '../../src/activities/refund.ts';
import { findDetails, moneyOf } from '../../src/database/desk/details.ts';
import { listRegistrations } from '../../src/database/desk/list.ts';
import { findRefund } from '../../src/database/refunds.ts';
import { refundWorkflowId, type RefundRequest } from '../../src/refund.ts';
import { workflowId } from '../../src/registration.ts';
import { applyPaypalEvent } from '../../src/registrations/paypal-events.ts';
import { startRefund } from '../../src/temporal/runs.ts';
import { CARDS, anAttendee, type Stack } from '../stack.ts';
import {
  allTold,
  captureOf,
  deliver,
  deliveriesOf,
  kindsOf,
  originOf,
  registered,
  startTold,
} from '../webhooks.ts';
import { isLeftWith } from '../workflows/dev-server.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startTold();
});
afterEach(() => {
  stack.sandbox.faults.clear();
});
afterAll(() => stack.stop());

const euros = (amount: number) => ({ minor: Math.round(amount * 100), currency: 'EUR' });
const ABOUT = { event: 'conference', ticketType: 'regular', status: 'confirmed' } as const;
const request = (registration: string, amount: number | null): RefundRequest => ({
  ...{ registration, action: randomUUID(), organizer: randomUUID(), reason: '', cancels: false },
  amount: amount === null ? null : euros(amount),
});
const refund = async (asked: RefundRequest) => {
  await startRefund(stack.temporal, asked, ABOUT, { taskQueue: stack.taskQueue });
  return stack.temporal.workflow.getHandle(refundWorkflowId(asked.action)).result() as Promise<object>;
};
const byHand = (id: string, value: string) =>
  stack.sandbox.refundByHand(captureOf(stack, id).id, { currency_code: 'EUR', value });

/** The money of a registration: what we say is gone, and what PayPal says, in cents. They have to be equal. */
async function gone(id: string): Promise<number> {
  const ours = moneyOf(await findDetails(stack.database, id));
  const { id: captureId } = captureOf(stack, id);
  const atPaypal = stack.sandbox
    .ledger()
    .refunds.filter(({ capture_id, status }) => capture_id === captureId && status === 'COMPLETED')
    .reduce((sum, { amount }) => sum + Math.round(Number(amount.value) * 100), 0);
  expect(ours.refunded.minor + ours.takenBack.minor).toBe(atPaypal);
  expect(ours.available.minor).toBe(12_000 - atPaypal);
  return atPaypal;
}
const attention = async (name: 'disputed' | 'refund-refused', id: string) => {
  const { rows } = await listRegistrations(stack.database, { attention: name }, { way: 'newest' });
  return rows.some((row) => row.id === id);
};
/** The bodies of the events about something, as they were sent. */
const bodiesAbout = (what: string) =>
  stack.sandbox
    .ledger()
    .deliveries.filter(({ body }) => body.includes(what))
    .map(({ body }) => body);

/** Every event about a payment once more, 25 times, in any order, all at once. */
async function again(what: string): Promise<void> {
  const bodies = bodiesAbout(what);
  expect(bodies.length).toBeGreaterThan(0);
  const all = Array.from({ length: 25 }, () => bodies)
    .flat()
    .toSorted(() => Math.random() - 0.5);
  const pending = [...all];
  // As many at once as one process takes.
  await Promise.all(
    Array.from({ length: 15 }, async () => {
      for (let body = pending.pop(); body !== undefined; body = pending.pop())
        expect((await deliver(stack, 'paypal', body)).statusCode).toBe(204);
    }),
  );
}

describe('a refund in the dashboard of PayPal', () => {
  it('is entered in the ledger and the history once, however often PayPal tells of it', async () => {
    const { id } = await registered(stack);
    byHand(id, '40.00');
    await allTold(stack);
    expect(await gone(id)).toBe(4000);
    await again(captureOf(stack, id).id);
    expect(await gone(id)).toBe(4000);
    expect(await kindsOf(stack, id)).toEqual(['registered', 'refunded-at-paypal']);
    expect(await refund(request(id, null))).toMatchObject({ status: 'done', amount: euros(80) });
    expect(await gone(id)).toBe(12_000);
  });

  it('is the one that was asked for meanwhile, also when PayPal tells of it first', async () => {
    const { id } = await registered(stack);
    stack.sandbox.faults.set('paypal', { mode: 'failing', status: 503, only: '/checkout/orders' });
    const asked = request(id, 40);
    await startRefund(stack.temporal, asked, ABOUT, { taskQueue: stack.taskQueue });
    await isLeftWith(stack.temporal.workflow.getHandle(refundWorkflowId(asked.action)), 'sendRefund');
    byHand(id, '40.00');
    stack.sandbox.faults.clear();
    await vi.waitUntil(async () => (await kindsOf(stack, id)).includes('refunded-at-paypal'));
    expect(await stack.temporal.workflow.getHandle(refundWorkflowId(asked.action)).result()).toMatchObject({
      status: 'done',
      amount: euros(40),
    });
    await allTold(stack);
    expect(await gone(id)).toBe(4000);
    const { history } = await findDetails(stack.database, id);
    expect(history.find(({ kind }) => kind === 'refunded')?.facts).toMatchObject({ byHand: true });
  }, 30_000);

  it('of another amount is entered beside the one that is under way', async () => {
    const { id } = await registered(stack);
    await Promise.all([refund(request(id, 50)), Promise.resolve(byHand(id, '30.00'))]);
    await allTold(stack);
    await again(captureOf(stack, id).id);
    expect(await gone(id)).toBe(8000);
  });
});

describe('our own refund', () => {
  it('is settled by its run, and the events about it enter nothing', async () => {
    const { id } = await registered(stack);
    await refund(request(id, 40));
    await allTold(stack);
    await again(captureOf(stack, id).id);
    expect(await gone(id)).toBe(4000);
    expect(await kindsOf(stack, id)).toEqual(['registered', 'refund-asked', 'refunded']);
  });

  it('is entered once although PayPal tells of it before its run knows', async () => {
    const { id } = await registered(stack);
    const asked = request(id, 40);
    // PayPal makes the refund, and its answer is lost.
    stack.sandbox.faults.set('paypal', { mode: 'cut', only: '/refund', times: 1 });
    const done = refund(asked);
    await vi.waitUntil(() =>
      deliveriesOf(stack, 'PAYMENT.CAPTURE.REFUNDED').some(({ body }) => body.includes(asked.action)),
    );
    await allTold(stack);
    await again(asked.action);
    expect(await done).toMatchObject({ status: 'done', amount: euros(40) });
    expect(await gone(id)).toBe(4000);
    expect(await kindsOf(stack, id)).toEqual(['registered', 'refund-asked', 'refunded']);
  });

  it('that the ledger has lost, as after a restore of the database, is entered as money that is gone', async () => {
    const { id } = await registered(stack);
    await refund(request(id, 40));
    await allTold(stack);
    await stack.database('refunds').where({ registration_id: id }).delete();
    await stack.database('webhook_events').where({ registration_id: id }).delete();
    await again(captureOf(stack, id).id);
    expect(await gone(id)).toBe(4000);
  });

  it('never makes more than was paid, with everything at the same moment', async () => {
    const { id } = await registered(stack);
    const mine = [request(id, 70), request(id, 30), request(id, null)];
    await Promise.all([
      ...mine.map((asked) => refund(asked).catch(() => undefined)),
      Promise.resolve(byHand(id, '25.00')),
      Promise.resolve(byHand(id, '20.00')),
    ]);
    await allTold(stack);
    await again(captureOf(stack, id).id);
    for (const { action } of mine) {
      const found = await findRefund(stack.database, action);
      if (found?.state === 'asked') await sendRefund(stack, found);
    }
    await allTold(stack);
    expect(await gone(id)).toBeLessThanOrEqual(12_000);
  }, 30_000);
});

describe('a chargeback', () => {
  it('counts as money that is gone, once, and says so', async () => {
    const { id } = await registered(stack);
    await refund(request(id, 20));
    stack.sandbox.reverse(captureOf(stack, id).id);
    await allTold(stack);
    await again(captureOf(stack, id).id);
    expect(await gone(id)).toBe(12_000);
    const details = await findDetails(stack.database, id);
    expect(moneyOf(details)).toMatchObject({
      refunded: euros(20),
      takenBack: euros(100),
      available: euros(0),
    });
    expect(await kindsOf(stack, id)).toEqual(['registered', 'refund-asked', 'refunded', 'payment-reversed']);
    expect(await startRefund(stack.temporal, request(id, 1), ABOUT, { taskQueue: stack.taskQueue })).toEqual({
      status: 'nothing-left',
    });
  });

  it('that a look at PayPal has found first is one entry', async () => {
    const { id } = await registered(stack);
    stack.sandbox.sendWebhooksTo(undefined);
    const { id: captureId } = captureOf(stack, id);
    const reversal = stack.sandbox.reverse(captureId);
    // The run of a refund finds everything gone.
    await refund(request(id, null));
    stack.sandbox.sendWebhooksTo(originOf(stack), 50);
    const about = reversal?.id ?? '';
    const event = { id: `WH-${about}`, kind: 'PAYMENT.CAPTURE.REVERSED', about, isCapture: false };
    await Promise.all([1, 2, 3].map(() => applyPaypalEvent(stack, event)));
    expect(await gone(id)).toBe(12_000);
    expect((await kindsOf(stack, id)).filter((kind) => kind === 'payment-reversed')).toHaveLength(1);
  });
});

describe('a dispute', () => {
  it('is opened and closed once, in whatever order PayPal tells', async () => {
    const { id } = await registered(stack);
    const { dispute_id } = stack.sandbox.openDispute(captureOf(stack, id).id);
    await allTold(stack);
    expect(await attention('disputed', id)).toBe(true);
    expect((await findDetails(stack.database, id)).disputes).toMatchObject([
      { id: dispute_id, status: 'WAITING_FOR_SELLER_RESPONSE', amount: euros(120), closedAt: null },
    ]);
    stack.sandbox.reviewDispute(dispute_id);
    stack.sandbox.resolveDispute(dispute_id, 'RESOLVED_SELLER_FAVOUR');
    await allTold(stack);
    await again(dispute_id);
    expect(await attention('disputed', id)).toBe(false);
    expect(await gone(id)).toBe(0);
    expect((await findDetails(stack.database, id)).disputes).toMatchObject([
      { status: 'RESOLVED', outcome: 'RESOLVED_SELLER_FAVOUR' },
    ]);
    expect(await kindsOf(stack, id)).toEqual(['registered', 'dispute-opened', 'dispute-resolved']);
    const { rows } = await stack.database.raw<{ rows: object[] }>(
      'select to_jsonb(d) as row from disputes d',
    );
    expect(JSON.stringify(rows)).not.toMatch(/@|Ada/);
  });

  it('that is lost takes the money', async () => {
    const { id } = await registered(stack);
    const { dispute_id } = stack.sandbox.openDispute(captureOf(stack, id).id);
    stack.sandbox.resolveDispute(dispute_id, 'RESOLVED_BUYER_FAVOUR');
    await allTold(stack);
    expect(await gone(id)).toBe(12_000);
  });

  it('that is won gives back what was taken before', async () => {
    const { id } = await registered(stack);
    const { id: captureId } = captureOf(stack, id);
    const { dispute_id } = stack.sandbox.openDispute(captureId);
    stack.sandbox.reverse(captureId);
    await allTold(stack);
    expect(await gone(id)).toBe(12_000);
    stack.sandbox.resolveDispute(dispute_id, 'RESOLVED_SELLER_FAVOUR');
    await allTold(stack);
    await again(dispute_id);
    expect(await gone(id)).toBe(0);
    expect((await kindsOf(stack, id)).filter((kind) => kind === 'reversal-cancelled')).toHaveLength(1);
    expect(await attention('refund-refused', id)).toBe(false);
    expect(await refund(request(id, null))).toMatchObject({ status: 'done', amount: euros(120) });
  });
});

describe('a payment under review', () => {
  it.each([
    ['COMPLETED', 'confirmed'],
    ['DECLINED', 'declined'],
  ] as const)(
    'that PayPal has %s is known at once, and not with the next try',
    async (decision, status) => {
      const person = anAttendee(stack);
      expect((await person.register(CARDS.pending)).statusCode).toBe(202);
      const run = stack.temporal.workflow.getHandle(workflowId(person.id));
      await isLeftWith(run, 'settlePayment');
      const startedAt = Date.now();
      stack.sandbox.settle(captureOf(stack, person.id).id, decision);
      await vi.waitUntil(async () => (await person.status()).json<{ status: string }>().status === status, {
        timeout: 20_000,
      });
      // The run would ask again a minute after its first try.
      expect(Date.now() - startedAt).toBeLessThan(20_000);
      await allTold(stack);
      await again(captureOf(stack, person.id).id);
      if (decision === 'COMPLETED') expect(await run.result()).toMatchObject({ status: 'confirmed' });
    },
    60_000,
  );

  it('that is taken at once tells its run nothing', async () => {
    const { id } = await registered(stack);
    await allTold(stack);
    const { events } = await stack.temporal.workflow.getHandle(workflowId(id)).fetchHistory();
    expect(events?.filter((event) => event.workflowExecutionSignaledEventAttributes)).toEqual([]);
  });
});

it('ignores what is about payments of others', async () => {
  const captureIds: string[] = [];
  // Another program at the same PayPal account may have ids of the same form.
  for (const registrationId of ['another-shop', randomUUID()]) {
    const order = await stack.paypal.createOrder(
      { requestId: randomUUID(), registrationId, description: 'A cup', amount: euros(10) },
      5000,
    );
    stack.sandbox.approve(order);
    await stack.paypal.captureOrder(order, randomUUID(), 5000);
    const { id } = captureOf(stack, registrationId);
    stack.sandbox.openDispute(id);
    stack.sandbox.reverse(id);
    captureIds.push(id);
  }
  await allTold(stack);
  for (const table of ['refunds', 'disputes', 'captures'])
    expect(await stack.database(table).whereIn('paypal_capture_id', captureIds)).toEqual([]);
});
