/** The questions of each event, and what they are answered. This file owns the table `questions`. */
import { hash } from '../hash.ts';
import { MOST_QUESTIONS, questionId, type Question, type QuestionKind } from '../questions.ts';
import type { Database } from './connection.ts';
import { noteDesk } from './desk-history.ts';
import { locked } from './seats/lock.ts';

/** A question as it is stored. `removedAt` is ISO 8601: since when it is not asked any more; null while it is. */
export type StoredQuestion = Question & { removedAt: string | null };

/**
 * The questions of an event as JSON, in a query: those that are asked, in order, and then those that were retired. `[]` for none.
 * @param event SQL for the event's id
 */
export const questionsOf = (event: string): string =>
  `(select coalesce(jsonb_agg(jsonb_build_object('id', q.id, 'kind', q.kind, 'label', q.label,
      'choices', coalesce(q.choices, '[]'), 'required', q.required, 'ticketTypes', q.ticket_type_ids,
      'removedAt', q.removed_at) order by q.removed_at nulls first, q.position, q.id), '[]')
    from questions q where q.event_id = ${event})`;

/** The questions that are asked now. */
export const asked = (questions: StoredQuestion[]): StoredQuestion[] =>
  questions.filter(({ removedAt }) => removedAt === null);

/** All questions of an event, in the order in which they are asked, and then those that were retired, with or without answers. */
export async function listQuestions(database: Database, event: string): Promise<StoredQuestion[]> {
  const { rows } = await database.raw<{ rows: [{ questions: StoredQuestion[] }] }>(
    `select ${questionsOf('?')} as questions`,
    [event],
  );
  return rows[0].questions;
}

/** Recognizes the questions of an event as they are, so that of two editors the second one is told. */
export const versionOf = (questions: StoredQuestion[]): string => hash(JSON.stringify(questions));

/** What an editor decides about a question. Its kind stays for ever, because it is the meaning of the answers. */
export type Wording = Omit<Question, 'id' | 'kind'>;
/** A change of the questions of an event. `id` is that of a question that is asked. */
export type QuestionChange =
  | ({ do: 'add'; kind: QuestionKind } & Wording)
  | ({ do: 'change'; id: string } & Wording)
  | { do: 'up' | 'down' | 'retire'; id: string };
/** `outdated`: somebody has changed the questions since the version. `gone`: the question is not asked any more. */
export type QuestionOutcome = { outcome: 'added' | 'changed' | 'moved' | 'retired'; id: string };
export type QuestionRefusal = { outcome: 'outdated' | 'gone' | 'too-many' };

/** Changes the questions of an event as an editor saw them, one editor at a time. What was done is noted with who did it. */
export async function changeQuestions(
  database: Database,
  {
    event,
    version,
    organizer,
    action,
  }: { event: string; version: string; organizer: string; action: string },
  change: QuestionChange,
): Promise<QuestionOutcome | QuestionRefusal> {
  return locked(database, `questions ${event}`, async (trx) => {
    const all = await listQuestions(trx, event);
    if (versionOf(all) !== version) return { outcome: 'outdated' };
    const live = asked(all);
    const made = await make(trx, event, all, live, change);
    if ('id' in made)
      await noteDesk(trx, {
        ...{ kind: 'questions-changed', organizer, event, action },
        facts: { done: made.outcome, question: made.id },
      });
    return made;
  });
}

async function make(
  trx: Database,
  event: string,
  all: StoredQuestion[],
  live: StoredQuestion[],
  change: QuestionChange,
): Promise<QuestionOutcome | QuestionRefusal> {
  if (change.do === 'add') {
    if (live.length >= MOST_QUESTIONS) return { outcome: 'too-many' };
    const taken = all.map((question) => question.id);
    const id = questionId(change.label, taken);
    // Retired questions keep their place, so a new one comes after all of them.
    await trx('questions').insert({
      ...{ event_id: event, id, position: all.length, kind: change.kind },
      ...columns(change, change.kind),
    });
    return { outcome: 'added', id };
  }
  const index = live.findIndex((question) => question.id === change.id);
  const question = live[index];
  if (!question) return { outcome: 'gone' };
  const { id } = question;
  const one = trx('questions').where({ event_id: event, id });
  switch (change.do) {
    case 'change':
      await one.update(columns(change, question.kind));
      return { outcome: 'changed', id };
    case 'retire':
      await one.update({ removed_at: trx.fn.now() });
      return { outcome: 'retired', id };
    case 'up':
    case 'down': {
      const order = live.map((each) => each.id);
      const other = order[index + (change.do === 'up' ? -1 : 1)];
      if (other === undefined) return { outcome: 'moved', id };
      const moved = order.map((each) => (each === id ? other : each === other ? id : each));
      for (const [position, each] of moved.entries())
        await trx('questions').where({ event_id: event, id: each }).update({ position });
      return { outcome: 'moved', id };
    }
  }
}

const columns = ({ label, required, choices, ticketTypes }: Wording, kind: QuestionKind) => ({
  ...{ label, required },
  choices: kind === 'choice' ? JSON.stringify(choices) : null,
  ticket_type_ids: ticketTypes && JSON.stringify(ticketTypes),
});

/** How many of those who are confirmed gave an answer: to a choice or a checkbox, `answer` is the answer as text; to a text, null. */
export type AnswerCount = { question: string; answer: string | null; count: number };

/** Counts the answers to all questions of an event, retired ones too. One statement, which reads the orders of the event once. */
export async function countAnswers(database: Database, event: string): Promise<AnswerCount[]> {
  const { rows } = await database.raw<{ rows: AnswerCount[] }>(
    `select q.id as question, case when q.kind <> 'text' then o.answers ->> q.id end as answer, count(*)::integer as count
     from orders o join questions q on q.event_id = o.event_id
     where o.event_id = ? and o.status = 'confirmed' and o.answers is not null and o.answers ->> q.id is not null
     group by 1, 2 order by 3 desc, 2`,
    [event],
  );
  return rows;
}
