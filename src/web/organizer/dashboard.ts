/** The dashboard, as HTML. */
import type { AttentionCounts } from '../../database/desk/attention.ts';
import {
  inCurrency,
  totalsOf,
  type Day,
  type Figures,
  type ShownEvent,
  type Sums,
  type TypeFigures,
} from '../../database/desk/dashboard.ts';
import type { MessageKey, Speech } from '../../messages/index.ts';
import { calendarDay, eventDates, shortDay, shortTime } from '../dates.ts';
import { attentionLines } from './attention.ts';
import { barsFor } from './chart.ts';
import { render, type OrganizerFrame } from './frame.ts';

type DashboardPage = {
  events: ShownEvent[];
  /** The event that is shown, and its figures; undefined where there is none. */
  event: ShownEvent | undefined;
  figures: Figures | undefined;
  /** Undefined for a role that may not see registrations. */
  attention: AttentionCounts | undefined;
  money: boolean;
};

const STATES: Record<ShownEvent['state'], MessageKey | null> = {
  draft: 'organizer.dashboard.draft',
  live: null,
  cancelled: 'organizer.dashboard.cancelled',
};

/** The numbers of an event, and what needs attention. */
export function dashboardPage(frame: OrganizerFrame, page: DashboardPage): string {
  const { events, event, figures, attention, money } = page;
  const { speech } = frame;
  const { t, locale } = speech;
  const role = frame.desk?.role ?? 'door';
  const state = event && (STATES[event.state] ?? (event.isOver ? 'organizer.dashboard.over' : null));
  return render('dashboard', frame, {
    title: t('organizer.start.title'),
    roleText: t(`organizer.role.${role}.text`),
    attention: attention && {
      lines: attentionLines(speech, attention),
      looked: attention.lookedAt
        ? t('organizer.attention.looked', {
            at: shortTime(attention.lookedAt, event?.timeZone ?? 'UTC', locale),
          })
        : t('organizer.attention.not-looked'),
    },
    events: events.length > 1 ? events.map(({ id, name }) => ({ id, name, current: id === event?.id })) : [],
    event: event && {
      ...{ id: event.id, name: event.name, when: eventDates(event, locale), state: state && t(state) },
      ...(figures && { registered: figures.types.reduce((sum, { registered }) => sum + registered, 0) }),
    },
    ...(event && figures && { tickets: ticketsOf(speech, figures, money), days: daysOf(speech, figures) }),
  });
}

/** A table of ticket types; amounts stand one below the other, one for each currency. */
function ticketsOf({ t, money: shown }: Speech, { types }: Figures, money: boolean) {
  const totals = totalsOf(types);
  const isElsewhere = totals.some(({ elsewhere }) => elsewhere !== 0);
  const amounts = (sums: Sums[]) => {
    const each = (of: (sum: Sums) => number) => sums.map((sum) => shown(inCurrency(sum, of(sum))));
    return [
      [t('organizer.dashboard.paypal'), each(({ paypal }) => paypal)],
      [t('organizer.dashboard.refunded'), each(({ refunded }) => refunded)],
      [t('organizer.dashboard.kept'), each(({ paypal, refunded }) => paypal - refunded)],
      ...(isElsewhere ? [[t('organizer.dashboard.elsewhere'), each(({ elsewhere }) => elsewhere)]] : []),
    ].map(([label, values]) => ({ label, values }));
  };
  const left = (type: TypeFigures) =>
    type.left === null ? t('organizer.dashboard.unlimited') : t('organizer.number', { count: type.left });
  return {
    money,
    isElsewhere,
    rows: types.map((type) => ({
      name: type.name ?? t('organizer.dashboard.other'),
      registered: t('organizer.number', { count: type.registered }),
      left: type.id === null ? '' : left(type),
      amounts: money ? amounts(type.sums) : [],
    })),
    total: {
      registered: t('organizer.number', {
        count: types.reduce((sum, { registered }) => sum + registered, 0),
      }),
      amounts: money ? amounts(totals) : [],
    },
  };
}

/** The chart, its table, and the checkouts. */
function daysOf({ t, locale }: Speech, { days, before }: Figures) {
  const all = [...days, before];
  const began = all.reduce((sum, day) => sum + day.began, 0);
  const finished = all.reduce((sum, day) => sum + day.finished, 0);
  const share = began > 0 ? finished / began : 0;
  const told = ({ day, registered }: Day) =>
    t('organizer.chart.day', { day: shortDay(day, locale), count: registered });
  const chart = barsFor(days.map((day) => ({ value: day.registered, title: told(day) })));
  const most = days.reduce<Day | undefined>(
    (so, day) => (day.registered > (so?.registered ?? 0) ? day : so),
    undefined,
  );
  const [first, last] = [days[0], days.at(-1)];
  return {
    checkouts: began > 0 ? t('organizer.dashboard.checkouts', { began, finished, share }) : null,
    rows: days.toReversed().map((day) => ({
      iso: day.day,
      day: calendarDay(day.day, locale),
      registered: t('organizer.number', { count: day.registered }),
      began: t('organizer.number', { count: day.began }),
    })),
    before: before.registered + before.began > 0 && {
      registered: t('organizer.number', { count: before.registered }),
      began: t('organizer.number', { count: before.began }),
    },
    chart: first &&
      last && {
        ...chart,
        top: t('organizer.number', { count: chart.top }),
        first: shortDay(first.day, locale),
        last: first === last ? null : shortDay(last.day, locale),
        label: most
          ? t('organizer.chart.label', {
              day: calendarDay(most.day, locale),
              count: most.registered,
              days: days.length,
            })
          : t('organizer.chart.none', { days: days.length }),
      },
  };
}
