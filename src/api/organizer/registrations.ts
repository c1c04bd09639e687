/** The page of one registration, and what organizers do there. Each form starts the run of its action, or joins it. */
import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { Check } from 'typebox/value';
import { RETRIABLE, type Change, type ChangeDecision } from '../../change.ts';
import { once } from '../../database/actions.ts';
import { findDetails, type Bought, type Details } from '../../database/desk/details.ts';
import { note } from '../../database/history.ts';
import { findRefund } from '../../database/refunds.ts';
import { findHold } from '../../database/seats/hold.ts';
import { AnswerText, Attendee, holdsCardNumber, isBroken, TicketTypeId } from '../../form.ts';
import { speak, type MessageKey } from '../../messages/index.ts';
import { parseMoney } from '../../money.ts';
import { Note } from '../../organizer.ts';
import { answerTo } from '../../questions.ts';
import type { CancelDecision, RefundDecision } from '../../refund.ts';
import { workflowId } from '../../registration.ts';
import { readStatus, type StatusAnswer } from '../../registrations/status.ts';
import { probeTemporal } from '../../temporal/client.ts';
import { readFailures } from '../../temporal/failures.ts';
import { startCancellation, startChange, startRefund } from '../../temporal/runs.ts';
import { webUi } from '../../temporal/web-ui.ts';
import { traceOf } from '../../trace.ts';
import { registrationPage, type Asked } from '../../web/organizer/registration.ts';
import type { App, Dependencies } from '../dependencies.ts';
import { languageOf } from '../language.ts';
import { Problem, unavailable } from '../problem.ts';
import { ActionId } from './action.ts';
import { organizerFrame } from './frame.ts';
import { sessionOf } from './session.ts';

type AnswerChange = Change & { kind: 'answers' };
const Params = Type.Object({ id: ActionId });
const fields = <T extends Record<string, Type.TSchema>>(more: T) =>
  Type.Object({ action: ActionId, ...more }, { additionalProperties: false });
const RefundForm = fields({
  amount: Type.String({ maxLength: 20 }),
  reason: Type.Optional(Note),
  cancel: Type.Optional(Type.Enum(['on', 'true', 'yes', '1'])),
});
const CancelForm = fields({ reason: Type.Optional(Note) });
/** A refund that PayPal refused, by its action; or a step that gave up. */
const RetryForm = fields({
  refund: Type.Optional(ActionId),
  step: Type.Optional(Type.Enum([...RETRIABLE])),
});
const ResendForm = fields({});
const CorrectForm = fields({
  firstName: Attendee.properties.firstName,
  lastName: Attendee.properties.lastName,
  email: Attendee.properties.email,
});
/** `asked/<id>` names a question of the form, and `answers/<id>` is its answer; empty fields and boxes without a tick are not sent. */
const AnswersForm = Type.Object(
  { action: ActionId },
  {
    patternProperties: {
      '^asked/[a-z0-9\\-]{1,64}$': Type.Literal('yes'),
      '^answers/[a-z0-9\\-]{1,64}$': AnswerText,
    },
    additionalProperties: false,
  },
);
const MoveForm = fields({ ticketType: TicketTypeId });
const NoteForm = fields({ text: Note });

export function registrationRoutes(app: App, dependencies: Dependencies): void {
  const { config, database, temporal, taskQueue, answerWithinMs } = dependencies;
  const path = '/organizer/registrations/:id';
  const pageOf = (id: string, action: string) => `/organizer/registrations/${id}?done=${action}`;
  const hidden = { hide: true, params: Params } as const;
  const ui = config.temporalUiUrl ? webUi(config.temporalUiUrl, temporal.options.namespace) : undefined;

  app.get(path, { schema: hidden, config: { isPage: true } }, async (request, reply) => {
    const { id } = request.params;
    const [details, read] = await Promise.all([findDetails(database, id), readStatus(dependencies, id)]);
    const status = read.found === 'registration' ? read.registration : undefined;
    if (!details.bought && !status && details.history.length === 0)
      throw read.found === 'unavailable' ? unavailable() : new Problem('unknown-registration');
    return reply.send(
      registrationPage(organizerFrame(request, reply, config), {
        ...{ details, status, failures: await failuresOf(id, read) },
        ...{ newAction: randomUUID, asked: askedOf(request, details) },
        runUrl: ui?.run(workflowId(id)),
        runsUrl: ui?.runs({ reference: details.reference }),
      }),
    );
  });

  /** What Temporal knows of failures, and what the database knows where Temporal does not. */
  const failuresOf = async (id: string, read: StatusAnswer) =>
    read.found === 'registration'
      ? { ...read.failures, ...(await readFailures(temporal, id, read.registration.steps)) }
      : {};

  app.post(`${path}/refund`, { schema: { ...hidden, body: RefundForm } }, async (request, reply) => {
    const { body, params } = request;
    const { bought } = await findDetails(database, params.id);
    if (!bought) throw new Problem('refund-impossible', { detail: 'organizer.refund.no-order' });
    const amount = parseMoney(body.amount, bought.amount.currency);
    if (!amount || amount.minor === 0)
      throw new Problem('invalid-fields', {
        errors: [{ pointer: '/amount', detail: 'organizer.refund.fault.amount' }],
      });
    const cancels = body.cancel !== undefined;
    return asked(request, reply, bought, (action, about) =>
      startRefund(temporal, { ...action, amount, cancels }, about, options),
    );
  });

  app.post(`${path}/retry`, { schema: { ...hidden, body: RetryForm } }, async (request, reply) => {
    const { body, params } = request;
    if (body.step) return changed(request, reply, { kind: 'again', step: body.step });
    const [{ bought }, refund] = await Promise.all([
      findDetails(database, params.id),
      body.refund === undefined ? undefined : findRefund(database, body.refund),
    ]);
    if (!bought || refund?.registration !== params.id) throw new Problem('not-found');
    const { amount, cancels } = refund;
    return asked(request, reply, bought, ({ action: again, ...asking }, about) =>
      startRefund(temporal, { ...asking, action: refund.action, amount, cancels, again }, about, options),
    );
  });

  app.post(`${path}/resend`, { schema: { ...hidden, body: ResendForm } }, (request, reply) =>
    changed(request, reply, { kind: 'again', step: 'email' }),
  );

  app.post(`${path}/correct`, { schema: { ...hidden, body: CorrectForm } }, (request, reply) => {
    const { firstName, lastName, email } = request.body;
    refuseFaultsIn({ firstName, lastName });
    return changed(request, reply, { kind: 'correct', firstName, lastName, email });
  });

  app.post(`${path}/answers`, { schema: { ...hidden, body: AnswersForm } }, async (request, reply) => {
    const { bought } = await findDetails(database, request.params.id);
    const answers = answersIn(request.body, bought);
    return changed(request, reply, { kind: 'answers', answers });
  });

  app.post(`${path}/move`, { schema: { ...hidden, body: MoveForm } }, (request, reply) =>
    changed(request, reply, { kind: 'move', ticketType: request.body.ticketType }),
  );

  app.post(`${path}/cancel`, { schema: { ...hidden, body: CancelForm } }, async (request, reply) => {
    const { id } = request.params;
    const { bought } = await findDetails(database, id);
    if (!bought && !(await findHold(database, id)) && (await readStatus(dependencies, id)).found === 'none')
      throw new Problem('unknown-registration');
    return asked(request, reply, bought, (action, about) =>
      startCancellation(temporal, action, about, options),
    );
  });

  app.post(`${path}/note`, { schema: { ...hidden, body: NoteForm } }, async (request, reply) => {
    const { id } = request.params;
    const { action, text } = request.body;
    const { id: organizer } = sessionOf(request).organizer;
    refuseFaultsIn({ text });
    const { bought } = await findDetails(database, id);
    if (!bought) throw new Problem('unknown-registration');
    await once(database, { organizer, action }, async (trx) => {
      await note(trx, { registration: id, kind: 'note', organizer, action, text });
      return { outcome: 'noted' };
    });
    return reply.redirect(pageOf(id, action), 303);
  });

  const options = { taskQueue, timeoutMs: answerWithinMs };
  type Action = { registration: string; action: string; organizer: string; reason: string };
  type About = { event: string; ticketType: string; status: Bought['status'] | 'processing' };
  type Form = { action: string; reason?: string };

  type Asking = FastifyRequest<{ Params: { id: string }; Body: Form }>;

  async function changed(request: Asking, reply: FastifyReply, change: Change): Promise<FastifyReply> {
    const { bought } = await findDetails(database, request.params.id);
    if (!bought) throw new Problem('not-confirmed');
    return asked(request, reply, bought, (action, about) =>
      startChange(temporal, { ...action, change }, about, options),
    );
  }

  /** Starts the run of an action, and leads back to the page, or says why the action is not possible. */
  async function asked(
    request: Asking,
    reply: FastifyReply,
    bought: Bought | undefined,
    start: (action: Action, about: About) => Promise<RefundDecision | CancelDecision | ChangeDecision>,
  ): Promise<FastifyReply> {
    const { id } = request.params;
    const { action, reason = '' } = request.body;
    const { id: organizer } = sessionOf(request).organizer;
    refuseFaultsIn({ reason });
    await probeTemporal(temporal).catch(() => {
      throw unavailable();
    });
    const about: About = {
      event: bought?.event.id ?? '',
      ticketType: bought?.ticketType.id ?? '',
      status: bought?.status ?? 'processing',
    };
    const decision = await start({ registration: id, action, organizer, reason }, about).catch(
      (error: unknown) => {
        // The run goes on by itself, and the page tells when it has begun.
        request.log.warn({ error: traceOf(error), action }, 'action not known in time');
        return { status: 'open' } as const;
      },
    );
    const refusal = toProblem(decision, request);
    if (refusal) throw refusal;
    return reply.redirect(pageOf(id, action), 303);
  }
}

/** Refuses a text with anything like a card number, and one that cannot be stored. */
function refuseFaultsIn(texts: Record<string, string>): void {
  for (const [field, text] of Object.entries(texts)) {
    const detail = holdsCardNumber(text) ? 'fault.card-number' : isBroken(text) ? 'fault.text' : undefined;
    if (detail) throw new Problem('invalid-fields', { errors: [{ pointer: `/${field}`, detail }] });
  }
}

/**
 * What organizers answer for somebody: null takes an answer out. A required question may stay without an answer, and a choice may
 * stay as it is, because the organizers decide.
 * @throws Problem `invalid-fields` for a question that the event does not have, and for an answer that is none
 */
function answersIn(fields: Record<string, string>, bought: Bought | undefined): AnswerChange['answers'] {
  const ids = Object.keys(fields).flatMap((name) => (name.startsWith('asked/') ? [name.slice(6)] : []));
  const entries = ids.map((id): [string, string | boolean | null] => {
    const question = bought?.questions.find((other) => other.id === id);
    if (!question) return refuseAnswer(id, 'fault.answer.unknown');
    const given = fields[`answers/${id}`];
    const before = answerTo(bought?.answers, id);
    // A box that nobody has answered and nobody ticks stays as it is.
    if (question.kind === 'checkbox')
      return [id, given !== undefined || (before === undefined ? null : false)];
    if (given === undefined) return [id, null];
    refuseFaultsIn({ [`answers/${id}`]: given });
    const isOffered = question.choices.includes(given) || before === given;
    if (question.kind === 'choice' && !isOffered) return refuseAnswer(id, 'fault.choose');
    return [id, given];
  });
  return Object.fromEntries(entries);
}

function refuseAnswer(id: string, detail: MessageKey): never {
  throw new Problem('invalid-fields', { errors: [{ pointer: `/answers/${id}`, detail }] });
}

/** What the page was asked for in its address: to confirm a refund, or to tell what became of an action. */
function askedOf({ query }: FastifyRequest, { bought }: Details): Asked {
  const { refund, cancel, done } = query as Record<string, unknown>;
  const typed = typeof refund === 'string' ? refund : '';
  const amount = bought && parseMoney(typed, bought.amount.currency);
  const isAmount = amount !== undefined && amount.minor > 0;
  return {
    refund: isAmount ? amount : undefined,
    faulty: refund === undefined || isAmount ? undefined : typed,
    cancels: cancel !== undefined,
    done: Check(ActionId, done) ? done : undefined,
  };
}

/** Why a decision is none to go on with; undefined for one that is. */
function toProblem(
  decision: RefundDecision | CancelDecision | ChangeDecision,
  request: FastifyRequest,
): Problem | undefined {
  switch (decision.status) {
    case 'asked':
    case 'ended':
    case 'open':
    case 'changed':
      return undefined;
    case 'over':
    case 'paid':
    case 'not-confirmed':
      return new Problem('not-confirmed');
    case 'too-much': {
      const left = speak(languageOf(request)).money(decision.left);
      return new Problem('refund-impossible', { detail: 'organizer.refund.too-much', values: { left } });
    }
    case 'no-order':
    case 'nothing-paid':
    case 'paid-elsewhere':
    case 'nothing-left':
    case 'not-refused':
      return new Problem('refund-impossible', { detail: `organizer.refund.${decision.status}` });
    default:
      return new Problem('change-impossible', { detail: `organizer.change.${decision.status}` });
  }
}
