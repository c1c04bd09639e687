/** Events of a test's own, each with its own run when it is cancelled. */
import { randomUUID } from 'node:crypto';
import { aForm, emailOf } from '../../../stage/person.ts';
import { workflowId } from '../../../src/registration.ts';
import { anAttendee, type Stack } from '../../stack.ts';

/** Adds an event like `conference`, under another id, and returns the id. */
export async function anEvent({ database }: Pick<Stack, 'database'>, name = 'Conference'): Promise<string> {
  const id = `event-${randomUUID()}`;
  const from = 'conference';
  await database.raw(
    `insert into events (id, name, starts_at, ends_at, time_zone, venue, currency, seller)
     select ?, ?, starts_at, ends_at, time_zone, venue, currency, seller from events where id = ?`,
    [id, name, from],
  );
  await database.raw(
    `insert into ticket_types (event_id, id, name, price_minor, capacity, position)
     select ?, id, name, price_minor, null, position from ticket_types where event_id = ?`,
    [id, from],
  );
  return id;
}

/** Somebody who registers for an event. */
export function anAttendeeOf(stack: Stack, event: string, ticketType = 'regular') {
  const id = randomUUID();
  const attendee = { firstName: 'Ada', lastName: 'Example', email: emailOf(id) };
  return anAttendee(stack, aForm({ event, ticketType, attendee, newsletter: false }), id);
}

/** Registers somebody for an event, and waits until their run has ended. */
export async function registered(stack: Stack, event: string, ticketType = 'regular') {
  const person = anAttendeeOf(stack, event, ticketType);
  const { statusCode } = await person.register();
  if (statusCode !== 201) throw new Error(`The registration was answered with ${statusCode}`);
  await stack.temporal.workflow.getHandle(workflowId(person.id)).result();
  return person;
}

/** As if an event had been cancelled a minute ago, when nothing can come any more that had begun before. */
export const aMinuteAgo = ({ database }: Pick<Stack, 'database'>, event: string) =>
  database('event_cancellations')
    .where({ event_id: event })
    .update({ asked_at: database.raw("asked_at - interval '1 minute'") });
