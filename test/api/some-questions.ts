/** Questions of the conference, written straight into the database. */
import type { Database } from '../../src/database/connection.ts';

/** One of each kind: a choice that needs an answer, a text, and a box for those with a regular ticket. */
export const SOME_QUESTIONS = {
  diet: { kind: 'choice', label: 'Diet', choices: ['Vegan', 'Vegetarian', 'Everything'], required: true },
  allergies: { kind: 'text', label: 'Allergies <b>or</b> not?' },
  dinner: { kind: 'checkbox', label: 'I come to the dinner', ticket_type_ids: ['regular'] },
};

type Row = { choices?: string[]; ticket_type_ids?: string[] };
/** Adds questions by their ids, in this order. */
export async function addQuestions(
  database: Database,
  questions: Record<string, Row & Record<string, unknown>> = SOME_QUESTIONS,
  event = 'conference',
): Promise<void> {
  await database('questions').insert(
    Object.entries(questions).map(([id, { choices, ticket_type_ids: tickets, ...columns }], position) => ({
      ...{ event_id: event, id, position, ...columns },
      choices: choices ? JSON.stringify(choices) : null,
      ticket_type_ids: tickets ? JSON.stringify(tickets) : null,
    })),
  );
}
