/** Attendees follow their registration and can have its confirmation sent again. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { resendWorkflowId, workflowId, type Progress } from '../../../src/registration.ts';
import { buildApp } from '../../../src/api/app.ts';
import { connectDatabase } from '../../../src/database/connection.ts';
import { connectTemporal } from '../../../src/temporal/client.ts';
import type { StatusBody } from '../../../src/api/attendee/schemas.ts';
import { aForm } from '../../../stage/person.ts';
import { anAttendee, startStack, type Stack } from '../../stack.ts';

let stack: Stack;
let address: string;
beforeAll(async () => {
  stack = await startStack();
  await stack.startWorker();
  address = await stack.app.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(() => stack.sandbox.faults.clear());
afterAll(() => stack.stop());

const result = (id: string) =>
  stack.temporal.workflow.getHandle<() => Promise<Progress>>(workflowId(id)).result();
const mailsOf = (id: string) =>
  stack.sandbox.ledger().mails.filter(({ customArgs }) => customArgs.registrationId === id);

describe('server-sent events', () => {
  /** Collects everything the server sends about a registration until it ends the stream. */
  async function follow(id: string, onState: (state: StatusBody) => void = () => undefined) {
    const response = await fetch(`${address}/api/registrations/${id}/events`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('cache-control')).toBe('no-store');
    let text = '';
    let seen = 0;
    const states = () =>
      [...text.matchAll(/^data: (\{"id.*\})\n\n/gm)].map(([, json = '']) => JSON.parse(json) as StatusBody);
    for await (const chunk of response.body ?? []) {
      text += new TextDecoder().decode(chunk as Uint8Array);
      for (const state of states().slice(seen)) onState(state);
      seen = states().length;
    }
    return { states: states(), text };
  }
  const mail = ({ steps }: StatusBody) => steps.find(({ name }) => name === 'email')?.state;

  it('report each change once as it happens, and announce the end', async () => {
    stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503 });
    const ada = anAttendee(stack);
    await ada.register();
    const { states, text } = await follow(ada.id, (state) => {
      if (mail(state) === 'retrying') stack.sandbox.faults.clear();
    });
    expect(states.map(mail)).toContain('retrying');
    expect(states.at(-1)?.steps.map(({ state }) => state)).toEqual(['done', 'done', 'done', 'done']);
    expect(new Set(states.map((state) => JSON.stringify(state))).size).toBe(states.length);
    expect(text.endsWith('event: done\ndata: {}\n\n')).toBe(true);
  });

  it('send one state for a completed registration, and answer 404 for an unknown one', async () => {
    const ada = anAttendee(stack, aForm({ ticketType: 'free', newsletter: false }));
    await ada.register();
    await result(ada.id);
    expect((await follow(ada.id)).states).toHaveLength(1);
    expect((await fetch(`${address}/api/registrations/${anAttendee(stack).id}/events`)).status).toBe(404);
  });

  it('end when the api stops, so that they do not delay its shutdown', async () => {
    const other = await startStack({ answerWithinMs: 500 });
    const ada = anAttendee(other);
    // Without a worker the registration stays in the state `processing`.
    expect((await ada.register()).statusCode).toBe(202);
    const url = await other.app.listen({ host: '127.0.0.1', port: 0 });
    const response = await fetch(`${url}/api/registrations/${ada.id}/events`);
    const reading = response.text();
    await other.stop();
    expect(await reading).toContain('"status":"processing"');
  });
});

describe('sending the confirmation again', () => {
  const resend = (id: string, body: object = {}) =>
    stack.app.inject({ method: 'POST', url: `/api/registrations/${id}/resend`, body });

  it('sends the same mail to the registered address, and refuses a second request for a while', async () => {
    const ada = anAttendee(stack, aForm({ newsletter: false }));
    await ada.register();
    await result(ada.id);
    expect((await resend(ada.id)).statusCode).toBe(202);
    await vi.waitUntil(() => mailsOf(ada.id).length === 2, { timeout: 10_000 });
    const [first, second] = mailsOf(ada.id);
    expect([second?.to, second?.subject, second?.text, second?.html]).toEqual([
      first?.to,
      first?.subject,
      first?.text,
      first?.html,
    ]);

    const again = await resend(ada.id);
    expect([again.statusCode, again.json<{ type: string }>().type]).toEqual([429, '/problems/resent-before']);
    expect(Number(again.headers['retry-after'])).toBeGreaterThan(0);
    expect(mailsOf(ada.id)).toHaveLength(2);
    // The run that sends the mail again stores no personal data.
    const history = await stack.temporal.workflow.getHandle(resendWorkflowId(ada.id)).fetchHistory();
    const payloads = JSON.stringify(history, (_key, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString() : value,
    );
    expect(payloads).toContain(ada.id);
    expect(payloads).not.toMatch(/ada@|Example|Street/);
    await stack.temporal.workflow.getHandle(resendWorkflowId(ada.id)).terminate();
  });

  it('accepts neither another address nor a form that another site submits', async () => {
    const { id } = anAttendee(stack);
    expect((await resend(id, { email: 'eve@example.org' })).statusCode).toBe(422);
    const forged = await stack.app.inject({
      method: 'POST',
      url: `/api/registrations/${id}/resend`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: '',
    });
    expect(forged.statusCode).toBe(415);
  });

  it('is refused while the first mail is being retried, and when there is no confirmed registration', async () => {
    stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503 });
    const ada = anAttendee(stack, aForm({ ticketType: 'free', newsletter: false }));
    await ada.register();
    const early = await resend(ada.id);
    expect([early.statusCode, early.json<{ type: string }>().type]).toEqual([
      409,
      '/problems/email-on-its-way',
    ]);
    await stack.temporal.workflow.getHandle(workflowId(ada.id)).cancel();
    stack.sandbox.faults.clear();
    await result(ada.id);
    const late = await resend(ada.id);
    expect([late.statusCode, late.json<{ type: string }>().type]).toEqual([409, '/problems/not-to-resend']);
    expect((await resend(anAttendee(stack).id)).statusCode).toBe(404);
  });
});

it('the status page says that the ticket is valid while the email cannot be sent', async () => {
  stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503 });
  const ada = anAttendee(stack, aForm({ ticketType: 'free', newsletter: false }));
  await ada.register();
  const page = async () => (await stack.app.inject(`/registrations/${ada.id}`)).body;
  await vi.waitUntil(async () => (await page()).includes('Your ticket is valid.'), { timeout: 10_000 });
  expect(await page()).toContain('<dd>Ada Example</dd>');
  stack.sandbox.faults.clear();
  await result(ada.id);
  expect(await page()).not.toContain('Your ticket is valid.');
});

it('the status page in an outage says nothing of a new try', async () => {
  const { config } = stack;
  const database = connectDatabase('postgres://nobody@127.0.0.1:1/none');
  const away = connectTemporal({ ...config, temporal: { connectionOptions: { address: '127.0.0.1:1' } } });
  const app = await buildApp({ ...stack, database, temporal: away });
  try {
    const { statusCode, body } = await app.inject({
      url: `/registrations/${anAttendee(stack).id}`,
      headers: { accept: 'text/html' },
    });
    expect(statusCode).toBe(503);
    expect(body).toContain('We cannot look up this registration right now. Nothing is lost.');
  } finally {
    await app.close();
    await Promise.all([database.destroy(), away.connection.close()]);
  }
});

it('offers a calendar entry for a registration, and answers 404 for an unknown one', async () => {
  const ada = anAttendee(stack, aForm({ ticketType: 'free', newsletter: false }));
  await ada.register();
  await result(ada.id);
  const calendar = await stack.app.inject(`/registrations/${ada.id}/event.ics`);
  expect(calendar.headers['content-type']).toBe('text/calendar; charset=utf-8');
  expect(calendar.headers['cache-control']).toBe('no-store');
  expect(calendar.body).toContain('SUMMARY:Conference');
  expect((await stack.app.inject(`/registrations/${anAttendee(stack).id}/event.ics`)).statusCode).toBe(404);
});

it('the status page shows the name, masks the address, and is not cached, not indexed and not sent as a referrer', async () => {
  const ada = anAttendee(stack, aForm({ ticketType: 'free', newsletter: false }));
  await ada.register();
  await result(ada.id);
  const { headers, body } = await stack.app.inject(`/registrations/${ada.id}`);
  expect(headers).toMatchObject({
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-robots-tag': 'noindex',
  });
  expect(body).toContain('a•••@example.org');
  expect(body).toContain('<dd>Ada Example</dd>');
  // The seller's street is in the footer.
  expect(body).not.toMatch(/ada@|20457|Street 2/);
});
