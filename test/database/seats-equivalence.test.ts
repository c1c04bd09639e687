/**
 * Holding, claiming and selling a seat each have an ordinary path of one statement and a path that locks
 * first and then decides. Every sequence of operations must get the same answers and leave the same state on
 * both paths.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Database } from '../../src/database/connection.ts';
import { toSale } from '../../src/database/orders.ts';
import { giveSeatBack, releaseHold } from '../../src/database/registrations.ts';
import { claimSeat, claimSeatLocked, unclaimSeat } from '../../src/database/seats/claim.ts';
import { holdSeat, holdSeatLocked, notePaypalOrder } from '../../src/database/seats/hold.ts';
import type { Owner } from '../../src/database/seats/owner.ts';
import { sellSeat, sellSeatLocked } from '../../src/database/seats/sell.ts';
import { createDatabase } from '../store.ts';
import { anOrder, CAPTURED } from '../workflows/stand-ins.ts';

const ORDINARY = { hold: holdSeat, claim: claimSeat, sell: sellSeat };
const LOCKED = { hold: holdSeatLocked, claim: claimSeatLocked, sell: sellSeatLocked };
type Path = typeof ORDINARY;

const EVENT = 'conference';
/** `limited` has two seats, for which the four registrations compete. */
const TYPES = ['limited', 'limited', 'regular', 'free', 'nonsense'] as const;
const LIMITS = { holdsPerAddress: 2, holdsPerEmail: 1, freePerAddress: 2, freePerEmail: 1 };
/** Who asks for a hold: the registration's own browser, somebody else, or a client of the tests without limits. */
const OWNERS: Record<string, (who: number) => Owner> = {
  own: (who) => ({
    ...{ secretHash: `S${who}`, emailHash: `E${who}`, addressKey: 'A', personKey: `A${who % 2}` },
    ...LIMITS,
  }),
  stranger: () => ({ secretHash: 'X', emailHash: 'X', addressKey: 'B', personKey: 'B', ...LIMITS }),
  nobody: () => ({}),
};
const idOf = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;

const people = fc.integer({ min: 1, max: 4 });
const operation = fc.oneof(
  fc.record({
    do: fc.constant('hold' as const),
    who: people,
    type: fc.constantFrom(...TYPES),
    as: fc.constantFrom('own', 'own', 'stranger', 'nobody'),
  }),
  fc.record({
    do: fc.constantFrom('claim' as const, 'unclaim' as const),
    who: people,
    order: fc.constantFrom<string[]>('A', 'B', 'P1'),
    kept: fc.option(fc.constantFrom(Buffer.from('one'), Buffer.from('other')), { nil: undefined }),
  }),
  fc.record({ do: fc.constant('save' as const), who: people, type: fc.constantFrom(...TYPES) }),
  fc.record({
    do: fc.constant('give back' as const),
    who: people,
    status: fc.constantFrom('refunded' as const, 'cancelled' as const),
  }),
  fc.record({
    do: fc.constantFrom('release' as const, 'lapse' as const, 'nearly lapse' as const, 'age' as const),
    who: people,
  }),
  fc.record({ do: fc.constant('reprice' as const), price: fc.constantFrom(9000, 5000) }),
  fc.record({ do: fc.constant('show' as const), hidden: fc.boolean() }),
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** Reaches every outcome that hold, claim and sale have. */
const EVERY_OUTCOME: Operation[] = [
  { do: 'hold', who: 1, type: 'limited', as: 'nobody' },
  { do: 'hold', who: 2, type: 'limited', as: 'nobody' },
  { do: 'hold', who: 3, type: 'limited', as: 'nobody' },
  { do: 'hold', who: 1, type: 'nonsense', as: 'nobody' },
  { do: 'claim', who: 1, order: 'A', kept: Buffer.from('one') },
  { do: 'hold', who: 1, type: 'limited', as: 'nobody' },
  { do: 'save', who: 1, type: 'limited' },
  { do: 'hold', who: 1, type: 'limited', as: 'nobody' },
  { do: 'claim', who: 2, order: 'A', kept: Buffer.from('one') },
  { do: 'save', who: 2, type: 'limited' },
  { do: 'hold', who: 3, type: 'limited', as: 'nobody' },
  { do: 'hold', who: 4, type: 'regular', as: 'nobody' },
  { do: 'lapse', who: 4 },
  { do: 'release', who: 4 },
  { do: 'hold', who: 4, type: 'regular', as: 'nobody' },
  { do: 'claim', who: 4, order: 'A', kept: Buffer.from('one') },
  { do: 'save', who: 4, type: 'limited' },
];

/** Reaches every refusal of somebody who may not hold a seat. */
const EVERY_REFUSAL: Operation[] = [
  { do: 'hold', who: 1, type: 'free', as: 'own' },
  { do: 'hold', who: 1, type: 'free', as: 'stranger' },
  { do: 'hold', who: 3, type: 'free', as: 'own' },
  { do: 'hold', who: 1, type: 'limited', as: 'own' },
  { do: 'hold', who: 3, type: 'limited', as: 'own' },
  ...Array.from({ length: 10 }, (): Operation[] => [
    { do: 'claim', who: 1, order: 'P1', kept: undefined },
    { do: 'unclaim', who: 1, order: 'P1', kept: undefined },
  ]).flat(),
  { do: 'hold', who: 1, type: 'limited', as: 'own' },
];

async function perform(database: Database, path: Path, operation: Operation): Promise<unknown> {
  if (operation.do === 'reprice')
    return database('ticket_types').where({ id: 'limited' }).update({ price_minor: operation.price });
  if (operation.do === 'show')
    return database('ticket_types').where({ id: 'limited' }).update({ hidden: operation.hidden });
  const id = idOf(operation.who);
  const holds = () => database('seat_holds').where({ id });
  const endsIn = (seconds: number) =>
    holds()
      .whereNotNull('held_until')
      .update({ held_until: new Date(Date.now() + seconds * 1000) });
  switch (operation.do) {
    case 'hold': {
      const outcome = await path.hold(
        database,
        id,
        EVENT,
        operation.type,
        OWNERS[operation.as]?.(operation.who),
      );
      if (outcome.status === 'held' && outcome.hold.paypalOrderId === null)
        await notePaypalOrder(database, outcome.hold, `P${operation.who}`);
      return outcome;
    }
    case 'claim':
      return path.claim(database, id, operation.order, operation.kept);
    case 'unclaim':
      return unclaimSeat(database, id, operation.order);
    case 'save': {
      const event = { ...anOrder().event, id: EVENT };
      const order = anOrder({ id, event, ticketType: { id: operation.type, name: operation.type } });
      const { seat, record } = toSale(order, { ...CAPTURED, paypalOrderId: id, captureId: id });
      // A constraint rejects an order for an unknown ticket type, if the statement gets that far.
      return path
        .sell(database, seat, record)
        .catch((error: unknown) => (error as { constraint?: string }).constraint);
    }
    case 'give back':
      return giveSeatBack(database, id, operation.status);
    case 'release':
      return releaseHold(database, id);
    case 'lapse':
      return endsIn(-1);
    case 'nearly lapse':
      return endsIn(30);
    case 'age':
      return holds()
        .whereNotNull('paypal_order_at')
        .update({ paypal_order_at: new Date(0) });
  }
}

/** Replaces times and random tokens, which differ between the two databases. */
const timeless = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value ?? null, (key, part: unknown) =>
      key === 'confirmation_token'
        ? 'a token'
        : typeof part === 'string' && /^\d{4}-\d\d-\d\dT/.test(part)
          ? 'a time'
          : part,
    ),
  );

async function state(database: Database) {
  const [holds, orders, ended, types, free, captures, availability] = await Promise.all([
    database('seat_holds as h')
      .select('h.*', database.raw('held_until > clock_timestamp() as live'))
      .orderBy('id'),
    database('orders').select('id', 'ticket_type_id', 'status').orderBy('id'),
    database('ended_registrations').select('id', 'status').orderBy('id'),
    database('ticket_types').select('id', 'sold', 'price_minor').orderBy('id'),
    database('free_registrations').select().orderBy('id'),
    database('captures').select().orderBy('paypal_capture_id'),
    database<{ free: number | null }>('ticket_availability').select().orderBy('ticket_type_id'),
  ]);
  for (const { free } of availability) expect(free ?? 0).toBeGreaterThanOrEqual(0);
  return timeless({ holds, orders, ended, types, free, captures, availability });
}

async function empty(database: Database): Promise<void> {
  for (const table of ['orders', 'seat_holds', 'ended_registrations', 'free_registrations', 'captures'])
    await database(table).delete();
  await database('ticket_types').update({ sold: 0 });
  await database('ticket_types').where({ id: 'limited' }).update({ price_minor: 9000, hidden: false });
}

let stores: Awaited<ReturnType<typeof createDatabase>>[];
beforeAll(async () => {
  stores = await Promise.all([createDatabase(), createDatabase()]);
});
afterAll(() => Promise.all(stores.map(({ drop }) => drop())));

it('gives the same answers and leaves the same state on both paths', { timeout: 120_000 }, async () => {
  const [one, other] = stores.map(({ database }) => database) as [Database, Database];
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 30 }), async (operations) => {
      await Promise.all([empty(one), empty(other)]);
      for (const next of operations) {
        const [ordinary, locked] = await Promise.all([
          perform(one, ORDINARY, next),
          perform(other, LOCKED, next),
        ]);
        expect(timeless(ordinary), JSON.stringify(next)).toEqual(timeless(locked));
        seen.add(`${next.do} ${(ordinary as { status?: string } | null | undefined)?.status ?? ''}`.trim());
      }
      expect(await state(one)).toEqual(await state(other));
    }),
    { numRuns: 80, examples: [[EVERY_OUTCOME], [EVERY_REFUSAL]] },
  );
  // The examples must reach all of these outcomes.
  const outcomes = [
    ...['held', 'in-flight', 'all-held', 'sold-out', 'unknown-ticket-type', 'registered', 'over'],
    ...['not-owner', 'too-many-holds', 'too-many-free', 'too-many-orders'],
  ];
  for (const outcome of outcomes) expect(seen).toContain(`hold ${outcome}`);
  for (const outcome of ['claimed', 'no-seat']) expect(seen).toContain(`claim ${outcome}`);
  for (const outcome of ['saved', 'no-seat']) expect(seen).toContain(`save ${outcome}`);
});
