/** Everybody who asks what became of a registration gets the same answer: the database says what it is. */
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { workflowId, type Progress } from '../../src/registration.ts';
import { aForm } from '../../stage/person.ts';
import { anAttendee, startStack, type Stack } from '../stack.ts';

let stack: Stack;
let address: string;
beforeAll(async () => {
  stack = await startStack();
  await stack.startWorker();
  address = await stack.app.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(() => stack.sandbox.faults.clear());
afterAll(() => stack.stop());

type Attendee = ReturnType<typeof anAttendee>;
const runOf = ({ id }: Attendee) =>
  stack.temporal.workflow.getHandle<() => Promise<Progress>>(workflowId(id));

/** What each way of asking says of a registration whose payment was taken. */
async function answers(attendee: Attendee, paypalOrderId: string | null) {
  const { id } = attendee;
  const events = await (await fetch(`${address}/api/registrations/${id}/events`)).text();
  const page = await stack.app.inject({ url: `/registrations/${id}`, headers: { accept: 'text/html' } });
  const resend = await stack.app.inject({
    method: 'POST',
    url: `/api/registrations/${id}/resend`,
    body: {},
  });
  const again = await attendee.post(paypalOrderId);
  return {
    json: (await attendee.status()).json<Progress>().status,
    events: /"status":"(\w+)"/.exec(events)?.[1],
    page: /data-state="[^"]*status&quot;:&quot;(\w+)/.exec(page.body)?.[1],
    resend: resend.statusCode === 409 ? resend.json<{ type: string }>().type : resend.statusCode,
    post: again.statusCode === 409 ? again.json<{ type: string }>().type : again.statusCode,
  };
}

const told = (status: 'refunded' | 'cancelled') => ({
  json: status,
  events: status,
  page: status,
  resend: '/problems/not-to-resend',
  post: `/problems/was-${status}`,
});

it.each(['refunded', 'cancelled'] as const)(
  'tells everybody that an order is %s, whatever its closed run says',
  async (status) => {
    const ada = anAttendee(stack, aForm({ newsletter: false }));
    const paypalOrderId = await ada.approve();
    expect((await ada.post(paypalOrderId)).statusCode).toBe(201);
    expect((await runOf(ada).result()).status).toBe('confirmed');
    await stack.database('orders').where({ id: ada.id }).update({ status });
    expect(await answers(ada, paypalOrderId)).toEqual(told(status));
  },
);

it('tells everybody that a registration without an order was refunded', async () => {
  const ada = anAttendee(stack, aForm({ newsletter: false }));
  const paypalOrderId = await ada.approve();
  await stack.database.raw('alter table orders add constraint broken check (false) not valid');
  expect((await ada.post(paypalOrderId)).statusCode).toBe(201);
  await runOf(ada).result();
  await stack.database.raw('alter table orders drop constraint broken');
  expect(await answers(ada, paypalOrderId)).toEqual(told('refunded'));
});

it('tells everybody that a registration is refunded while PayPal cannot be reached to refund it', async () => {
  const ada = anAttendee(stack, aForm({ newsletter: false }));
  const paypalOrderId = await ada.approve();
  await stack.database.raw('alter table orders add constraint broken check (false) not valid');
  stack.sandbox.faults.set('paypal', { mode: 'failing', status: 503, only: '/refund' });
  expect((await ada.post(paypalOrderId)).statusCode).toBe(201);
  await vi.waitUntil(async () => (await ada.status()).json<Progress>().status === 'refunded', {
    timeout: 10_000,
  });
  await stack.database.raw('alter table orders drop constraint broken');
  expect(await answers(ada, paypalOrderId)).toEqual(told('refunded'));
  stack.sandbox.faults.clear();
  await runOf(ada).result();
  expect(await answers(ada, paypalOrderId)).toEqual(told('refunded'));
});

it('tells everybody the same after Temporal has forgotten the run', async () => {
  const ada = anAttendee(stack, aForm({ ticketType: 'free', newsletter: false }));
  expect((await ada.register()).statusCode).toBe(201);
  await runOf(ada).result();
  // As if the run were beyond the retention of the namespace: no run has this id.
  const old = anAttendee(stack, ada.form);
  await stack.database('orders').where({ id: ada.id }).update({ id: old.id, status: 'cancelled' });
  expect(await answers(old, null)).toEqual(told('cancelled'));
  expect((await old.status()).json<Progress>().steps.map(({ name, state }) => `${name} ${state}`)).toEqual([
    'payment skipped',
    'order done',
  ]);
});
