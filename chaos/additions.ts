/** Organizers who add people by hand while any part may fail. Each form is sent three times at once, until it is answered. */
import type { OrderRow } from '../src/database/orders.ts';
import type { Mail } from '../sandbox/vendors/sendgrid/api.ts';
import { workflowId } from '../src/registration.ts';
import { ifThere } from '../src/temporal/client.ts';
import type { World } from '../stage/world.ts';
import type { Desk } from './desk.ts';
import { unexplained, type Strike } from './mails.ts';
import { untilAnswered, type Patience } from './organizer.ts';

export const ADDITION_INVARIANTS = [
  'addition without an answer',
  'added person without exactly one order',
  'added person without an email',
  'added person with an email too many',
  'addition that did not end',
] as const;
export type AdditionViolations = Record<(typeof ADDITION_INVARIANTS)[number], string[]>;

/** `at`: when the organizer begins, in milliseconds after the start of the run. */
export type PlannedAddition = { action: string; email: string; at: number };
/** `id`: the registration; undefined when no form was answered. */
export type Added = { action: string; id: string | undefined };

const AT_ONCE = 3;

/** Plans one addition for every ten people who register, and two at least. */
export const planAdditions = (
  registrations: number,
  { below, uuid, ms }: { below: (n: number) => number; uuid: () => string; ms: number },
): PlannedAddition[] =>
  Array.from({ length: Math.max(2, Math.round(registrations / 10)) }, (_, n) => ({
    ...{ action: uuid(), email: `added${n}@example.org`, at: below(ms) },
  }));

/** Sends the form until it is answered. */
export async function add(
  desk: Desk,
  { action, email }: PlannedAddition,
  { deadline }: Patience,
): Promise<Added> {
  const answers = Array.from({ length: AT_ONCE }, () =>
    untilAnswered(() => desk.add(action, email), deadline),
  );
  const ids = (await Promise.all(answers)).map((answer) =>
    answer.status === 'added' ? answer.id : undefined,
  );
  const [id, ...others] = new Set(ids);
  if (others.length > 0) throw new Error('One form has added several people');
  return { action, id };
}

/** How many of the runs are still open. */
export async function openAdditions({ client }: World, added: Added[]): Promise<number> {
  const ids = added.flatMap(({ id }) => id ?? []);
  const runs = await Promise.all(
    ids.map((id) => ifThere(client.workflow.getHandle(workflowId(id)).describe())),
  );
  return runs.filter((run) => run?.status.name === 'RUNNING').length;
}

export type AdditionRecords = {
  planned: PlannedAddition[];
  added: Added[];
  orders: OrderRow[];
  mailsOf: (id: string, category: string) => Mail[];
  open: number;
  struck: Strike[];
};

export function auditAdditions(records: AdditionRecords): AdditionViolations {
  const { planned, added, orders, mailsOf, open, struck } = records;
  const known = planned.map(({ action, email }) => ({
    action,
    id: added.find((one) => one.action === action)?.id,
    orders: orders.filter((order) => order.email === email),
  }));
  const actions = (wrong: (one: (typeof known)[number]) => boolean) =>
    known.filter(wrong).map(({ action }) => action);
  const mails = (id: string | undefined) => (id === undefined ? [] : mailsOf(id, 'confirmation'));
  return {
    'addition without an answer': actions(({ id }) => id === undefined),
    'added person without exactly one order': actions(
      ({ id, orders: [order, ...others] }) =>
        others.length > 0 || (id !== undefined && (order?.id !== id || order.status !== 'confirmed')),
    ),
    'added person without an email': actions(({ id }) => id !== undefined && mails(id).length === 0),
    'added person with an email too many': actions(({ id }) => unexplained(mails(id), struck) > 0),
    'addition that did not end': open > 0 ? [`${open} runs`] : [],
  };
}
