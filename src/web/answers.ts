import type { Answers } from '../form.ts';
import type { Speech } from '../messages/index.ts';
import { answerTo, type Question } from '../questions.ts';

/** An answer in words. */
export const tellAnswer = (answer: string | boolean, t: Speech['t']): string =>
  typeof answer === 'string' ? answer : t(answer ? 'answer.yes' : 'answer.no');

/**
 * Answers with what they answer, in the order of the questions; last those whose question is not known, by its id. A mail does not
 * wait for the database.
 */
export function tellAnswers(
  questions: Pick<Question, 'id' | 'label'>[],
  answers: Answers | undefined,
  t: Speech['t'],
): [label: string, answer: string][] {
  const others = Object.keys(answers ?? {}).filter((id) => !questions.some((question) => question.id === id));
  return [...questions, ...others.map((id) => ({ id, label: id }))].flatMap(({ id, label }) => {
    const answer = answerTo(answers, id);
    return answer === undefined ? [] : [[label, tellAnswer(answer, t)] as [string, string]];
  });
}
