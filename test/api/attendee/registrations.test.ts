import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { reference } from '../../../src/reference.ts';
import type { Progress } from '../../../src/registration.ts';
import { workflowId } from '../../../src/registration.ts';
import { aForm } from '../../../stage/person.ts';
import { anAttendee, CARDS, startStack, type Stack } from '../../stack.ts';

type ProblemBody = {
  type: string;
  status: number;
  detail: string;
  errors?: { pointer: string; detail: string }[];
};

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  await stack.startWorker();
});
afterEach(() => {
  stack.sandbox.faults.clear();
});
afterAll(() => stack.stop());

const result = (id: string) =>
  stack.temporal.workflow.getHandle(workflowId(id)).result() as Promise<Progress>;
const problem = (response: { json: () => unknown; headers: Record<string, unknown> }) => {
  expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
  return response.json() as ProblemBody;
};
const capturesOf = (id: string) =>
  stack.sandbox.ledger().captures.filter((capture) => capture.custom_id === id);

describe('POST /api/registrations', () => {
  it('201: confirms, charges, saves, mails and subscribes once each', async () => {
    const ada = anAttendee(
      stack,
      aForm({ attendee: { firstName: 'Ada', lastName: 'Example', email: 'ada.first@example.org' } }),
    );
    const response = await ada.register();
    expect(response.statusCode).toBe(201);
    expect(response.json()).toEqual({
      id: ada.id,
      reference: reference(ada.id),
      status: 'confirmed',
      statusUrl: `http://registration.test/registrations/${ada.id}`,
    });
    expect((await result(ada.id)).steps.map(({ state }) => state)).toEqual(['done', 'done', 'done', 'done']);

    expect(capturesOf(ada.id)).toMatchObject([
      { status: 'COMPLETED', amount: { currency_code: 'EUR', value: '120.00' } },
    ]);
    const orders = await stack.database('orders').where({ id: ada.id });
    expect(orders).toMatchObject([
      {
        status: 'confirmed',
        reference: reference(ada.id),
        amount_minor: 12_000,
        email: 'ada.first@example.org',
        newsletter_wording: '2026-11',
      },
    ]);
    const mails = stack.sandbox
      .ledger()
      .mails.filter(({ customArgs }) => customArgs.registrationId === ada.id);
    expect(mails).toHaveLength(1);
    expect(mails[0]?.to).toEqual([{ email: 'ada.first@example.org', name: 'Ada Example' }]);
    expect(mails[0]?.attachments.map(({ filename }) => filename)).toContain('event.ics');
    expect(mails[0]?.text).toContain(reference(ada.id));
    expect(stack.sandbox.ledger().members).toContainEqual(
      expect.objectContaining({ email_address: 'ada.first@example.org', status: 'subscribed' }),
    );
    expect(await stack.database('seat_holds').where({ id: ada.id })).toEqual([]);
  });

  it('201 for a free ticket, without a request to PayPal', async () => {
    const free = anAttendee(stack, aForm({ ticketType: 'free' }));
    const before = stack.sandbox.faults.requests.paypal;
    const checkout = await free.put();
    expect(checkout.json()).toMatchObject({
      amount: { value: '0.00', currency: 'EUR' },
      paypalOrderId: null,
    });
    expect((await free.post(null)).statusCode).toBe(201);
    expect((await result(free.id)).steps[0]?.state).toBe('skipped');
    expect(stack.sandbox.faults.requests.paypal).toBe(before);
  });

  it('charges once if the same form is sent five times at once and again later', async () => {
    const ada = anAttendee(stack);
    const paypalOrderId = await ada.approve();
    const answers = await Promise.all(Array.from({ length: 5 }, () => ada.post(paypalOrderId)));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([201, 201, 201, 201, 201]);
    await result(ada.id);
    expect((await ada.post(paypalOrderId)).statusCode).toBe(201);
    expect(capturesOf(ada.id)).toHaveLength(1);
    expect(await stack.database('orders').where({ id: ada.id })).toHaveLength(1);
    expect(
      stack.sandbox.ledger().mails.filter(({ customArgs }) => customArgs.registrationId === ada.id),
    ).toHaveLength(1);
  });

  it('402 with the reason if the card is declined, keeps the seat and accepts another card', async () => {
    const ada = anAttendee(stack, aForm({ ticketType: 'limited' }));
    const response = await ada.register(CARDS.insufficientFunds);
    expect(response.statusCode).toBe(402);
    expect(problem(response).detail).toMatch(/insufficient funds.*another card.*not been charged/s);
    expect((await ada.status()).json()).toMatchObject({ status: 'declined' });
    expect(await stack.database('seat_holds').where({ id: ada.id })).toMatchObject([
      { claimed_for: null, paypal_order_id: null },
    ]);

    const declinedOrder = capturesOf(ada.id)[0]?.order_id ?? '';
    const again = await ada.register();
    expect(again.statusCode).toBe(201);
    // A declined attempt repeats its answer until there is an order. Now there is one.
    await result(ada.id);
    expect((await ada.post(declinedOrder)).statusCode).toBe(409);
    expect(capturesOf(ada.id).map(({ status }) => status)).toEqual(['DECLINED', 'COMPLETED']);
    expect(
      stack.sandbox.ledger().mails.filter(({ customArgs }) => customArgs.registrationId === ada.id),
    ).toHaveLength(1);
  });

  it('402 if the wallet is declined', async () => {
    const ada = anAttendee(stack);
    const { paypalOrderId } = (await ada.put()).json<{ paypalOrderId: string }>();
    stack.sandbox.approveByWallet(paypalOrderId, 'declined@example.com');
    const response = await ada.post(paypalOrderId);
    expect(response.statusCode).toBe(402);
    // A repeated request belongs to the same attempt.
    expect((await ada.post(paypalOrderId)).json()).toEqual(response.json());
  });

  it('409 if the ticket is sold out, or if it is already registered with another PayPal order', async () => {
    await stack
      .database('ticket_types')
      .where({ id: 'limited' })
      .update({ capacity: stack.database.ref('sold') });
    const late = await anAttendee(stack, aForm({ ticketType: 'limited' })).put();
    expect([late.statusCode, problem(late).type]).toEqual([409, '/problems/sold-out']);
    await stack.database('ticket_types').where({ id: 'limited' }).update({ capacity: 1000 });

    const ada = anAttendee(stack);
    await ada.register();
    await result(ada.id);
    const other = await ada.post('ANOTHERPAYPALORDER');
    expect([other.statusCode, problem(other).type]).toEqual([409, '/problems/already-registered']);
    expect(problem(await ada.put()).type).toBe('/problems/already-registered');
  });

  it('409 if the hold has expired and the seat is gone', async () => {
    const ada = anAttendee(stack, aForm({ ticketType: 'free' }));
    await ada.put();
    await stack
      .database('seat_holds')
      .where({ id: ada.id })
      .update({ held_until: new Date(0) });
    await stack
      .database('ticket_types')
      .where({ id: 'free' })
      .update({ capacity: stack.database.ref('sold') });
    const response = await ada.post(null);
    expect([response.statusCode, problem(response).type]).toEqual([409, '/problems/hold-expired']);
    await stack.database('ticket_types').where({ id: 'free' }).update({ capacity: 10 });
    await result(ada.id);
    // The run has ended and is not started again.
    expect(problem(await ada.put()).type).toBe('/problems/registration-over');
  });

  it('renews an expired hold if a seat is free', async () => {
    const ada = anAttendee(stack);
    const paypalOrderId = await ada.approve();
    await stack
      .database('seat_holds')
      .where({ id: ada.id })
      .update({ held_until: new Date(0) });
    expect((await ada.post(paypalOrderId)).statusCode).toBe(201);
  });

  it('422 if the PayPal order is not approved, unknown, or for another registration or amount', async () => {
    const ada = anAttendee(stack);
    const { paypalOrderId } = (await ada.put()).json<{ paypalOrderId: string }>();
    const notApproved = await ada.post(paypalOrderId);
    expect([notApproved.statusCode, problem(notApproved).type]).toEqual([
      422,
      '/problems/payment-not-approved',
    ]);
    // The seat is held again.
    expect(Date.parse(notApproved.json<{ heldUntil: string }>().heldUntil)).toBeGreaterThan(Date.now());
    const unknown = await ada.post('UNKNOWNTOPAYPAL');
    expect([unknown.statusCode, problem(unknown).type]).toEqual([422, '/problems/payment-unknown']);
    const grace = anAttendee(stack);
    const foreign = await ada.post(await grace.approve());
    expect([foreign.statusCode, problem(foreign).type]).toEqual([422, '/problems/payment-mismatch']);
    const cheap = await stack.paypal.createOrder(
      {
        requestId: 'cheap',
        registrationId: ada.id,
        amount: { minor: 100, currency: 'EUR' },
        description: 'x',
      },
      5000,
    );
    stack.sandbox.approve(cheap);
    const underpaid = await ada.post(cheap);
    expect([underpaid.statusCode, problem(underpaid).type]).toEqual([422, '/problems/payment-mismatch']);
    expect(capturesOf(ada.id)).toEqual([]);
    // The registration still works after all of these.
    expect((await ada.register()).statusCode).toBe(201);
  });

  it('422 if the ticket is not the one that is held', async () => {
    const ada = anAttendee(stack);
    const paypalOrderId = await ada.approve();
    const response = await ada.post(paypalOrderId, aForm({ ticketType: 'limited' }));
    expect([response.statusCode, problem(response).type]).toEqual([422, '/problems/ticket-mismatch']);
    const unpaid = await ada.post(null);
    expect([unpaid.statusCode, problem(unpaid).type]).toEqual([422, '/problems/payment-mismatch']);
  });

  it('500 if PayPal does not process the payment, and says that nothing was charged', async () => {
    const response = await anAttendee(stack).register(CARDS.failing);
    expect(response.statusCode).toBe(500);
    expect(problem(response)).toMatchObject({
      type: '/problems/payment-not-processed',
      detail: expect.stringContaining('You have not been charged') as string,
      heldUntil: expect.any(String) as string,
    });

    const ada = anAttendee(stack);
    const paypalOrderId = await ada.approve();
    stack.sandbox.faults.set('paypal', { mode: 'failing', status: 400, only: '/capture' });
    expect((await ada.post(paypalOrderId)).statusCode).toBe(500);
    stack.sandbox.faults.clear();
    expect((await ada.register()).statusCode).toBe(201);
  });

  it('charges once if the response of the capture is lost', async () => {
    const ada = anAttendee(stack);
    const paypalOrderId = await ada.approve();
    stack.sandbox.faults.set('paypal', { mode: 'cut', only: '/capture', times: 1 });
    expect((await ada.post(paypalOrderId)).statusCode).toBe(201);
    expect(capturesOf(ada.id)).toHaveLength(1);
  });

  it('refunds and notifies if the order cannot be saved', async () => {
    const ada = anAttendee(stack, aForm({ ticketType: 'limited' }));
    const paypalOrderId = await ada.approve();
    stack.sandbox.faults.set('paypal', { mode: 'slow', ms: 1500, only: '/capture' });
    const answer = ada.post(paypalOrderId);
    await vi.waitUntil(
      async () =>
        (await stack.database('seat_holds').where({ id: ada.id }).whereNotNull('claimed_for').select('id'))
          .length > 0,
    );
    await stack.database('seat_holds').where({ id: ada.id }).delete();
    await stack
      .database('ticket_types')
      .where({ id: 'limited' })
      .update({ capacity: stack.database.ref('sold') });
    expect((await answer).statusCode).toBe(201);
    expect((await result(ada.id)).status).toBe('refunded');
    await stack.database('ticket_types').where({ id: 'limited' }).update({ capacity: 1000 });
    expect(capturesOf(ada.id).map(({ status }) => status)).toEqual(['REFUNDED']);
    expect(
      stack.sandbox
        .ledger()
        .mails.some(
          ({ customArgs, categories }) =>
            customArgs.registrationId === ada.id && categories.includes('refunded'),
        ),
    ).toBe(true);
    const again = await ada.post(paypalOrderId);
    expect((await ada.status()).json()).toMatchObject({ status: 'refunded' });
    expect([201, 409]).toContain(again.statusCode);
  });

  it('refunds a registration that an organizer cancels, and releases the seat', async () => {
    stack.sandbox.faults.set('mailchimp', { mode: 'failing', status: 500 });
    const ada = anAttendee(stack, aForm({ ticketType: 'limited' }));
    const paypalOrderId = await ada.approve();
    expect((await ada.post(paypalOrderId)).statusCode).toBe(201);
    await vi.waitUntil(async () => (await stack.database('orders').where({ id: ada.id })).length === 1);
    const sold = async () =>
      (await stack.database('ticket_types').where({ id: 'limited' }).first<{ sold: number }>()).sold;
    const before = await sold();
    const handle = stack.temporal.workflow.getHandle(workflowId(ada.id));
    await handle.cancel();
    expect(await handle.result()).toMatchObject({ status: 'cancelled' });
    expect(await sold()).toBe(before - 1);
    expect(capturesOf(ada.id).map(({ status }) => status)).toEqual(['REFUNDED']);
    const response = await ada.post(paypalOrderId);
    expect([response.statusCode, problem(response).type]).toEqual([409, '/problems/was-cancelled']);
  });
});

describe('GET /api/registrations/:id', () => {
  it('shows each step, including steps that are being retried', async () => {
    stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503 });
    const ada = anAttendee(stack, aForm({ newsletter: false }));
    await ada.register();
    const steps = async () =>
      Object.fromEntries((await ada.status()).json<Progress>().steps.map((step) => [step.name, step]));
    await vi.waitUntil(async () => (await steps()).email?.state === 'retrying', {
      timeout: 15_000,
      interval: 200,
    });
    expect(await steps()).toMatchObject({
      payment: { state: 'done' },
      order: { state: 'done' },
      'mailing-list': { state: 'skipped', attempts: 0 },
    });
    expect((await steps()).email?.attempts).toBeGreaterThan(1);
    stack.sandbox.faults.clear();
    const done = await result(ada.id);
    expect(done.steps[2]).toMatchObject({ name: 'email', state: 'done' });
    expect((await ada.status()).json()).toEqual({ id: ada.id, reference: reference(ada.id), ...done });
  });

  it('404 if the registration does not exist or the id is invalid', async () => {
    expect((await anAttendee(stack).status()).statusCode).toBe(404);
    expect((await stack.app.inject('/api/registrations/not-an-id')).statusCode).toBe(404);
  });

  it('finds an order after the retention period of its run', async () => {
    const ada = anAttendee(stack);
    const paypalOrderId = await ada.approve();
    await ada.post(paypalOrderId);
    await result(ada.id);
    // This simulates a run that Temporal has deleted: the row exists, and no run has its id.
    const old = anAttendee(stack);
    await stack.database('orders').where({ id: ada.id }).update({ id: old.id });
    expect((await old.status()).json<Progress>()).toMatchObject({
      status: 'confirmed',
      steps: [
        { name: 'payment', state: 'done' },
        { name: 'order', state: 'done' },
      ],
    });
    expect((await old.post(paypalOrderId)).statusCode).toBe(201);
    expect(capturesOf(ada.id)).toHaveLength(1);
  });
});
