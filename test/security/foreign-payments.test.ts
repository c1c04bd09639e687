/** A payment belongs to one registration, for its amount: nobody is registered with somebody else's money, or with less. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { aForm } from '../../stage/person.ts';
import { anAttendee, startStack, type Stack } from '../stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  await stack.startWorker();
});
afterAll(() => stack.stop());

const somebody = (email: string, ticketType = 'regular') =>
  anAttendee(stack, aForm({ ticketType, attendee: { ...aForm().attendee, email } }));
const captures = () => stack.sandbox.ledger().captures.map(({ custom_id }) => custom_id);
const answer = ({ statusCode, json }: Awaited<ReturnType<Stack['app']['inject']>>) => [
  statusCode,
  json<{ type?: string }>().type,
];
const MISMATCH = [422, '/problems/payment-mismatch'];

it('the approved payment of somebody else is not taken, and remains theirs', async () => {
  const ada = somebody('ada@example.org');
  const theirs = await ada.approve();
  const mallory = somebody('mallory@example.org');
  await mallory.put();
  expect(answer(await mallory.post(theirs))).toEqual(MISMATCH);
  expect(captures()).toEqual([]);
  expect((await ada.post(theirs)).statusCode).toBe(201);
  expect(captures()).toEqual([ada.id]);
});

it('one payment that many send at once registers its owner only', async () => {
  const before = captures().length;
  const ada = somebody('ada@example.org');
  const theirs = await ada.approve();
  const others = ['b', 'c', 'd', 'e'].map((name) => somebody(`${name}@example.org`));
  await Promise.all(others.map((other) => other.put()));
  const answers = await Promise.all([ada, ...others].map((person) => person.post(theirs)));
  expect(answers.map(answer)).toEqual([[201, undefined], ...others.map(() => MISMATCH)]);
  expect(captures().slice(before)).toEqual([ada.id]);
});

it('a payment of less, or in another currency, is not taken', async () => {
  const before = captures().length;
  const mallory = somebody('mallory@example.org');
  await mallory.put();
  for (const [requestId, amount] of [
    ['less', { minor: 1, currency: 'EUR' }],
    ['other', { minor: 12_000, currency: 'USD' }],
  ] as const) {
    const order = { requestId, registrationId: mallory.id, amount, description: 'x' };
    const paypalOrderId = await stack.paypal.createOrder(order, 5000);
    stack.sandbox.approve(paypalOrderId);
    expect(answer(await mallory.post(paypalOrderId))).toEqual(MISMATCH);
  }
  expect(captures()).toHaveLength(before);
});

it('nobody pays for a cheaper ticket and gets a dearer one, nor gets a paid one for nothing', async () => {
  const before = captures().length;
  const mallory = somebody('mallory@example.org', 'limited');
  const cheap = await mallory.approve();
  const dear = { ...mallory.form, ticketType: 'regular' };
  expect(answer(await mallory.post(cheap, dear))).toEqual([422, '/problems/ticket-mismatch']);
  expect(answer(await mallory.post(null))).toEqual(MISMATCH);
  // Moving the hold to the dearer ticket needs another payment.
  await mallory.put(dear);
  expect(answer(await mallory.post(cheap, dear))).toEqual(MISMATCH);
  expect(captures()).toHaveLength(before);
});
