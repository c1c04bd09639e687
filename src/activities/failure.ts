/**
 * From what a provider's SDK or the database throws to what Temporal may keep: a type, a status, the provider's own word
 * for the fault, whether to try again and when. Never the error itself, as message, cause or detail: SDK errors carry
 * keys and request bodies, database errors carry rows, and a failure is readable in the history.
 */
import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';
import { isDatabaseAway } from '../database/connection.ts';
import { PayPalFault } from '../paypal.ts';
import { resetMs, retryAfterMs } from '../retry-after.ts';

type Fault = {
  type: string;
  final?: boolean;
  status?: number | undefined;
  issue?: string | undefined;
  retryAfterMs?: number | undefined;
};

/** A failure for Temporal; its only detail says which attempt it was. */
export function failure({
  type,
  final = false,
  status,
  issue,
  retryAfterMs: delay,
}: Fault): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message: [type, status, issue].filter((part) => part !== undefined).join(' '),
    nonRetryable: final,
    details: [{ attempts: activityInfo().attempt }],
    ...(delay ? { nextRetryDelay: delay } : {}),
  });
}

/** Anything thrown that is not a failure already. What nobody foresaw is tried again: it stays visible until it is mended. */
export function toFailure(error: unknown): Error {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (error instanceof PayPalFault)
    return failure({
      type: 'PayPalUnavailable',
      status: error.status,
      issue: error.issue,
      retryAfterMs: error.retryAfterMs,
    });
  const { name, code } = describe(error);
  if (isDatabaseAway(error)) return failure({ type: 'DatabaseUnavailable', issue: code ?? name });
  const unexpected = failure({ type: 'Unexpected', issue: code ?? name });
  // Where it was thrown helps whoever mends it; the first lines of a stack are the message, which may quote a person.
  const frames = (error instanceof Error ? error.stack : undefined)?.match(/^ {4}at .*$/gm) ?? [];
  unexpected.stack = [unexpected.message, ...frames].join('\n');
  return unexpected;
}

/** The two harmless properties of an error, provided they look like a name and a code. */
function describe(error: unknown): { name: string; code: string | undefined } {
  const { name, code } = Object(error) as { name?: unknown; code?: unknown };
  return {
    name: typeof name === 'string' && /^\w+$/.test(name) ? name : 'Error',
    code: typeof code === 'string' && /^\w+$/.test(code) ? code : undefined,
  };
}

/** SQLSTATE classes 22 and 23: the data cannot be stored, now or later (PostgreSQL, Appendix A). */
export const isImpossible = (error: unknown) => /^2[23]/.test(describe(error).code ?? '');

/** SendGrid: a refused message (400, 413) is final; a refused key, a limit or a fault of theirs is not. */
export function sendGridFailure(error: unknown): ApplicationFailure {
  const { code: status, response } = error as {
    code?: unknown;
    response?: { headers?: Record<string, string>; body?: { errors?: { field?: string | null }[] } };
  };
  if (typeof status !== 'number')
    return failure({ type: 'SendGridUnavailable', issue: describe(error).code ?? 'NO_ANSWER' });
  const final = status === 400 || status === 413;
  const refusedKey = status === 401 || status === 403;
  const reset = status === 429 ? resetMs(response?.headers?.['x-ratelimit-reset']) : undefined;
  return failure({
    type: final ? 'SendGridRejected' : refusedKey ? 'SendGridAuth' : 'SendGridUnavailable',
    final,
    status,
    issue: response?.body?.errors?.[0]?.field ?? undefined,
    retryAfterMs: retryAfterMs(response?.headers?.['retry-after']) ?? reset,
  });
}

/** "Try again later", said with a 400: five minutes is what Mailchimp's own wording suggests. */
const MAILCHIMP_SIGNUP_PAUSE_MS = 300_000;

/** Mailchimp: an address it will not take, or that opted out, is final; so is an audience that does not exist. */
export function mailchimpFailure(error: unknown): ApplicationFailure {
  const {
    status: answered,
    statusCode,
    response,
  } = error as {
    status?: unknown;
    statusCode?: unknown;
    response?: { body?: { title?: string; detail?: string }; headers?: Record<string, string> };
  };
  // A broken JSON answer rejects with a SyntaxError that has `statusCode` alone.
  const status = [answered, statusCode].find((value) => typeof value === 'number');
  if (status === undefined)
    return failure({ type: 'MailchimpUnavailable', issue: describe(error).code ?? 'NO_ANSWER' });
  const { title, detail = '' } = response?.body ?? {};
  if (status === 401 || (status === 403 && title)) return failure({ type: 'MailchimpAuth', status });
  if (status < 400 || status >= 500 || [403, 408, 429].includes(status))
    return failure({
      type: 'MailchimpUnavailable',
      status,
      retryAfterMs: retryAfterMs(response?.headers?.['retry-after']),
    });
  if (title === 'Member In Compliance State' || title === 'Forgotten Email Not Subscribed')
    return failure({ type: 'MailchimpOptOut', final: true, status });
  if (/signed up to a lot of lists/i.test(detail))
    return failure({ type: 'MailchimpSignupLimit', status, retryAfterMs: MAILCHIMP_SIGNUP_PAUSE_MS });
  if (/looks fake or invalid|valid email/i.test(detail))
    return failure({ type: 'MailchimpInvalidEmail', final: true, status });
  return failure({ type: 'MailchimpRejected', final: true, status });
}

/** Last on the way out of every activity, so that nothing unmapped can reach the history or the log. */
export const failureInterceptor: ActivityInboundCallsInterceptor = {
  async execute(input, next) {
    try {
      return await next(input);
    } catch (error) {
      throw toFailure(error);
    }
  },
};
