/** The words of the questions that organizers ask, and the rules of their answers. Types and pure functions only. */
import type { Answers } from './form.ts';

/** `text`: a line of text. `choice`: one of several. `checkbox`: yes or no. */
export const QUESTION_KINDS = ['text', 'choice', 'checkbox'] as const;
export type QuestionKind = (typeof QUESTION_KINDS)[number];

/** How many questions an event can ask at a time. */
export const MOST_QUESTIONS = 5;

/** How many choices a question can have, and characters of one. */
export const FEWEST_CHOICES = 2;
export const MOST_CHOICES = 20;
export const LONGEST_CHOICE = 100;

/**
 * A question of an event. `id` is the key of its answers. `choices` are the possible answers of a choice, and empty otherwise.
 * `ticketTypes` are the ids of those that it is asked for; null for all.
 */
export type Question = {
  id: string;
  kind: QuestionKind;
  label: string;
  choices: string[];
  required: boolean;
  ticketTypes: string[] | null;
};

/** What is wrong with an answer. `unknown`: nobody asks this, or not for this ticket type. */
export type AnswerFault = 'unknown' | 'needed' | 'tick' | 'choose' | 'kind';
export type FaultyAnswer = { id: string; fault: AnswerFault };

/** Whether a question is asked of who chooses a ticket type. */
export const isAskedFor = ({ ticketTypes }: Pick<Question, 'ticketTypes'>, ticketType: string): boolean =>
  ticketTypes === null || ticketTypes.includes(ticketType);

/** The answer to a question; undefined where there is none. Ids may be names of properties that every object has. */
export const answerTo = (answers: Answers | undefined, id: string): string | boolean | undefined =>
  answers && Object.hasOwn(answers, id) ? answers[id] : undefined;

/** Answers without those that are no answer; undefined when none is left. */
export function answersOf(entries: (readonly [id: string, answer: string | boolean])[]): Answers | undefined {
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

/** Whether an answer is of the kind that a question asks for. The length and the characters of a text are the schema's matter. */
export const isOfKind = ({ kind }: Pick<Question, 'kind'>, answer: string | boolean): boolean =>
  typeof answer === (kind === 'checkbox' ? 'boolean' : 'string');

/** The faults in the answers of a form with a ticket type, by the questions that are asked now. */
export function faultsInAnswers(
  questions: Question[],
  ticketType: string,
  answers: Answers | undefined,
): FaultyAnswer[] {
  const asked = questions.filter((question) => isAskedFor(question, ticketType));
  const unknown = Object.keys(answers ?? {}).filter((id) => !asked.some((question) => question.id === id));
  return [
    ...unknown.map((id) => ({ id, fault: 'unknown' as const })),
    ...asked.flatMap((question) => {
      const fault = faultOf(question, answerTo(answers, question.id));
      return fault ? [{ id: question.id, fault }] : [];
    }),
  ];
}

function faultOf(question: Question, answer: string | boolean | undefined): AnswerFault | undefined {
  const { kind, required, choices } = question;
  if (answer === undefined) return required ? (kind === 'checkbox' ? 'tick' : 'needed') : undefined;
  if (!isOfKind(question, answer)) return 'kind';
  if (kind === 'checkbox' && required && answer !== true) return 'tick';
  if (kind === 'choice' && !choices.some((choice) => choice === answer)) return 'choose';
  return undefined;
}

/** An id for a question, from its label: other than those that are taken. */
export function questionId(label: string, taken: string[]): string {
  const plain = label
    .replaceAll(/[äöüÄÖÜ]/g, (letter) => `${letter}e`)
    .replaceAll('ß', 'ss')
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replaceAll(/^-+|-+$/g, '');
  const id = plain === '' ? 'question' : plain;
  for (let n = 1; ; n++) {
    const free = n === 1 ? id : `${id}-${n}`;
    if (!taken.includes(free)) return free;
  }
}
