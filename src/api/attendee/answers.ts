/** Answers to the questions of an event: judged when a seat is held, and accepted from then on. */
import type { Database } from '../../database/connection.ts';
import { asked, listQuestions } from '../../database/questions.ts';
import { noteAnswers } from '../../database/seats/hold.ts';
import type { Answers, Form } from '../../form.ts';
import { hash } from '../../hash.ts';
import type { MessageKey } from '../../messages/index.ts';
import { faultsInAnswers, type AnswerFault } from '../../questions.ts';
import { Problem } from '../problem.ts';

type Answered = Pick<Form, 'event' | 'ticketType' | 'answers'>;

const FAULTS: Record<AnswerFault, MessageKey> = {
  unknown: 'fault.answer.unknown',
  needed: 'fault.answer.needed',
  tick: 'fault.answer.tick',
  choose: 'fault.choose',
  kind: 'fault.invalid',
};

/** Recognizes answers; null for none. The id makes the hash another one for each registration. */
export function answersHashOf(id: string, answers: Answers | undefined): string | null {
  const given = Object.entries(answers ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));
  return given.length > 0 ? hash(id, JSON.stringify(given)) : null;
}

/**
 * Refuses answers that the questions of an event, as they are now, do not allow for the ticket type.
 * @returns whether the event has, or had, any questions
 */
export async function refuseAnswers(database: Database, form: Answered): Promise<boolean> {
  const questions = await listQuestions(database, form.event);
  const faults = faultsInAnswers(asked(questions), form.ticketType, form.answers);
  if (faults.length > 0)
    throw new Problem('invalid-fields', {
      errors: faults.map(({ id, fault }) => ({ pointer: `/answers/${id}`, detail: FAULTS[fault] })),
    });
  return questions.length > 0;
}

/** Notes with a hold which answers were accepted with it, so that paying does not depend on the questions as they are by then. */
export const acceptAnswers = (database: Database, id: string, answers: Answers | undefined): Promise<void> =>
  noteAnswers(database, id, answersHashOf(id, answers));

/**
 * Judges the answers of somebody who pays. What was accepted with the hold stays accepted, although organizers may have changed the
 * questions since. While a payment is in flight nothing is refused, because money may have moved: answers that do not fit are left
 * out.
 *
 * @returns the answers for the order
 */
export async function answersToPay(
  database: Database,
  form: Answered & { id: string },
  hold: { claimed: boolean; answersHash: string | null } | undefined,
): Promise<Answers | undefined> {
  const { answers } = form;
  if (hold?.answersHash === answersHashOf(form.id, answers)) return answers;
  if (!hold?.claimed) {
    await refuseAnswers(database, form);
    return answers;
  }
  const questions = asked(await listQuestions(database, form.event));
  const faulty = faultsInAnswers(questions, form.ticketType, answers).map(({ id }) => id);
  return Object.fromEntries(Object.entries(answers ?? {}).filter(([id]) => !faulty.includes(id)));
}
