import type { EventFacts } from '../registration.ts';

/** A day as people write it, in the zone of the event: `14 May 2027`. */
export const longDate = (iso: string, timeZone: string, locale: string) =>
  new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone }).format(new Date(iso));

/** From when to when an event lasts, in its own time zone, with the zone's name. */
export function eventDates(
  { startsAt, endsAt, timeZone }: Pick<EventFacts, 'startsAt' | 'endsAt' | 'timeZone'>,
  locale: string,
): string {
  const format = new Intl.DateTimeFormat(locale, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZone,
    timeZoneName: 'short',
  });
  return format.formatRange(new Date(startsAt), new Date(endsAt)).replaceAll(/[\u2009\u202f]/g, ' ');
}
