/**
 * From what is thrown to what Temporal may keep: a type, a status, the vendor's own word, whether to try again and when. The
 * error itself is never a failure's message, cause or detail, because a failure is readable in the history.
 */
import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';
import { isDatabaseAway } from '../database/connection.ts';
import { traceOf, wordFor } from '../trace.ts';
import { VendorError } from '../vendors/vendor-error.ts';

type Facts = {
  type: string;
  final?: boolean;
  status?: number | undefined;
  word?: string | undefined;
  retryAfterMs?: number | undefined;
};

/** A failure for Temporal. Its only detail is the number of the attempt. */
export function failure({
  type,
  final = false,
  status,
  word,
  retryAfterMs: delay,
}: Facts): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message: [type, status, word].filter((part) => part !== undefined).join(' '),
    nonRetryable: final,
    details: [{ attempts: activityInfo().attempt }],
    ...(delay ? { nextRetryDelay: delay } : {}),
  });
}

/** Maps anything thrown that is not a failure already. An unexpected error is tried again: it stays visible until it is fixed. */
export function toFailure(error: unknown): Error {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (error instanceof VendorError) {
    const { vendor, meaning, final, status, word, retryAfterMs } = error;
    return failure({ type: `${vendor}${meaning}`, final, status, word, retryAfterMs });
  }
  if (isDatabaseAway(error)) return failure({ type: 'DatabaseUnavailable', word: wordFor(error) });
  const unexpected = failure({ type: 'Unexpected', word: wordFor(error) });
  // The stack helps to find the bug. Its first lines are the message, which may quote a person.
  unexpected.stack = [unexpected.message, ...traceOf(error).frames.map((frame) => `    ${frame}`)].join('\n');
  return unexpected;
}

/** Where money may have moved, no refusal by a vendor ends the asking. */
export const stillAsking = <T>(asked: Promise<T>): Promise<T> =>
  asked.catch((error: unknown) => {
    if (!(error instanceof VendorError) || !error.final) throw error;
    throw failure({ type: `${error.vendor}Unavailable`, status: error.status, word: error.word });
  });

/** The last step on the way out of every activity, so that nothing unmapped reaches the history or the log. */
export const failureInterceptor: ActivityInboundCallsInterceptor = {
  async execute(input, next) {
    try {
      return await next(input);
    } catch (error) {
      throw toFailure(error);
    }
  },
};
