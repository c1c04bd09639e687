/** Organizers edit the questions of an event, correct and count answers, and find registrations by them. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listQuestions } from '../../../src/database/questions.ts';
import { workflowId } from '../../../src/registration.ts';
import { changeWorkflowId } from '../../../src/change.ts';
import { aForm } from '../../../stage/person.ts';
import { anAttendee, startStack, type Stack } from '../../stack.ts';
import { addQuestions } from '../some-questions.ts';
import { aSignedIn, fieldIn, type SignedIn } from './desk.ts';
import { anOrder } from './orders.ts';

let stack: Stack;
let ada: SignedIn;
beforeAll(async () => {
  stack = await startStack();
  await stack.startWorker();
  ada = await aSignedIn(stack, 'organizer');
});
beforeEach(() => addQuestions(stack.database));
afterEach(async () => {
  await stack.database('questions').delete();
});
afterAll(() => stack.stop());

const PATH = '/organizer/events/conference/questions';
const questions = () => listQuestions(stack.database, 'conference');
const labels = async () =>
  (await questions()).map(({ label, removedAt }) => (removedAt ? `(${label})` : label));
const version = async () => fieldIn((await ada.get(PATH)).body, 'version');
const form = async (fields: Record<string, string>) => ({
  action: randomUUID(),
  version: await version(),
  ...fields,
});
const NEW = { do: 'add', kind: 'choice', label: 'T-shirt <b>size</b>', choices: 'S\r\nM\r\n\r\nL ' };

describe('the editor', () => {
  it('adds, changes, moves and retires questions, and tells what was done', async () => {
    const steps: [Record<string, string>, string, string[]][] = [
      [
        { ...NEW, required: 'on', ticketTypes: 'regular' },
        'asks the question from now on',
        ['Diet', 'Allergies <b>or</b> not?', 'I come to the dinner', 'T-shirt <b>size</b>'],
      ],
      [
        { do: 'up', question: 't-shirt-b-size-b' },
        'The order was changed',
        ['Diet', 'Allergies <b>or</b> not?', 'T-shirt <b>size</b>', 'I come to the dinner'],
      ],
      [
        { do: 'change', question: 'allergies', label: 'Allergies' },
        'The question was changed',
        ['Diet', 'Allergies', 'T-shirt <b>size</b>', 'I come to the dinner'],
      ],
      [
        { do: 'retire', question: 'diet' },
        'does not ask the question any more',
        ['Allergies', 'T-shirt <b>size</b>', 'I come to the dinner', '(Diet)'],
      ],
    ];
    for (const [fields, told, after] of steps) {
      const sent = await form(fields);
      const answer = await ada.post(PATH, sent);
      expect([answer.statusCode, answer.headers.location]).toEqual([303, `${PATH}?done=${sent.action}`]);
      expect((await ada.get(String(answer.headers.location))).body).toContain(told);
      expect(await labels()).toEqual(after);
    }
    expect((await questions())[1]).toMatchObject({
      choices: ['S', 'M', 'L'],
      required: true,
      ticketTypes: ['regular'],
    });
    expect((await ada.get(PATH)).body).toContain('T-shirt &lt;b&gt;size&lt;/b&gt;');
    // What organizers ask is public, and needs no sign-in.
    expect((await stack.app.inject('/')).body).toContain('T-shirt &lt;b&gt;size&lt;/b&gt;');
  });

  it('does the same action once, also five times at once', async () => {
    const sent = await form(NEW);
    const answers = await Promise.all(Array.from({ length: 5 }, () => ada.post(PATH, sent)));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(5).fill(303));
    expect(await labels()).toHaveLength(4);
  });

  it('tells the second of two editors, and loses nothing that was typed', async () => {
    const eve = await aSignedIn(stack, 'owner');
    const [hers, his] = [
      await form({ do: 'change', question: 'diet', label: 'Food', choices: 'A\nB' }),
      await form({ do: 'retire', question: 'dinner' }),
    ];
    expect((await eve.post(PATH, his)).statusCode).toBe(303);
    const answer = await ada.post(PATH, hers);
    expect(answer.statusCode).toBe(409);
    expect(answer.body).toContain('Somebody else has changed the questions meanwhile');
    expect(answer.body).toContain('value="Food"');
    expect(answer.body).toMatch(/<textarea[^>]*>A\nB<\/textarea>/);
    expect(await labels()).toContain('Diet');
    // The page that she sees now can be sent.
    const again = {
      ...hers,
      action: fieldIn(answer.body, 'action'),
      version: fieldIn(answer.body, 'version'),
    };
    expect((await ada.post(PATH, again)).statusCode).toBe(303);
    expect(await labels()).toContain('Food');
    const json = await ada.post(PATH, { ...hers, action: randomUUID() }, { accept: 'application/json' });
    expect([json.statusCode, json.json<{ type: string }>().type]).toEqual([
      409,
      '/problems/questions-changed',
    ]);
  });

  it.each([
    ['no question', { label: '' }, 'error-label-new'],
    ['a question that is too long', { label: 'x'.repeat(201) }, 'error-label-new'],
    ['a question with control characters', { label: 'a\u0007b' }, 'error-label-new'],
    ['an unknown kind', { kind: 'number' }, 'error-kind-new'],
    ['one choice', { choices: 'S' }, 'error-choices-new'],
    ['no choice', { choices: '' }, 'error-choices-new'],
    ['a choice twice', { choices: 'S\nS' }, 'error-choices-new'],
    [
      'too many choices',
      { choices: Array.from({ length: 21 }, (_, n) => String(n)).join('\n') },
      'error-choices-new',
    ],
    ['a choice that is too long', { choices: `S\n${'x'.repeat(101)}` }, 'error-choices-new'],
    ['a choice with control characters', { choices: 'S\nM\u0000' }, 'error-choices-new'],
  ])('shows the form again with what was typed: %s', async (_what, faulty, error) => {
    const fields = { ...NEW, required: 'on', ...faulty };
    const answer = await ada.post(PATH, await form(fields));
    expect([answer.statusCode, answer.body.includes(`id="${error}"`)]).toEqual([422, true]);
    expect(answer.body).toContain('autofocus');
    if (!('label' in faulty)) expect(answer.body).toContain('value="T-shirt &lt;b&gt;size&lt;/b&gt;"');
    expect(await labels()).toHaveLength(3);
    const json = await ada.post(PATH, await form(fields), { accept: 'application/json' });
    expect(json.json()).toMatchObject({
      status: 422,
      errors: [{ pointer: `/${error.split('-')[1] ?? ''}` }],
    });
  });

  it('refuses what no form of it sends, and an event that does not exist', async () => {
    for (const wrong of [
      { action: 'x' },
      { do: 'delete' },
      { more: 'x' },
      { do: 'up' },
      { ticketTypes: '<x>' },
    ])
      expect((await ada.post(PATH, { ...(await form(NEW)), ...wrong })).statusCode).toBe(422);
    for (const page of ['questions', 'answers'])
      for (const event of ['nope', 'Not%20a%20slug'])
        expect((await ada.get(`/organizer/events/${event}/${page}`)).statusCode).toBe(404);
    expect((await ada.post('/organizer/events/nope/questions', await form(NEW))).statusCode).toBe(404);
    expect(await labels()).toHaveLength(3);
  });
});

async function registered(answers: object): Promise<string> {
  const attendee = anAttendee(stack, aForm({ answers, newsletter: false }));
  expect((await attendee.register()).statusCode).toBe(201);
  await stack.temporal.workflow.getHandle(workflowId(attendee.id)).result();
  return attendee.id;
}
const stored = async (id: string) =>
  (await stack.database('orders').where({ id }).first<{ answers: unknown }>('answers')).answers;

describe('the answers of a registration', () => {
  it('are on its page for organizers, and not for accountants', async () => {
    const id = await registered({ diet: 'Vegan', allergies: '<i>Nuts</i>' });
    await stack.database('questions').where({ id: 'allergies' }).update({ removed_at: new Date() });
    const page = `/organizer/registrations/${id}`;
    expect((await ada.get(page)).body).toMatch(
      /<dt>Diet<\/dt><dd>Vegan<\/dd><dt>Allergies &lt;b&gt;or&lt;\/b&gt; not\?<\/dt><dd>&lt;i&gt;Nuts/,
    );
    const accountant = await aSignedIn(stack, 'accountant');
    expect((await accountant.get(page)).body).not.toMatch(/Vegan|Nuts/);
  });

  it('are corrected once, the history says which, and the confirmation goes out again', async () => {
    const id = await registered({ diet: 'Vegan', allergies: 'Nuts' });
    const path = `/organizer/registrations/${id}/answers`;
    const asked = { 'asked/diet': 'yes', 'asked/allergies': 'yes', 'asked/dinner': 'yes' };
    const sent = {
      action: randomUUID(),
      ...asked,
      'answers/diet': 'Vegetarian',
      'answers/allergies': '',
      'answers/dinner': 'on',
    };
    for (let n = 0; n < 2; n++) expect((await ada.post(path, sent)).statusCode).toBe(303);
    await stack.temporal.workflow.getHandle(changeWorkflowId(sent.action)).result();
    expect(await stored(id)).toEqual({ diet: 'Vegetarian', dinner: true });
    const history = stack
      .database('registration_events')
      .where({ registration_id: id, kind: 'answers-corrected' });
    expect(await history.pluck('facts')).toEqual([{ questions: ['diet', 'allergies', 'dinner'] }]);
    const mails = stack.sandbox.ledger().mails.filter((mail) => JSON.stringify(mail.customArgs).includes(id));
    expect(mails.at(-1)?.text).toContain('Diet: Vegetarian\nI come to the dinner: Yes\n');
    const page = (await ada.get(`/organizer/registrations/${id}?done=${sent.action}`)).body;
    expect(page).toContain('The answers were corrected.');
    expect(page).toContain('Corrected answers to questions of the event.');
    const same = { action: randomUUID(), ...asked, 'answers/diet': 'Vegetarian', 'answers/dinner': 'on' };
    expect((await ada.post(path, same)).statusCode).toBe(409);
  });

  it.each([
    ['no choice', { 'asked/diet': 'yes', 'answers/diet': 'Meat' }],
    ['a question of another event', { 'asked/shoes': 'yes', 'answers/shoes': '44' }],
    ['a card number', { 'asked/allergies': 'yes', 'answers/allergies': '4012888888881881' }],
    ['a control character', { 'asked/allergies': 'yes', 'answers/allergies': 'a\u0001' }],
    ['an unknown field', { 'answer/diet': 'Vegan' }],
  ])('cannot be corrected to %s', async (_what, fields) => {
    const id = await anOrder(stack.database, { answers: JSON.stringify({ diet: 'Vegan' }) });
    const path = `/organizer/registrations/${id}/answers`;
    expect((await ada.post(path, { action: randomUUID(), ...fields })).statusCode).toBe(422);
    expect(await stored(id)).toEqual({ diet: 'Vegan' });
  });

  it('a choice that is not offered any more can stay', async () => {
    const id = await anOrder(stack.database, { answers: JSON.stringify({ diet: 'Meat' }) });
    const fields = {
      'asked/diet': 'yes',
      'answers/diet': 'Meat',
      'asked/allergies': 'yes',
      'answers/allergies': 'Milk',
    };
    expect((await ada.get(`/organizer/registrations/${id}`)).body).toMatch(/<option selected\s*>Meat/);
    expect(
      (await ada.post(`/organizer/registrations/${id}/answers`, { action: randomUUID(), ...fields }))
        .statusCode,
    ).toBe(303);
    expect(await stored(id)).toEqual({ diet: 'Meat', allergies: 'Milk' });
  });
});

describe('counts and the list', () => {
  beforeEach(async () => {
    await stack.database('orders').delete();
    for (const [first_name, answers] of [
      ['Vera', { diet: 'Vegan', dinner: true }],
      ['Viktor', { diet: 'Vegan', allergies: 'Nuts', dinner: false }],
      ['Otto', { diet: 'Fish & chips' }],
    ] as const)
      await anOrder(stack.database, { first_name, answers: JSON.stringify(answers) });
    await anOrder(stack.database, { first_name: 'Nobody' });
  });
  const found = async (url: string) => {
    const { body } = await ada.get(url);
    return ['Vera', 'Viktor', 'Otto', 'Nobody'].filter((name) => body.includes(`>${name} `));
  };

  it('count each answer, also one that is not offered any more, and lead to the registrations', async () => {
    const { body } = await ada.get('/organizer/events/conference/answers');
    const rows = [
      ...body.matchAll(
        /<a href="(\/organizer\/registrations\?[^"]*)">([^<]*)<\/a><\/th><td class="number">(\d+)/g,
      ),
    ];
    expect(rows.map(([, , answer, count]) => [answer, count])).toEqual([
      ['Vegan', '2'],
      ['Vegetarian', '0'],
      ['Everything', '0'],
      ['Fish &amp; chips', '1'],
      ['Yes', '1'],
      ['No', '1'],
    ]);
    expect(body).toContain('1 person has answered this.');
    const links = rows.map(([, href = '']) => href.replaceAll('&amp;', '&'));
    expect(await Promise.all(links.map(found))).toEqual([
      ['Vera', 'Viktor'],
      [],
      [],
      ['Otto'],
      ['Vera'],
      ['Viktor'],
    ]);
  });

  it('the list takes no answer that nobody can look for, and none from an accountant', async () => {
    const list = (answer: string) => `/organizer/registrations?answer=${encodeURIComponent(answer)}`;
    expect(await found(list('diet:Vegan'))).toEqual(['Vera', 'Viktor']);
    for (const odd of [
      'allergies:Nuts',
      'shoes:44',
      'diet:',
      'dinner:maybe',
      'diet',
      "diet:'; drop table orders; --",
      'diet:\u0000',
    ])
      expect([odd, (await ada.get(list(odd))).statusCode]).toEqual([odd, 200]);
    expect(await found(list('allergies:Nuts'))).toHaveLength(4);
    const accountant = await aSignedIn(stack, 'accountant');
    const { body } = await accountant.get(list('diet:Vegan'));
    expect([body.includes('>Otto '), body.includes('id="answer"')]).toEqual([true, false]);
  });

  it('the export has a column for each question, with inert cells, but not for accountants', async () => {
    await anOrder(stack.database, {
      first_name: 'Eve',
      answers: JSON.stringify({ allergies: '=HYPERLINK("x")' }),
    });
    await stack.database('questions').where({ id: 'diet' }).update({ removed_at: new Date() });
    const file = async (who: SignedIn, query = '') => {
      const { body } = await who.get(`/organizer/export/registrations.csv${query}`);
      const [columns = '', ...lines] = body.trim().split('\r\n');
      // The last line says that the file is whole.
      return [columns.split(',').slice(29), lines.slice(0, -1).map((line) => line.split(',').slice(29))];
    };
    expect(await file(ada)).toEqual([
      ['answer_allergies', 'answer_dinner', 'answer_diet'],
      [
        ['', 'yes', 'Vegan'],
        ['Nuts', 'no', 'Vegan'],
        ['', '', 'Fish & chips'],
        ['', '', ''],
        [`"'=HYPERLINK(""x"")"`, '', ''],
      ],
    ]);
    expect((await file(ada, '?answer=diet%3AVegan'))[1]).toHaveLength(2);
    expect((await ada.get('/organizer/export?answer=diet%3AVegan')).body).toContain(
      'Only with the answer: Vegan',
    );
    const accountant = await aSignedIn(stack, 'accountant');
    expect((await file(accountant))[0]).toEqual([]);
    expect((await accountant.get('/organizer/export/registrations.csv?answer=diet%3AVegan')).statusCode).toBe(
      422,
    );
  });

  it('with several events, an answer counts where one is chosen', async () => {
    const { picture_hash: _generated, ...event } = await stack
      .database('events')
      .first<Record<string, unknown>>();
    await stack.database('events').insert({ ...event, id: 'workshop', name: 'Workshop' });
    const all = '/organizer/registrations?answer=diet%3AVegan';
    expect(await found(all)).toHaveLength(4);
    expect(await found(`${all}&event=conference`)).toEqual(['Vera', 'Viktor']);
    expect(await found(`${all}&event=workshop`)).toEqual([]);
    await stack.database('events').where({ id: 'workshop' }).delete();
  });
});
