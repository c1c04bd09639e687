import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { workflowId } from '../../../src/registration.ts';
import { aForm } from '../../../stage/person.ts';
import { anAttendee, CARDS, startStack, type Stack } from '../../stack.ts';
import { requestIdsTo } from '../../vendors/request-ids.ts';
import { isLeftWith } from '../../workflows/dev-server.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  await stack.startWorker();
});
afterEach(() => stack.sandbox.faults.clear());
afterAll(() => stack.stop());

type Checkout = { paypalOrderId: string };
const openedFor = (id: string) =>
  stack.sandbox
    .ledger()
    .orders.filter(({ unit }) => unit.custom_id === id)
    .map((order) => order.id);

it('PUT gives the PayPal order that was opened before, although its answer was lost', async () => {
  const ada = anAttendee(stack);
  const ids = requestIdsTo('/v2/checkout/orders');
  stack.sandbox.faults.set('paypal', { mode: 'cut', only: '/v2/checkout/orders', times: 1 });
  expect((await ada.put()).statusCode).toBe(503);
  const [opened] = openedFor(ada.id);
  expect((await ada.put()).json<Checkout>().paypalOrderId).toBe(opened);
  expect(openedFor(ada.id)).toEqual([opened]);
  expect(ids).toEqual(Array(2).fill(`${ada.id}:1:order`));
});

it('PUT opens a PayPal order with a number of its own after a decline, and for another ticket type', async () => {
  const ada = anAttendee(stack);
  const ids = requestIdsTo('/v2/checkout/orders');
  expect((await ada.register(CARDS.declined)).statusCode).toBe(402);
  const second = (await ada.put()).json<Checkout>();
  expect((await ada.put()).json()).toMatchObject({ paypalOrderId: second.paypalOrderId });
  await ada.put(aForm({ ticketType: 'limited' }));
  expect(ids).toEqual([1, 2, 3].map((number) => `${ada.id}:${number}:order`));
  expect(new Set(openedFor(ada.id)).size).toBe(3);
});

it('PUT opens a PayPal order over the price of the hold, for this registration', async () => {
  const ada = anAttendee(stack, aForm({ ticketType: 'limited' }));
  const { paypalOrderId } = (await ada.put()).json<Checkout>();
  const opened = stack.sandbox.ledger().orders.find(({ id }) => id === paypalOrderId);
  expect(opened?.unit).toMatchObject({
    custom_id: ada.id,
    amount: { value: '90.00', currency_code: 'EUR' },
  });
});

it('PUT gives the PayPal order of a payment in flight again, and refuses another ticket type meanwhile', async () => {
  const hasty = await startStack({ answerWithinMs: 1000 });
  await hasty.startWorker();
  const ada = anAttendee(hasty);
  const paypalOrderId = await ada.approve();
  hasty.sandbox.faults.set('paypal', { mode: 'unreachable', only: '/capture' });
  expect((await ada.post(paypalOrderId)).statusCode).toBe(202);
  await isLeftWith(hasty.temporal.workflow.getHandle(workflowId(ada.id)), 'takePayment');
  expect((await ada.put()).json()).toMatchObject({ paypalOrderId, heldUntil: null });
  const other = await ada.put(aForm({ ticketType: 'limited' }));
  expect([other.statusCode, other.json<{ type: string }>().type]).toEqual([
    409,
    '/problems/payment-in-flight',
  ]);
  await hasty.stop();
});

it('POST registers an attendee for the price of its hold, although the ticket type costs more by then', async () => {
  const ada = anAttendee(stack);
  const paypalOrderId = await ada.approve();
  const price = (minor: number) =>
    stack.database('ticket_types').where({ id: 'regular' }).update({ price_minor: minor });
  await price(15_000);
  expect((await ada.post(paypalOrderId)).statusCode).toBe(201);
  await stack.temporal.workflow.getHandle(workflowId(ada.id)).result();
  await price(12_000);
  expect(await stack.database('orders').where({ id: ada.id })).toMatchObject([{ amount_minor: 12_000 }]);
});
