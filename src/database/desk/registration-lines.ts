/** All registrations that a filter finds, for a file. */
import type { OrderRow } from '../orders.ts';
import { conditionsOf, type Filter } from './list.ts';
import type { Condition } from './search.ts';

const COLUMNS = [
  ...[
    'id',
    'reference',
    'status',
    'event_id',
    'ticket_type_id',
    'first_name',
    'last_name',
    'email',
    'organization',
  ],
  ...[
    'address_line1',
    'address_line2',
    'postal_code',
    'city',
    'region',
    'country_code',
    'amount_minor',
    'currency',
  ],
  ...['source', 'payment', 'paid_at', 'newsletter_consent_at', 'language', 'erased_at', 'answers'],
] as const satisfies (keyof OrderRow)[];

/** A registration with its event. What tells something about its person is null once it was erased. */
export type RegistrationLine = Pick<OrderRow, (typeof COLUMNS)[number]> & {
  created_at: Date;
  event: string;
  time_zone: string;
  ticket_type: string;
  refunded_minor: number;
};

/** The statement that reads {@link RegistrationLine}s, the oldest first. */
export function registrationLines(filter: Filter): Condition {
  const { sql, bindings } = conditionsOf(filter);
  const { status } = filter;
  return {
    sql: `select ${COLUMNS.map((column) => `o.${column}`).join(', ')}, o.created_at, e.name as event, e.time_zone, t.name as ticket_type,
        (select coalesce(sum(r.amount_minor), 0)::integer from refunds r
         where r.registration_id = o.id and r.state = 'done') as refunded_minor
      from orders o
      join events e on e.id = o.event_id
      join ticket_types t on t.event_id = o.event_id and t.id = o.ticket_type_id
      where ${sql} and ${status ? 'o.status = ?' : 'true'}
      order by o.created_at, o.id`,
    bindings: [...bindings, ...(status ? [status] : [])],
  };
}
