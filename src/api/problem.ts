/** Every error is a problem (RFC 9457): a name, a status, and words for the person who is told, in their language. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import { isDatabaseAway } from '../database/connection.ts';
import { isMessage, message, type MessageKey } from '../messages/index.ts';
import type { Language } from '../registration.ts';
import { traceOf } from '../trace.ts';
import { languageOf, sayLanguage } from './language.ts';

export const ProblemBody = Type.Object(
  {
    type: Type.String({ format: 'uri-reference' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    errors: Type.Optional(Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String() }))),
    heldUntil: Type.Optional(
      Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
        description: 'Until when the seat is held now, where the problem leaves it held',
      }),
    ),
  },
  { $id: 'Problem', description: 'RFC 9457' },
);
type FieldError = { pointer: string; detail: MessageKey; values?: Record<string, string | number> };

/**
 * All problems and their HTTP statuses. The name is the end of the `type`. Title and detail are messages for the attendee, and
 * say whether money has moved.
 */
const PROBLEMS = {
  'malformed-request': 400,
  'organizers-only': 401,
  'not-found': 404,
  'unknown-registration': 404,
  'too-large': 413,
  'unsupported-type': 415,
  'invalid-fields': 422,
  'unreadable-payload': 422,
  'payment-not-approved': 422,
  'payment-unknown': 422,
  'payment-mismatch': 422,
  'ticket-mismatch': 422,
  'not-your-registration': 422,
  declined: 402,
  'sold-out': 409,
  'hold-expired': 409,
  'registration-over': 409,
  'payment-in-flight': 409,
  'already-registered': 409,
  'was-cancelled': 409,
  'was-refunded': 409,
  'not-to-resend': 409,
  'email-on-its-way': 409,
  'resent-before': 429,
  'too-many-requests': 429,
  'too-many-holds': 429,
  'too-many-orders': 429,
  'payment-not-processed': 500,
  'internal-error': 500,
  'payment-service-away': 503,
  unavailable: 503,
} as const satisfies Record<string, number>;

/** Problems that only organizers have. Their words are messages of the organizers' pages. */
const ORGANIZER_PROBLEMS = {
  'not-signed-in': 401,
  'role-not-allowed': 403,
  'form-not-accepted': 403,
  'last-owner': 409,
  'refund-impossible': 409,
  'change-impossible': 409,
  'not-added': 409,
  'not-confirmed': 409,
  'questions-changed': 409,
  'event-changed': 409,
  'event-cancelled': 409,
  'event-not-cancelled': 409,
  'link-over': 410,
  'event-run-not-started': 503,
  'too-many-exports': 503,
} as const satisfies Record<string, number>;

type OrganizerProblem = keyof typeof ORGANIZER_PROBLEMS;
export type ProblemName = keyof typeof PROBLEMS | OrganizerProblem;
/** Who is told. Organizers are told in words of their own, where there are some. */
type Audience = 'attendee' | 'organizer';
type Extra = {
  /** Replaces the problem's usual detail, with what is filled into it. */
  detail?: MessageKey;
  values?: Record<string, string | number>;
  errors?: FieldError[];
  heldUntil?: string | null;
  retryAfterSeconds?: number;
};

/** Thrown by a route to answer with a problem. */
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

/** Temporal or PostgreSQL cannot be reached, or there is too much to do. */
export const unavailable = () => new Problem('unavailable', { retryAfterSeconds: 10 });

const isOrganizerProblem = (problem: ProblemName): problem is OrganizerProblem =>
  problem in ORGANIZER_PROBLEMS;

/** The messages with the title and the detail of a problem. */
function wordsFor(problem: ProblemName, audience: Audience): [title: MessageKey, detail: MessageKey] {
  if (isOrganizerProblem(problem))
    return [`organizer.problem.${problem}`, `organizer.problem.${problem}.detail`];
  const own = (key: MessageKey): MessageKey => {
    const organizers = `organizer.${key}`;
    return audience === 'organizer' && isMessage(organizers) ? organizers : key;
  };
  return [own(`problem.${problem}`), own(`problem.${problem}.detail`)];
}

/** The body of a problem, ready to send. */
export function problemBody(
  { problem, extra }: Problem,
  language: Language,
  audience: Audience = 'attendee',
): Static<typeof ProblemBody> {
  const { errors, heldUntil } = extra;
  const [title, detail] = wordsFor(problem, audience);
  return {
    type: `/problems/${problem}`,
    title: message(language, title),
    status: isOrganizerProblem(problem) ? ORGANIZER_PROBLEMS[problem] : PROBLEMS[problem],
    detail: message(language, extra.detail ?? detail, extra.values),
    ...(errors && {
      errors: errors.map(({ pointer, detail, values }) => ({
        pointer,
        detail: message(language, detail, values),
      })),
    }),
    ...(heldUntil === undefined ? {} : { heldUntil }),
  };
}

/** Response schemas for the documentation: the given statuses, and those that any route may answer with. */
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
  // An id that cannot exist is an address that leads nowhere.
  if (error.validationContext === 'params' && ['GET', 'HEAD'].includes(method))
    return new Problem('not-found');
  if (error.validation) {
    // Each field is named once, with its first fault.
    return new Problem('invalid-fields', { errors: firstOfEach(error.validation.map(toFieldError)) });
  }
  if (isDatabaseAway(error) || error.code === 'FST_UNDER_PRESSURE') return unavailable();
  const refusal = REFUSALS[error.code];
  if (refusal) return new Problem(refusal);
  return new Problem(
    error.statusCode !== undefined && error.statusCode < 500 ? 'malformed-request' : 'internal-error',
  );
}

const FAULTS: Record<string, MessageKey> = {
  required: 'fault.needed',
  minLength: 'fault.needed',
  additionalProperties: 'fault.unknown',
  enum: 'fault.choose',
  const: 'fault.choose',
  not: 'fault.link',
};

/** A fault that schema validation found: the field (RFC 6901 pointer) and a message for people. */
function toFieldError(fault: NonNullable<FastifyError['validation']>[number]): FieldError {
  const { missingProperty, additionalProperty, limit } = fault.params as Record<string, string | undefined>;
  const property = missingProperty ?? additionalProperty;
  const pointer =
    fault.instancePath +
    (property === undefined ? '' : `/${property.replaceAll('~', '~0').replaceAll('/', '~1')}`);
  if (fault.keyword === 'maxLength')
    return { pointer, detail: 'fault.too-long', values: { limit: Number(limit) } };
  if (fault.keyword === 'pattern')
    return {
      pointer,
      detail: pointer.endsWith('/email') && !isAnswer(pointer) ? 'fault.email' : 'fault.text',
    };
  const detail = FAULTS[fault.keyword] ?? 'fault.invalid';
  return { pointer, detail: detail === 'fault.needed' ? neededAt(pointer) : detail };
}

/** The fields (RFC 6901 pointers) in which schema validation found faults. */
export const faultyFields = ({ validation = [] }: Pick<FastifyError, 'validation'>): string[] =>
  firstOfEach(validation.map(toFieldError)).map(({ pointer }) => pointer);

/** Each field once, with its first fault. A small body can have thousands of unknown fields. */
function firstOfEach(faults: FieldError[]): FieldError[] {
  const named = new Map<string, FieldError>();
  for (const fault of faults) if (!named.has(fault.pointer)) named.set(fault.pointer, fault);
  return [...named.values()];
}

/** Answers have keys that organizers chose, which may be the names of fields. */
const isAnswer = (pointer: string) => pointer.startsWith('/answers/');

/** The message for a field that is missing: some fields have one of their own. */
export function neededAt(pointer: string): MessageKey {
  if (isAnswer(pointer)) return 'fault.needed';
  const own = `fault.needed.${pointer.split('/').pop() ?? ''}`;
  return isMessage(own) ? own : 'fault.needed';
}

/** How an audience is shown a problem. */
export type ShowProblem = (request: FastifyRequest, reply: FastifyReply, problem: Problem) => FastifyReply;

/** Sends a problem as problem+json, in the language of the request. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  problem: Problem,
  audience?: Audience,
): FastifyReply {
  const language = languageOf(request);
  sayLanguage(reply, language);
  if (problem.extra.retryAfterSeconds) void reply.header('retry-after', problem.extra.retryAfterSeconds);
  const body = problemBody(problem, language, audience);
  return reply.code(body.status).type('application/problem+json').serializer(JSON.stringify).send(body);
}

/** Makes every error within an app, or within the plugin of one audience, a problem that `show` presents. */
export function answerErrors(app: FastifyInstance, show: ShowProblem): void {
  app.setErrorHandler((error: FastifyError | Problem, request, reply) => {
    const problem = toProblem(error, request.method);
    // The stack frames, never the message, which may quote the attendee or a row.
    if (problem.problem === 'internal-error')
      request.log.error({ error: traceOf(error) }, 'unexpected error');
    return show(request, reply, problem);
  });
}
