import type { EventFacts } from '../registration.ts';
import { memoize } from '../memoize.ts';

const days = memoize(
  (locale: string, timeZone: string) => new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone }),
);
const times = memoize(
  (locale: string, timeZone: string) =>
    new Intl.DateTimeFormat(locale, {
      weekday: 'long',
      day: 'numeric',
      month: 'long',
      year: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      timeZone,
      timeZoneName: 'short',
    }),
);

/** A date in words, in the time zone of the event: `14 May 2027`. */
export const longDate = (iso: string, timeZone: string, locale: string) =>
  days(locale, timeZone).format(new Date(iso));

/** A moment in words, in the time zone of the event: `Friday, 14 May 2027 at 09:00 CEST`. */
export const longTime = (iso: string, timeZone: string, locale: string) =>
  times(locale, timeZone).format(new Date(iso));

const moments = memoize(
  (locale: string, timeZone: string) =>
    new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', timeZone }),
);

/** A moment in short, in the time zone of the event: `14 May 2027, 09:00`. */
export const shortTime = (at: Date, timeZone: string, locale: string) => moments(locale, timeZone).format(at);

const calendarDays = memoize(
  (locale: string) => new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeZone: 'UTC' }),
);
const shortDays = memoize(
  (locale: string) => new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' }),
);

/** A calendar day (ISO 8601) in words: `Friday, 14 May 2027`; it belongs to no time zone. */
export const calendarDay = (day: string, locale: string) => calendarDays(locale).format(new Date(day));
/** A calendar day (ISO 8601) in short: `14 May 2027`. */
export const shortDay = (day: string, locale: string) => shortDays(locale).format(new Date(day));

const ranges = memoize((startsAt: string, endsAt: string, timeZone: string, locale: string) =>
  times(locale, timeZone)
    .formatRange(new Date(startsAt), new Date(endsAt))
    .replaceAll(/[\u2009\u202f]/g, ' '),
);

/** Start and end of an event in its own time zone, with the zone's name. */
export const eventDates = (
  { startsAt, endsAt, timeZone }: Pick<EventFacts, 'startsAt' | 'endsAt' | 'timeZone'>,
  locale: string,
): string => ranges(startsAt, endsAt, timeZone, locale);
