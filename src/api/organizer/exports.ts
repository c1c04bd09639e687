/** The files that organizers download: registrations, and the money at PayPal. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { listDownloads, type ExportName } from '../../database/desk/downloads.ts';
import { listChoices, type Choice, type Filter } from '../../database/desk/list.ts';
import { moneyLines, type MoneyFilter } from '../../database/desk/money-lines.ts';
import { registrationLines } from '../../database/desk/registration-lines.ts';
import type { MessageKey } from '../../messages/index.ts';
import { MONEY } from '../../web/organizer/exports/money.ts';
import type { ExportFaults, ExportsPage } from '../../web/organizer/exports/page.ts';
import { registrationsWith } from '../../web/organizer/exports/registrations.ts';
import { ANSWERS_ROUTE } from '../../web/organizer/frame.ts';
import { exportsPage } from '../../web/organizer/pages.ts';
import type { App, Dependencies } from '../dependencies.ts';
import { prefersPage } from '../page.ts';
import { Problem } from '../problem.ts';
import { mayOpen } from './access.ts';
import { downloads } from './download.ts';
import { organizerFrame } from './frame.ts';
import { LONGEST, readFilter } from './list.ts';
import { sessionOf } from './session.ts';

type Query = Record<string, unknown>;

export function exportRoutes(app: App, { config, database }: Dependencies): void {
  const path = '/organizer/export';
  const send = downloads(database);
  // To answer HEAD, all of the file would have to be read.
  const file = { schema: { hide: true }, exposeHeadRoute: false };

  app.get(path, { schema: { hide: true }, config: { isPage: true } }, (request, reply) =>
    show(request, reply, undefined),
  );

  app.get(`${path}/registrations.csv`, file, async (request, reply) => {
    const query = request.query as Query;
    const choices = await listChoices(database);
    const { role } = sessionOf(request).organizer;
    const readsAnswers = mayOpen(role, ANSWERS_ROUTE);
    const filter = readFilter(query, choices, readsAnswers);
    const faults = faultsIn(query, filter);
    if (faults) return refuse(request, reply, 'registrations', faults);
    return send(request, reply, {
      ...{ file: 'registrations', event: filter.event, filters: namesOf(filter) },
      statement: registrationLines(filter),
      content: registrationsWith(readsAnswers ? questionsIn(choices, filter) : []),
    });
  });

  app.get(`${path}/money.csv`, file, async (request, reply) => {
    const query = request.query as Query;
    const filter = readMoneyFilter(query, await listChoices(database));
    const faults =
      faultsIn(query, filter) ??
      (filter.from !== undefined && filter.to !== undefined && filter.to < filter.from
        ? { to: 'organizer.export.fault.order' as const }
        : undefined);
    if (faults) return refuse(request, reply, 'money', faults);
    return send(request, reply, {
      ...{ file: 'money', event: filter.event, filters: namesOf(filter) },
      ...{ statement: moneyLines(filter), content: MONEY },
    });
  });

  async function show(request: FastifyRequest, reply: FastifyReply, refused: ExportsPage['refused']) {
    const [choices, done] = await Promise.all([listChoices(database), listDownloads(database)]);
    return reply.send(
      exportsPage(organizerFrame(request, reply, config), {
        ...{ typed: textsOf(request.query as Query), refused, choices, downloads: done },
      }),
    );
  }

  /** Nobody shall take a file for another one: what cannot be chosen is told, and no file is sent. */
  function refuse(request: FastifyRequest, reply: FastifyReply, file: ExportName, faults: ExportFaults) {
    const errors = Object.entries(faults).map(([field, detail]) => ({ pointer: `/${field}`, detail }));
    if (!prefersPage(request)) throw new Problem('invalid-fields', { errors });
    return show(request, reply.code(422), { file, faults });
  }
}

/** The questions of the one event that a file is about: in a file about several, their columns would not be those of one event. */
function questionsIn(choices: Choice[], { event }: Filter): Choice['questions'] {
  const [only, ...more] = choices.filter(({ id }) => event === undefined || id === event);
  return more.length === 0 ? (only?.questions ?? []) : [];
}

const namesOf = (filter: object) =>
  Object.entries(filter).flatMap(([name, value]) => (value === undefined ? [] : [name]));

/** The texts of a form. A field that is left empty does not count. */
const textsOf = (query: Query): Record<string, string> =>
  Object.fromEntries(
    Object.entries(query).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '',
    ),
  );

/** A day as a form sends it, if there is such a day in the calendar. */
function readDay(typed: unknown): string | undefined {
  if (typeof typed !== 'string' || !/^[1-9]\d{3}-\d{2}-\d{2}$/.test(typed)) return undefined;
  const day = new Date(`${typed}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(typed) ? typed : undefined;
}

function readMoneyFilter(query: Query, choices: Choice[]): MoneyFilter {
  const { event } = readFilter({ event: query.event }, choices, false);
  return { event, from: readDay(query.from), to: readDay(query.to) };
}

const FAULTS: Record<string, MessageKey> = {
  from: 'organizer.export.fault.day',
  to: 'organizer.export.fault.day',
  q: 'organizer.export.fault.q',
};

/** The fields that ask for something else than what was understood. */
function faultsIn(query: Query, filter: Filter | MoneyFilter): ExportFaults | undefined {
  const understood = filter as Record<string, string | undefined>;
  const faulty = Object.keys(filter).filter((name) => {
    const typed = query[name];
    if (typed === undefined || typed === '') return false;
    if (name === 'q') return typeof typed !== 'string' || Array.from(typed.trim()).length > LONGEST;
    return understood[name] === undefined;
  });
  if (faulty.length === 0) return undefined;
  return Object.fromEntries(faulty.map((name) => [name, FAULTS[name] ?? 'organizer.export.fault.choice']));
}
