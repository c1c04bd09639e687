/** The pages of cancelling an event, as HTML: what it would mean, and how far it is. */
import type { CancellationCounts } from '../../cancel-event.ts';
import type { EventCancellation } from '../../database/cancelled-events/cancellation.ts';
import type { CancellationPreview, RefusedCancellation } from '../../database/cancelled-events/progress.ts';
import type { ListedDeskEntry } from '../../database/desk-history.ts';
import { isMessage, type MessageKey, type Speech } from '../../messages/index.ts';
import type { Money } from '../../money.ts';
import { cancelEventPath } from '../../organizer.ts';
import { shortTime } from '../dates.ts';
import { render, type OrganizerFrame } from './frame.ts';

type Page = {
  event: string;
  name: string;
  timeZone: string;
  /** Makes a new UUID for each form. */
  newAction: () => string;
};

/** Amounts in several currencies, as a list. */
const sumOf = ({ money, locale }: Speech, sums: Money[]) =>
  new Intl.ListFormat(locale).format(sums.map((sum) => money(sum)));

/** The form that cancels an event. `typed` is a name that is not the event's. */
export function cancelEventPage(
  frame: OrganizerFrame,
  {
    event,
    name,
    newAction,
    preview,
    typed,
  }: Page & { preview: CancellationPreview; typed: string | undefined },
): string {
  const { speech } = frame;
  const { t } = speech;
  const { paid, free, elsewhere, inPayment, held, sums } = preview;
  const amount = sums.length > 0 ? sumOf(speech, sums) : null;
  const facts: [MessageKey, number | string][] = [
    ['organizer.cancel-event.paid', paid],
    ...(amount === null ? [] : [['organizer.cancel-event.sum', amount] as [MessageKey, string]]),
    ['organizer.cancel-event.free', free],
    ...(elsewhere > 0 ? [['organizer.cancel-event.elsewhere', elsewhere] as [MessageKey, number]] : []),
    ['organizer.cancel-event.in-payment', inPayment],
    ['organizer.cancel-event.held', held],
  ];
  return render('cancel-event', frame, {
    ...{ title: t('organizer.cancel-event.title', { event: name }), name, typed, action: newAction() },
    isEmpty: paid + free + elsewhere + inPayment + held === 0,
    facts: facts.map(([key, value]) => [t(key), value]),
    path: cancelEventPath(event),
    hasElsewhere: elsewhere > 0,
    button:
      amount === null
        ? t('organizer.cancel-event.button.free')
        : t('organizer.cancel-event.button', { amount }),
  });
}

type CancelledPage = Page & {
  cancellation: EventCancellation;
  counts: CancellationCounts;
  refused: RefusedCancellation[];
  refunded: Money[];
  entries: ListedDeskEntry[];
  /** Undefined while Temporal cannot be reached. */
  isRunning: boolean | undefined;
  isOpen: boolean;
  /** Whether the page loads itself anew. */
  refreshes: boolean;
  /** The run in Temporal's Web UI. */
  runUrl: string | undefined;
};

/** Entries of the history that are about the cancellation. */
const OWN_ENTRIES = 'event-cancel';

/** How far the cancellation of an event is, with what organizers can do about it. */
export function cancelledEventPage(frame: OrganizerFrame, page: CancelledPage): string {
  const { event, name, timeZone, newAction, cancellation, counts, refused, refunded, entries } = page;
  const { speech } = frame;
  const { t, money, locale } = speech;
  const total = counts.done + counts.refused + counts.left;
  const state = stateOf(page);
  const path = cancelEventPath(event);
  const does = formFor(state, cancellation);
  return render('cancelled-event', frame, {
    ...{
      title: t('organizer.cancel-event.cancelled', { event: name }),
      path,
      total,
      done: counts.done,
      state,
    },
    told: t(`organizer.cancel-event.state.${state}`, { left: counts.left, refused: counts.refused }),
    facts: [
      [t('organizer.cancel-event.done'), counts.done],
      [t('organizer.cancel-event.refused'), counts.refused],
      [t('organizer.cancel-event.left'), counts.left],
      ...(refunded.length > 0 ? [[t('organizer.cancel-event.refunded'), sumOf(speech, refunded)]] : []),
    ],
    form: does && { does, button: t(BUTTONS[does]), action: newAction() },
    refused: refused.map((one) => ({
      href: `/organizer/registrations/${one.registration}`,
      reference: one.reference,
      amount: money(one.left),
      why: t(reasonFor(one.word), { word: one.word }),
    })),
    more: counts.refused - refused.length,
    ...{ isOpen: page.isOpen, refreshes: page.refreshes, runUrl: page.runUrl },
    history: entries
      .filter(({ kind }) => kind.startsWith(OWN_ENTRIES))
      .map(({ at, kind, who }) => ({
        at: shortTime(at, timeZone, locale),
        told: t(`organizer.desk-history.${kind}` as MessageKey),
        who: who ?? t('organizer.history.service'),
      })),
  });
}

type State = 'finished' | 'finished-refused' | 'missing' | 'paused' | 'funds' | 'unknown' | 'running';

function stateOf({ cancellation: { finishedAt, paused }, counts, isRunning }: CancelledPage): State {
  if (finishedAt) return counts.refused > 0 ? 'finished-refused' : 'finished';
  if (isRunning === false) return 'missing';
  if (paused) return paused === 'funds' ? 'funds' : 'paused';
  return isRunning === undefined ? 'unknown' : 'running';
}

const BUTTONS = {
  start: 'organizer.cancel-event.start',
  pause: 'organizer.cancel-event.pause',
  resume: 'organizer.cancel-event.resume',
} as const;

/** What the button does; null without one. */
function formFor(state: State, { paused }: EventCancellation): keyof typeof BUTTONS | null {
  if (state === 'finished' || state === 'finished-refused') return null;
  if (state === 'missing') return 'start';
  return paused ? 'resume' : 'pause';
}

/** Why PayPal refused a refund, and what to do about it. */
const reasonFor = (word: string): MessageKey => {
  const own = `organizer.refund.word.${word}`;
  return isMessage(own) ? own : 'organizer.refund.word';
};
