import type { EventFacts } from '../registration.ts';
import type { Database } from './connection.ts';
import { toFacts, type EventRow, type TicketType } from './events.ts';
import type { OrderRecord } from './orders.ts';
import { toHold, type Ending, type Hold, type HoldRow } from './seats.ts';

/** What there is of a registration, and of the ticket it asks for, at one moment. */
export type Registration = {
  hold: Hold | undefined;
  order: Pick<OrderRecord, 'status' | 'paypalOrderId'> | undefined;
  /** How it ended, when it is over. */
  end: Ending | undefined;
  /** The ticket type, and its event; undefined where there is none, or the event is over. */
  ticket: { event: EventFacts; ticketType: Pick<TicketType, 'id' | 'name' | 'price'> } | undefined;
};

type Row = { [column in keyof HoldRow]: HoldRow[column] | null } & {
  order_status: OrderRecord['status'] | null;
  order_paypal_order_id: string | null;
  end_status: Ending | null;
} & (EventRow & { ticket_type_name: string | null; price_minor: number; event_currency: string });

/**
 * All that decides whether a registration may be paid for, in one statement: a claim becomes an order in one step, so
 * whoever finds neither has neither.
 */
export async function findRegistration(
  database: Database,
  id: string,
  event: string,
  ticketType: string,
): Promise<Registration> {
  const { rows } = await database.raw<{ rows: [Row] }>(
    `select h.*, o.status as order_status, o.paypal_order_id as order_paypal_order_id, r.status as end_status,
       e.name, e.starts_at, e.ends_at, e.time_zone, e.venue, e.seller, e.currency as event_currency,
       t.name as ticket_type_name, t.price_minor
     from (values (?::uuid, ?, ?)) as asked (id, event_id, ticket_type_id)
     left join seat_holds h on h.id = asked.id
     left join orders o on o.id = asked.id
     left join ended_registrations r on r.id = asked.id
     left join events e on e.id = asked.event_id and e.ends_at > now()
     left join ticket_types t on t.event_id = e.id and t.id = asked.ticket_type_id`,
    [id, event, ticketType],
  );
  const [row] = rows;
  return {
    hold: row.id === null ? undefined : toHold(row as HoldRow),
    order: row.order_status
      ? { status: row.order_status, paypalOrderId: row.order_paypal_order_id }
      : undefined,
    end: row.end_status ?? undefined,
    ticket:
      row.ticket_type_name === null
        ? undefined
        : {
            event: toFacts(event, row),
            ticketType: {
              id: ticketType,
              name: row.ticket_type_name,
              price: { minor: row.price_minor, currency: row.event_currency },
            },
          },
  };
}
