/** The pages of an import, as HTML: the form, what the check has found, and how far it is. */
import type { OpenEvent } from '../../database/desk/open-events.ts';
import type { Import, ListedImport } from '../../database/imports.ts';
import type { ReadFile } from '../../imports/file.ts';
import { COLUMNS, type Column, type Report } from '../../imports/report.ts';
import type { Speech } from '../../messages/index.ts';
import { shortTime } from '../dates.ts';
import { seatsLeft } from './add.ts';
import { render, type OrganizerFrame } from './frame.ts';

export type FileFault = Exclude<ReadFile['status'], 'read'> | 'event';
/** What was chosen and pasted before, and why it is none to check. */
export type ImportForm = {
  typed: Record<string, unknown>;
  fault?: { field: 'event' | 'file'; name: FileFault; columns?: Column[] };
};
type FormPage = { events: OpenEvent[]; imports: ListedImport[]; newAction: string; form: ImportForm };

/** Faults that one page lists: whoever has more corrects these first. */
const MOST_FAULTS = 200;
/** Lines that one sentence names. */
const MOST_LINES = 50;
const PATH = '/organizer/import';

/** The form, with the last imports. */
export function importFormPage(
  frame: OrganizerFrame,
  { events, imports, newAction, form }: FormPage,
): string {
  const { t, locale } = frame.speech;
  const { typed, fault } = form;
  const text =
    fault && t(`organizer.import.fault.${fault.name}`, { columns: namesOf(frame.speech, fault.columns) });
  return render('import-form', frame, {
    title: t('organizer.import.title'),
    action: newAction,
    events: events.map(({ id, name }) => ({
      ...{ id, name, isChosen: typed.event === id || events.length === 1 },
    })),
    fault: text && { text, field: fault.field },
    pasted: typeof typed.text === 'string' ? typed.text : '',
    columns: COLUMNS.map((column) => ({
      name: t(`organizer.import.column.${column}`),
      text: t(`organizer.import.column.${column}.text`),
    })),
    example: exampleFor(frame.speech, events[0]),
    imports: imports.map(({ id, event, state, createdAt, counts }) => ({
      href: `${PATH}/${id}`,
      name: event.name,
      at: shortTime(createdAt, event.timeZone, locale),
      state: t(`organizer.import.state.${state}`),
      added: counts.added > 0 ? t('organizer.import.added', { count: counts.added }) : null,
    })),
  });
}

/** A file that the check takes for the first event. */
function exampleFor({ t }: Speech, event: OpenEvent | undefined): string {
  const header = COLUMNS.map((column) => t(`organizer.import.column.${column}`));
  const paid = event?.ticketTypes.find(({ price }) => price.minor > 0) ?? event?.ticketTypes[0];
  const rows = [
    [
      'Ada',
      'Example',
      'ada@example.org',
      'Example e.V.',
      paid?.name ?? 'Regular',
      'elsewhere',
      '',
      '2026-118',
      'en',
    ],
    ['Grace', 'Example', 'grace@example.org', '', paid?.name ?? 'Regular', 'complimentary', '', '', 'de'],
  ];
  return [header, ...rows].map((row) => row.join(';')).join('\n');
}

/** What was found in a file, or how far its import is. `isOpen`: whether its run is; undefined where that is not known. */
export function importPage(
  frame: OrganizerFrame,
  { import: found, isOpen }: { import: Import; isOpen: boolean | undefined },
): string {
  const { speech } = frame;
  const { t } = speech;
  const { id, event, state, report, counts, failed } = found;
  const title = t(state === 'checked' ? 'organizer.import.checked' : 'organizer.import.running', {
    event: event.name,
  });
  return render('import', frame, {
    ...{ title, state, id },
    path: PATH,
    address: `${PATH}/${id}`,
    check: state === 'checked' && report && checked(speech, found, report),
    isStopped: state === 'running' && isOpen === false,
    counts: [
      [t('organizer.import.counts.added'), String(counts.added)],
      [t('organizer.import.counts.failed'), String(counts.failed)],
      [t('organizer.import.counts.left'), String(counts.waiting)],
    ],
    failed: failed.map(({ line, reason }) => ({
      ...{ at: t('organizer.import.line', { line }), why: t(`organizer.import.not.${reason}`) },
    })),
    registrations: `/organizer/registrations?${new URLSearchParams({ event: event.id }).toString()}`,
  });
}

/** The lines of rows, as many as a sentence can name. */
const linesOf = (lines: number[]) =>
  lines.slice(0, MOST_LINES).join(', ') + (lines.length > MOST_LINES ? ' …' : '');

const namesOf = ({ t }: Speech, columns: Column[] = []) =>
  columns.map((column) => t(`organizer.import.column.${column}`)).join(', ');

function checked(speech: Speech, { counts, wanted }: Import, report: Report) {
  const { t } = speech;
  const { faults, twice, addedBefore, registered, unused, unreadableFrom } = report;
  const about = (lines: number[]) => ({ count: lines.length, lines: linesOf(lines) });
  const more = faults.length - MOST_FAULTS;
  return {
    text: t('organizer.import.checked.text', { rows: report.rows }),
    would: t('organizer.import.would', { count: counts.waiting }),
    button: counts.waiting > 0 ? t('organizer.import.confirm', { count: counts.waiting }) : null,
    hasFaults: faults.length > 0 || unreadableFrom !== null,
    seats: wanted.map(({ name, count, free }) => {
      const isShort = free !== null && free < count;
      const values = { name, count, left: seatsLeft(speech, free) };
      return {
        isShort,
        text: t(isShort ? 'organizer.import.seats.short' : 'organizer.import.seats.enough', values),
      };
    }),
    faultsTitle: t('organizer.import.faults', { count: faults.length + (unreadableFrom === null ? 0 : 1) }),
    unreadable: unreadableFrom === null ? null : t('organizer.import.unreadable', { line: unreadableFrom }),
    faults: faults.slice(0, MOST_FAULTS).map(({ line, column, fault }) => ({
      at: t('organizer.import.at', { line, column: t(`organizer.import.column.${column}`) }),
      why: t(`organizer.add.fault.${fault}`),
    })),
    more: more > 0 ? t('organizer.import.faults.more', { count: more }) : null,
    hints: [
      ...(addedBefore.length > 0 ? [t('organizer.import.added-before', about(addedBefore))] : []),
      ...twice.slice(0, MOST_LINES).map((rows) => t('organizer.import.twice', rows)),
      ...(registered.length > 0 ? [t('organizer.import.registered', about(registered))] : []),
      ...(unused.length > 0
        ? [t('organizer.import.unused', { columns: unused.slice(0, MOST_LINES).join(', ') })]
        : []),
    ],
  };
}
