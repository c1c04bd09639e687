/**
 * Edits of events that meet buyers, or each other. Each race is shown first without its protection. Another transaction keeps holds from
 * being written, so that buyers have looked at what is on sale, and have written nothing yet, when somebody edits it.
 */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHoldOnSale } from '../../migrations/20261128100000_events_on_sale.ts';
import { findEdited } from '../../src/database/desk/events.ts';
import {
  EditRefused,
  saveEvent,
  withdrawEvent,
  type Edit,
  type Edited,
} from '../../src/database/event-editor.ts';
import { addOrganizer, decideOnPeople } from '../../src/database/organizers.ts';
import { claimSeat } from '../../src/database/seats/claim.ts';
import { holdSeat } from '../../src/database/seats/hold.ts';
import { readEvent, toFields } from '../../src/event-form.ts';
import { createDatabase } from '../store.ts';
import { heldUp } from './held-up.ts';

let store: Awaited<ReturnType<typeof createDatabase>>;
let organizer: string;
beforeEach(async () => {
  store = await createDatabase({ min: 0, max: 60 });
  const somebody = { email: 'ada@example.org', role: 'organizer', language: 'en' } as const;
  ({ id: organizer = '' } = await decideOnPeople(store.database, (people) => addOrganizer(people, somebody)));
});
afterEach(() => store.drop());

const BUYERS = 8;
const NO_HOLD_IS_WRITTEN = 'lock table seat_holds in share mode';
const hold = async (ticketType: string, id: string = randomUUID()) =>
  (await holdSeat(store.database, id, 'conference', ticketType)).status;
const buyers = (ticketType: string, count = BUYERS) =>
  Promise.all(Array.from({ length: count }, () => hold(ticketType)));
const edited = async () => {
  const event = await findEdited(store.database, 'conference');
  if (!event) throw new Error('The event is gone');
  return event;
};
const ticketType = async (id: string) => (await edited()).ticketTypes.find((type) => type.id === id);
const anEdit = async (): Promise<Edit> => ({
  ...{ organizer, action: randomUUID(), event: 'conference' },
  version: (await edited()).version,
});
type Outcome = Edited | EditRefused['refusal'];
const outcomeOf = (edit: Promise<Edited>): Promise<Outcome> =>
  edit.catch((error: unknown) => {
    if (error instanceof EditRefused) return error.refusal;
    throw error;
  });
/** Saves the form of the event with other texts in some fields. */
async function save(typed: Record<string, string>, which?: Edit): Promise<Outcome> {
  const event = await edited();
  const { faults, ...saved } = readEvent({ ...toFields(event), ...typed }, event);
  expect(faults).toEqual([]);
  return outcomeOf(saveEvent(store.database, which ?? (await anEdit()), saved));
}
const limit = (id: string, seats: number) => save({ [`type.${id}.capacity`]: String(seats) });

describe('lowering a capacity while people take the last seats', () => {
  /** Edits as {@link limit} does, without a lock. */
  async function limitUnlocked(id: string, seats: number) {
    const now = await ticketType(id);
    expect((now?.sold ?? 0) + (now?.held ?? 0)).toBeLessThanOrEqual(seats);
    await store.database('ticket_types').where({ id }).update({ capacity: seats });
  }
  /** Edits while a buyer is about to write a hold. */
  const meetABuyer = (edit: () => Promise<unknown>) =>
    heldUp(store.database, NO_HOLD_IS_WRITTEN, 2, async (waiting) => {
      const buyer = hold('limited');
      await waiting(1);
      return Promise.all([edit(), buyer]);
    });

  it('would oversell without the lock on the ticket type', async () => {
    await meetABuyer(() => limitUnlocked('limited', 0));
    expect(await ticketType('limited')).toMatchObject({ capacity: 0, held: 1 });
  });

  it('is refused with the numbers as they are when the buyer is through', async () => {
    const [outcome] = await meetABuyer(() => limit('limited', 0));
    expect(outcome).toMatchObject({
      status: 'faulty',
      faults: [{ field: 'type.limited.capacity', values: { sold: 0, held: 1, least: 1 } }],
    });
    expect(await ticketType('limited')).toMatchObject({ capacity: 2, held: 1 });
  });

  it('never oversells to fifty buyers, whoever is first', async () => {
    await store.database('ticket_types').where({ id: 'limited' }).update({ capacity: 50 });
    const [outcomes, edit] = await Promise.all([buyers('limited', 50), limit('limited', 20)]);
    const now = await ticketType('limited');
    expect(now?.held).toBe(outcomes.filter((status) => status === 'held').length);
    expect(now?.held).toBeLessThanOrEqual(now?.capacity ?? 0);
    expect(now?.capacity).toBe('outcome' in edit ? 20 : 50);
  });
});

describe('an edit of a ticket type without a limit', () => {
  /** Edits while buyers, who have seen no limit, are about to write their holds. The edit waits for them. */
  const meetBuyers = <T>(edit: () => Promise<T>) =>
    heldUp(store.database, NO_HOLD_IS_WRITTEN, BUYERS + 1, async (waiting) => {
      const people = buyers('regular');
      await waiting(BUYERS);
      const outcome = await edit();
      return { outcome, people: await people };
    });

  it('would sell more than the new limit if holds did not wait for it', async () => {
    await createHoldOnSale(store.database);
    await heldUp(store.database, NO_HOLD_IS_WRITTEN, BUYERS + 1, async (waiting) => {
      const people = buyers('regular');
      await waiting(BUYERS);
      expect(await limit('regular', 1)).toMatchObject({ outcome: 'saved' });
      // The edit did not wait. Now one more buyer does, and everybody is let go.
      await Promise.all([people, hold('free')]);
    });
    expect(await ticketType('regular')).toMatchObject({ capacity: 1, held: BUYERS });
  });

  it('that limits it waits for the holds of those who came before', async () => {
    const { outcome, people } = await meetBuyers(() => limit('regular', 1));
    expect(people).toEqual(Array(BUYERS).fill('held'));
    expect(outcome).toMatchObject({ status: 'faulty', faults: [{ values: { held: BUYERS } }] });
  });

  it('that removes it, or changes the currency, waits for them, too', async () => {
    const { outcome } = await meetBuyers(() => save({ 'type.regular.remove': 'on', currency: 'USD' }));
    expect(outcome).toMatchObject({
      status: 'faulty',
      faults: [{ field: 'currency' }, { field: 'type.regular.remove' }],
    });
  });

  it('that makes a draft of the event waits for them, too', async () => {
    const { outcome } = await meetBuyers(async () =>
      outcomeOf(withdrawEvent(store.database, await anEdit())),
    );
    expect(outcome).toMatchObject({ status: 'faulty', faults: [{ field: 'draft' }] });
  });

  it('holds back those who come meanwhile, and then they get what is left', async () => {
    const people = await heldUp(store.database, 'select from ticket_types for update', BUYERS, () =>
      buyers('regular'),
    );
    expect(people).toEqual(Array(BUYERS).fill('held'));
    const editor = await store.database.transaction();
    await editor.raw('select from ticket_types for update');
    const later = buyers('regular');
    await editor('ticket_types')
      .where({ id: 'regular' })
      .update({ capacity: BUYERS + 1 });
    await editor.commit();
    expect((await later).filter((status) => status === 'held')).toHaveLength(1);
  });
});

it('of two edits of one version at the same moment, one is made', async () => {
  const which = [await anEdit(), await anEdit()] as const;
  const outcomes = await heldUp(store.database, 'select from events for update', 2, () =>
    Promise.all([save({ name: 'One' }, which[0]), save({ name: 'Other' }, which[1])]),
  );
  expect(outcomes).toContainEqual({ status: 'changed' });
  expect(outcomes).toContainEqual(expect.objectContaining({ outcome: 'saved' }));
  expect((await edited()).version).toBe(2);
});

it('removes no ticket type while somebody decides about its lapsed hold', async () => {
  const id = randomUUID();
  await hold('free', id);
  await store.database('seat_holds').update({ held_until: new Date(Date.now() - 1000) });
  const other = await store.database.transaction();
  await other.raw('select pg_advisory_xact_lock(hashtextextended(?, 0))', [id]);
  const remove = { 'type.free.remove': 'on' };
  expect(await save(remove)).toMatchObject({ faults: [{ message: 'organizer.event.fault.remove-later' }] });
  await other.commit();
  expect(await save(remove)).toMatchObject({ outcome: 'saved' });
  expect(await hold('free', id)).toBe('unknown-ticket-type');
});

it('a lapsed hold is not claimed again in another currency than that of its event', async () => {
  const id = randomUUID();
  await hold('regular', id);
  await store.database('seat_holds').update({ held_until: new Date(Date.now() - 1000) });
  expect(await save({ currency: 'USD' })).toMatchObject({ outcome: 'saved' });
  expect((await claimSeat(store.database, id, 'A')).status).toBe('no-seat');
  expect(await hold('regular', id)).toBe('held');
  expect(await store.database('seat_holds').first()).toMatchObject({ currency: 'USD', paypal_orders: 2 });
});
