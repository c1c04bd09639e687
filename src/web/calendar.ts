import ical, { ICalCalendarMethod } from 'ical-generator';
import type { EventFacts } from '../registration.ts';

type Entry = { id: string; event: EventFacts; reference: string; statusUrl: string };

/** The event as an iCalendar file (RFC 5545). Its UID is the registration's, so that an update replaces the entry. */
export function calendarFile({ id, event, reference, statusUrl }: Entry): string {
  const calendar = ical({
    prodId: '//event-registration//event-registration',
    method: ICalCalendarMethod.PUBLISH,
  });
  calendar.createEvent({
    id: `registration-${id}@${new URL(statusUrl).hostname}`,
    sequence: 0,
    summary: event.name,
    location: event.venue,
    description: reference,
    url: statusUrl,
    start: event.startsAt,
    end: event.endsAt,
  });
  return calendar.toString();
}
