/** Times as organizers type them: the clock of the event's place, which a change to or from summer time makes unclear once a year. */
import { Temporal } from 'temporal-polyfill';

/** The time zones to choose from (IANA names). */
export const TIME_ZONES: readonly string[] = [...new Set([...Intl.supportedValuesOf('timeZone'), 'UTC'])];

/**
 * `skipped`: the clocks went past this time, as in a spring night. `twice`: the clocks came by this time two times, as in an autumn
 * night, and the first one counts.
 */
export type ReadTime = { status: 'read'; at: Date; twice: boolean } | { status: 'skipped' | 'unreadable' };

/** Reads what a field of the type `datetime-local` sends, such as `2027-05-14T09:00`, in a time zone. */
export function readLocalTime(text: string, timeZone: string): ReadTime {
  const [, day, time] = /^(2[01]\d\d-\d\d-\d\d)[T ](\d\d:\d\d)(?::00(?:\.0+)?)?$/.exec(text.trim()) ?? [];
  if (day === undefined || time === undefined) return { status: 'unreadable' };
  let local: Temporal.PlainDateTime;
  try {
    local = Temporal.PlainDateTime.from(`${day}T${time}`, { overflow: 'reject' });
  } catch {
    return { status: 'unreadable' };
  }
  const [first, second] = (['earlier', 'later'] as const).map((disambiguation) =>
    local.toZonedDateTime(timeZone, { disambiguation }),
  ) as [Temporal.ZonedDateTime, Temporal.ZonedDateTime];
  // In a gap, neither of the two is the time that was typed.
  if (!first.toPlainDateTime().equals(local)) return { status: 'skipped' };
  return { status: 'read', at: new Date(first.epochMilliseconds), twice: !first.equals(second) };
}

/** A moment as the value of such a field. */
export const writeLocalTime = (at: Date, timeZone: string): string =>
  Temporal.Instant.fromEpochMilliseconds(at.getTime())
    .toZonedDateTimeISO(timeZone)
    .toPlainDateTime()
    .toString({ smallestUnit: 'minute' });
