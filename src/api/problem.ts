/** Every error leaves as application/problem+json (RFC 9457), worded for the attendee, saying whether money has moved. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import { isDatabaseAway } from '../database/connection.ts';

export const ProblemBody = Type.Object(
  {
    type: Type.String({ format: 'uri-reference' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    errors: Type.Optional(Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String() }))),
  },
  { $id: 'Problem', description: 'RFC 9457' },
);
type FieldError = { pointer: string; detail: string };

const NOT_CHARGED = 'You have not been charged.';
/** For refusals that know nothing of what went before: an earlier request may well have paid. */
const NOT_BY_THIS = 'This request has not charged you.';

/** Every problem this service answers with: its name ends the `type`, and says one thing to people and programs alike. */
const PROBLEMS = {
  'malformed-request': [
    400,
    'That request could not be read',
    `Please check it and send it again. ${NOT_BY_THIS}`,
  ],
  'not-found': [404, 'Not found', 'There is nothing at this address.'],
  'unknown-registration': [404, 'No such registration', 'There is no registration at this address (yet).'],
  'too-large': [413, 'That is too much', `The request is larger than a registration can be. ${NOT_BY_THIS}`],
  'unsupported-type': [415, 'Please send JSON', `Registrations are sent as application/json. ${NOT_BY_THIS}`],
  'invalid-fields': [
    422,
    'Some fields need your attention',
    `Please correct the fields named here. ${NOT_BY_THIS}`,
  ],
  'payment-not-approved': [
    422,
    'The payment was not approved',
    `Please enter your card again or choose another way to pay. ${NOT_CHARGED}`,
  ],
  'payment-unknown': [
    422,
    'PayPal does not know this payment',
    `Please start the payment again. ${NOT_CHARGED}`,
  ],
  'payment-mismatch': [
    422,
    'This payment belongs to something else',
    `It is for another amount or another registration, so it was not taken. Please start the payment again. ${NOT_BY_THIS}`,
  ],
  'ticket-mismatch': [
    422,
    'The ticket was changed',
    `A seat is held for another ticket than the one sent. Please choose the ticket again. ${NOT_BY_THIS}`,
  ],
  declined: [
    402,
    'The payment was declined',
    `Your bank or PayPal declined the payment: please try another card. Your seat is still held. ${NOT_CHARGED}`,
  ],
  'sold-out': [409, 'Sold out', `There is no seat left for this ticket. ${NOT_CHARGED}`],
  'hold-expired': [
    409,
    'Your seat is no longer held',
    `The time to pay ran out and the seat went back on sale. Please register again. ${NOT_CHARGED}`,
  ],
  'registration-over': [409, 'This registration has ended', `Please start a new one. ${NOT_CHARGED}`],
  'payment-in-flight': [
    409,
    'A payment is on its way',
    'A payment for this registration is being processed with another ticket. Please do not pay again: its status page shows the outcome.',
  ],
  'already-registered': [
    409,
    'You are registered already',
    'This registration was paid for before, and this payment was not taken. You have been charged once only.',
  ],
  'was-cancelled': [
    409,
    'This registration was cancelled',
    'It was cancelled by the organizer; whatever was paid for it is refunded.',
  ],
  'was-refunded': [
    409,
    'This registration was refunded',
    'The seat could not be kept, and what was paid for it is refunded.',
  ],
  'too-many-requests': [429, 'Too many tries', `Please wait a little and try again. ${NOT_BY_THIS}`],
  'payment-not-processed': [
    500,
    'The payment could not be processed',
    `Something went wrong at PayPal, and nothing was taken. Your seat is still held: please try again. ${NOT_CHARGED}`,
  ],
  'internal-error': [
    500,
    'Something went wrong here',
    'This step was not completed. If you were paying, the status page of your registration shows whether you have been charged.',
  ],
  'payment-service-away': [
    503,
    'PayPal cannot be reached',
    `Your seat is held. Please try again in a moment. ${NOT_BY_THIS}`,
  ],
  unavailable: [
    503,
    'We cannot take registrations right now',
    `This try has started nothing: please try again in a moment. ${NOT_BY_THIS}`,
  ],
} as const satisfies Record<string, readonly [number, string, string]>;

export type ProblemName = keyof typeof PROBLEMS;
type Extra = { detail?: string; errors?: FieldError[]; retryAfterSeconds?: number };

/** Thrown by a route to answer with a problem; `detail` replaces the usual wording. */
export class Problem extends Error {
  readonly problem: ProblemName;
  readonly extra: Extra;

  constructor(problem: ProblemName, extra: Extra = {}) {
    super(problem);
    this.name = 'Problem';
    this.problem = problem;
    this.extra = extra;
  }
}

/** The body of a problem, ready to send. */
export function problemBody(
  problem: ProblemName,
  { detail, errors }: Extra = {},
): Static<typeof ProblemBody> {
  const [status, title, usual] = PROBLEMS[problem];
  return {
    type: `/problems/${problem}`,
    title,
    status,
    detail: detail ?? usual,
    ...(errors ? { errors } : {}),
  };
}

/** Response schemas of a route for the documentation: these problems, and those that any route may answer with. */
export function problemResponses(...statuses: number[]) {
  const schema = { description: 'Problem', content: { 'application/problem+json': { schema: ProblemBody } } };
  return Object.fromEntries([...statuses, 500].map((status) => [status, schema]));
}

/** What Fastify itself refuses, by its error code. */
const REFUSALS: Record<string, ProblemName> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-type',
};

function toProblem(error: FastifyError | Problem, method: string): Problem {
  if (error instanceof Problem) return error;
  // An address that cannot be one is an address without anything there.
  if (error.validationContext === 'params' && method === 'GET') return new Problem('not-found');
  if (error.validation) {
    const named = error.validation
      .map(toFieldError)
      .filter((field, i, all) => all.findIndex((other) => other.pointer === field.pointer) === i);
    return new Problem('invalid-fields', { errors: named });
  }
  if (isDatabaseAway(error)) return new Problem('unavailable', { retryAfterSeconds: 10 });
  const refusal = REFUSALS[error.code];
  if (refusal) return new Problem(refusal);
  return new Problem(
    error.statusCode !== undefined && error.statusCode < 500 ? 'malformed-request' : 'internal-error',
  );
}

const MESSAGES: Record<string, string> = {
  required: 'This is needed',
  minLength: 'This is needed',
  additionalProperties: 'This is not a field of the form',
  enum: 'Please choose one of the list',
  const: 'Please choose one of the list',
};

/** One fault of a schema validation as the field it is about (RFC 6901 pointer) and a sentence for people. */
function toFieldError(fault: NonNullable<FastifyError['validation']>[number]): FieldError {
  const { missingProperty, additionalProperty, limit } = fault.params as Record<string, string | undefined>;
  const property = missingProperty ?? additionalProperty;
  const pointer =
    fault.instancePath +
    (property === undefined ? '' : `/${property.replaceAll('~', '~0').replaceAll('/', '~1')}`);
  if (fault.keyword === 'maxLength') return { pointer, detail: `At most ${limit ?? ''} characters` };
  if (fault.keyword === 'pattern')
    return {
      pointer,
      detail: pointer.endsWith('/email')
        ? 'Please enter a valid e-mail address'
        : 'Please use letters, digits and punctuation only',
    };
  return { pointer, detail: MESSAGES[fault.keyword] ?? 'This value is not valid here' };
}

/** Sends a problem. */
export function sendProblem(reply: FastifyReply, { problem, extra }: Problem): FastifyReply {
  const body = problemBody(problem, extra);
  if (extra.retryAfterSeconds) void reply.header('retry-after', extra.retryAfterSeconds);
  return reply.code(body.status).type('application/problem+json').serializer(JSON.stringify).send(body);
}

/** Makes every error and every unknown address of an app answer with a problem; only faults of ours are logged. */
export function answerWithProblems(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError | Problem, request: FastifyRequest, reply) => {
    const problem = toProblem(error, request.method);
    // Not the error itself: it may quote what the attendee sent, or a row.
    if (problem.problem === 'internal-error')
      request.log.error(
        { error: error.name, code: 'code' in error ? error.code : undefined },
        'unexpected error',
      );
    return sendProblem(reply, problem);
  });
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, new Problem('not-found')));
}
