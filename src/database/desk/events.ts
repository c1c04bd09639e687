/** Events as organizers see and edit them. */
import type { EventValues, TicketTypeValues } from '../../event-form.ts';
import type { Database } from '../connection.ts';
import type { EventState } from '../events.ts';

/** An event in the list of all events. `held`: seats that are held or claimed now. */
export type DeskEvent = {
  id: string;
  name: string;
  state: EventState;
  isOver: boolean;
  startsAt: Date;
  endsAt: Date;
  timeZone: string;
  sold: number;
  held: number;
};

/** All events, those to come first, the next one at the top. */
export async function listEvents(database: Database): Promise<DeskEvent[]> {
  const { rows } = await database.raw<{ rows: DeskEvent[] }>(
    `select e.id, e.name, e.state, e.ends_at <= now() as "isOver", e.starts_at as "startsAt", e.ends_at as "endsAt",
       e.time_zone as "timeZone",
       (select coalesce(sum(t.sold), 0) from ticket_types t where t.event_id = e.id)::integer as sold,
       (select count(*) from live_holds h where h.event_id = e.id)::integer as held
     from events e
     order by e.ends_at <= now(), case when e.ends_at > now() then e.starts_at end, e.starts_at desc, e.id`,
  );
  return rows;
}

/** What a new event is most likely to share with the one that was added last; undefined before the first. */
export const findNewest = (
  database: Database,
): Promise<Pick<EventValues, 'timeZone' | 'seller' | 'currency' | 'venue'> | undefined> =>
  database('events')
    .orderBy([{ column: 'starts_at', order: 'desc' }, 'id'])
    .first<Pick<EventValues, 'timeZone' | 'seller' | 'currency' | 'venue'> | undefined>(
      'time_zone as timeZone',
      'seller',
      'currency',
      'venue',
    );

/** `held`: seats that are held or claimed now. `ordered`: whether anybody was ever registered with it. */
export type EditedTicketType = TicketTypeValues & {
  id: string;
  position: number;
  sold: number;
  held: number;
  ordered: boolean;
};
export type EditedEvent = EventValues & {
  id: string;
  state: EventState;
  /** Changes with each edit. */
  version: number;
  isOver: boolean;
  pictureHash: string | null;
  pictureAlt: string | null;
  /** How many registrations are confirmed. */
  confirmed: number;
  ticketTypes: EditedTicketType[];
};

/** Whether anybody holds a seat, or was ever registered: then the currency stays, and the event cannot be a draft again. */
export const isInUse = ({ ticketTypes }: Pick<EditedEvent, 'ticketTypes'>): boolean =>
  ticketTypes.some(({ held, ordered, sold }) => held > 0 || ordered || sold > 0);

/** An event with everything that its editor shows; undefined when there is none. */
export async function findEdited(database: Database, id: string): Promise<EditedEvent | undefined> {
  const row = await database('events as e')
    .where({ id })
    .first<Omit<EditedEvent, 'ticketTypes'> | undefined>(
      ...['id', 'name', 'description', 'starts_at as startsAt', 'ends_at as endsAt', 'time_zone as timeZone'],
      ...['venue', 'seller', 'currency', 'state', 'version'],
      ...['picture_hash as pictureHash', 'picture_alt as pictureAlt'],
      database.raw('ends_at <= clock_timestamp() as "isOver"'),
      database.raw(
        `(select count(*) from orders o where o.event_id = e.id and o.status = 'confirmed')::integer as confirmed`,
      ),
    );
  if (!row) return undefined;
  const { rows } = await database.raw<{ rows: EditedTicketType[] }>(
    `select t.id, t.position, t.name, t.price_minor as "priceMinor", t.capacity, t.sale_starts_at as "saleStartsAt",
       t.sale_ends_at as "saleEndsAt", t.hidden, t.confirm_email as "confirmEmail", t.sold,
       (select count(*) from live_holds h where h.event_id = t.event_id and h.ticket_type_id = t.id)::integer as held,
       exists (select from orders o where o.event_id = t.event_id and o.ticket_type_id = t.id) as ordered
     from ticket_types t where t.event_id = ? order by t.position, t.id`,
    [id],
  );
  return { ...row, ticketTypes: rows };
}
