/** Two owners who edit the capacity of a ticket type at the same moment, from the same page, while it is sold and any part may fail. */
import { toFields, fieldOf } from '../src/event-form.ts';
import { findEdited } from '../src/database/desk/events.ts';
import type { World } from '../stage/world.ts';
import type { Editor } from './desk.ts';
import { untilAnswered, type Patience } from './organizer.ts';

export const EDIT_INVARIANTS = [
  'edit without an answer',
  'two edits of one page saved',
  'capacity differs from the last edit',
] as const;
export type EditViolations = Record<(typeof EDIT_INVARIANTS)[number], string[]>;

/** `at`: when the owners send their forms, in milliseconds after the start of the run. */
export type PlannedEdit = { forms: { action: string; capacity: number }[]; at: number };
type Edited = { action: string; capacity: number; status: 'saved' | 'refused' | 'unanswered' };
/** The answers to the two forms of one page. */
export type EditRuling = Edited[];

const EVENT = 'conference';
export const EDITED = 'scarce';
/** The capacity goes up and down. Less than what is sold or held is refused. */
const CAPACITIES = [5, 6, 4];
const EVERY_MS = 6000;

/** Plans two forms at once every few seconds. */
export const planEdits = ({ uuid, ms }: { uuid: () => string; ms: number }): PlannedEdit[] =>
  Array.from({ length: Math.max(2, Math.round(ms / EVERY_MS)) }, (_, n) => ({
    forms: [n, n + 1].map((which) => ({
      action: uuid(),
      capacity: CAPACITIES[which % CAPACITIES.length] ?? 5,
    })),
    at: n * EVERY_MS,
  }));

/** Opens the editor once, and sends both forms until they are answered. */
export async function edit(
  { database }: World,
  editor: Editor,
  { forms }: PlannedEdit,
  { deadline }: Patience,
): Promise<EditRuling> {
  const opened = await untilAnswered(async () => {
    const event = await findEdited(database, EVENT);
    return event && { status: 'opened' as const, event };
  }, deadline);
  if (opened.status !== 'opened') return [];
  const { version } = opened.event;
  const fields = toFields(opened.event);
  return Promise.all(
    forms.map(async ({ action, capacity }) => {
      // The venue makes each form one that changes something.
      const typed = { ...fields, [fieldOf(EDITED, 'capacity')]: String(capacity), venue: `Hall ${action}` };
      const { status } = await untilAnswered(() => editor.save(EVENT, action, version, typed), deadline);
      return { action, capacity, status };
    }),
  );
}

/** @param before the capacity before all edits, which came one after the other */
export function auditEdits(rulings: EditRuling[], before: number | null, now: number | null): EditViolations {
  const actions = (wrong: (edited: Edited) => boolean) =>
    rulings.flat().flatMap((edited) => (wrong(edited) ? [edited.action] : []));
  const saved = rulings.map((edits) => edits.filter(({ status }) => status === 'saved'));
  const expected = saved.reduce<number | null>((capacity, [last]) => last?.capacity ?? capacity, before);
  return {
    'edit without an answer': actions(({ status }) => status === 'unanswered'),
    'two edits of one page saved': saved.flatMap((edits) =>
      edits.length > 1 ? edits.map(({ action }) => action) : [],
    ),
    'capacity differs from the last edit': now === expected ? [] : [`${now} instead of ${expected}`],
  };
}
