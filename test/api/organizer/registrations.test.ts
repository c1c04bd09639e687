/** The page of one registration, and what organizers do there, over HTTP. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { eraseFromOrder } from '../../../src/database/orders.ts';
import { eraseTexts } from '../../../src/database/history.ts';
import { changeWorkflowId } from '../../../src/change.ts';
import { reference } from '../../../src/reference.ts';
import { refundWorkflowId } from '../../../src/refund.ts';
import { workflowId } from '../../../src/registration.ts';
import { ifThere } from '../../../src/temporal/client.ts';
import { aForm, emailOf } from '../../../stage/person.ts';
import { anAttendee, startStack, texts, type Stack } from '../../stack.ts';
import { isLeftWith } from '../../workflows/dev-server.ts';
import { aSignedIn, fieldIn, type SignedIn } from './desk.ts';

let stack: Stack;
let desk: SignedIn & { id: string; email: string };
beforeAll(async () => {
  stack = await startStack({ answerWithinMs: 5000, settings: { TEMPORAL_UI_URL: 'http://temporal.test' } });
  await stack.startWorker();
  desk = await aSignedIn(stack, 'organizer');
});
afterEach(() => {
  stack.sandbox.faults.clear();
  stack.sandbox.setAccount({ funds: null, refunds: 'COMPLETED' });
});
afterAll(() => stack.stop());

async function registered({ ticketType = 'regular', waits = true } = {}) {
  const id = randomUUID();
  const attendee = { firstName: 'Ada', lastName: 'Example', email: emailOf(id) };
  const person = anAttendee(stack, aForm({ ticketType, attendee, newsletter: false }), id);
  expect((await person.register()).statusCode).toBe(201);
  const run = stack.temporal.workflow.getHandle(workflowId(id));
  if (waits) await run.result();
  return { ...person, run };
}
const pathOf = (id: string) => `/organizer/registrations/${id}`;
const pageOf = async (id: string, query = '') => (await desk.get(`${pathOf(id)}${query}`)).body;
const send = (id: string, name: string, fields: Record<string, string>, action = randomUUID()) =>
  desk.post(`${pathOf(id)}/${name}`, { action, ...fields });
const refundsOf = (id: string) => {
  const { captures, refunds } = stack.sandbox.ledger();
  const capture = captures.find(({ custom_id }) => custom_id === id);
  return refunds.filter(({ capture_id }) => capture_id === capture?.id).map(({ amount }) => amount.value);
};
const finished = (action: string) =>
  stack.temporal.workflow.getHandle(refundWorkflowId(action)).result() as Promise<object>;
/** The rows of money on the page, such as `Paid: €120.00`. */
const moneyOn = (page: string) =>
  [...page.matchAll(/<dt>([^<]*)<\/dt><dd>(€[^<]*)<\/dd>/g)].map(([, name, value]) => `${name}: ${value}`);

describe('the page', () => {
  it('shows who, what, how much, how far, what happened, and the run', async () => {
    const { id } = await registered();
    const page = await pageOf(id);
    for (const text of ['Ada Example', emailOf(id), 'Regular', 'Confirmed', 'Registered.', 'the service'])
      expect(page).toContain(text);
    expect(moneyOn(page)).toEqual(['Paid: €120.00', 'Refunded: €0.00', 'Can be refunded: €120.00']);
    expect(page).toContain(`http://temporal.test/namespaces/default/workflows/registration-${id}`);
    const about = encodeURIComponent(`RegistrationReference="${reference(id)}"`);
    expect(page).toContain(`http://temporal.test/namespaces/default/workflows?query=${about}`);
    expect(page).toMatch(/data-step="email"><span>Confirmation email<\/span><span>sent/);
    expect(page).toMatch(/data-step="mailing-list"><span>Newsletter<\/span><span>not asked for/);
  });

  it('says why a step does not get on, and what to do about it', async () => {
    stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 401 });
    const { id, run } = await registered({ waits: false });
    await isLeftWith(run, 'sendConfirmation');
    await vi.waitFor(async () =>
      expect(await pageOf(id)).toContain('Set SENDGRID_API_KEY to a valid key, and restart'),
    );
    stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 400 });
    await run.result();
    expect(await pageOf(id)).toMatch(/failed after \d+ tries<\/span><span class="why">SendGrid refused/);
  });

  it('has the history, the money and the order when Temporal has forgotten the run', async () => {
    const { id } = await registered();
    const action = randomUUID();
    await send(id, 'refund', { amount: '40', reason: 'A broken chair' }, action);
    await finished(action);
    const { namespace } = stack.temporal.options;
    const workflowExecution = { workflowId: workflowId(id) };
    await stack.temporal.workflowService.deleteWorkflowExecution({ namespace, workflowExecution });
    const run = stack.temporal.workflow.getHandle(workflowId(id));
    await vi.waitUntil(async () => !(await ifThere(run.describe())), { timeout: 60_000 });
    const page = await pageOf(id);
    expect(page).toContain('Asked for a refund of €40.00.');
    expect(page).toContain('A broken chair');
    expect(page).toContain(desk.email);
    expect(moneyOn(page)).toContain('Can be refunded: €80.00');
  }, 90_000);

  it('names nobody after an erasure', async () => {
    const { id } = await registered();
    await send(id, 'note', { text: 'Ada Example called' });
    await eraseTexts(stack.database, id);
    await eraseFromOrder(stack.database, id);
    const page = await pageOf(id);
    expect(page).not.toMatch(/Ada|Example|called/);
    expect(page).toContain('(erased)');
    expect(page).toContain('Wrote a note:');
  });

  it('escapes what attendees and organizers have written', async () => {
    const { id } = await registered();
    await send(id, 'note', { text: '<script>alert(1)</script>' });
    await stack.database('orders').where({ id }).update({ first_name: '<b>Ada' });
    const page = await pageOf(id);
    expect(page).not.toMatch(/<script>alert|<b>Ada/);
    expect(page).toContain('&lt;script&gt;');
  });

  it('of an id that nobody has is not there, and nothing can be done about it', async () => {
    const id = randomUUID();
    expect((await desk.get(pathOf(id))).statusCode).toBe(404);
    for (const [name, fields] of [
      ['cancel', {}],
      ['note', { text: 'x' }],
      ['retry', { refund: randomUUID() }],
    ] as const)
      expect((await send(id, name, fields)).statusCode).toBe(404);
    expect((await send(id, 'refund', { amount: '1' })).statusCode).toBe(409);
    expect(await stack.database('ended_registrations').where({ id })).toEqual([]);
    expect((await desk.get('/organizer/registrations/nobody')).statusCode).toBe(404);
  });

  it('offers an accountant no forms', async () => {
    const { id } = await registered();
    const accountant = await aSignedIn(stack, 'accountant');
    const { body } = await accountant.get(pathOf(id));
    expect(body).toContain('Ada Example');
    expect(body).not.toMatch(/action="\/organizer\/registrations/);
    const answer = await accountant.post(`${pathOf(id)}/refund`, { action: randomUUID(), amount: '1' });
    expect(answer.statusCode).toBe(403);
  });
});

describe('a refund', () => {
  it('is confirmed with the amount in the button before any money moves', async () => {
    const { id } = await registered();
    const page = await pageOf(id, '?refund=40&cancel=on');
    expect(page).toContain('>Refund €40.00</button>');
    expect(fieldIn(page, 'amount')).toBe('40.00');
    expect(fieldIn(page, 'cancel')).toBe('on');
    expect(refundsOf(id)).toEqual([]);
    const faulty = await pageOf(id, '?refund=nothing&cancel=on');
    expect(faulty).toContain('Enter an amount');
    expect(faulty).toContain('value="nothing"');
    expect(faulty).toContain('value="on" checked');
    const tooMuch = await pageOf(id, '?refund=500');
    expect(tooMuch).toContain('Enter an amount that can still be refunded');
    expect(tooMuch).not.toContain('Refund €500.00');
  });

  it('of a part and then of the rest leads back to the page, which says so', async () => {
    const { id, status } = await registered();
    const [first, second] = [randomUUID(), randomUUID()];
    const answer = await send(id, 'refund', { amount: '40,00' }, first);
    expect([answer.statusCode, answer.headers.location]).toEqual([303, `${pathOf(id)}?done=${first}`]);
    await finished(first);
    expect(await pageOf(id, `?done=${first}`)).toContain('€40.00 was refunded.');
    await send(id, 'refund', { amount: '80.00', cancel: 'on' }, second);
    await finished(second);
    expect(refundsOf(id)).toEqual(['40.00', '80.00']);
    const page = await pageOf(id);
    expect(moneyOn(page)).toEqual(['Paid: €120.00', 'Refunded: €120.00', 'Can be refunded: €0.00']);
    expect(page).toContain('badge refunded');
    expect((await status()).json()).toMatchObject({ status: 'refunded' });
    const told = await stack.app.inject({ url: `/registrations/${id}`, headers: { accept: 'text/html' } });
    expect(told.body).toContain('<dt>Refunded</dt><dd>€120.00</dd>');
  });

  it('is one of two that are too much together, and the other answers 409 with what is left', async () => {
    const { id } = await registered();
    const answers = await Promise.all([
      send(id, 'refund', { amount: '70' }),
      send(id, 'refund', { amount: '70' }),
    ]);
    expect(answers.map(({ statusCode }) => statusCode).toSorted()).toEqual([303, 409]);
    const refused = answers.find(({ statusCode }) => statusCode === 409);
    expect(refused?.body).toContain('only €50.00 can still be refunded');
    await vi.waitUntil(() => refundsOf(id).length === 1);
  });

  it('that is sent twice by a double click is one, and both get the same answer', async () => {
    const { id } = await registered();
    const action = randomUUID();
    const answers = await Promise.all([1, 2, 3].map(() => send(id, 'refund', { amount: '40' }, action)));
    expect(new Set(answers.map(({ headers }) => headers.location))).toEqual(
      new Set([`${pathOf(id)}?done=${action}`]),
    );
    await finished(action);
    expect(refundsOf(id)).toEqual(['40.00']);
  });

  it.each(['', '0', '-5', '1.234', '1e3', 'all', '99999999999'])('of "%s" is refused', async (amount) => {
    const { id } = await registered();
    expect((await send(id, 'refund', { amount })).statusCode).toBe(422);
    expect(refundsOf(id)).toEqual([]);
  });

  it('that PayPal refuses says why and what to do, and is made when it is tried again', async () => {
    const { id } = await registered();
    stack.sandbox.setAccount({ funds: 100 });
    const [action, again] = [randomUUID(), randomUUID()];
    await send(id, 'refund', { amount: '120', cancel: 'on' }, action);
    expect(await finished(action)).toMatchObject({ status: 'refused' });
    const page = await pageOf(id, `?done=${action}`);
    expect(page).toContain('There is not enough money in the PayPal account.');
    expect(page).toContain('Try again: refund €120.00');
    expect(page).toContain('badge confirmed');
    stack.sandbox.setAccount({ funds: null });
    expect((await send(id, 'retry', { refund: action }, again)).statusCode).toBe(303);
    await finished(action);
    expect(await pageOf(id, `?done=${again}`)).toContain('€120.00 was refunded.');
    expect(refundsOf(id)).toEqual(['120.00']);
    expect((await send(id, 'retry', { refund: action })).statusCode).toBe(409);
  });

  const refused = async (id: string, amount: string) => {
    stack.sandbox.setAccount({ funds: 100 });
    const action = randomUUID();
    await send(id, 'refund', { amount }, action);
    expect(await finished(action)).toMatchObject({ status: 'refused' });
    stack.sandbox.setAccount({ funds: null });
    return action;
  };
  const byHand = (id: string, value: string) => {
    const capture = stack.sandbox.ledger().captures.find(({ custom_id }) => custom_id === id);
    stack.sandbox.refundByHand(capture?.id ?? '', { currency_code: 'EUR', value });
  };

  it('that PayPal refused, and somebody made by hand since, is found when it is tried again', async () => {
    const { id } = await registered();
    const action = await refused(id, '40');
    byHand(id, '40.00');
    const again = randomUUID();
    // PayPal tells times in whole seconds.
    await sleep(1100);
    expect((await send(id, 'retry', { refund: action }, again)).statusCode).toBe(303);
    await finished(action);
    expect(refundsOf(id)).toEqual(['40.00']);
    expect(moneyOn(await pageOf(id))).toContain('Can be refunded: €80.00');
  });

  it('of everything that PayPal refused is one of what is left after another', async () => {
    const { id } = await registered();
    const [action, part] = [await refused(id, '120'), randomUUID()];
    await send(id, 'refund', { amount: '40' }, part);
    await finished(part);
    expect(await pageOf(id)).toContain('Try again: refund €80.00');
    expect((await send(id, 'retry', { refund: action })).statusCode).toBe(303);
    await vi.waitUntil(() => refundsOf(id).length === 2);
    expect(refundsOf(id)).toEqual(['40.00', '80.00']);
  });

  it('that PayPal refused needs no attention once the money went back in another way', async () => {
    const { id } = await registered();
    const isListed = async () =>
      (await desk.get('/organizer/registrations?attention=refund-refused')).body.includes(pathOf(id));
    await refused(id, '120');
    expect(await isListed()).toBe(true);
    const other = randomUUID();
    await send(id, 'refund', { amount: '120', cancel: 'on' }, other);
    await finished(other);
    expect(await isListed()).toBe(false);
    expect(await pageOf(id)).not.toContain('Try again');
  });

  it('is not begun while Temporal cannot be reached', async () => {
    const { id } = await registered();
    const probe = vi
      .spyOn(stack.temporal.connection.workflowService, 'describeNamespace')
      .mockRejectedValue(new Error('away'));
    const answer = await send(id, 'refund', { amount: '40' });
    probe.mockRestore();
    expect(answer.statusCode).toBe(503);
    expect(answer.body).toContain('Nothing was changed.');
    expect(await stack.database('refunds').where({ registration_id: id })).toEqual([]);
  });
});

describe('a cancellation', () => {
  it('does nothing with the action of something else', async () => {
    const { id } = await registered();
    const action = randomUUID();
    expect((await send(id, 'note', { text: 'Asked by telephone' }, action)).statusCode).toBe(303);
    expect((await send(id, 'cancel', {}, action)).statusCode).toBe(409);
    expect((await send(id, 'resend', {}, action)).statusCode).toBe(409);
    expect(await stack.database('orders').where({ id }).pluck('status')).toEqual(['confirmed']);
    const mails = stack.sandbox.ledger().mails.filter(({ customArgs }) => customArgs.registrationId === id);
    expect(mails.map(({ categories }) => categories)).toEqual([['confirmation']]);
  });

  it('keeps the payment, and page, API and status page agree at once', async () => {
    const { id, status } = await registered();
    const action = randomUUID();
    expect((await send(id, 'cancel', { reason: 'Asked by phone' }, action)).statusCode).toBe(303);
    expect((await status()).json()).toMatchObject({ status: 'cancelled' });
    const page = await pageOf(id, `?done=${action}`);
    expect(page).toContain('The registration was cancelled.');
    expect(page).toContain('Asked by phone');
    expect(moneyOn(page)).toContain('Can be refunded: €120.00');
    const told = await stack.app.inject({ url: `/registrations/${id}`, headers: { accept: 'text/html' } });
    expect(told.body).toContain('The organizer cancelled this registration.');
    expect(told.body).not.toContain('on its way back');
    expect((await send(id, 'cancel', {})).statusCode).toBe(409);
  });
});

describe('a note', () => {
  it('is saved once, however often its form is sent', async () => {
    const { id } = await registered();
    const action = randomUUID();
    const fields = { text: 'First line\r\nSecond line' };
    await Promise.all([1, 2, 3].map(() => send(id, 'note', fields, action)));
    const notes = stack.database('registration_events').where({ registration_id: id, kind: 'note' });
    expect(await notes.pluck('text')).toEqual(['First line\nSecond line']);
  });

  it('with a card number is refused, and so is one in a reason', async () => {
    const { id } = await registered();
    const text = 'Card 4012 8888 8888 1881';
    expect((await send(id, 'note', { text })).statusCode).toBe(422);
    expect((await send(id, 'refund', { amount: '1', reason: text })).statusCode).toBe(422);
    expect((await send(id, 'cancel', { reason: text })).statusCode).toBe(422);
    expect(await stack.database('registration_events').where({ registration_id: id }).pluck('kind')).toEqual([
      'registered',
    ]);
  });
});

describe('a fix', () => {
  const mailsTo = (email: string) =>
    stack.sandbox
      .ledger()
      .mails.filter(({ to, categories }) => to[0]?.email === email && categories.includes('confirmation'));
  const done = (action: string) =>
    stack.temporal.workflow.getHandle(changeWorkflowId(action)).result() as Promise<object>;
  const fix = async (id: string, name: string, fields: Record<string, string> = {}) => {
    const action = randomUUID();
    const answers = await Promise.all([1, 2].map(() => send(id, name, fields, action)));
    // A double click has one effect and one answer.
    expect(new Set(answers.map(({ statusCode }) => statusCode)).size).toBe(1);
    return { action, status: answers[0]?.statusCode, body: answers[0]?.body ?? '' };
  };

  it('sends the confirmation again, once', async () => {
    const { id } = await registered();
    const { action, status } = await fix(id, 'resend');
    expect(status).toBe(303);
    await done(action);
    expect(mailsTo(emailOf(id))).toHaveLength(2);
    expect(await pageOf(id, `?done=${action}`)).toContain('The confirmation was sent again.');
  });

  it('corrects name and address, and sends the confirmation to the new address only', async () => {
    const { id } = await registered();
    const email = `new-${emailOf(id)}`;
    const { action } = await fix(id, 'correct', { firstName: 'Grace', lastName: 'Example', email });
    await done(action);
    expect([mailsTo(emailOf(id)), mailsTo(email)].map(({ length }) => length)).toEqual([1, 1]);
    const [mail] = mailsTo(email);
    expect(texts(mail).join('\n')).toContain('Hello Grace,');
    expect(mail?.attachments.map(({ contentId }) => contentId)).toContain('reference');
    expect(await pageOf(id)).toContain('Corrected the name or the email address.');
    expect((await fix(id, 'correct', { firstName: 'Grace', lastName: 'Example', email })).status).toBe(409);
    for (const wrong of [{ email: 'nobody' }, { firstName: '' }, { lastName: 'WIN http://x.example now' }])
      expect(
        (await fix(id, 'correct', { firstName: 'Grace', lastName: 'Example', email, ...wrong })).status,
      ).toBe(422);
  });

  it('corrects an address that a mail is still being tried for: the old one gets none', async () => {
    stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 503 });
    const { id, run } = await registered({ waits: false });
    await isLeftWith(run, 'sendConfirmation');
    const email = `new-${emailOf(id)}`;
    await fix(id, 'correct', { firstName: 'Ada', lastName: 'Example', email });
    stack.sandbox.faults.clear();
    await run.result();
    expect(mailsTo(emailOf(id))).toEqual([]);
    expect(mailsTo(email).length).toBeGreaterThan(0);
  });

  it('moves to another ticket type of the same price, and to no other', async () => {
    await stack
      .database('ticket_types')
      .insert([{ event_id: 'conference', id: 'speaker', name: 'Speaker', price_minor: 12_000, capacity: 1 }]);
    const [{ id }, { id: second }] = [await registered(), await registered()];
    const sold = async () =>
      Object.fromEntries(
        (
          await stack
            .database('ticket_types')
            .whereIn('id', ['regular', 'speaker'])
            .select<{ id: string; sold: number }[]>('id', 'sold')
        ).map((type) => [type.id, type.sold]),
      );
    const before = await sold();
    await done((await fix(id, 'move', { ticketType: 'speaker' })).action);
    expect(await sold()).toEqual({ regular: (before.regular ?? 0) - 1, speaker: 1 });
    expect(texts(mailsTo(emailOf(id)).at(-1)).join('\n')).toContain('Speaker');
    expect(await pageOf(id)).toContain('Moved from the ticket type regular to speaker.');
    expect((await fix(second, 'move', { ticketType: 'speaker' })).body).toContain('no seat left');
    expect((await fix(second, 'move', { ticketType: 'limited' })).body).toContain('another price');
    expect((await fix(second, 'move', { ticketType: 'nothing' })).status).toBe(409);
  });

  it('does a step again that gave up, and the page says that it is done', async () => {
    stack.sandbox.faults.set('sendgrid', { mode: 'failing', status: 400 });
    const { id } = await registered();
    stack.sandbox.faults.clear();
    expect(await pageOf(id)).toContain('Do this again: Confirmation email');
    await done((await fix(id, 'retry', { step: 'email' })).action);
    expect(mailsTo(emailOf(id))).toHaveLength(1);
    const page = await pageOf(id);
    expect(page).toMatch(/data-step="email"><span>Confirmation email<\/span><span>sent/);
    expect(page).not.toContain('Do this again');
    // Without the consent, nobody is added to the newsletter.
    expect((await fix(id, 'retry', { step: 'mailing-list' })).status).toBe(409);
  });

  it('of a cancelled registration is not possible', async () => {
    const { id } = await registered();
    await send(id, 'cancel', {});
    expect((await fix(id, 'resend')).status).toBe(409);
    expect((await fix(id, 'move', { ticketType: 'speaker' })).status).toBe(409);
    expect(await pageOf(id)).not.toMatch(/\/(resend|correct|move)"/);
  });
});
