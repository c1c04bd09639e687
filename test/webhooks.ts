/** The product with its api on a port, so that the sandbox can send it the webhooks of PayPal and SendGrid. */
import { randomUUID } from 'node:crypto';
import { expect, vi } from 'vitest';
import { workflowId } from '../src/registration.ts';
import { aForm, emailOf } from '../stage/person.ts';
import { anAttendee, startStack, type Stack } from './stack.ts';

/** Milliseconds between two attempts of a vendor to send an event. */
const AGAIN_AFTER_MS = 50;

export async function startTold(): Promise<Stack> {
  const stack = await startStack({ answerWithinMs: 1000 });
  await stack.startWorker();
  await stack.app.listen({ host: '127.0.0.1', port: 0 });
  stack.sandbox.sendWebhooksTo(originOf(stack), AGAIN_AFTER_MS);
  return stack;
}

/** Where the api of a stack listens. */
export function originOf({ app }: Stack): string {
  const address = app.server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

/** Registers somebody for 120 euros, with an e-mail address of their own, and waits until the run is over. */
export async function registered(stack: Stack, { email }: { email?: string } = {}) {
  const id = randomUUID();
  const attendee = { firstName: 'Ada', lastName: 'Example', email: email ?? emailOf(id) };
  const person = anAttendee(stack, aForm({ ticketType: 'regular', attendee, newsletter: false }), id);
  expect([201, 202]).toContain((await person.register()).statusCode);
  await stack.temporal.workflow.getHandle(workflowId(id)).result();
  return person;
}

export function captureOf({ sandbox }: Stack, id: string) {
  const capture = sandbox.ledger().captures.find(({ custom_id }) => custom_id === id);
  if (!capture) throw new Error('There is no capture');
  return capture;
}

/** Waits until everything that vendors wanted to tell was accepted. */
export const allTold = ({ sandbox }: Stack) =>
  vi.waitUntil(() => sandbox.ledger().deliveries.every(({ state }) => state === 'accepted'), {
    timeout: 15_000,
  });

/** The deliveries of a kind of event. */
export const deliveriesOf = ({ sandbox }: Stack, kind: string) =>
  sandbox.ledger().deliveries.filter((delivery) => delivery.kind === kind);

/** What the history of a registration tells, the oldest first. */
export const kindsOf = ({ database }: Stack, registration: string) =>
  database('registration_events')
    .where({ registration_id: registration })
    .orderBy('position')
    .pluck<string[]>('kind');

/** Sends a body to the product as a vendor does, with other headers where given. */
export const deliver = (
  { app, sandbox }: Stack,
  vendor: 'paypal' | 'sendgrid',
  body: string,
  headers: Record<string, string> = {},
) =>
  app.inject({
    method: 'POST',
    url: `/webhooks/${vendor}`,
    headers: { 'content-type': 'application/json', ...sandbox.sign[vendor](body), ...headers },
    payload: body,
  });
