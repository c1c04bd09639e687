/** Every way to ask for the outcome of a registration gives the same answer, taken from the database. */
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

/** Returns what each endpoint answers for a registration whose payment was captured. */
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
  'reports an order as %s everywhere, whatever its closed run says',
  async (status) => {
    const ada = anAttendee(stack, aForm({ newsletter: false }));
    const paypalOrderId = await ada.approve();
    expect((await ada.post(paypalOrderId)).statusCode).toBe(201);
    expect((await runOf(ada).result()).status).toBe('confirmed');
    await stack.database('orders').where({ id: ada.id }).update({ status });
    expect(await answers(ada, paypalOrderId)).toEqual(told(status));
  },
);

it('reports a registration without an order as refunded everywhere', async () => {
  const ada = anAttendee(stack, aForm({ newsletter: false }));
  const paypalOrderId = await ada.approve();
  await stack.database.raw('alter table orders add constraint broken check (false) not valid');
  expect((await ada.post(paypalOrderId)).statusCode).toBe(201);
  await runOf(ada).result();
  await stack.database.raw('alter table orders drop constraint broken');
  expect(await answers(ada, paypalOrderId)).toEqual(told('refunded'));
});

it('reports a registration as refunded everywhere while PayPal is unavailable for the refund', async () => {
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

it('gives the same answer everywhere after Temporal has deleted the run', async () => {
  const ada = anAttendee(stack, aForm({ ticketType: 'free', newsletter: false }));
  expect((await ada.register()).statusCode).toBe(201);
  await runOf(ada).result();
  // No run has this id, as after the retention of the namespace.
  const old = anAttendee(stack, ada.form);
  await stack.database('orders').where({ id: ada.id }).update({ id: old.id, status: 'cancelled' });
  expect(await answers(old, null)).toEqual(told('cancelled'));
  expect((await old.status()).json<Progress>().steps.map(({ name, state }) => `${name} ${state}`)).toEqual([
    'payment skipped',
    'order done',
  ]);
});
