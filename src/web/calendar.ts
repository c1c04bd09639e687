import ICAL from 'ical.js';
import type { EventFacts } from '../registration.ts';

type Entry = {
  id: string;
  event: EventFacts;
  ticketType: { name: string };
  reference: string;
  statusUrl: string;
};

/** The event as an iCalendar file (RFC 5545). Its UID is the registration's, so that an update replaces the entry. */
export function calendarFile({ id, event, ticketType, reference, statusUrl }: Entry): string {
  const calendar = component('vcalendar', {
    version: '2.0',
    prodid: '-//event-registration//event-registration',
    method: 'PUBLISH',
  });
  calendar.addSubcomponent(
    component('vevent', {
      uid: `registration-${id}@${new URL(statusUrl).hostname}`,
      sequence: 0,
      dtstamp: time(new Date()),
      dtstart: time(new Date(event.startsAt)),
      dtend: time(new Date(event.endsAt)),
      summary: lines(event.name),
      location: lines(event.venue),
      description: lines([event.name, ticketType.name, reference, statusUrl].join('\n')),
      url: statusUrl,
    }),
  );
  return `${calendar.toString()}\r\n`;
}

/** The library escapes line feeds but not carriage returns, which would end a line of the file. */
const lines = (text: string) => text.replaceAll(/\r\n?/g, '\n');

const time = (date: Date) => ICAL.Time.fromJSDate(date, true);

function component(name: string, properties: Record<string, string | number | ICAL.Time>): ICAL.Component {
  const made = new ICAL.Component(name);
  for (const [property, value] of Object.entries(properties)) made.addPropertyWithValue(property, value);
  return made;
}
