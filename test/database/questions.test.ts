/** The questions of an event: one editor at a time, never more than five, and never one that is gone. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  asked,
  changeQuestions,
  countAnswers,
  listQuestions,
  versionOf,
  type QuestionChange,
} from '../../src/database/questions.ts';
import { questionId } from '../../src/questions.ts';
import { anOrder } from '../api/organizer/orders.ts';
import { addQuestions, SOME_QUESTIONS } from '../api/some-questions.ts';
import { createDatabase } from '../store.ts';
import { heldUp } from './held-up.ts';

let store: Awaited<ReturnType<typeof createDatabase>>;
beforeEach(async () => {
  store = await createDatabase({ min: 0, max: 20 });
});
afterEach(() => store.drop());

const list = () => listQuestions(store.database, 'conference');
const version = async () => versionOf(await list());
const ids = async () => asked(await list()).map(({ id }) => id);
const edit = (change: QuestionChange, seen: string) =>
  changeQuestions(
    store.database,
    { event: 'conference', version: seen, organizer: randomUUID(), action: randomUUID() },
    change,
  );
const add = (label: string): QuestionChange => ({
  ...{ do: 'add', kind: 'text', label, choices: [], required: false, ticketTypes: null },
});

it('of ten editors who saw the same questions, one changes them and the others are told', async () => {
  await addQuestions(store.database);
  const seen = await version();
  // All have come before one of them can write.
  const outcomes = await heldUp(store.database, 'lock table questions in share row exclusive mode', 10, () =>
    Promise.all(Array.from({ length: 10 }, (_, n) => edit(add(`Question ${n}`), seen))),
  );
  expect(outcomes.map(({ outcome }) => outcome).toSorted()).toEqual([
    'added',
    ...Array<string>(9).fill('outdated'),
  ]);
  expect(await ids()).toHaveLength(4);
  expect(
    await store.database('organizer_events').where({ kind: 'questions-changed' }).pluck('event_id'),
  ).toEqual(['conference']);
});

it('asks no more than five, and a retired one makes room', async () => {
  for (let n = 1; n <= 5; n++) await edit(add('Size'), await version());
  expect(await ids()).toEqual(['size', 'size-2', 'size-3', 'size-4', 'size-5']);
  expect(await edit(add('One more'), await version())).toEqual({ outcome: 'too-many' });
  expect(await edit({ do: 'retire', id: 'size-2' }, await version())).toEqual({
    outcome: 'retired',
    id: 'size-2',
  });
  // Its answers stay, so its id is not given to another one.
  expect(await edit(add('Size'), await version())).toEqual({ outcome: 'added', id: 'size-6' });
  expect(await ids()).toEqual(['size', 'size-3', 'size-4', 'size-5', 'size-6']);
  expect((await list()).at(-1)).toMatchObject({ id: 'size-2', removedAt: expect.any(String) as string });
  for (const change of [
    { do: 'retire', id: 'size-2' },
    { do: 'up', id: 'nothing' },
  ] as const)
    expect(await edit(change, await version())).toEqual({ outcome: 'gone' });
});

it('moves a question past its neighbour, and no further than the ends', async () => {
  await addQuestions(store.database);
  const move = async (way: 'up' | 'down', id: string) => (
    await edit({ do: way, id }, await version()),
    ids()
  );
  expect(await move('up', 'diet')).toEqual(['diet', 'allergies', 'dinner']);
  expect(await move('down', 'diet')).toEqual(['allergies', 'diet', 'dinner']);
  expect(await move('up', 'dinner')).toEqual(['allergies', 'dinner', 'diet']);
});

it('changes words, choices and tickets of a question, and never its kind', async () => {
  await addQuestions(store.database);
  const change = { do: 'change' as const, label: 'Food', required: false, ticketTypes: ['free'] };
  await edit({ ...change, id: 'diet', choices: ['Vegan', 'Halal'] }, await version());
  await edit({ ...change, id: 'dinner', choices: ['A', 'B'] }, await version());
  const [diet, , dinner] = await list();
  expect(diet).toMatchObject({
    id: 'diet',
    kind: 'choice',
    label: 'Food',
    choices: ['Vegan', 'Halal'],
    ticketTypes: ['free'],
  });
  expect(dinner).toMatchObject({ id: 'dinner', kind: 'checkbox', choices: [] });
});

it('counts the answers of those who are confirmed, by question', async () => {
  await addQuestions(store.database);
  const answered = (answers: object, more = {}) =>
    anOrder(store.database, { answers: JSON.stringify(answers), ...more });
  await answered({ diet: 'Vegan', allergies: 'Nuts', dinner: true });
  await answered({ diet: 'Vegan', dinner: false });
  await answered({ diet: 'Meat', unknown: 'x' });
  await answered({ diet: 'Vegetarian' }, { status: 'cancelled' });
  await anOrder(store.database);
  await store.database('questions').where({ id: 'dinner' }).update({ removed_at: new Date() });
  const counts = await countAnswers(store.database, 'conference');
  expect(counts.map(({ question, answer, count }) => [question, answer, count]).toSorted()).toEqual([
    ['allergies', null, 1],
    ['diet', 'Meat', 1],
    ['diet', 'Vegan', 2],
    ['dinner', 'false', 1],
    ['dinner', 'true', 1],
  ]);
});

it.each([
  ['T-Shirt-Größe', 't-shirt-groesse'],
  ['Do you eat meat?', 'do-you-eat-meat'],
  ['Ernährung', 'ernaehrung'],
  ['食事', 'question'],
  ['  …  ', 'question'],
  [`${'x'.repeat(39)} yz`, 'x'.repeat(39)],
])('an id is made of the letters of a question: %s', (label, id) => {
  expect(questionId(label, [])).toBe(id);
  expect(questionId(label, [id, `${id}-2`])).toBe(`${id}-3`);
});

it('an order whose person is erased can have no answers', async () => {
  const id = await anOrder(store.database, {
    answers: JSON.stringify({ diet: SOME_QUESTIONS.diet.choices[0] }),
  });
  const gone = { first_name: null, last_name: null, email: null, address_line1: null, city: null };
  const erase = (more: object) =>
    store
      .database('orders')
      .where({ id })
      .update({ ...gone, erased_at: new Date(), ...more });
  await expect(erase({})).rejects.toMatchObject({ constraint: 'orders_erased_without_answers' });
  expect(await erase({ answers: null })).toBe(1);
});
