/**
 * Registrations that organizers add. This file owns the table `additions`. Who one is for stands here until it is decided, and then
 * only in the order.
 */
import type { AddDecision, Addition, AddRequest, NotAdded } from '../addition.ts';
import { isLanguage } from '../messages/index.ts';
import { isConstraintViolation, type Database } from './connection.ts';
import { toSale } from './orders.ts';
import { end, findOutcome } from './registrations.ts';
import { lockAvailability } from './seats/availability.ts';
import { locked } from './seats/lock.ts';
import { sellSeatLocked } from './seats/sell.ts';

/** What is forgotten as soon as an addition is decided. */
type Person = {
  first_name: string | null;
  last_name: string | null;
  email: string | null;
  organization: string | null;
  note: string | null;
};
export type AdditionRow = Person & {
  id: string;
  import_id: string | null;
  line: number | null;
  organizer_id: string;
  action: string;
  event_id: string;
  ticket_type_id: string;
  amount_minor: number;
  currency: string;
  language: string;
  identity: string | null;
  state: 'waiting' | 'added' | 'failed';
  reason: NotAdded | null;
  has_run: boolean;
};
const NOBODY: Person = { first_name: null, last_name: null, email: null, organization: null, note: null };
/** Rows of one insert: PostgreSQL takes 65,535 values. */
const AT_ONCE = 1000;

/** An addition, and who adds it. `line` and `identity` are those of a row of a file. */
export type NewAddition = Addition & {
  organizer: string;
  action: string;
  importId?: string;
  line?: number;
  identity?: string;
};

/** Stores additions before anything happens. One that is there already stays as it is. */
export async function storeAdditions(trx: Database, additions: NewAddition[]): Promise<void> {
  const rows = additions.map((addition) => ({
    id: addition.id,
    import_id: addition.importId ?? null,
    line: addition.line ?? null,
    organizer_id: addition.organizer,
    action: addition.action,
    event_id: addition.event,
    ticket_type_id: addition.ticketType,
    first_name: addition.firstName,
    last_name: addition.lastName,
    email: addition.email,
    organization: addition.organization ?? null,
    note: addition.note ?? null,
    amount_minor: addition.amount.minor,
    currency: addition.amount.currency,
    language: addition.language,
    identity: addition.identity ?? null,
  }));
  for (let from = 0; from < rows.length; from += AT_ONCE)
    await trx('additions')
      .insert(rows.slice(from, from + AT_ONCE))
      .onConflict('id')
      .ignore();
}

/** `paid`: whether it costs something. */
type Outcome = { decision: AddDecision; paid: boolean };

/** Takes a seat and saves the order, once, if that is possible; otherwise nothing is done, for good. */
export async function addOrder(database: Database, id: string): Promise<Outcome> {
  return locked(database, id, async (trx) => {
    const outcome = await findOutcome(trx, id);
    if (outcome.found === 'order') return { decision: { status: 'added' }, paid: outcome.amount.minor > 0 };
    const row = await trx<AdditionRow>('additions').where({ id }).first();
    if (row?.reason) return { decision: { status: row.reason }, paid: false };
    const refusal = outcome.found === 'end' ? 'over' : row ? await sell(trx, row) : 'forgotten';
    const decided = refusal ? { state: 'failed', reason: refusal } : { state: 'added' };
    await trx('additions')
      .where({ id })
      .update({ ...NOBODY, ...decided });
    // The same action later, when Temporal has forgotten its run, must not add anybody.
    if (refusal) await end(trx, id, 'expired');
    return { decision: { status: refusal ?? 'added' }, paid: !refusal && (row?.amount_minor ?? 0) > 0 };
  });
}

/** Sells the seat with its order. Returns why that is impossible; then nothing is sold. */
async function sell(trx: Database, row: AdditionRow): Promise<NotAdded | undefined> {
  if (row.identity !== null && (await isAddedBefore(trx, row.identity))) return 'added-before';
  const { seat, record } = saleOf(row);
  const sold = await sellSeatLocked(trx, seat, record).catch((error: unknown) => {
    if (!isConstraintViolation(error)) throw error;
    return { status: 'impossible' } as const;
  });
  if (sold.status === 'impossible') return 'impossible';
  if (sold.status === 'saved') return undefined;
  const available = await lockAvailability(trx, row.id, seat.event, seat.ticketType);
  if (!available) return 'unknown-ticket-type';
  return available.over ? 'event-over' : 'sold-out';
}

/** Whether an import has added the same row before. Two imports that look at the same time do so one after the other. */
async function isAddedBefore(trx: Database, identity: string): Promise<boolean> {
  await trx.raw('select pg_advisory_xact_lock(hashtextextended(?, 0))', [identity]);
  return !!(await trx('additions').where({ identity, state: 'added' }).first('id'));
}

function saleOf(row: AdditionRow) {
  const { first_name: firstName, last_name: lastName, email, organization } = row;
  return toSale(
    {
      id: row.id,
      event: { id: row.event_id },
      ticketType: { id: row.ticket_type_id },
      attendee: {
        ...{ firstName: firstName ?? '', lastName: lastName ?? '', email: email ?? '' },
        ...(organization !== null && { organization }),
      },
      newsletter: null,
      amount: { minor: row.amount_minor, currency: row.currency },
      ...(isLanguage(row.language) && { language: row.language }),
    },
    {
      ...{ status: 'captured', paypalOrderId: null, captureId: null, attempts: 1 },
      paidAt: new Date().toISOString(),
    },
    {
      source: row.import_id === null ? 'by-hand' : 'import',
      organizer: row.organizer_id,
      action: row.action,
      text: row.note,
    },
  );
}

/** Notes that those of these registrations that were added have their runs. */
export async function noteRuns(database: Database, ids: string[]): Promise<void> {
  await database('additions').whereIn('id', ids).where({ state: 'added' }).update({ has_run: true });
}

/** Those of these identities that an import has added before, with the registrations. */
export async function addedBefore(database: Database, identities: string[]): Promise<Map<string, string>> {
  const rows = await database('additions')
    .where({ state: 'added' })
    .whereRaw('identity = any(?)', [identities])
    .select<{ identity: string; id: string }[]>('identity', 'id');
  return new Map(rows.map(({ identity, id }) => [identity, id]));
}

/** Who a registration that an organizer adds is for, as long as it is not decided. */
export async function findWaiting(database: Database, id: string): Promise<Person | undefined> {
  return database<AdditionRow>('additions')
    .where({ id, state: 'waiting' })
    .first('first_name', 'last_name', 'email', 'organization', 'note');
}

/** What its run has to be started with. */
export type WaitingByHand = { request: AddRequest; event: string; ticketType: string };

/** What is to be added by hand, and waits for more than `minutes`. */
export async function findWaitingByHand(database: Database, minutes: number): Promise<WaitingByHand[]> {
  const rows = await database<AdditionRow>('additions')
    .where({ state: 'waiting' })
    .whereNull('import_id')
    .whereRaw('created_at <= now() - make_interval(mins => ?)', [minutes])
    .select('id', 'action', 'organizer_id', 'event_id', 'ticket_type_id');
  return rows.map(({ id, action, organizer_id: organizer, event_id: event, ticket_type_id: ticketType }) => ({
    ...{ request: { registration: id, action, organizer }, event, ticketType },
  }));
}

/** Takes out by what an import would recognize a person. */
export async function eraseIdentity(database: Database, id: string): Promise<void> {
  await database('additions').where({ id }).update({ identity: null });
}

/**
 * Deletes what was decided about single registrations a day ago, and what has waited for a month: its run would have begun long
 * before.
 */
export async function purgeAdditions(database: Database): Promise<void> {
  const before = (age: string) => database.raw(`now() - interval '${age}'`);
  await database('additions')
    .whereNull('import_id')
    .where((old) => {
      void old
        .where((done) => void done.whereNot({ state: 'waiting' }).where('created_at', '<', before('1 day')))
        .orWhere('created_at', '<', before('30 days'));
    })
    .delete();
}
