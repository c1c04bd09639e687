import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Fault, Provider } from '../../sandbox/vendors/faults.ts';
import { findHold, holdSeat, notePaypalOrder } from '../../src/database/seats/hold.ts';
import { FREE } from '../../src/registration.ts';
import { CARDS } from '../stack.ts';
import { anOrder, CAPTURED } from '../workflows/stand-ins.ts';
import { startActivities } from './harness.ts';

let world: Awaited<ReturnType<typeof startActivities>>;
beforeAll(async () => {
  world = await startActivities();
});
afterEach(() => {
  world.sandbox.faults.clear();
});
afterAll(() => world.stop());

/** A held seat whose PayPal order is approved with a card, ready to be taken. */
async function approved(number?: string) {
  const id = randomUUID();
  const outcome = await holdSeat(world.store.database, id, 'conference', 'regular');
  if (outcome.status !== 'held') throw new Error(outcome.status);
  const paypalOrderId = await world.paypal.createOrder(
    { requestId: id, registrationId: id, amount: outcome.hold.amount, description: 'x' },
    5000,
  );
  await notePaypalOrder(world.store.database, outcome.hold, paypalOrderId);
  world.sandbox.approve(paypalOrderId, number === undefined ? {} : { number });
  return { id, paypalOrderId };
}
const capturesOf = (id: string) =>
  world.sandbox.ledger().captures.filter(({ custom_id }) => custom_id === id);

/** Whatever fails, nothing of a person, a key or a request may show in what Temporal keeps. */
const SECRETS = /sandbox-secret|SG\.sandbox|sandbox-us1|Bearer|Basic|ada@|Example|Street|insert into|4012/i;
function expectClean(failure: { message: string; details?: unknown[] | null | undefined; cause?: unknown }) {
  expect(JSON.stringify([failure.message, failure.details])).not.toMatch(SECRETS);
  expect(failure.cause).toBeUndefined();
}

describe('takePayment', () => {
  it('captures once, however often it is tried', async () => {
    const request = await approved();
    const first = await world.run('takePayment', [request]);
    expect(first).toMatchObject({ status: 'captured', paypalOrderId: request.paypalOrderId, attempts: 1 });
    expect(await world.run('takePayment', [request])).toMatchObject({ ...first, attempts: 1 });
    expect(capturesOf(request.id)).toHaveLength(1);
  });

  it.each([
    ['declined by the bank', '4000000000000002', 'declined'],
    ['without the money', '4000000000009995', 'insufficient-funds'],
    ['expired', '4000000000000069', 'expired-card'],
    ['with a wrong code', '4000000000000127', 'wrong-security-code'],
    ['lost or stolen', '4000000000009987', 'declined'],
    ['refused by PayPal', CARDS.refused, 'declined'],
  ])('answers that a card was declined: %s', async (_what, number, reason) => {
    const request = await approved(number);
    const answer = await world.run('takePayment', [request]);
    expect(answer).toMatchObject({ status: 'declined', reason });
    expect(await findHold(world.store.database, request.id)).toMatchObject({
      paypalOrderId: null,
      heldUntil: expect.any(String) as string,
    });
  });

  it.each([
    ['by the payer', '4868719460707704', 'refuse'],
    ['by the bank without a question', '4868719158130060', undefined],
    ['because nobody could be asked', '4868719115514992', undefined],
  ] as const)(
    'takes nothing when 3-D Secure failed: %s, though PayPal would',
    async (_what, number, answer) => {
      const request = await approved();
      world.sandbox.approve(request.paypalOrderId, { number }, answer);
      expect(await world.run('takePayment', [request])).toMatchObject({
        status: 'declined',
        reason: 'not-authenticated',
      });
      expect(capturesOf(request.id)).toEqual([]);
    },
  );

  it.each(['4868719460707704', '4868719196829038'])(
    'captures what 3-D Secure confirmed: %s',
    async (number) => {
      expect(await world.run('takePayment', [await approved(number)])).toMatchObject({ status: 'captured' });
    },
  );

  it.each(['declined@example.com', 'cannot-pay@example.com'])(
    'answers that a wallet was declined: %s',
    async (email) => {
      const request = await approved();
      world.sandbox.approveByWallet(request.paypalOrderId, email);
      expect(await world.run('takePayment', [request])).toMatchObject({
        status: 'declined',
        reason: 'declined',
      });
    },
  );

  it('answers `pending` while PayPal reviews the payment, which keeps its claim', async () => {
    const request = await approved(CARDS.pending);
    expect(await world.run('takePayment', [request])).toEqual({ status: 'pending' });
    expect(await findHold(world.store.database, request.id)).toMatchObject({
      heldUntil: null,
      paypalOrderId: request.paypalOrderId,
    });
  });

  it('answers that a failed capture was not processed', async () => {
    expect(await world.run('takePayment', [await approved(CARDS.failing)])).toMatchObject({
      status: 'rejected',
      reason: 'not-processed',
    });
  });

  it.each([
    ['500', { mode: 'failing', status: 500 }],
    ['502', { mode: 'failing', status: 502 }],
    ['503', { mode: 'failing', status: 503 }],
    ['504', { mode: 'failing', status: 504 }],
    ['429', { mode: 'failing', status: 429 }],
    ['408', { mode: 'failing', status: 408 }],
    ['409', { mode: 'failing', status: 409, only: '/capture' }],
    ['a refused key', { mode: 'failing', status: 401 }],
    ['no answer', { mode: 'unreachable' }],
  ] satisfies [string, Fault][])(
    'is tried again after %s, and then takes the money once',
    async (_what, fault) => {
      const request = await approved();
      world.sandbox.faults.set('paypal', fault);
      const failure = await world.failing('takePayment', [request]);
      expect(failure).toMatchObject({ type: 'PayPalUnavailable', nonRetryable: false });
      expectClean(failure);
      world.sandbox.faults.clear();
      expect(await world.run('takePayment', [request])).toMatchObject({ status: 'captured' });
      expect(capturesOf(request.id)).toHaveLength(1);
    },
  );

  it('finds the capture whose answer was lost', async () => {
    const request = await approved();
    world.sandbox.faults.set('paypal', { mode: 'cut', only: '/capture', times: 1 });
    expect(await world.failing('takePayment', [request])).toMatchObject({ nonRetryable: false });
    expect(await world.run('takePayment', [request])).toMatchObject({ status: 'captured' });
    expect(capturesOf(request.id)).toHaveLength(1);
  });

  it('waits as long as PayPal asks', async () => {
    const request = await approved();
    world.sandbox.faults.set('paypal', { mode: 'failing', status: 503, retryAfter: 7, times: 1 });
    expect(await world.failing('takePayment', [request])).toMatchObject({ nextRetryDelay: 7000 });
  });

  it('does not take a capture that was refunded for a payment', async () => {
    const request = await approved();
    const taken = await world.run('takePayment', [request]);
    if (taken.status !== 'captured' || taken.captureId === null) throw new Error(taken.status);
    await world.run('refundPayment', [{ id: request.id, captureId: taken.captureId }]);
    expect(await world.run('takePayment', [request])).toMatchObject({ status: 'rejected' });
  });

  it('answers `expired` without a seat, and takes nothing', async () => {
    const request = await approved();
    await world.store.database('seat_holds').where({ id: request.id }).delete();
    expect(await world.run('takePayment', [request])).toEqual({ status: 'expired', attempts: 1 });
    expect(capturesOf(request.id)).toEqual([]);
  });

  it('gives nothing that costs something away for free', async () => {
    const { id } = await approved();
    expect(await world.run('takePayment', [{ id, paypalOrderId: FREE }])).toMatchObject({
      status: 'rejected',
      reason: 'mismatch',
    });
  });
});

describe('settlePayment', () => {
  const longAgo = { scheduledTimestampMs: 0 };

  it('asks until a pending capture is completed', async () => {
    const request = await approved(CARDS.pending);
    await world.run('takePayment', [request]);
    expect(await world.failing('settlePayment', [request])).toMatchObject({
      type: 'PaymentPending',
      nonRetryable: false,
    });
    world.sandbox.settle(capturesOf(request.id)[0]?.id ?? '', 'COMPLETED');
    expect(await world.run('settlePayment', [request])).toMatchObject({ status: 'captured' });
  });

  it('tells when a pending capture is declined in the end', async () => {
    const request = await approved(CARDS.pending);
    await world.run('takePayment', [request]);
    world.sandbox.settle(capturesOf(request.id)[0]?.id ?? '', 'DECLINED');
    expect(await world.run('settlePayment', [request])).toMatchObject({ status: 'declined' });
  });

  it('does not believe that nothing was taken while a capture may be in the air', async () => {
    const request = await approved();
    const now = { scheduledTimestampMs: Date.now() };
    await expect(world.run('settlePayment', [request], now)).rejects.toMatchObject({
      type: 'PaymentInDoubt',
    });
    expect(await world.run('settlePayment', [request], longAgo)).toMatchObject({
      status: 'rejected',
      reason: 'not-processed',
    });
  });

  it('goes on asking while PayPal is away', async () => {
    const request = await approved();
    world.sandbox.faults.set('paypal', { mode: 'failing', status: 500 });
    expect(await world.failing('settlePayment', [request])).toMatchObject({ nonRetryable: false });
  });
});

describe('refundPayment', () => {
  it('refunds once, also when its answer is lost', async () => {
    const request = await approved();
    const taken = await world.run('takePayment', [request]);
    const captureId = taken.status === 'captured' ? (taken.captureId ?? '') : '';
    world.sandbox.faults.set('paypal', { mode: 'cut', only: '/refund', times: 1 });
    expect(await world.failing('refundPayment', [{ id: request.id, captureId }])).toMatchObject({
      nonRetryable: false,
    });
    await world.run('refundPayment', [{ id: request.id, captureId }]);
    const refunds = world.sandbox.ledger().refunds.filter(({ capture_id }) => capture_id === captureId);
    expect(refunds).toHaveLength(1);
  });
});

describe('saveOrder', () => {
  it('is impossible without a seat, and that is final', async () => {
    const order = anOrder({ event: { ...anOrder().event, id: 'nowhere' } });
    const failure = await world.failing('saveOrder', [order, CAPTURED]);
    expect(failure).toMatchObject({ type: 'OrderImpossible', nonRetryable: true });
    expectClean(failure);
  });

  it('is final when the database refuses the row, and shows nothing of it', async () => {
    const { id } = await approved();
    await world.store.database('seat_holds').where({ id }).update({ claimed_for: 'X', held_until: null });
    const order = anOrder({ id, attendee: { ...anOrder().attendee, firstName: 'Ada\u0000' } });
    const failure = await world.failing('saveOrder', [
      { ...order, event: { ...order.event, id: 'conference' } },
      { ...CAPTURED, captureId: id },
    ]);
    expect(failure).toMatchObject({ type: 'OrderImpossible', nonRetryable: true });
    expectClean(failure);
  });

  it('is tried again while the database is away', async () => {
    const away = await startActivities({ DATABASE_URL: 'postgres://nobody:secret@127.0.0.1:1/none' });
    const failure = await away.failing('saveOrder', [anOrder(), CAPTURED]);
    expect(failure).toMatchObject({ type: 'DatabaseUnavailable', nonRetryable: false });
    expectClean(failure);
    await away.stop();
  });
});

describe('e-mail', () => {
  const order = anOrder();
  const confirmation = { ...order, newsletter: false, paidAt: CAPTURED.paidAt };
  const mailsOf = (id: string) =>
    world.sandbox.ledger().mails.filter(({ customArgs }) => customArgs.registrationId === id);

  it('is sent, and says at which attempt', async () => {
    expect(await world.run('sendConfirmation', [confirmation], { attempt: 2 })).toEqual({ attempts: 2 });
    expect(mailsOf(order.id)).toHaveLength(1);
  });

  it.each(['payment-failed', 'refunded', 'cancelled'] as const)(
    'tells of a registration that is %s, and of the money',
    async (kind) => {
      const { id, event, attendee, amount } = anOrder();
      await world.run('sendNotice', [
        { id, event, attendee, kind, refunded: kind === 'refunded' ? amount : null },
      ]);
      expect(mailsOf(id)[0]?.text).toMatch(kind === 'refunded' ? /€120\.00/ : /not been charged/);
    },
  );

  it.each([
    [400, 'SendGridRejected', true],
    [413, 'SendGridRejected', true],
    [401, 'SendGridAuth', false],
    [403, 'SendGridAuth', false],
    [408, 'SendGridUnavailable', false],
    [429, 'SendGridUnavailable', false],
    [503, 'SendGridUnavailable', false],
    [500, 'SendGridUnavailable', false],
  ])('answered with %d is %s, final: %s', async (status, type, nonRetryable) => {
    world.sandbox.faults.set('sendgrid', { mode: 'failing', status });
    const failure = await world.failing('sendConfirmation', [confirmation]);
    expect(failure).toMatchObject({ type, nonRetryable });
    expectClean(failure);
  });

  it('is tried again without an answer', async () => {
    world.sandbox.faults.set('sendgrid', { mode: 'unreachable' });
    expect(await world.failing('sendConfirmation', [confirmation])).toMatchObject({
      type: 'SendGridUnavailable',
      nonRetryable: false,
    });
  });
});

describe('mailing list', () => {
  const subscribe = (email: string) =>
    [{ attendee: { firstName: 'Ada', lastName: 'Example', email } }] as const;
  const statusOf = (email: string) =>
    world.sandbox.ledger().members.find((member) => member.email_address === email)?.status;

  it('adds once, and leaves an unsubscribed person alone', async () => {
    await world.run('addToMailingList', [...subscribe('list@example.org')]);
    const member = world.sandbox
      .ledger()
      .members.find(({ email_address }) => email_address === 'list@example.org');
    expect(member?.status).toBe('subscribed');
    world.sandbox.unsubscribe(member?.id ?? '');
    await world.run('addToMailingList', [...subscribe('list@example.org')]);
    expect(statusOf('list@example.org')).toBe('unsubscribed');
  });

  it.each([
    ['fake@example.org', 'MailchimpInvalidEmail', true],
    ['compliance@example.org', 'MailchimpOptOut', true],
    ['forgotten@example.org', 'MailchimpOptOut', true],
    ['busy@example.org', 'MailchimpSignupLimit', false],
  ])('refuses %s as %s, final: %s', async (email, type, nonRetryable) => {
    const failure = await world.failing('addToMailingList', [...subscribe(email)]);
    expect(failure).toMatchObject({ type, nonRetryable });
    expectClean(failure);
  });

  it.each([
    ['mailchimp', { mode: 'failing', status: 500 }, 'MailchimpUnavailable'],
    ['mailchimp', { mode: 'failing', status: 503 }, 'MailchimpUnavailable'],
    ['mailchimp', { mode: 'failing', status: 429 }, 'MailchimpUnavailable'],
    ['mailchimp', { mode: 'failing', status: 408 }, 'MailchimpUnavailable'],
    ['mailchimp', { mode: 'failing', status: 403 }, 'MailchimpAuth'],
    ['mailchimp', { mode: 'failing', status: 401 }, 'MailchimpAuth'],
    ['mailchimp', { mode: 'unreachable' }, 'MailchimpUnavailable'],
  ] satisfies [Provider, Fault, string][])('is tried again: %s %j is %s', async (provider, fault, type) => {
    world.sandbox.faults.set(provider, fault);
    const failure = await world.failing('addToMailingList', [...subscribe('again@example.org')]);
    expect(failure).toMatchObject({ type, nonRetryable: false });
    expectClean(failure);
  });

  it('is final for an audience that does not exist', async () => {
    const elsewhere = await startActivities({ MAILCHIMP_LIST_ID: 'missing' });
    expect(await elsewhere.failing('addToMailingList', [...subscribe('a@example.org')])).toMatchObject({
      type: 'MailchimpRejected',
      nonRetryable: true,
    });
    await elsewhere.stop();
  });
});
