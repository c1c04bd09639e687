/** The editor of the questions of an event, and the counts of the answers, as HTML. */
import { answerFilter, type Choice } from '../../database/desk/list.ts';
import type { AnswerCount, StoredQuestion } from '../../database/questions.ts';
import type { MessageKey, Speech } from '../../messages/index.ts';
import { LONGEST_ANSWER } from '../../form.ts';
import { MOST_QUESTIONS, QUESTION_KINDS, type QuestionKind } from '../../questions.ts';
import { tellAnswer } from '../answers.ts';
import { render, type OrganizerFrame } from './frame.ts';
import { listAddress } from './list.ts';

const TOLD = {
  added: 'organizer.questions.told.added',
  changed: 'organizer.questions.told.changed',
  moved: 'organizer.questions.told.moved',
  retired: 'organizer.questions.told.retired',
  outdated: 'organizer.questions.told.outdated',
  gone: 'organizer.questions.told.gone',
  'too-many': 'organizer.questions.told.too-many',
} as const satisfies Record<string, MessageKey>;
const KINDS: Record<QuestionKind, MessageKey> = {
  text: 'organizer.questions.kind.text',
  choice: 'organizer.questions.kind.choice',
  checkbox: 'organizer.questions.kind.checkbox',
};
/** What became of an action, as a message. */
export const toldOf = (outcome: keyof typeof TOLD): MessageKey => TOLD[outcome];

/** What was typed, the message for each faulty field (RFC 6901 pointers), and what became of an action. */
export type QuestionsForm = {
  typed?: Record<string, unknown> | undefined;
  faults?: Record<string, MessageKey>;
  told?: keyof typeof TOLD | undefined;
};
type QuestionsPage = {
  event: Choice;
  /** Recognizes the questions as this page shows them. */
  version: string;
  form: QuestionsForm;
  /** Makes a new UUID for each form. */
  newAction: () => string;
};

const REFUSED = ['outdated', 'gone', 'too-many'];
/** The fields of a form in their order, of which the first faulty one has the focus. */
const FIELDS = ['label', 'kind', 'choices'] as const;

/** The questions of an event, with the forms to change them. */
export function questionsPage(frame: OrganizerFrame, page: QuestionsPage): string {
  const { event, form, newAction, version } = page;
  const { t } = frame.speech;
  const { typed = {}, faults = {}, told } = form;
  const live = event.questions.filter(({ removedAt }) => removedAt === null);
  /** The fields of a form: as they were typed, if it is the one that was sent and refused. */
  const fields = (question?: StoredQuestion) => {
    const wasSent = question ? typed.do === 'change' && typed.question === question.id : typed.do === 'add';
    const fault = (field: string) => {
      const key = wasSent ? faults[`/${field}`] : undefined;
      return key && t(key);
    };
    return {
      wasSent,
      action: newAction(),
      name: question?.id ?? 'new',
      kind: question?.kind,
      values: wasSent ? toValues(typed) : valuesOf(question),
      faults: Object.fromEntries(FIELDS.map((field) => [field, fault(field)])),
      first: FIELDS.find(fault),
    };
  };
  return render('questions', frame, {
    title: t('organizer.questions.title', { event: event.name }),
    ...{ event, version, maxLength: LONGEST_ANSWER },
    editor: frame.desk?.opens('/organizer/events/:event') ? `/organizer/events/${event.id}` : null,
    told: told && t(TOLD[told]),
    isRefused: told !== undefined && REFUSED.includes(told),
    isFaulty: Object.keys(faults).length > 0,
    kinds: QUESTION_KINDS.map((kind) => ({ kind, name: t(KINDS[kind]) })),
    questions: live.map((question, index) => ({
      ...question,
      about: aboutOf(frame.speech, question, event),
      isFirst: index === 0,
      isLast: index === live.length - 1,
      actions: { up: newAction(), down: newAction(), retire: newAction() },
      fields: fields(question),
    })),
    add: live.length < MOST_QUESTIONS || typed.do === 'add' ? fields() : null,
    retired: event.questions.filter(({ removedAt }) => removedAt !== null),
  });
}

type Values = { label: string; kind: string; choices: string; required: boolean; ticketTypes: string[] };

const valuesOf = (question: StoredQuestion | undefined): Values => ({
  label: question?.label ?? '',
  kind: question?.kind ?? '',
  choices: question?.choices.join('\n') ?? '',
  required: question?.required ?? false,
  ticketTypes: question?.ticketTypes ?? [],
});

function toValues(typed: Record<string, unknown>): Values {
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return {
    ...{ label: text(typed.label), kind: text(typed.kind), choices: text(typed.choices) },
    required: typed.required !== undefined,
    ticketTypes: [typed.ticketTypes].flat().map(text),
  };
}

/** In a sentence: of which kind a question is, whether it needs an answer, and for whom it is. */
function aboutOf({ t, locale }: Speech, question: StoredQuestion, event: Choice): string {
  const names = (question.ticketTypes ?? []).map(
    (id) => event.ticketTypes.find((ticketType) => ticketType.id === id)?.name ?? id,
  );
  return [
    t(KINDS[question.kind]),
    t(question.required ? 'organizer.questions.is-required' : 'organizer.questions.is-optional'),
    names.length > 0 ? new Intl.ListFormat(locale).format(names) : t('organizer.questions.all-tickets'),
  ].join(' · ');
}

/** How many of those who are confirmed gave which answer. */
export function answersPage(
  frame: OrganizerFrame,
  { event, counts }: { event: Choice; counts: AnswerCount[] },
): string {
  const { t } = frame.speech;
  const toQuestions = `/organizer/events/${event.id}/questions`;
  return render('answers', frame, {
    title: t('organizer.answers.title', { event: event.name }),
    toQuestions,
    questions: event.questions
      .map((question) => countsOf(frame.speech, question, event, counts))
      // What nobody has answered before it was retired tells nothing.
      .filter(({ isRetired, total }) => !isRetired || total > 0),
  });
}

function countsOf({ t, locale }: Speech, question: StoredQuestion, event: Choice, counts: AnswerCount[]) {
  const { id, kind, label, choices, removedAt } = question;
  const own = counts.filter((count) => count.question === id);
  const countOf = (answer: string) => own.find((one) => one.answer === answer)?.count ?? 0;
  const number = new Intl.NumberFormat(locale);
  const row = (answer: string, count: number) => ({
    answer: kind === 'checkbox' ? tellAnswer(answer === 'true', t) : answer,
    count: number.format(count),
    href: listAddress({ status: 'confirmed', event: event.id, answer: answerFilter(id, answer) }),
  });
  const offered = kind === 'checkbox' ? ['true', 'false'] : choices;
  const others = own.filter(({ answer }) => answer !== null && !offered.includes(answer));
  const total = own.reduce((sum, { count }) => sum + count, 0);
  return {
    ...{ label, isRetired: removedAt !== null, isText: kind === 'text', total },
    told: t('organizer.answers.total', { count: total }),
    rows:
      kind === 'text'
        ? []
        : [
            ...offered.map((answer) => row(answer, countOf(answer))),
            ...others.map(({ answer, count }) => row(answer ?? '', count)),
          ],
  };
}
