import { randomUUID } from 'node:crypto';
import { defaultPayloadConverter } from '@temporalio/common';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Fault, Provider } from '../../sandbox/vendors/faults.ts';
import { findHold, holdSeat, notePaypalOrder } from '../../src/database/seats/hold.ts';
import { FREE } from '../../src/registration.ts';
import { openClaimed } from '../../src/temporal/claimed-order.ts';
import { createCodec } from '../../src/temporal/codec.ts';
import type { PayPal } from '../../src/vendors/paypal/client.ts';
import { CARDS } from '../stack.ts';
import { requestIdsTo } from '../vendors/request-ids.ts';
import { anOrder, CAPTURED } from '../workflows/stand-ins.ts';
import { startActivities } from './harness.ts';

let harness: Awaited<ReturnType<typeof startActivities>>;
beforeAll(async () => {
  harness = await startActivities();
});
afterEach(() => {
  harness.sandbox.faults.clear();
});
afterAll(() => harness.stop());

/** Holds a seat and approves its PayPal order with a card, so that the payment can be captured. */
async function approved(number?: string) {
  const id = randomUUID();
  const outcome = await holdSeat(harness.store.database, id, 'conference', 'regular');
  if (outcome.status !== 'held') throw new Error(outcome.status);
  const paypalOrderId = await harness.paypal.createOrder(
    { requestId: id, registrationId: id, amount: outcome.hold.amount, description: 'x' },
    5000,
  );
  await notePaypalOrder(harness.store.database, outcome.hold, paypalOrderId);
  harness.sandbox.approve(paypalOrderId, number === undefined ? {} : { number });
  return { id, paypalOrderId };
}
const capturesOf = (id: string) =>
  harness.sandbox.ledger().captures.filter(({ custom_id }) => custom_id === id);

/** No failure that Temporal stores may contain personal data, a key or a request. */
const SECRETS = /sandbox-secret|SG\.sandbox|sandbox-us1|Bearer|Basic|ada@|Example|Street|insert into|4012/i;
function expectClean(failure: { message: string; details?: unknown[] | null | undefined; cause?: unknown }) {
  expect(JSON.stringify([failure.message, failure.details])).not.toMatch(SECRETS);
  expect(failure.cause).toBeUndefined();
}

describe('takePayment', () => {
  it('captures once when it runs twice', async () => {
    const request = await approved();
    const first = await harness.run('takePayment', [request]);
    expect(first).toMatchObject({ status: 'captured', paypalOrderId: request.paypalOrderId, attempts: 1 });
    expect(await harness.run('takePayment', [request])).toMatchObject({ ...first, attempts: 1 });
    expect(capturesOf(request.id)).toHaveLength(1);
  });

  it('keeps the order beside the claim, readable with the key only, and drops it when nothing is taken', async () => {
    const kept = (id: string) =>
      harness.store.database('seat_holds').where({ id }).pluck<(Buffer | null)[]>('claimed_order');
    const paying = await approved();
    const order = anOrder(paying);
    await harness.run('takePayment', [{ ...paying, order }]);
    const [sealed] = await kept(paying.id);
    expect(sealed?.toString('latin1')).not.toMatch(/Ada|example|Street/);
    const { encryptionKeys } = harness.config;
    const converter = {
      payloadCodecs: [createCodec(encryptionKeys)],
      payloadConverter: defaultPayloadConverter,
    };
    const claimed = { paypalOrderId: paying.paypalOrderId, order };
    expect(await openClaimed(converter, paying.id, sealed ?? Buffer.of())).toEqual(claimed);
    expect(await openClaimed(converter, randomUUID(), sealed ?? Buffer.of())).toBe('unreadable');
    // A worker of an earlier version repeats the claim.
    await harness.run('takePayment', [paying]);
    expect(await kept(paying.id)).toEqual([sealed]);

    const declined = await approved(CARDS.declined);
    await harness.run('takePayment', [{ ...declined, order: anOrder(declined) }]);
    expect(await kept(declined.id)).toEqual([null]);
  });

  it.each([
    ['declined by the bank', '4000000000000002', 'declined'],
    ['insufficient funds', '4000000000009995', 'insufficient-funds'],
    ['expired card', '4000000000000069', 'expired-card'],
    ['wrong security code', '4000000000000127', 'wrong-security-code'],
    ['lost or stolen card', '4000000000009987', 'declined'],
    ['refused by PayPal', CARDS.refused, 'declined'],
  ])('returns `declined` with the reason and holds the seat: %s', async (_what, number, reason) => {
    const request = await approved(number);
    const answer = await harness.run('takePayment', [request]);
    expect(answer).toMatchObject({ status: 'declined', reason });
    expect(await findHold(harness.store.database, request.id)).toMatchObject({
      paypalOrderId: null,
      heldUntil: expect.any(String) as string,
    });
  });

  it.each([
    ['the payer refuses it', '4868719460707704', 'refuse'],
    ['the bank refuses without asking the payer', '4868719158130060', undefined],
    ['the bank is not available', '4868719115514992', undefined],
  ] as const)(
    'captures nothing when 3-D Secure fails, although PayPal would: %s',
    async (_what, number, answer) => {
      const request = await approved();
      harness.sandbox.approve(request.paypalOrderId, { number }, answer);
      expect(await harness.run('takePayment', [request])).toMatchObject({
        status: 'declined',
        reason: 'not-authenticated',
      });
      expect(capturesOf(request.id)).toEqual([]);
    },
  );

  it.each(['4868719460707704', '4868719196829038'])(
    'captures a payment that 3-D Secure confirmed: %s',
    async (number) => {
      expect(await harness.run('takePayment', [await approved(number)])).toMatchObject({
        status: 'captured',
      });
    },
  );

  it.each(['declined@example.com', 'cannot-pay@example.com'])(
    'returns `declined` for a wallet that is declined: %s',
    async (email) => {
      const request = await approved();
      harness.sandbox.approveByWallet(request.paypalOrderId, email);
      expect(await harness.run('takePayment', [request])).toMatchObject({
        status: 'declined',
        reason: 'declined',
      });
    },
  );

  it('returns `pending` and keeps the claim while PayPal reviews the payment', async () => {
    const request = await approved(CARDS.pending);
    expect(await harness.run('takePayment', [request])).toEqual({ status: 'pending' });
    expect(await findHold(harness.store.database, request.id)).toMatchObject({
      heldUntil: null,
      paypalOrderId: request.paypalOrderId,
    });
  });

  it('returns `not-processed` for a failed capture', async () => {
    expect(await harness.run('takePayment', [await approved(CARDS.failing)])).toMatchObject({
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
    ['a rejected API key', { mode: 'failing', status: 401 }],
    ['no answer', { mode: 'unreachable' }],
  ] satisfies [string, Fault][])('is retried after %s and then captures once', async (_what, fault) => {
    const request = await approved();
    harness.sandbox.faults.set('paypal', fault);
    const failure = await harness.failing('takePayment', [request]);
    const type = fault.mode === 'failing' && fault.status === 401 ? 'PayPalAuth' : 'PayPalUnavailable';
    expect(failure).toMatchObject({ type, nonRetryable: false });
    expectClean(failure);
    harness.sandbox.faults.clear();
    expect(await harness.run('takePayment', [request])).toMatchObject({ status: 'captured' });
    expect(capturesOf(request.id)).toHaveLength(1);
  });

  it('finds a capture whose answer was lost', async () => {
    const request = await approved();
    harness.sandbox.faults.set('paypal', { mode: 'cut', only: '/capture', times: 1 });
    expect(await harness.failing('takePayment', [request])).toMatchObject({ nonRetryable: false });
    expect(await harness.run('takePayment', [request])).toMatchObject({ status: 'captured' });
    expect(capturesOf(request.id)).toHaveLength(1);
  });

  it('asks for the capture under the same id again when PayPal was not reached', async () => {
    const request = await approved();
    const ids = requestIdsTo(`/${request.paypalOrderId}/capture`);
    harness.sandbox.faults.set('paypal', { mode: 'unreachable', only: '/capture', times: 1 });
    await harness.failing('takePayment', [request]);
    expect(await harness.run('takePayment', [request])).toMatchObject({ status: 'captured' });
    expect(ids).toEqual(Array(2).fill(`${request.id}:${request.paypalOrderId}:capture`));
  });

  it('finds the capture of an order that was captured under another id', async () => {
    const { paypalOrderId } = await approved();
    const first = await harness.paypal.captureOrder(paypalOrderId, 'one', 5000);
    expect(await harness.paypal.captureOrder(paypalOrderId, 'another', 5000)).toEqual(first);
    expect(first).toMatchObject({ status: 'captured' });
  });

  it.each([
    ['in another currency', { amount: { minor: 12_000, currency: 'USD' } }],
    ['of a cent less', { amount: { minor: 11_999, currency: 'EUR' } }],
    ['of another registration', { registrationId: randomUUID() }],
  ])('takes nothing from a PayPal order %s', async (_what, other) => {
    const { id } = await approved();
    const amount = { minor: 12_000, currency: 'EUR' };
    const paypalOrderId = await harness.paypal.createOrder(
      { requestId: randomUUID(), registrationId: id, amount, description: 'x', ...other },
      5000,
    );
    harness.sandbox.approve(paypalOrderId);
    expect(await harness.run('takePayment', [{ id, paypalOrderId }])).toMatchObject({
      status: 'rejected',
      reason: 'mismatch',
    });
    const { captures } = harness.sandbox.ledger();
    expect(captures.filter(({ order_id }) => order_id === paypalOrderId)).toEqual([]);
  });

  it('takes nothing from a PayPal order without a readable purchase', async () => {
    const request = await approved();
    const captureOrder = vi.fn<PayPal['captureOrder']>();
    const order = { purchase: undefined, authenticated: true, capture: undefined, refunds: [] };
    const findOrder = () => Promise.resolve(order);
    const odd = await startActivities({}, { paypal: { ...harness.paypal, findOrder, captureOrder } });
    await holdSeat(odd.store.database, request.id, 'conference', 'regular');
    expect(await odd.run('takePayment', [request])).toMatchObject({ status: 'rejected', reason: 'mismatch' });
    expect(captureOrder).not.toHaveBeenCalled();
    await odd.stop();
  });

  it('waits as long as the Retry-After of PayPal says', async () => {
    const request = await approved();
    harness.sandbox.faults.set('paypal', { mode: 'failing', status: 503, retryAfter: 7, times: 1 });
    expect(await harness.failing('takePayment', [request])).toMatchObject({ nextRetryDelay: 7000 });
  });

  it('takes a payment with its fee, which PayPal tells once the payment is completed', async () => {
    const { id, paypalOrderId } = await approved();
    expect(await harness.run('takePayment', [{ id, paypalOrderId }])).toMatchObject({ feeMinor: 398 });
    const reviewed = await approved(CARDS.pending);
    expect(await harness.run('takePayment', [reviewed])).toEqual({ status: 'pending' });
    harness.sandbox.settle(capturesOf(reviewed.id)[0]?.id ?? '', 'COMPLETED');
    expect(await harness.run('settlePayment', [reviewed])).toMatchObject({ feeMinor: 398 });
  });

  it('does not count a refunded capture as a payment', async () => {
    const request = await approved();
    const taken = await harness.run('takePayment', [request]);
    if (taken.status !== 'captured' || taken.captureId === null) throw new Error(taken.status);
    await harness.run('refundPayment', [{ id: request.id, captureId: taken.captureId }]);
    expect(await harness.run('takePayment', [request])).toMatchObject({ status: 'rejected' });
  });

  it('returns `expired` without a seat and captures nothing', async () => {
    const request = await approved();
    await harness.store.database('seat_holds').where({ id: request.id }).delete();
    expect(await harness.run('takePayment', [request])).toEqual({ status: 'expired', attempts: 1 });
    expect(capturesOf(request.id)).toEqual([]);
  });

  it('does not give a paid ticket away for free', async () => {
    const { id } = await approved();
    expect(await harness.run('takePayment', [{ id, paypalOrderId: FREE }])).toMatchObject({
      status: 'rejected',
      reason: 'mismatch',
    });
  });
});

describe('settlePayment', () => {
  const longAgo = { scheduledTimestampMs: 0 };

  it('is retried until a pending capture is completed', async () => {
    const request = await approved(CARDS.pending);
    await harness.run('takePayment', [request]);
    expect(await harness.failing('settlePayment', [request])).toMatchObject({
      type: 'PaymentPending',
      nonRetryable: false,
    });
    harness.sandbox.settle(capturesOf(request.id)[0]?.id ?? '', 'COMPLETED');
    expect(await harness.run('settlePayment', [request])).toMatchObject({ status: 'captured' });
  });

  it('returns `declined` when PayPal declines a pending capture', async () => {
    const request = await approved(CARDS.pending);
    await harness.run('takePayment', [request]);
    harness.sandbox.settle(capturesOf(request.id)[0]?.id ?? '', 'DECLINED');
    expect(await harness.run('settlePayment', [request])).toMatchObject({ status: 'declined' });
  });

  it('does not conclude that nothing was captured while a capture may still arrive', async () => {
    const request = await approved();
    const now = { scheduledTimestampMs: Date.now() };
    await expect(harness.run('settlePayment', [request], now)).rejects.toMatchObject({
      type: 'PaymentInDoubt',
    });
    expect(await harness.run('settlePayment', [request], longAgo)).toMatchObject({
      status: 'rejected',
      reason: 'not-processed',
    });
  });

  it('is retried while PayPal is unavailable', async () => {
    const request = await approved();
    harness.sandbox.faults.set('paypal', { mode: 'failing', status: 500 });
    expect(await harness.failing('settlePayment', [request])).toMatchObject({ nonRetryable: false });
  });
});

it.each([400, 403, 422])(
  'goes on asking when PayPal refuses to tell or to refund with %d',
  async (status) => {
    const request = await approved();
    const taken = await harness.run('takePayment', [request]);
    const captureId = taken.status === 'captured' ? (taken.captureId ?? '') : '';
    harness.sandbox.faults.set('paypal', { mode: 'failing', status, only: '/v2/' });
    const unavailable = { type: 'PayPalUnavailable', nonRetryable: false };
    expect(await harness.failing('settlePayment', [request])).toMatchObject(unavailable);
    expect(await harness.failing('refundPayment', [{ id: request.id, captureId }])).toMatchObject(
      unavailable,
    );
  },
);

describe('refundPayment', () => {
  it('asks for the refund under the same id again when PayPal was not reached', async () => {
    const request = await approved();
    const taken = await harness.run('takePayment', [request]);
    const captureId = taken.status === 'captured' ? (taken.captureId ?? '') : '';
    const ids = requestIdsTo(`/${captureId}/refund`);
    harness.sandbox.faults.set('paypal', { mode: 'unreachable', only: '/refund', times: 1 });
    await harness.failing('refundPayment', [{ id: request.id, captureId }]);
    await harness.run('refundPayment', [{ id: request.id, captureId }]);
    expect(ids).toEqual(Array(2).fill(`${request.id}:refund:1`));
  });

  it('is retried when PayPal refuses the refund, because somebody paid', async () => {
    const request = await approved();
    const taken = await harness.run('takePayment', [request]);
    const captureId = taken.status === 'captured' ? (taken.captureId ?? '') : '';
    harness.sandbox.faults.set('paypal', { mode: 'failing', status: 400, only: '/refund', times: 1 });
    expect(await harness.failing('refundPayment', [{ id: request.id, captureId }])).toMatchObject({
      type: 'RefundFailed',
      nonRetryable: false,
    });
  });

  it('refunds once, even when the answer is lost', async () => {
    const request = await approved();
    const taken = await harness.run('takePayment', [request]);
    const captureId = taken.status === 'captured' ? (taken.captureId ?? '') : '';
    harness.sandbox.faults.set('paypal', { mode: 'cut', only: '/refund', times: 1 });
    expect(await harness.failing('refundPayment', [{ id: request.id, captureId }])).toMatchObject({
      nonRetryable: false,
    });
    await harness.run('refundPayment', [{ id: request.id, captureId }]);
    const refunds = harness.sandbox.ledger().refunds.filter(({ capture_id }) => capture_id === captureId);
    expect(refunds).toHaveLength(1);
  });
});

describe('saveOrder', () => {
  it('fails permanently without a seat', async () => {
    const order = anOrder({ event: { ...anOrder().event, id: 'nowhere' } });
    const failure = await harness.failing('saveOrder', [order, CAPTURED]);
    expect(failure).toMatchObject({ type: 'OrderImpossible', nonRetryable: true });
    expectClean(failure);
  });

  it('fails permanently when the database rejects the row, and reveals nothing of it', async () => {
    const { id } = await approved();
    await harness.store.database('seat_holds').where({ id }).update({ claimed_for: 'X', held_until: null });
    const order = anOrder({ id, attendee: { ...anOrder().attendee, firstName: 'Ada\u0000' } });
    const failure = await harness.failing('saveOrder', [
      { ...order, event: { ...order.event, id: 'conference' } },
      { ...CAPTURED, captureId: id },
    ]);
    expect(failure).toMatchObject({ type: 'OrderImpossible', nonRetryable: true });
    expectClean(failure);
  });

  it('is retried while the database is unavailable', async () => {
    const unavailable = await startActivities({ DATABASE_URL: 'postgres://nobody:secret@127.0.0.1:1/none' });
    const failure = await unavailable.failing('saveOrder', [anOrder(), CAPTURED]);
    expect(failure).toMatchObject({ type: 'DatabaseUnavailable', nonRetryable: false });
    expectClean(failure);
    await unavailable.stop();
  });
});

describe('e-mail', () => {
  const order = anOrder();
  const confirmation = { ...order, newsletter: false, paidAt: CAPTURED.paidAt };
  const mailsOf = (id: string) =>
    harness.sandbox.ledger().mails.filter(({ customArgs }) => customArgs.registrationId === id);

  it('is sent and returns the number of the attempt', async () => {
    expect(await harness.run('sendConfirmation', [confirmation], { attempt: 2 })).toEqual({ attempts: 2 });
    expect(mailsOf(order.id)).toHaveLength(1);
  });

  it.each(['refunded', 'cancelled'] as const)(
    'is not sent again for an order that was %s',
    async (status) => {
      const { id } = await approved();
      const bought = anOrder({ id, event: { ...order.event, id: 'conference' } });
      await harness.run('saveOrder', [bought, { ...CAPTURED, paypalOrderId: id, captureId: id }]);
      expect(await harness.run('resendConfirmation', [id])).toEqual({ attempts: 1 });
      await harness.run('giveSeatBack', [id, status]);
      expect(await harness.failing('resendConfirmation', [id])).toMatchObject({
        type: 'NoTicket',
        nonRetryable: true,
      });
      expect(mailsOf(id)).toHaveLength(1);
    },
  );

  it.each(['refunded', 'cancelled'] as const)(
    'is not tried again for an order that was %s after the first try',
    async (status) => {
      const { id } = await approved();
      const bought = anOrder({ id, event: { ...order.event, id: 'conference' } });
      await harness.run('saveOrder', [bought, { ...CAPTURED, paypalOrderId: id, captureId: id }]);
      await harness.run('giveSeatBack', [id, status]);
      const again = harness.failing('sendConfirmation', [{ ...confirmation, id }], { attempt: 2 });
      expect(await again).toMatchObject({ type: 'NoTicket', nonRetryable: true });
      expect(mailsOf(id)).toEqual([]);
    },
  );

  it.each(['payment-failed', 'refunded', 'cancelled'] as const)(
    'says in the notice `%s` what happened to the money',
    async (kind) => {
      const { id, event, attendee, amount } = anOrder();
      await harness.run('sendNotice', [
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
  ])('turns status %d of SendGrid into %s (final: %s)', async (status, type, nonRetryable) => {
    harness.sandbox.faults.set('sendgrid', { mode: 'failing', status });
    const failure = await harness.failing('sendConfirmation', [confirmation]);
    expect(failure).toMatchObject({ type, nonRetryable });
    expectClean(failure);
  });

  it('waits as long as the Retry-After of SendGrid says', async () => {
    harness.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503, retryAfter: 7, times: 1 });
    expect(await harness.failing('sendConfirmation', [confirmation])).toMatchObject({ nextRetryDelay: 7000 });
  });

  it('is retried when SendGrid does not answer', async () => {
    harness.sandbox.faults.set('sendgrid', { mode: 'unreachable' });
    expect(await harness.failing('sendConfirmation', [confirmation])).toMatchObject({
      type: 'SendGridUnavailable',
      nonRetryable: false,
    });
  });
});

describe('mailing list', () => {
  const subscribe = (email: string) =>
    [{ attendee: { firstName: 'Ada', lastName: 'Example', email } }] as const;
  const statusOf = (email: string) =>
    harness.sandbox.ledger().members.find((member) => member.email_address === email)?.status;

  it('adds an address, and does not subscribe an unsubscribed person again', async () => {
    await harness.run('addToMailingList', [...subscribe('list@example.org')]);
    const member = harness.sandbox
      .ledger()
      .members.find(({ email_address }) => email_address === 'list@example.org');
    expect(member?.status).toBe('subscribed');
    harness.sandbox.unsubscribe(member?.id ?? '');
    await harness.run('addToMailingList', [...subscribe('list@example.org')]);
    expect(statusOf('list@example.org')).toBe('unsubscribed');
  });

  it.each([
    ['fake@example.org', 'MailchimpInvalidEmail', true],
    ['compliance@example.org', 'MailchimpOptOut', true],
    ['forgotten@example.org', 'MailchimpOptOut', true],
    ['busy@example.org', 'MailchimpSignupLimit', false],
  ])('rejects %s as %s (final: %s)', async (email, type, nonRetryable) => {
    const failure = await harness.failing('addToMailingList', [...subscribe(email)]);
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
  ] satisfies [Provider, Fault, string][])('is retried: %s %j fails as %s', async (vendor, fault, type) => {
    harness.sandbox.faults.set(vendor, fault);
    const failure = await harness.failing('addToMailingList', [...subscribe('again@example.org')]);
    expect(failure).toMatchObject({ type, nonRetryable: false });
    expectClean(failure);
  });

  it('waits as long as the Retry-After of Mailchimp says', async () => {
    harness.sandbox.faults.set('mailchimp', { mode: 'failing', status: 429, retryAfter: 7, times: 1 });
    const failure = await harness.failing('addToMailingList', [...subscribe('later@example.org')]);
    expect(failure).toMatchObject({ nextRetryDelay: 7000 });
  });

  it('fails permanently for an audience that does not exist', async () => {
    const elsewhere = await startActivities({ MAILCHIMP_LIST_ID: 'missing' });
    expect(await elsewhere.failing('addToMailingList', [...subscribe('a@example.org')])).toMatchObject({
      type: 'MailchimpRejected',
      nonRetryable: true,
    });
    await elsewhere.stop();
  });
});
