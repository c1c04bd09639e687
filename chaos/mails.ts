/** Explains duplicate emails: SendGrid does not support idempotent requests, so some are unavoidable. */
import type { Mail } from '../sandbox/vendors/sendgrid/api.ts';

/** A part that was killed or failed, and when (epoch ms). */
export type Strike = { what: string; from: number; to: number };

/** Events that may lose the result of a send: a killed worker or Temporal server, or a lost response. */
const LOSES_RESULT = /^worker |^Temporal$|^sendgrid (cut|slow 12000)/;
/** The first retry happens after one second, and each further one after twice the previous interval. */
const attemptsWithin = (ms: number) => 1 + Math.ceil(Math.log2(ms / 1000 + 1));
/** A send that was in progress during an event may reach the vendor a little later. */
const LATE_MS = 15_000;

/**
 * The number of duplicate emails of a registration, in any order, that no event explains.
 * @param wanted how many were asked for
 */
export function unexplained(mails: Mail[], struck: Strike[], wanted = 1): number {
  const times = mails.map(({ at }) => Date.parse(at)).toSorted((a, b) => a - b);
  const [first = 0] = times;
  const last = times.at(-1) ?? 0;
  const explained = struck
    .filter(({ what, from, to }) => LOSES_RESULT.test(what) && from <= last && to + LATE_MS >= first)
    .reduce((sum, { from, to }) => sum + attemptsWithin(to - from), 0);
  return Math.max(0, mails.length - wanted - explained);
}

/** Whether a confirmation was sent after a notice that the registration is over, and was not in progress at that time. */
export function confirmedAfterNotice(confirmations: Mail[], notices: Mail[]): boolean {
  const over = Math.min(...notices.map(({ at }) => Date.parse(at)));
  return confirmations.some(({ at }) => Date.parse(at) > over + LATE_MS);
}
