import { createEvent, type DateArray } from 'ics';
import type { EventFacts } from '../registration.ts';

type Entry = { id: string; event: EventFacts; reference: string; statusUrl: string };

/** The event as an iCalendar file (RFC 5545). Its UID is the registration's, so that an update replaces the entry. */
export function calendarFile({ id, event, reference, statusUrl }: Entry): string {
  const utc = (iso: string): DateArray => {
    const date = new Date(iso);
    return [
      date.getUTCFullYear(),
      date.getUTCMonth() + 1,
      date.getUTCDate(),
      date.getUTCHours(),
      date.getUTCMinutes(),
    ];
  };
  const { error, value } = createEvent({
    uid: `registration-${id}@${new URL(statusUrl).hostname}`,
    sequence: 0,
    productId: 'event-registration',
    method: 'PUBLISH',
    title: event.name,
    location: event.venue,
    description: reference,
    url: statusUrl,
    start: utc(event.startsAt),
    startInputType: 'utc',
    startOutputType: 'utc',
    end: utc(event.endsAt),
    endInputType: 'utc',
    endOutputType: 'utc',
  });
  if (!value) throw new Error('The calendar entry cannot be written', { cause: error });
  return value;
}
