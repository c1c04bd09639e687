import { definitionOf, type Fault } from '../fault.ts';

const availability = 'src/database/seats/availability.ts';
const claim = 'src/database/seats/claim.ts';
const hold = 'src/database/seats/hold.ts';
const sell = 'src/database/seats/sell.ts';
const locks = 'test/database/seats-locks.test.ts';
const seats = 'test/database/seats.test.ts';
const paths = 'test/database/seats-equivalence.test.ts';
const views = 'test/database/availability.test.ts';

const holdNewSeat = definitionOf('create or replace function hold_new_seat');
const rule = definitionOf('view live_holds as');
const availableSeats = definitionOf('create or replace view ticket_availability');

/** Holds, claims and sales: sold + live holds <= capacity. */
export const SEATS: Fault[] = [
  {
    name: 'seats: the ticket type is not locked before its seats are counted',
    file: availability,
    find: ' for update',
    replace: '',
    caughtBy: { [locks]: '' },
  },
  {
    name: 'seats: a new hold does not lock the ticket type',
    file: holdNewSeat,
    find: 't.id = ticket_type for update',
    replace: 't.id = ticket_type',
    caughtBy: { [locks]: 'people who come at once' },
  },
  {
    name: 'seats: the hold of a free ticket does not wait for the disk',
    file: holdNewSeat,
    find: 'if type.price_minor > 0 then',
    replace: 'if type.price_minor >= 0 then',
    caughtBy: { 'test/database/holds-crash.test.ts': '' },
  },
  {
    name: 'seats: the lock of a registration is left out',
    file: 'src/database/seats/lock.ts',
    find: "await trx.raw('select pg_advisory_xact_lock(hashtextextended(?, 0))', [id]);",
    replace: 'await Promise.resolve(id);',
    caughtBy: { [locks]: 'sold once when it is saved' },
  },
  {
    name: 'seats: the lock of a registration is left out of ordinary claims and sales',
    file: 'src/database/seats/lock.ts',
    find: '(select pg_advisory_xact_lock(hashtextextended(?, 0)))',
    replace: '(select ?::text)',
    caughtBy: { [locks]: 'while its registration is cancelled' },
  },
  {
    name: 'seats: a lapsed hold counts',
    file: rule,
    find: 'claimed_for is not null or held_until > clock_timestamp()',
    replace: 'true',
    caughtBy: { [views]: '', [seats]: 'stops counting once it has lapsed' },
  },
  {
    name: 'seats: a claim does not count',
    file: rule,
    find: 'claimed_for is not null or held_until > clock_timestamp()',
    replace: 'held_until > clock_timestamp()',
    caughtBy: { [views]: '' },
  },
  {
    name: 'seats: sold seats do not count',
    file: availableSeats,
    find: 't.capacity - t.sold - (',
    replace: 't.capacity - (',
    caughtBy: { [views]: '' },
  },
  {
    name: 'seats: holds of all ticket types count',
    file: availableSeats,
    find: ' and h.ticket_type_id = t.id)::integer',
    replace: ')::integer',
    caughtBy: { [views]: '' },
  },
  {
    name: 'seats: a hold is claimed without the lock until it ends',
    file: claim,
    find: " + interval '${CLEAR_OF_THE_END}'",
    replace: '',
    caughtBy: { [locks]: 'last minute' },
  },
  {
    name: 'seats: every hold is claimed on the ordinary path, lapsed or not',
    file: claim,
    find: "(h.claimed_for is not null or h.held_until > ${NOW} + interval '${CLEAR_OF_THE_END}')",
    replace: 'true',
    caughtBy: { [seats]: 'stops counting once it has lapsed' },
  },
  {
    name: 'seats: a lapsed hold is claimed without a free seat',
    file: claim,
    find: '!available?.live && (!available?.seat || !available.onSale)',
    replace: '!available?.onSale',
    caughtBy: { [locks]: 'claimed at once' },
  },
  {
    name: 'seats: a late end of an earlier attempt ends the claim of the next one',
    file: claim,
    find: '.where({ id, claimed_for: paypalOrderId })',
    replace: '.where({ id }).whereNotNull("claimed_for")',
    caughtBy: { [seats]: 'becomes a hold again after a decline' },
  },
  {
    name: 'seats: a declined PayPal order is offered again',
    file: claim,
    find: '.update({ paypal_order_id: null, paypal_order_at: null })',
    replace: '.update({ id })',
    caughtBy: { [seats]: 'becomes a hold again after a decline' },
  },
  {
    name: 'seats: the next PayPal order has the number of the declined one',
    file: claim,
    find: "paypal_orders: trx.raw('paypal_orders + 1')",
    replace: "paypal_orders: trx.raw('paypal_orders')",
    caughtBy: { [seats]: 'becomes a hold again after a decline' },
  },
  {
    name: 'seats: the sale of a missing claim is not counted',
    file: sell,
    find: 'set sold = sold + 1',
    replace: 'set sold = sold',
    caughtBy: { [seats]: 'whose claim went missing', [paths]: '' },
  },
  {
    name: 'seats: the ordinary sale is not counted',
    file: sell,
    find: 'set sold = t.sold + 1',
    replace: 'set sold = t.sold',
    caughtBy: { [seats]: 'buy exactly 20 seats' },
  },
  {
    name: 'seats: the ordinary sale takes a hold that nobody claimed',
    file: sell,
    find: ' and h.claimed_for is not null',
    replace: '',
    caughtBy: { [seats]: 'hold that has lapsed when somebody else' },
  },
  {
    name: 'seats: a missing claim is replaced without a free seat',
    file: sell,
    find: '(!available?.seat || available.over)',
    replace: '!available',
    caughtBy: { [seats]: 'whose claim went missing' },
  },
  {
    name: 'seats: the hold of a sold seat stays',
    file: sell,
    find: "await trx('seat_holds').where({ id }).delete();",
    replace: '',
    caughtBy: { [paths]: '' },
  },
  {
    name: 'seats: a late note names a PayPal order of an earlier number',
    file: hold,
    find: 'paypal_orders: hold.paypalOrders, paypal_order_id: null',
    replace: 'paypal_order_id: null',
    caughtBy: { [seats]: 'is not replaced by an order' },
  },
  {
    name: 'seats: a second note replaces the PayPal order',
    file: hold,
    find: 'paypal_orders: hold.paypalOrders, paypal_order_id: null',
    replace: 'paypal_orders: hold.paypalOrders',
    caughtBy: { [seats]: 'is the one that was noted first' },
  },
  {
    name: 'seats: a renewal takes the new price',
    file: hold,
    find: '(live ? {} : price)',
    replace: 'price',
    caughtBy: { [seats]: 'keeps the price' },
  },
  {
    name: 'seats: another ticket type keeps the PayPal order of the first',
    file: hold,
    find: '!same || repriced',
    replace: 'repriced',
    caughtBy: { [seats]: 'another ticket type of the same price' },
  },
  {
    name: 'seats: a hold is renewed while its payment is in flight',
    file: hold,
    find: 'if (existing?.claimed_for)',
    replace: 'if (false)',
    caughtBy: { [seats]: 'does not expire' },
  },
  {
    name: 'seats: a registration that has an order holds another seat',
    file: hold,
    find: "if (ordered) return { status: 'registered' };",
    replace: '',
    caughtBy: { [seats]: 'is saved once' },
  },
  {
    name: 'seats: a live hold is released',
    file: hold,
    find: '.andWhereRaw(`held_until > ${NOW}`).first()',
    replace: '.andWhereRaw(`held_until < ${NOW}`).first()',
    caughtBy: { [seats]: 'is not released while it is live' },
  },
  {
    name: 'seats: a hold that has lapsed and begins again is not in the bound',
    file: 'migrations/20261129123000_held_at_most.ts',
    find: 'set held_at_most = t.held_at_most + 1',
    replace: 'set held_at_most = t.held_at_most + 0',
    caughtBy: { 'test/database/held-at-most.test.ts': 'is not below the live holds' },
  },
  {
    name: 'seats: the bound refuses people',
    file: 'migrations/20261129123000_held_at_most.ts',
    find: 'or type.free <= 0 or refusal is not null) then',
    replace: 'or refusal is not null) then',
    caughtBy: { 'test/database/held-at-most.test.ts': 'refuses nobody' },
  },
  {
    name: 'seats: the bound of before a limit counts after it',
    file: 'migrations/20261129123000_held_at_most.ts',
    find: 'new.held_at_most := null;',
    replace: 'new.held_at_most := 0;',
    caughtBy: { 'test/database/held-at-most.test.ts': 'is not known without a limit' },
  },
];
