/** Answers to the organizers' questions: judged with the hold, accepted from then on, stored with the order, told in the mail. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { workflowId } from '../../../src/registration.ts';
import { aForm } from '../../../stage/person.ts';
import { anAttendee, CARDS, startStack, texts, type Stack } from '../../stack.ts';
import { addQuestions, SOME_QUESTIONS } from '../some-questions.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  await stack.startWorker();
});
beforeEach(() => addQuestions(stack.database));
afterEach(async () => {
  stack.sandbox.faults.clear();
  await stack.database('questions').delete();
});
afterAll(() => stack.stop());

const ANSWERS = { diet: 'Vegan', allergies: 'Nuts, 30 % "only"', dinner: true };
const attendee = (answers?: unknown, more: object = {}) =>
  anAttendee(stack, aForm({ ...(answers === undefined ? {} : { answers }), ...more }));
const faults = (answer: { statusCode: number; json: () => unknown }) => {
  const { errors = [] } = answer.json() as { errors?: { pointer: string }[] };
  return [answer.statusCode, ...errors.map(({ pointer }) => pointer)];
};
const stored = (id: string) =>
  stack
    .database('orders')
    .where({ id })
    .first<{ answers: unknown } | undefined>('answers')
    .then((row) => row?.answers);
const ended = (id: string) => stack.temporal.workflow.getHandle(workflowId(id)).result();
const change = (id: string, columns: object) => stack.database('questions').where({ id }).update(columns);
const mailTo = (id: string) => stack.sandbox.ledger().mails.find((mail) => JSON.stringify(mail).includes(id));

describe('an event', () => {
  it('tells its questions where it asks any, and has the same shape as before otherwise', async () => {
    const event = async () =>
      (await stack.app.inject('/api/events/conference')).json<Record<string, unknown>>();
    expect((await event()).questions).toEqual([
      { id: 'diet', ...SOME_QUESTIONS.diet, ticketTypes: null },
      { id: 'allergies', ...SOME_QUESTIONS.allergies, choices: [], required: false, ticketTypes: null },
      {
        id: 'dinner',
        kind: 'checkbox',
        label: 'I come to the dinner',
        choices: [],
        required: false,
        ticketTypes: ['regular'],
      },
    ]);
    const [listed] = (await stack.app.inject('/api/events')).json<unknown[]>();
    expect(listed).toEqual(await event());
    await stack.database('questions').update({ removed_at: new Date() });
    expect(Object.keys(await event())).not.toContain('questions');
  });
});

describe('answers', () => {
  it.each<[string, unknown, string[]]>([
    ['none at all', undefined, ['/answers/diet']],
    ['without the one that is required', { allergies: 'Nuts' }, ['/answers/diet']],
    ['to a question that nobody asks', { diet: 'Vegan', shoes: '44' }, ['/answers/shoes']],
    [
      'that are names of properties of every object',
      { diet: 'Vegan', constructor: 'x' },
      ['/answers/constructor'],
    ],
    ['with an id that cannot be one', { diet: 'Vegan', 'No Id': 'x' }, ['/answers/No Id']],
    ['that are no choice', { diet: 'vegan' }, ['/answers/diet']],
    ['with true for a choice', { diet: true }, ['/answers/diet']],
    ['with a text for a box', { diet: 'Vegan', dinner: 'true' }, ['/answers/dinner']],
    ['with a number', { diet: 7 }, ['/answers/diet']],
    ['with an empty text', { diet: 'Vegan', allergies: '' }, ['/answers/allergies']],
    ['with a text that is too long', { diet: 'Vegan', allergies: 'x'.repeat(201) }, ['/answers/allergies']],
    ['with a line break', { diet: 'Vegan', allergies: 'a\nb' }, ['/answers/allergies']],
    ['with a null character', { diet: 'Vegan', allergies: 'a\u0000' }, ['/answers/allergies']],
    ['with half of a surrogate pair', { diet: 'Vegan', allergies: 'a\ud800' }, ['/answers/allergies']],
    ['with a card number', { diet: 'Vegan', allergies: '4012 8888-8888 1881' }, ['/answers/allergies']],
    ['that are more than questions can be', { a: 'x', b: 'x', c: 'x', d: 'x', e: 'x', f: 'x' }, ['/answers']],
    ['that are a list', ['Vegan'], ['/answers']],
  ])('are refused with the seat and with the payment: %s', async (_what, answers, pointers) => {
    const ada = attendee(answers);
    expect(faults(await ada.put())).toEqual([422, ...pointers]);
    expect(faults(await ada.post('ABC'))).toEqual([422, ...pointers]);
    expect(await stack.database('seat_holds').where({ id: ada.id })).toEqual([]);
  });

  it('that are missing or faulty are named in the words of the field, in the language of the request', async () => {
    await change('dinner', { required: true });
    const { id, form } = attendee({ allergies: 'x'.repeat(201) });
    const put = (body: object) =>
      stack.app.inject({
        ...{ method: 'PUT', url: `/api/checkouts/${id}`, body },
        headers: { 'accept-language': 'de' },
      });
    expect((await put({ ...form, answers: { dinner: false } })).json()).toMatchObject({
      errors: [
        { pointer: '/answers/diet', detail: 'Bitte beantworten Sie diese Frage.' },
        { pointer: '/answers/dinner', detail: 'Bitte setzen Sie diesen Haken.' },
      ],
    });
    expect((await put(form)).json()).toMatchObject({
      errors: [{ detail: 'Bitte geben Sie höchstens 200 Zeichen ein.' }],
    });
  });

  it('to questions with the ids of other fields get no message of those fields', async () => {
    await addQuestions(stack.database, {
      email: { kind: 'text', label: 'E' },
      city: { kind: 'text', label: 'C', required: true },
    });
    const answer = await attendee({ diet: 'Vegan', email: 'a\nb' }).put();
    expect(answer.json()).toMatchObject({
      errors: [{ pointer: '/answers/email', detail: 'Please use only letters, digits and punctuation.' }],
    });
    expect((await attendee({ diet: 'Vegan', city: '' }).put()).json()).toMatchObject({
      errors: [{ detail: 'Required' }],
    });
  });

  it('are those of the ticket type', async () => {
    expect(faults(await attendee({ diet: 'Vegan', dinner: true }, { ticketType: 'free' }).put())).toEqual([
      422,
      '/answers/dinner',
    ]);
    expect((await attendee({ diet: 'Vegan' }, { ticketType: 'free' }).put()).statusCode).toBe(201);
    await change('diet', { ticket_type_ids: JSON.stringify(['regular']) });
    expect((await attendee(undefined, { ticketType: 'free' }).put()).statusCode).toBe(201);
  });

  it('stand in the order and in the confirmation, and nowhere else', async () => {
    const ada = attendee(ANSWERS);
    expect((await ada.register()).statusCode).toBe(201);
    await ended(ada.id);
    expect(await stored(ada.id)).toEqual(ANSWERS);

    const mail = mailTo(ada.id);
    const { text: plain = '', html = '', attachments: _attachments, ...rest } = mail ?? {};
    expect(plain).toContain(
      'YOUR ANSWERS\n\nDiet: Vegan\nAllergies <b>or</b> not?: Nuts, 30 % "only"\nI come to the dinner: Yes\n',
    );
    expect(html).toContain('Allergies &lt;b&gt;or&lt;/b&gt; not?</span><br>Nuts, 30 % &quot;only&quot;');
    expect(JSON.stringify(rest)).not.toMatch(/Vegan|Nuts|Diet/);
    expect((await stack.app.inject(`/registrations/${ada.id}`)).body).not.toMatch(/Vegan|Nuts|Allergies/);
    const { mails: _mails, ...ledger } = stack.sandbox.ledger();
    expect(JSON.stringify(ledger)).not.toMatch(/Vegan|Nuts/);
    const run = await stack.temporal.workflow.getHandle(workflowId(ada.id)).describe();
    expect(texts(run.raw).join('\n')).not.toMatch(/Vegan|Nuts|Allergies/);
  });

  it('are not repeated to an address that nobody has confirmed', async () => {
    const ada = attendee({ diet: 'Vegan', allergies: 'buy at www.example.org' }, { ticketType: 'free' });
    expect((await ada.register()).statusCode).toBe(201);
    await ended(ada.id);
    expect(await stored(ada.id)).toEqual({ diet: 'Vegan', allergies: 'buy at www.example.org' });
    expect(JSON.stringify(mailTo(ada.id))).not.toMatch(/Vegan|www\.example|Diet/);
  });
});

describe('questions that change between the seat and the payment', () => {
  it('keep nobody from paying: what was accepted with the seat stays accepted', async () => {
    const ada = attendee({ diet: 'Vegan' });
    const paypalOrderId = await ada.approve();
    await change('diet', { choices: JSON.stringify(['Other', 'More']) });
    await addQuestions(stack.database, { size: { kind: 'text', label: 'Size', required: true } });
    expect((await ada.post(paypalOrderId)).statusCode).toBe(201);
    await ended(ada.id);
    expect(await stored(ada.id)).toEqual({ diet: 'Vegan' });
    // Once it is registered, the same request has the same answer.
    await stack.database('questions').update({ removed_at: new Date() });
    expect((await ada.post(paypalOrderId)).statusCode).toBe(201);
  });

  it('the seat itself asks for the answers as they are needed by then', async () => {
    const ada = attendee({ diet: 'Vegan' });
    expect((await ada.put()).statusCode).toBe(201);
    await addQuestions(stack.database, { size: { kind: 'text', label: 'Size', required: true } });
    expect(faults(await ada.put())).toEqual([422, '/answers/size']);
    const answers = { diet: 'Vegan', size: 'M' };
    expect((await ada.put({ ...ada.form, answers })).statusCode).toBe(200);
  });

  it('other answers than those that were accepted are judged', async () => {
    const ada = attendee({ diet: 'Vegan' });
    const paypalOrderId = await ada.approve();
    const others = (answers: object) => ada.post(paypalOrderId, { ...ada.form, answers });
    expect(faults(await others({ diet: 'Meat' }))).toEqual([422, '/answers/diet']);
    expect(faults(await others({}))).toEqual([422, '/answers/diet']);
    expect((await others({ diet: 'Vegetarian' })).statusCode).toBe(201);
    await ended(ada.id);
    expect(await stored(ada.id)).toEqual({ diet: 'Vegetarian' });
  });

  it('nothing is refused while a payment is in flight, and answers that do not fit are left out', async () => {
    const ada = attendee({ diet: 'Vegan' });
    const paypalOrderId = await ada.approve();
    stack.sandbox.faults.set('paypal', { mode: 'slow', ms: 3000, only: '/capture', times: 1 });
    const first = ada.post(paypalOrderId);
    await expect
      .poll(() => stack.database('seat_holds').where({ id: ada.id }).pluck('claimed_for'))
      .toEqual([paypalOrderId]);
    const again = await ada.post(paypalOrderId, { ...ada.form, answers: { diet: 'Meat', shoes: '44' } });
    expect([again.statusCode, (await first).statusCode]).toEqual([201, 201]);
    await ended(ada.id);
    expect(await stored(ada.id)).toEqual({ diet: 'Vegan' });
  });

  it('a second card after a decline comes with the answers as they are then', async () => {
    const ada = attendee({ diet: 'Vegan' });
    expect((await ada.register(CARDS.declined)).statusCode).toBe(402);
    const form = { ...ada.form, answers: { diet: 'Everything', dinner: false } };
    const { paypalOrderId } = (await ada.put(form)).json<{ paypalOrderId: string }>();
    stack.sandbox.approve(paypalOrderId, {});
    expect((await ada.post(paypalOrderId, form)).statusCode).toBe(201);
    await ended(ada.id);
    expect(await stored(ada.id)).toEqual({ diet: 'Everything', dinner: false });
  });
});

it('a form without answers for an event without questions stores none, and notes nothing with the seat', async () => {
  await stack.database('questions').delete();
  const ada = attendee();
  const paypalOrderId = await ada.approve();
  expect(await stack.database('seat_holds').where({ id: ada.id }).pluck('answers_hash')).toEqual([null]);
  expect((await ada.post(paypalOrderId)).statusCode).toBe(201);
  await ended(ada.id);
  expect(await stored(ada.id)).toBeNull();
  expect(faults(await attendee({ diet: 'Vegan' }).put())).toEqual([422, '/answers/diet']);
  expect((await attendee({}).put()).statusCode).toBe(201);
});
