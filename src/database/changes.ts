/** What organizers change about a confirmed registration. Each change is made once, with its entry in the history. */
import type { Change, ChangeDecision, ChangeRequest } from '../change.ts';
import type { Database } from './connection.ts';
import { findPrice } from './events.ts';
import { findAction, note, type EventKind, type HistoryEntry } from './history.ts';
import { answersOf, answerTo } from '../questions.ts';
import type { OrderRow } from './orders.ts';
import { lockAvailability } from './seats/availability.ts';
import { locked } from './seats/lock.ts';
import { moveSeat } from './seats/sell.ts';
import { openStep } from './steps.ts';
import { findFormerAddress, keepFormerAddress } from './subscriptions.ts';

/**
 * Makes a change, if it is possible. The same action again changes nothing, and gets the same answer. Without an organizer (an empty
 * text), the service itself asks for it.
 */
export async function applyChange(
  database: Database,
  { registration, action, organizer, reason, change }: ChangeRequest,
): Promise<ChangeDecision> {
  return locked(database, registration, async (trx) => {
    const before = await findAction(trx, registration, action);
    // An action that was something else changes nothing.
    if (before)
      return CHANGES.includes(before) ? changed(trx, registration, action) : { status: 'not-confirmed' };
    const order = await trx<OrderRow>('orders').where({ id: registration, status: 'confirmed' }).first();
    if (order?.erased_at !== null) return { status: 'not-confirmed' };
    const made = await make(trx, order, action, change);
    if ('kind' in made) {
      await note(trx, { registration, organizer: organizer || undefined, action, text: reason, ...made });
      await openStep(trx, registration, change.kind === 'again' ? change.step : 'email');
      return changed(trx, registration, action);
    }
    return made;
  });
}

/** What the history says of a change that was made. */
const CHANGES: EventKind[] = ['corrected', 'answers-corrected', 'moved', 'resend-asked', 'subscribe-asked'];

/** Whether the audience has to follow, until it has done so. */
async function changed(trx: Database, registration: string, action: string): Promise<ChangeDecision> {
  const former = await findFormerAddress(trx, registration, action);
  return { status: 'changed', ...(former && { audience: true }) };
}

type Made = Pick<HistoryEntry, 'kind' | 'facts'>;

async function make(
  trx: Database,
  order: OrderRow,
  action: string,
  change: Change,
): Promise<Made | ChangeDecision> {
  switch (change.kind) {
    case 'correct':
      return correct(trx, order, action, change);
    case 'answers':
      return answerAnew(trx, order, change.answers);
    case 'move':
      return move(trx, order, change.ticketType);
    case 'again':
      if (change.step === 'mailing-list' && order.newsletter_consent_at === null)
        return { status: 'no-consent' };
      return { kind: change.step === 'email' ? 'resend-asked' : 'subscribe-asked' };
  }
}

async function correct(
  trx: Database,
  order: OrderRow,
  action: string,
  { firstName, lastName, email }: Change & { kind: 'correct' },
): Promise<Made | ChangeDecision> {
  const person = { first_name: firstName, last_name: lastName, email };
  const fields = (Object.keys(person) as (keyof typeof person)[]).filter(
    (field) => order[field] !== person[field],
  );
  if (fields.length === 0) return { status: 'same' };
  // Mailchimp knows an address whatever the case of its letters.
  const isOther = order.email?.toLowerCase() !== email.toLowerCase();
  await trx('orders')
    .where({ id: order.id })
    .update({
      ...person,
      // Nobody has opened a link that was mailed to the new address.
      ...(fields.includes('email') && { email_confirmed: false }),
      ...(isOther && order.newsletter_consent_at !== null && keepFormerAddress(trx, action)),
      updated_at: trx.fn.now(),
    });
  return { kind: 'corrected', facts: { fields } };
}

/** What another ticket type has to cost: as much as was paid, or, where an organizer has decided about that, as the one of now. */
async function priceOf(trx: Database, order: OrderRow): Promise<number | undefined> {
  if (order.source === 'form') return order.amount_minor;
  return findPrice(trx, order.event_id, order.ticket_type_id);
}

/** The answers that are not named stay. The history says which questions, and not what was answered. */
async function answerAnew(
  trx: Database,
  order: OrderRow,
  wanted: (Change & { kind: 'answers' })['answers'],
): Promise<Made | ChangeDecision> {
  const before = order.answers ?? undefined;
  const changed = Object.entries(wanted).filter(([id, answer]) => answer !== (answerTo(before, id) ?? null));
  if (changed.length === 0) return { status: 'same' };
  const questions = changed.map(([id]) => id);
  const kept = Object.entries(before ?? {}).filter(([id]) => !questions.includes(id));
  const given = changed.filter((entry): entry is [string, string | boolean] => entry[1] !== null);
  const answers = answersOf([...kept, ...given]);
  await trx('orders')
    .where({ id: order.id })
    .update({ answers: answers ? JSON.stringify(answers) : null, updated_at: trx.fn.now() });
  return { kind: 'answers-corrected', facts: { questions } };
}

async function move(trx: Database, order: OrderRow, to: string): Promise<Made | ChangeDecision> {
  const { id, event_id: event, ticket_type_id: from } = order;
  if (to === from) return { status: 'same' };
  // Both are locked in one order, so that two moves in opposite directions do not wait for each other.
  await trx.raw('select from ticket_types where event_id = ? and id in (?, ?) order by id for update', [
    ...[event, from, to],
  ]);
  const available = await lockAvailability(trx, id, event, to);
  if (!available) return { status: 'unknown-ticket-type' };
  if (available.price_minor !== (await priceOf(trx, order))) return { status: 'other-price' };
  if (!available.seat) return { status: 'sold-out' };
  await moveSeat(trx, { event, from, to });
  await trx('orders').where({ id }).update({ ticket_type_id: to, updated_at: trx.fn.now() });
  return { kind: 'moved', facts: { from, to } };
}
