/** The list of registrations, with its filters, its search and its pages. */
import {
  ATTENTIONS,
  listChoices,
  listRegistrations,
  PAGE,
  type Choice,
  type Filter,
  type From,
} from '../../database/desk/list.ts';
import { ORDER_STATUSES } from '../../database/orders.ts';
import { webUi } from '../../temporal/web-ui.ts';
import { listAddress, readPlace } from '../../web/organizer/list.ts';
import { listPage } from '../../web/organizer/pages.ts';
import type { App, Dependencies } from '../dependencies.ts';
import { organizerFrame } from './frame.ts';

/** Characters of a search. */
export const LONGEST = 100;

export function listRoutes(app: App, { config, database, temporal }: Dependencies): void {
  const ui = config.temporalUiUrl ? webUi(config.temporalUiUrl, temporal.options.namespace) : undefined;
  app.get(
    '/organizer/registrations',
    { schema: { hide: true }, config: { isPage: true } },
    async (request, reply) => {
      const query = request.query as Record<string, unknown>;
      const choices = await listChoices(database);
      const filter = readFilter(query, choices);
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
export function readFilter(query: Record<string, unknown>, choices: Choice[]): Filter {
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
  };
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
