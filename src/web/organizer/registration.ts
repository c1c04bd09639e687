/** The page of one registration, as HTML. */
import {
  moneyOf,
  type Bought,
  type Details,
  type ListedDispute,
  type ListedEvent,
  type ListedRefund,
} from '../../database/desk/details.ts';
import { RETRIABLE } from '../../change.ts';
import type { EventKind } from '../../database/history.ts';
import { LONGEST_ANSWER } from '../../form.ts';
import { isMessage, type MessageKey } from '../../messages/index.ts';
import { decimal, type Money } from '../../money.ts';
import { answerTo, isAskedFor } from '../../questions.ts';
import { fullName, type Step } from '../../registration.ts';
import type { RegistrationStatus } from '../../registrations/status.ts';
import type { StepFailures } from '../../temporal/failures.ts';
import { tellAnswers } from '../answers.ts';
import { shortTime } from '../dates.ts';
import { render, type OrganizerFrame } from './frame.ts';

/** What the address of the page asks for: to confirm a refund, or to tell what became of an action. */
export type Asked = {
  refund: Money | undefined;
  /** What was typed as the amount to refund, where it is none. */
  faulty: string | undefined;
  cancels: boolean;
  done: string | undefined;
};
type RegistrationPage = {
  details: Details;
  /** Undefined while it cannot be read. */
  status: RegistrationStatus | undefined;
  failures: StepFailures;
  asked: Asked;
  /** Makes a new UUID for each form. */
  newAction: () => string;
  /** The run in Temporal's Web UI. */
  runUrl: string | undefined;
  /** The list of all runs about the registration there. */
  runsUrl: string | undefined;
};

/** The zone for times of a registration that has no event yet. */
const UTC = 'UTC';

/** Everything about one registration, and what can be done about it. */
export function registrationPage(frame: OrganizerFrame, page: RegistrationPage): string {
  const { details, status, failures, asked, newAction } = page;
  const { bought, refunds, history, reference, id, alternatives } = details;
  const { t, money, locale } = frame.speech;
  const time = (at: Date) => shortTime(at, bought?.event.timeZone ?? UTC, locale);
  const sums = moneyOf(details);
  const shown = bought?.status ?? status?.status ?? 'processing';
  const mayAct = frame.desk?.acts(`/organizer/registrations/:id/refund`) ?? false;
  const person = bought?.person;
  const isPaid = sums.paid.minor > 0;
  const isTooMuch = (asked.refund?.minor ?? 0) > sums.available.minor;
  const isConfirmed = bought?.status === 'confirmed';
  const isElsewhere = bought?.paidBy === 'elsewhere';
  return render('registration', frame, {
    title: t('organizer.registration.title', { reference }),
    ...{ reference, id, status: shown, statusText: t(`organizer.status.${shown}`) },
    ...{ runUrl: page.runUrl, runsUrl: page.runsUrl },
    told: asked.done && tellOf(frame, details, asked.done),
    facts: [
      ...(bought
        ? [
            [t('organizer.registration.name'), person ? fullName(person) : t('organizer.erased')],
            ...(person ? [[t('organizer.registration.email'), person.email]] : []),
            ...(person?.organization ? [[t('field.organization'), person.organization]] : []),
            [t('organizer.registration.event'), bought.event.name],
            [t('organizer.registration.ticket'), bought.ticketType.name],
            [t('organizer.registration.since'), time(bought.registeredAt)],
            ...(isPaid ? [] : [[t('organizer.money.by'), t(`organizer.money.by.${bought.paidBy}`)]]),
            [t('organizer.registration.newsletter'), t(bought.newsletter ? 'organizer.yes' : 'organizer.no')],
          ]
        : []),
    ],
    money: isPaid && {
      rows: [
        [t('organizer.money.paid'), money(sums.paid)],
        [t('organizer.money.by'), t(`organizer.money.by.${bought?.paidBy ?? 'paypal'}`)],
        ...(isElsewhere ? [] : [[t('organizer.money.refunded'), money(sums.refunded)]]),
        ...(sums.takenBack.minor > 0 ? [[t('organizer.money.taken-back'), money(sums.takenBack)]] : []),
        ...(sums.underWay.minor > 0 ? [[t('organizer.money.under-way'), money(sums.underWay)]] : []),
        ...(isElsewhere ? [] : [[t('organizer.money.available'), money(sums.available)]]),
      ],
      text: isElsewhere ? t('organizer.money.elsewhere') : null,
      captureId: bought?.paypal?.captureId,
      refunds: refunds.map((refund) => ({
        ...refund,
        amount: money(refund.amount),
        at: time(refund.askedAt),
        told: t(`organizer.refund.state.${stateOf(refund)}`),
        why: whyOf(frame, refund),
        retry:
          mayAct &&
          refund.state === 'refused' &&
          !refund.reversed &&
          refund.action !== id &&
          refund.amount.minor <= sums.available.minor
            ? newAction()
            : null,
        button: t('organizer.refund.retry', { amount: money(refund.amount) }),
      })),
      disputes: details.disputes.map((dispute) => tellDispute(frame, dispute, time)),
    },
    mailProblems: details.mails.problems.map(({ kind, category, code, at }) => ({
      told: t(`organizer.mail-problem.${kind}`, { mail: mailOf(frame, category), code: code ?? 'none' }),
      what: t(`organizer.mail-problem.${kind}.what`),
      at: time(at),
    })),
    steps: status?.steps.map((step) => {
      const now = withRetry(step, history);
      const isDelivered =
        now.name === 'email' && now.state === 'done' && details.mails.delivered.includes('confirmation');
      return {
        ...{ ...now, ...tellStep(frame, now, failures) },
        ...(isDelivered && { told: t('organizer.state.email.delivered') }),
        retry: mayAct && isConfirmed && now.state === 'failed' && isRetriable(step.name) ? newAction() : null,
      };
    }),
    // An accountant needs none of what may be sensitive.
    answers:
      bought && frame.desk?.acts('/organizer/registrations/:id/answers')
        ? tellAnswers(bought.questions, bought.answers, t)
        : [],
    history: history.map((entry) => ({ ...tellEvent(frame, entry), at: time(entry.at), text: entry.text })),
    forms: mayAct && {
      refund: isPaid &&
        sums.available.minor > 0 && {
          action: newAction(),
          available: money(sums.available),
          value: asked.faulty ?? decimal(asked.refund ?? sums.available),
          canCancel: shown === 'confirmed',
          cancels: asked.cancels,
          isFaulty: asked.faulty !== undefined || isTooMuch,
          confirm: asked.refund &&
            !isTooMuch && {
              value: decimal(asked.refund),
              text: t(asked.cancels ? 'organizer.refund.confirm.cancels' : 'organizer.refund.confirm', {
                amount: money(asked.refund),
                name: person ? fullName(person) : reference,
              }),
              button: t('organizer.refund.button', { amount: money(asked.refund) }),
            },
        },
      cancel: ['confirmed', 'processing', 'unconfirmed', 'declined'].includes(shown) && {
        action: newAction(),
        text: t(
          !bought
            ? 'organizer.cancel.open'
            : isElsewhere
              ? 'organizer.cancel.elsewhere'
              : isPaid
                ? 'organizer.cancel.paid'
                : 'organizer.cancel.free',
        ),
      },
      note: bought && { action: newAction() },
      resend: isConfirmed && person && { action: newAction() },
      answers: isConfirmed && person && answersForm(bought, newAction),
      correct: isConfirmed && person && { action: newAction(), person, fields: CORRECTIBLE },
      move: isConfirmed &&
        alternatives.length > 0 && {
          action: newAction(),
          ticketTypes: alternatives.map((type) => ({
            ...type,
            left: type.free === null ? '' : t('form.left', { count: Math.max(0, type.free) }),
            isSoldOut: type.free !== null && type.free <= 0,
          })),
        },
    },
  });
}

/** What can be corrected, with the names of the fields. */
const CORRECTIBLE = [
  { field: 'firstName', maxLength: 100 },
  { field: 'lastName', maxLength: 100 },
  { field: 'email', maxLength: 254 },
] as const;

/** The questions that can be answered anew: those that are asked for the ticket type, and those that have an answer. */
function answersForm({ questions, answers, ticketType }: Bought, newAction: () => string) {
  const fields = questions
    .filter(
      (question) =>
        answerTo(answers, question.id) !== undefined ||
        (question.removedAt === null && isAskedFor(question, ticketType.id)),
    )
    .map((question) => {
      const answer = answerTo(answers, question.id);
      const { choices } = question;
      // A choice that is not offered any more can stay.
      const isOther = typeof answer === 'string' && !choices.includes(answer);
      return { ...question, answer, choices: isOther ? [answer, ...choices] : choices };
    });
  return fields.length > 0 && { action: newAction(), fields, maxLength: LONGEST_ANSWER };
}

const isRetriable = (name: string) => RETRIABLE.some((step) => step === name);
const DONE_AGAIN: Record<string, EventKind[]> = {
  email: ['email-sent'],
  'mailing-list': ['subscribed', 'audience-changed'],
};
/** A step that gave up, and that was done again by an action since. */
const withRetry = (step: Step, history: ListedEvent[]): Step =>
  step.state === 'failed' && history.some(({ kind }) => DONE_AGAIN[step.name]?.includes(kind))
    ? { ...step, state: 'done' }
    : step;

const known = (key: string, otherwise: MessageKey): MessageKey => (isMessage(key) ? key : otherwise);

/** Why PayPal refused a refund, and what to do about it. */
const reasonOf = ({ speech: { t } }: OrganizerFrame, { word }: Pick<ListedRefund, 'word'>) =>
  t(known(`organizer.refund.word.${word ?? ''}`, 'organizer.refund.word'), { word: word ?? '' });

/** What became of a refund, or of money that was taken back. */
const stateOf = ({ number, reversed, state }: ListedRefund) =>
  reversed ? (state === 'done' ? 'reversed' : 'given-again') : number === null ? 'by-hand' : state;

function whyOf(frame: OrganizerFrame, refund: ListedRefund): string | null {
  if (refund.reversed) return refund.state === 'done' ? frame.speech.t('organizer.reversal.what') : null;
  return refund.state === 'refused' ? reasonOf(frame, refund) : null;
}

/** A dispute, and what to do about it and where. */
function tellDispute(
  { speech: { t, money } }: OrganizerFrame,
  dispute: ListedDispute,
  time: (at: Date) => string,
) {
  const { id, reason, amount, status, outcome, openedAt, closedAt } = dispute;
  const key = `organizer.dispute.reason.${reason}`;
  const ending = `organizer.dispute.outcome.${outcome ?? ''}`;
  const action = `organizer.dispute.what.${status}`;
  return {
    amount: money(amount),
    told: t(isMessage(key) ? key : 'organizer.dispute.reason', { word: reason }),
    at: time(openedAt),
    id: t('organizer.dispute.id', { id }),
    isOpen: closedAt === null,
    what:
      closedAt === null
        ? t(isMessage(action) ? action : 'organizer.dispute.what')
        : `${t('organizer.dispute.closed', { at: time(closedAt) })} ${t(isMessage(ending) ? ending : 'organizer.dispute.outcome', { word: outcome ?? status })}`,
  };
}

/** What a mail is called. */
const mailOf = ({ speech: { t } }: OrganizerFrame, category: string) =>
  t(known(`organizer.mail-name.${category}`, 'organizer.mail-name'));

/** How far a step is, why it does not get on, and what to do about it. */
function tellStep(
  { speech: { t } }: OrganizerFrame,
  { name, state, attempts }: Step,
  failures: StepFailures,
) {
  const failure = ['retrying', 'failed'].includes(state) ? failures[name] : undefined;
  const own = `organizer.state.${name}.${state}`;
  return {
    label: t(`step.${name}`),
    told: t(isMessage(own) ? own : `organizer.state.${state}`, { attempts }),
    why:
      failure &&
      t(known(`organizer.failure.${failure.type}`, 'organizer.failure'), {
        type: failure.type,
        word: failure.word ?? '',
      }).replace(' ()', ''),
  };
}

/** The message for an entry: a refund may have been made by hand, and an organizer may have added the registration. */
function messageOf(kind: EventKind, who: string | null, { byHand }: ListedEvent['facts']): MessageKey {
  if (byHand) return 'organizer.history.refunded.by-hand';
  if (kind === 'registered' && who !== null) return 'organizer.history.registered.added';
  return `organizer.history.${kind}`;
}

/** What happened, and who did it. */
function tellEvent(frame: OrganizerFrame, { kind, who, facts }: ListedEvent) {
  const { t, money } = frame.speech;
  const amount = facts.amount ? money(facts.amount) : '';
  return {
    told: t(messageOf(kind, who, facts), {
      amount,
      word: wordOf(frame, kind, facts.word),
      mail: facts.category === undefined ? '' : mailOf(frame, facts.category),
      from: facts.from ?? '',
      to: facts.to ?? '',
      former: facts.former ?? '',
    }),
    who: who ?? t('organizer.history.service'),
  };
}

/** A word of PayPal in a history, said plainly where there is a text for it. */
function wordOf({ speech: { t } }: OrganizerFrame, kind: EventKind, word = ''): string {
  const texts: Partial<Record<EventKind, string>> = {
    'dispute-opened': 'organizer.dispute.reason',
    'dispute-resolved': 'organizer.dispute.outcome',
  };
  const key = `${texts[kind] ?? ''}.${word}`;
  return texts[kind] !== undefined && isMessage(key) ? t(key) : word;
}

/** What became of an action, in a sentence; that it has begun, where nothing is known yet. */
function tellOf(frame: OrganizerFrame, { refunds, history }: Details, action: string): string {
  const { t, money } = frame.speech;
  const again = history.find(({ kind, action: other }) => kind === 'refund-asked-again' && other === action);
  const refunded = again?.facts as { refund?: string } | undefined;
  const refund = refunds.find((other) => other.action === (refunded?.refund ?? action));
  if (refund?.state === 'refused') return reasonOf(frame, refund);
  if (refund)
    return t(refund.state === 'done' ? 'organizer.told.refunded' : 'organizer.told.refund-asked', {
      amount: money(refund.amount),
    });
  const entry = history.findLast((other) => other.action === action);
  const own = `organizer.told.${entry?.kind ?? ''}`;
  if (isMessage(own)) return t(own);
  return t('organizer.told.begun');
}
