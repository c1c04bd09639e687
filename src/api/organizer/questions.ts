/** The editor of the questions of an event, and how often each answer was given. */
import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import { Check } from 'typebox/value';
import { findOutcome, once } from '../../database/actions.ts';
import { listChoices, type Choice } from '../../database/desk/list.ts';
import {
  changeQuestions,
  countAnswers,
  versionOf,
  type QuestionChange,
  type QuestionOutcome,
  type QuestionRefusal,
} from '../../database/questions.ts';
import { AnswerText, EventId, isBroken, LONGEST_ANSWER, TicketTypeId } from '../../form.ts';
import type { MessageKey } from '../../messages/index.ts';
import {
  FEWEST_CHOICES,
  LONGEST_CHOICE,
  MOST_CHOICES,
  QUESTION_KINDS,
  type Question,
} from '../../questions.ts';
import { answersPage, questionsPage, toldOf, type QuestionsForm } from '../../web/organizer/questions.ts';
import type { App, Dependencies } from '../dependencies.ts';
import { prefersPage } from '../page.ts';
import { faultyFields, Problem } from '../problem.ts';
import { ActionId } from './action.ts';
import { organizerFrame } from './frame.ts';
import { sessionOf } from './session.ts';

const Params = Type.Object({ event: EventId });
/** `choices` has one in each line. Without `ticketTypes`, a question is asked for all. */
const Body = Type.Object(
  {
    action: ActionId,
    version: Type.String({ maxLength: 100 }),
    do: Type.Enum(['add', 'change', 'up', 'down', 'retire']),
    question: Type.Optional(Type.String({ pattern: '^[a-z0-9\\-]{1,64}$' })),
    kind: Type.Optional(Type.Enum([...QUESTION_KINDS])),
    label: Type.Optional(AnswerText),
    choices: Type.Optional(Type.String({ maxLength: MOST_CHOICES * (LONGEST_CHOICE + 10) })),
    required: Type.Optional(Type.Literal('on')),
    ticketTypes: Type.Optional(Type.Union([TicketTypeId, Type.Array(TicketTypeId, { maxItems: 100 })])),
  },
  { additionalProperties: false },
);
type Body = Static<typeof Body>;
type Outcome = QuestionOutcome | QuestionRefusal;
type Faults = NonNullable<QuestionsForm['faults']>;
type Asking = FastifyRequest<{ Params: Static<typeof Params>; Body: Body }>;

const FAULTS: Record<string, MessageKey> = {
  '/label': 'organizer.questions.fault.label',
  '/kind': 'organizer.questions.fault.kind',
  '/choices': 'organizer.questions.fault.choices',
};

export function questionRoutes(app: App, { config, database }: Dependencies): void {
  const path = '/organizer/events/:event/questions';
  const hidden = { hide: true, params: Params } as const;
  const page = { isPage: true } as const;

  app.get(path, { schema: hidden, config: page }, async (request, reply) => {
    const { done } = request.query as { done?: unknown };
    const { id: organizer } = sessionOf(request).organizer;
    const outcome = Check(ActionId, done)
      ? await findOutcome<Outcome>(database, { organizer, action: done })
      : undefined;
    return show(request, reply, { told: outcome?.outcome });
  });

  app.post(
    path,
    { schema: { ...hidden, body: Body }, attachValidation: true, config: page },
    async (request: Asking, reply) => {
      if (request.validationError?.validationContext === 'params') throw new Problem('not-found');
      const { body } = request;
      const event = await find(request);
      const faults = faultsIn(request);
      const change = Object.keys(faults).length > 0 ? undefined : toChange(body, event, faults);
      if (!change) return refuse(request, reply, { faults });
      const { action, version } = body;
      const { id: organizer } = sessionOf(request).organizer;
      const about = { event: event.id, version, organizer, action };
      const { outcome } = await once<Outcome>(database, { organizer, action }, (trx) =>
        changeQuestions(trx, about, change),
      );
      if (outcome === 'outdated' || outcome === 'gone' || outcome === 'too-many')
        return refuse(request, reply, { told: outcome });
      return reply.redirect(`/organizer/events/${event.id}/questions?done=${action}`, 303);
    },
  );

  app.get('/organizer/events/:event/answers', { schema: hidden, config: page }, async (request, reply) => {
    const event = await find(request);
    const counts = await countAnswers(database, event.id);
    return reply.send(answersPage(organizerFrame(request, reply, config), { event, counts }));
  });

  /** @throws Problem `not-found` where there is no such event */
  async function find({ params }: { params: Static<typeof Params> }): Promise<Choice> {
    const event = (await listChoices(database)).find(({ id }) => id === params.event);
    if (!event) throw new Problem('not-found');
    return event;
  }

  async function show(
    request: FastifyRequest<{ Params: Static<typeof Params> }>,
    reply: FastifyReply,
    form: QuestionsForm,
  ) {
    // After a refusal, the page is of the questions as they are now.
    const event = await find(request);
    return reply.send(
      questionsPage(organizerFrame(request, reply, config), {
        ...{ event, version: versionOf(event.questions), form, newAction: randomUUID },
      }),
    );
  }

  /** Shows the page again with what was typed, or says what is wrong to a client that wants no page. */
  function refuse(request: Asking, reply: FastifyReply, { faults = {}, told }: QuestionsForm) {
    const typed = request.body as Record<string, unknown>;
    if (prefersPage(request)) return show(request, reply.code(told ? 409 : 422), { typed, faults, told });
    if (told) throw new Problem('questions-changed', { detail: toldOf(told) });
    throw new Problem('invalid-fields', {
      errors: Object.entries(faults).map(([pointer, detail]) => ({ pointer, detail })),
    });
  }
}

/** The faulty fields of a form: of the wrong shape, or missing for what is to be done. */
function faultsIn({ validationError, body }: Asking): Faults {
  const needed = { add: ['label', 'kind'], change: ['question', 'label'] } as const;
  const missing: readonly (keyof Body)[] =
    body.do === 'add' || body.do === 'change' ? needed[body.do] : ['question'];
  const pointers = validationError
    ? faultyFields(validationError)
    : missing.filter((field) => body[field] === undefined).map((field) => `/${field}`);
  if (body.label !== undefined && isBroken(body.label)) pointers.push('/label');
  return Object.fromEntries(
    pointers.map((pointer) => [pointer, FAULTS[pointer] ?? 'organizer.questions.fault.form']),
  );
}

/** What a form asks for. Undefined, with a fault, where its choices are none. */
function toChange(body: Body, event: Choice, faults: Faults): QuestionChange | undefined {
  const { do: what, question: id = '', kind = 'text', label = '' } = body;
  if (what !== 'add' && what !== 'change') return { do: what, id };
  const choices = (body.choices ?? '')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter(Boolean);
  const ticketTypes = [body.ticketTypes ?? []].flat();
  const wording: Omit<Question, 'id' | 'kind'> = {
    ...{ label: label.trim(), choices, required: body.required !== undefined },
    ticketTypes: ticketTypes.length === 0 ? null : ticketTypes,
  };
  const before = event.questions.find((question) => question.id === id)?.kind;
  if ((what === 'add' ? kind : before) === 'choice' && !areChoices(choices)) {
    faults['/choices'] = 'organizer.questions.fault.choices';
    return undefined;
  }
  return what === 'add' ? { do: what, kind, ...wording } : { do: what, id, ...wording };
}

const areChoices = (choices: string[]): boolean =>
  choices.length >= FEWEST_CHOICES &&
  choices.length <= MOST_CHOICES &&
  new Set(choices).size === choices.length &&
  choices.every(
    (choice) =>
      choice.length <= Math.min(LONGEST_CHOICE, LONGEST_ANSWER) &&
      Check(AnswerText, choice) &&
      !isBroken(choice),
  );
