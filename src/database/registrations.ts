/** What the database knows of a registration, from its hold to its end. This file owns the table `ended_registrations`. */
import type { Money } from '../money.ts';
import { reference } from '../reference.ts';
import { UNCONFIRMED, type EventFacts } from '../registration.ts';
import type { CancelDecision, CancelRequest, EndedStatus } from '../refund.ts';
import type { Database } from './connection.ts';
import { FACT_COLUMNS, toFacts, type EventRow, type TicketType } from './events.ts';
import { findAction, note, type HistoryEntry } from './history.ts';
import { endOrder, hasRefundable, type OrderStatus } from './orders.ts';
import { dropHold, findEndOfHold } from './seats/hold.ts';
import { locked, toHold, type Hold, type HoldRow } from './seats/lock.ts';
import { unsellSeat } from './seats/sell.ts';
import { STEPS, toSteps, type StoredStep, type StoredSteps } from './steps.ts';

/** How a registration ended. */
export type Ending = 'expired' | 'refunded' | 'cancelled';

/** A registration, and the ticket type that it asks for, at one moment. */
export type Registration = {
  hold:
    | (Hold & {
        claimed: boolean;
        emailHash: string | null;
        answersHash: string | null;
        confirmationToken: string;
      })
    | undefined;
  order: { status: OrderStatus; paypalOrderId: string | null } | undefined;
  /** How it ended, when it is over. */
  end: Ending | undefined;
  /** The ticket type, and its event; undefined where there is none, or nobody can register for the event (any more). */
  ticket:
    | { event: EventFacts; ticketType: Pick<TicketType, 'id' | 'name' | 'price'>; confirmEmail: boolean }
    | undefined;
};

type Row = { [column in keyof HoldRow]: HoldRow[column] | null } & {
  order_status: OrderStatus | null;
  order_paypal_order_id: string | null;
  end_status: Ending | null;
} & (EventRow & {
    ticket_type_name: string | null;
    price_minor: number;
    event_currency: string;
    confirm_email: boolean;
  });

/**
 * Reads everything that decides whether a registration may be paid for. It takes one statement, because a claim becomes an
 * order in one step: a registration that has neither here has neither.
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
       t.name as ticket_type_name, t.price_minor, t.confirm_email
     from (values (?::uuid, ?, ?)) as asked (id, event_id, ticket_type_id)
     left join seat_holds h on h.id = asked.id
     left join orders o on o.id = asked.id
     left join ended_registrations r on r.id = asked.id
     left join events e on e.id = asked.event_id
       and (h.claimed_for is not null or (e.state = 'live' and e.ends_at > now()))
     left join ticket_types t on t.event_id = e.id and t.id = asked.ticket_type_id`,
    [id, event, ticketType],
  );
  const [row] = rows;
  return {
    hold: row.id === null ? undefined : withOwner(row as HoldRow),
    order: row.order_status
      ? { status: row.order_status, paypalOrderId: row.order_paypal_order_id }
      : undefined,
    end: row.end_status ?? undefined,
    ticket:
      row.ticket_type_name === null
        ? undefined
        : {
            event: toFacts(event, row),
            confirmEmail: row.confirm_email,
            ticketType: {
              id: ticketType,
              name: row.ticket_type_name,
              price: { minor: row.price_minor, currency: row.event_currency },
            },
          },
  };
}

const withOwner = (row: HoldRow) => ({
  ...toHold(row),
  claimed: row.claimed_for !== null,
  emailHash: row.email_hash,
  answersHash: row.answers_hash,
  confirmationToken: row.confirmation_token,
});

/**
 * What the database says of a registration: it has an order, in a status (`paidAt`: ISO 8601), with what is known of its later
 * steps; it ended without an order; or neither, because it is in progress or does not exist.
 */
export type Outcome =
  | { found: 'order'; status: OrderStatus; amount: Money; paidAt: string; steps: StoredStep[] }
  | { found: 'end'; status: Ending }
  | { found: 'none' };

type OutcomeRow = {
  order_status: OrderStatus | null;
  amount_minor: number;
  currency: string;
  paid_at: Date;
  end_status: Ending | null;
  steps: StoredSteps;
};

/** Reads the outcome of a registration in one statement. */
export async function findOutcome(database: Database, id: string): Promise<Outcome> {
  const { rows } = await database.raw<{ rows: [OutcomeRow] }>(
    `select o.status as order_status, o.amount_minor, o.currency, o.paid_at, e.status as end_status,
       ${STEPS} as steps
     from (values (?::uuid)) as r (id)
     left join orders o on o.id = r.id
     left join ended_registrations e on e.id = r.id`,
    [id],
  );
  const [{ order_status: ordered, amount_minor: minor, currency, paid_at: paidAt, end_status: end, steps }] =
    rows;
  if (ordered)
    return {
      found: 'order',
      status: ordered,
      amount: { minor, currency },
      paidAt: paidAt.toISOString(),
      steps: toSteps(steps),
    };
  return end ? { found: 'end', status: end } : { found: 'none' };
}

/** The event that a registration without an order holds a seat for; undefined when it has no seat. */
export async function findHeldEvent(database: Database, id: string): Promise<EventFacts | undefined> {
  const row = await database('events as e')
    .join('seat_holds as h', 'h.event_id', 'e.id')
    .where('h.id', id)
    .first<(EventRow & { id: string }) | undefined>('e.id', ...FACT_COLUMNS);
  return row && toFacts(row.id, row);
}

/** Whether a link that confirms an e-mail address is the one that was mailed, and its registration still waits for it. */
export async function isAwaited(database: Database, id: string, confirmationToken: string): Promise<boolean> {
  const awaited = { id, claimed_for: UNCONFIRMED, confirmation_token: confirmationToken };
  return !!(await database('seat_holds').where(awaited).first('id'));
}

/** The id of the registration that has this reference, whatever became of it; undefined when there is none. */
export async function findByReference(database: Database, wanted: string): Promise<string | undefined> {
  // A hold becomes an order in one step: read in this order, it is found as one or the other. Only orders store the
  // reference; it follows from the id.
  const others = await database('ended_registrations')
    .select<{ id: string }[]>('id')
    .unionAll(database('seat_holds').select('id'));
  const other = others.find(({ id }) => reference(id) === wanted);
  const order = await database('orders').where({ reference: wanted }).first<{ id: string } | undefined>('id');
  return order?.id ?? other?.id;
}

/**
 * Releases a hold that has run out, and with it the registration.
 * @returns null when released, else the later end (ISO 8601) of a hold that the attendee renewed
 */
export async function releaseHold(database: Database, id: string): Promise<string | null> {
  return locked(database, id, async (trx) => {
    const renewedUntil = await findEndOfHold(trx, id);
    if (renewedUntil === null) await end(trx, id, 'expired');
    return renewedUntil;
  });
}

/** Gives a seat back for good, held or sold; an order stays as a record of what was paid, in its new status. */
export async function giveSeatBack(database: Database, id: string, status: EndedStatus): Promise<void> {
  await locked(database, id, async (trx) => {
    if (await endConfirmed(trx, { registration: id, status })) return;
    if (await end(trx, id, status))
      await note(trx, { registration: id, kind: 'cancelled', facts: { status } });
  });
}

type End = { registration: string; status: EndedStatus } & Partial<
  Pick<HistoryEntry, 'organizer' | 'action' | 'text'>
>;

/**
 * Ends a registration with a confirmed order: the seat is free again, and the history says so.
 * @returns false when there is no order that was confirmed; then nothing happens
 */
export async function endConfirmed(trx: Database, { status, ...entry }: End): Promise<boolean> {
  const seat = await endOrder(trx, entry.registration, status);
  if (!seat) return false;
  await unsellSeat(trx, seat);
  await end(trx, entry.registration, status);
  await note(trx, { ...entry, kind: 'cancelled', facts: { status } });
  return true;
}

/** Cancels a registration without a refund, on an organizer's request. Repeating an action changes nothing. */
export async function cancelRegistration(
  database: Database,
  { registration, action, organizer, reason, unlessPaid }: CancelRequest,
): Promise<CancelDecision> {
  return locked(database, registration, async (trx) => {
    const entry = { registration, organizer, action, text: reason };
    const before = await findAction(trx, registration, action);
    if (before === 'cancel-asked') return { status: 'open' };
    // An action that was something else cancels nothing.
    if (before) return { status: before === 'cancelled' ? 'ended' : 'over' };
    if (unlessPaid && (await hasRefundable(trx, registration))) return { status: 'paid' };
    if (await endConfirmed(trx, { ...entry, status: 'cancelled' })) return { status: 'ended' };
    const outcome = await findOutcome(trx, registration);
    if (outcome.found !== 'none') return { status: 'over' };
    await note(trx, { ...entry, kind: 'cancel-asked' });
    return { status: 'open' };
  });
}

/** Notes that a registration ended without an order that counts. @returns whether it had not ended before */
export async function end(trx: Database, id: string, status: Ending): Promise<boolean> {
  const dropped = await dropHold(trx, id);
  const ended = await trx('ended_registrations')
    .insert({ id, status, ...dropped })
    .onConflict('id')
    .ignore()
    .returning('id');
  return ended.length > 0;
}
