/** What the page of exports shows: the files with their filters, and the last downloads. */
import type { ListedDownload, ExportName } from '../../../database/desk/downloads.ts';
import { ATTENTIONS, type Choice } from '../../../database/desk/list.ts';
import { ORDER_STATUSES } from '../../../database/orders.ts';
import { isMessage, type MessageKey, type Speech } from '../../../messages/index.ts';
import { shortTime } from '../../dates.ts';
import { NEEDS, STATUSES, ticketsOf } from '../list.ts';

/** The message for each faulty field. */
export type ExportFaults = Record<string, MessageKey>;
export type ExportsPage = {
  /** What was chosen and typed, by field. */
  typed: Record<string, string>;
  /** Which form has which faults, where one was refused. */
  refused: { file: ExportName; faults: ExportFaults } | undefined;
  choices: Choice[];
  downloads: ListedDownload[];
};

/** A download that has not ended after this time was broken off, and its end could not be noted. */
const OVER_AFTER_MS = 900_000;

export function exportsData({ t, locale }: Speech, { typed, refused, choices, downloads }: ExportsPage) {
  const faults = refused?.faults ?? {};
  return {
    title: t('organizer.export.title'),
    typed,
    faults: Object.fromEntries(Object.entries(faults).map(([field, key]) => [field, t(key)])),
    faulty: refused?.file,
    first: Object.keys(faults)[0],
    events: choices.length > 1 ? choices : [],
    tickets: ticketsOf(choices, undefined),
    statuses: ORDER_STATUSES.map((id) => ({ id, name: t(STATUSES[id]) })),
    attentions: ATTENTIONS.map((id) => ({ id, name: t(NEEDS[id]) })),
    downloads: downloads.map((download) => ({
      who: download.who ?? t('organizer.history.service'),
      file: `${download.file}.csv` satisfies `${ExportName}.csv`,
      date: `${shortTime(download.at, 'UTC', locale)} UTC`,
      iso: download.at.toISOString(),
      filters: download.filters.map((name) => filterName(t, name)).join(', '),
      ...outcomeOf(t, download),
    })),
  };
}

function filterName(t: Speech['t'], name: string): string {
  const key = `organizer.export.filter.${name}`;
  return isMessage(key) ? t(key) : name;
}

function outcomeOf(t: Speech['t'], { lines, complete, at }: ListedDownload) {
  if (complete === null || lines === null) {
    const over = Date.now() - at.getTime() > OVER_AFTER_MS;
    return { good: false, outcome: t(over ? 'organizer.export.unknown' : 'organizer.export.running') };
  }
  return {
    good: complete,
    outcome: t(complete ? 'organizer.export.complete' : 'organizer.export.broken-off', { count: lines }),
  };
}
