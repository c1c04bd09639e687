/** The list of registrations, with its filters, its search and its pages. */
import { isOpenAttention, listOpen, type Condition } from '../../database/desk/attention.ts';
import {
  ATTENTIONS,
  listChoices,
  listRegistrations,
  PAGE,
  readAnswer,
  type Choice,
  type Filter,
  type From,
} from '../../database/desk/list.ts';
import { ORDER_STATUSES } from '../../database/orders.ts';
import { openPage } from '../../web/organizer/attention.ts';
import { ANSWERS_ROUTE } from '../../web/organizer/frame.ts';
import { webUi } from '../../temporal/web-ui.ts';
import { listAddress, readPlace } from '../../web/organizer/list.ts';
import { listPage } from '../../web/organizer/pages.ts';
import type { App, Dependencies } from '../dependencies.ts';
import { mayOpen } from './access.ts';
import { organizerFrame } from './frame.ts';
import { sessionOf } from './session.ts';

/** Characters of a search. */
export const LONGEST = 100;
/** Characters of an answer to look for, with the id of its question. */
const LONGEST_FILTER = 300;

export function listRoutes(app: App, { config, database, temporal }: Dependencies): void {
  const ui = config.temporalUiUrl ? webUi(config.temporalUiUrl, temporal.options.namespace) : undefined;
  app.get(
    '/organizer/registrations',
    { schema: { hide: true }, config: { isPage: true } },
    async (request, reply) => {
      const query = request.query as Record<string, unknown>;
      const condition = query.attention as Condition | undefined;
      // A payment in progress has no order that could be listed.
      if (isOpenAttention(condition)) {
        const registrations = await listOpen(database, condition);
        return reply.send(openPage(organizerFrame(request, reply, config), { condition, registrations }));
      }
      const choices = await listChoices(database);
      const { role } = sessionOf(request).organizer;
      const filter = readFilter(query, choices, mayOpen(role, ANSWERS_ROUTE));
      const from = readFrom(query);
      const list = await listRegistrations(database, filter, from);
      // Nothing is older than the place, or too little is newer to fill a page: then it is the first page that is wanted.
      const isShort = from.way === 'before' ? list.rows.length < PAGE : list.rows.length === 0;
      if (from.way !== 'newest' && isShort) return reply.redirect(listAddress(filter), 303);
      const { event, ticket: ticketType } = filter;
      const runsUrl = ui?.runs({ ...(event && { event }), ...(ticketType && { ticketType }) });
      return reply.send(listPage(organizerFrame(request, reply, config), { filter, choices, list, runsUrl }));
    },
  );
}

/** The filter in an address. What cannot be chosen does not count. */
export function readFilter(
  query: Record<string, unknown>,
  choices: Choice[],
  mayReadAnswers: boolean,
): Filter {
  const chosen = <T extends string>(name: string, values: readonly T[]) =>
    values.find((value) => value === query[name]);
  const event = chosen(
    'event',
    choices.map(({ id }) => id),
  );
  const offered = choices.filter(({ id }) => event === undefined || id === event);
  return {
    q: readSearch(query.q),
    status: chosen('status', ORDER_STATUSES),
    ticket: chosen(
      'ticket',
      offered.flatMap(({ ticketTypes }) => ticketTypes.map(({ id }) => id)),
    ),
    event,
    attention: chosen('attention', ATTENTIONS),
    // Ids of questions are those of one event.
    answer: mayReadAnswers && offered.length === 1 ? readAnswerOf(query, offered) : undefined,
  };
}

/** The answer that is looked for, if the event has such a question. */
function readAnswerOf({ answer }: Record<string, unknown>, [event]: Choice[]): string | undefined {
  if (typeof answer !== 'string' || answer.length > LONGEST_FILTER || /\p{Cc}|\p{Cs}/u.test(answer))
    return undefined;
  return event && readAnswer(answer, event.questions) ? answer : undefined;
}

/** What was typed, without the characters that no name has and PostgreSQL refuses. */
function readSearch(typed: unknown): string | undefined {
  if (typeof typed !== 'string') return undefined;
  const text = typed.replaceAll(/\p{Cc}/gu, ' ').trim();
  return Array.from(text).slice(0, LONGEST).join('') || undefined;
}

/** Where the page begins. A cursor that cannot be read is answered with the newest page. */
function readFrom({ after, before }: Record<string, unknown>): From {
  const [older, newer] = [readPlace(after), readPlace(before)];
  if (older) return { way: 'after', place: older };
  return newer ? { way: 'before', place: newer } : { way: 'newest' };
}
