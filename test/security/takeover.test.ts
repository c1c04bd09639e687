/** Somebody knows the id of a registration, which stands in addresses of pages, in mails and at PayPal. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { aForm, type Form } from '../../stage/person.ts';
import { anAttendee, startStack, type Stack } from '../stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  await stack.startWorker();
});
afterAll(() => stack.stop());

const formAt = (email: string, changes: Partial<Form> = {}) =>
  aForm({ ...changes, attendee: { ...aForm().attendee, email } });
const mine = formAt('ada@example.org');
const theirs = formAt('eve@example.org');

type Answer = { secret?: string; heldUntil: string; paypalOrderId: string; type?: string };
const put = async (id: string, body: Form, secret?: string) => {
  const headers = secret === undefined ? {} : { 'x-checkout-secret': secret };
  const response = await stack.app.inject({ method: 'PUT', url: `/api/checkouts/${id}`, body, headers });
  return { ...response.json<Answer>(), status: response.statusCode };
};
const post = async (id: string, paypalOrderId: string, body: Form) => {
  const response = await stack.app.inject({
    ...{ method: 'POST', url: '/api/registrations', body: { ...body, id, paypalOrderId } },
  });
  return { ...response.json<Answer>(), status: response.statusCode };
};
const holdOf = (id: string) => stack.database('seat_holds').where({ id }).first<object>();

it('a stranger who knows the id can neither prolong nor move a hold, and learns nothing of it', async () => {
  const id = randomUUID();
  await put(id, mine);
  const before = await holdOf(id);
  for (const form of [theirs, formAt('eve@example.org', { ticketType: 'free' })])
    for (const secret of [undefined, randomUUID()]) {
      const { status, type, paypalOrderId } = await put(id, form, secret);
      expect([status, type, paypalOrderId]).toEqual([422, '/problems/not-your-registration', undefined]);
    }
  expect(await holdOf(id)).toEqual(before);
});

it('a stranger who sends other form data for an approved order is refused, and the owner is registered', async () => {
  const ada = anAttendee(stack, mine);
  const paypalOrderId = (await ada.approve()) ?? '';
  const refused = await post(ada.id, paypalOrderId, theirs);
  expect([refused.status, refused.type]).toEqual([422, '/problems/not-your-registration']);
  expect(stack.sandbox.ledger().captures.filter(({ custom_id: id }) => id === ada.id)).toEqual([]);
  expect((await ada.post(paypalOrderId)).statusCode).toBe(201);
  expect((await post(ada.id, paypalOrderId, mine)).status).toBe(201);
});

it('the owner may correct the e-mail address with the secret of the first answer, and pays with the new one', async () => {
  const id = randomUUID();
  const { secret, ...first } = await put(id, mine);
  expect(first.status).toBe(201);
  expect(secret).toMatch(/^[\w-]{32,}$/);
  const corrected = formAt('ada.example@example.org');
  const second = await put(id, corrected, secret);
  expect([second.status, second.secret]).toEqual([200, undefined]);
  stack.sandbox.approve(second.paypalOrderId, {});
  expect((await post(id, second.paypalOrderId, mine)).status).toBe(422);
  expect((await post(id, second.paypalOrderId, corrected)).status).toBe(201);
});

it('a corrected e-mail address gets a link of its own to confirm, and the same one keeps its link', async () => {
  const id = randomUUID();
  const secret = randomUUID();
  const token = async () =>
    (await stack.database('seat_holds').where({ id }).pluck<string[]>('confirmation_token'))[0];
  await put(id, mine, secret);
  const first = await token();
  await put(id, mine, secret);
  expect(await token()).toBe(first);
  await put(id, formAt('bob@example.org'), secret);
  expect(await token()).not.toBe(first);
});

it('a client without a secret goes on while its form names the same e-mail address', async () => {
  const id = randomUUID();
  const first = await put(id, mine);
  const again = await put(id, formAt('ADA@example.org'));
  expect([again.status, again.secret, again.paypalOrderId]).toEqual([200, undefined, first.paypalOrderId]);
});

it('a browser may choose its secret, so that a lost answer does not lock it out', async () => {
  const id = randomUUID();
  const secret = randomUUID();
  expect(await put(id, mine, secret)).toMatchObject({ status: 201, secret });
  expect((await put(id, theirs, secret)).status).toBe(200);
  expect((await put(id, mine)).status).toBe(422);
});

it('a client learns the secret from its second request when PayPal was away at the first', async () => {
  const id = randomUUID();
  stack.sandbox.faults.set('paypal', { mode: 'failing', status: 503, only: '/v2/checkout/orders' });
  expect((await put(id, mine)).status).toBe(503);
  stack.sandbox.faults.clear();
  const { status, secret = '' } = await put(id, mine);
  expect(status).toBe(200);
  expect((await put(id, theirs, secret)).status).toBe(200);
});

it('the database stores neither a secret nor an e-mail address of a hold', async () => {
  const id = randomUUID();
  const { secret = '' } = await put(id, mine);
  const row = JSON.stringify(await holdOf(id));
  expect(row).not.toContain(secret);
  expect(row).not.toContain('example.org');
});
