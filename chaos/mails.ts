/** Mails that came more than once: SendGrid cannot tell a repeated request, so each needs a reason that nobody could help. */
import type { Mail } from '../sandbox/vendors/sendgrid/api.ts';

/** Something that was killed or that failed, and when (epoch ms). */
export type Strike = { what: string; from: number; to: number };

/** What may lose the news that a mail was sent: the death of a worker or of Temporal, or an answer that never came. */
const LOSES_THE_NEWS = /^worker |^Temporal$|^sendgrid (cut|slow 12000)/;
/** The first retry comes after a second, each later one after twice as long. */
const attemptsWithin = (ms: number) => 1 + Math.ceil(Math.log2(ms / 1000 + 1));
/** A send that was under way when something was struck is known to the vendor a little later. */
const LATE_MS = 15_000;

/** How many mails of a registration, given in any order, go beyond the first and what was struck meanwhile. */
export function unexplained(mails: Mail[], struck: Strike[]): number {
  const times = mails.map(({ at }) => Date.parse(at)).toSorted((a, b) => a - b);
  const [first = 0] = times;
  const last = times.at(-1) ?? 0;
  const excuses = struck
    .filter(({ what, from, to }) => LOSES_THE_NEWS.test(what) && from <= last && to + LATE_MS >= first)
    .reduce((sum, { from, to }) => sum + attemptsWithin(to - from), 0);
  return Math.max(0, mails.length - 1 - excuses);
}
