/** What people type is data everywhere: in SQL, on pages and in mails. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { workflowId } from '../../src/registration.ts';
import { aForm } from '../../stage/person.ts';
import { anAttendee, startStack, type Stack } from '../stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  await stack.startWorker();
});
afterAll(() => stack.stop());

const SQL = `Robert'); drop table orders; --`;
const MARKUP = '<img src=x onerror=alert(1)>"\'&{{7*7}}<%= 7*7 %>';

async function register() {
  const attendee = { ...aForm().attendee, firstName: SQL, lastName: MARKUP, organization: MARKUP };
  const ada = anAttendee(stack, aForm({ attendee }));
  expect((await ada.register()).statusCode).toBe(201);
  await stack.temporal.workflow.getHandle(workflowId(ada.id)).result();
  return { ...ada, attendee };
}

it('SQL and markup in names are stored as typed, and shown as text on the page and in the mail', async () => {
  const ada = await register();
  const orders = stack.database('orders').where({ id: ada.id });
  expect(await orders.select('first_name', 'last_name')).toEqual([{ first_name: SQL, last_name: MARKUP }]);
  const page = (await stack.app.inject(`/registrations/${ada.id}`)).body;
  const mail = stack.sandbox.ledger().mails.find(({ customArgs }) => customArgs.registrationId === ada.id);
  for (const html of [page, mail?.html ?? '']) {
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(html).toContain('{{7*7}}&lt;%= 7*7 %&gt;');
    expect(html).not.toContain('<img src=x');
  }
  expect(mail?.text).toContain(MARKUP);
});

it.each([
  ["/api/events/conference'--", 404],
  ["/?event=conference' or '1'='1", 404],
  ["/registrations/7b0f2f0e-5c6a-4d52-9a3e-2f1d8c4b6a90' or true--", 404],
  ['/?lang=<script>alert(1)</script>', 200],
])('SQL and markup in an address lead nowhere and are not repeated: %s', async (url, status) => {
  const response = await stack.app.inject({ url: encodeURI(url), headers: { accept: 'text/html' } });
  expect(response.statusCode).toBe(status);
  expect(response.body).not.toMatch(/' or |<script>alert/);
});
