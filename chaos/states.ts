/** People of a drill: registrations in every state that one can be in, made over HTTP and by the runs of organizers' actions. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DECLINED_CARD } from '../sandbox/vendors/paypal/cards.ts';
import { beginImport, saveImport } from '../src/database/imports.ts';
import { findOpenEvents } from '../src/database/desk/open-events.ts';
import { storeAdditions } from '../src/database/additions.ts';
import type { Change } from '../src/change.ts';
import { checkFile } from '../src/imports/check.ts';
import { readFile } from '../src/imports/file.ts';
import {
  startAddition,
  startCancellation,
  startChange,
  startImport,
  startRefund,
} from '../src/temporal/runs.ts';
import { emailOf, formOf } from '../stage/person.ts';
import type { World } from '../stage/world.ts';

export const TICKETS = [
  { id: 'regular', name: 'Regular', price_minor: 12_000, capacity: null },
  { id: 'balcony', name: 'Balcony', price_minor: 12_000, capacity: 500 },
  { id: 'careful', name: 'Careful', price_minor: 0, capacity: 500 },
  { id: 'free', name: 'Free', price_minor: 0, capacity: null },
];
/** An event of its own for each loss, which is cancelled just before. */
export const FAIRS = ['fair-of-orders', 'fair-of-runs'] as const;
export type Fair = (typeof FAIRS)[number];

/** What somebody has come to, or what their run was in the middle of when a store was lost. */
export type State =
  | 'confirmed'
  | 'free'
  | 'declined'
  | 'held'
  | 'unconfirmed'
  | 'cancelled'
  | 'partly refunded'
  | 'refunded'
  | 'moved'
  | 'corrected'
  | 'answered anew'
  | 'added by hand'
  | 'imported'
  | 'at a fair'
  | 'order not saved'
  | 'payment in doubt, taken'
  | 'payment in doubt, not taken'
  | 'payment under review'
  | 'mail and list open'
  | 'refund under way'
  | 'addition under way'
  | 'import under way';
export type Person = { id: string; state: State; event: string; newsletter: boolean };

export const ORGANIZER = randomUUID();
const ANSWER_WITHIN_MS = 40_000;
const LOOK_EVERY_MS = 50;
const WITHIN_MS = 90_000;

/** Adds what the states need: a question, a ticket type that asks for a confirmed address, and the events that are cancelled. */
export async function prepare({ database }: World): Promise<void> {
  await database('ticket_types').where({ id: 'careful' }).update({ confirm_email: true });
  await database('questions').insert({
    event_id: 'conference',
    id: 'diet',
    position: 0,
    kind: 'text',
    label: 'Diet',
  });
  for (const id of FAIRS) {
    await database.raw(
      `insert into events (id, name, starts_at, ends_at, time_zone, venue, currency, seller)
       select ?, ?, starts_at, ends_at, time_zone, venue, currency, seller from events where id = 'conference'`,
      [id, id],
    );
    await database('ticket_types').insert({ ...TICKETS[0], event_id: id, position: 0 });
  }
}

/** Waits until something is so. */
export async function eventually(what: string, isSo: () => boolean | Promise<boolean>, withinMs = WITHIN_MS) {
  const deadline = Date.now() + withinMs;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`This did not happen in time: ${what}`);
    await sleep(LOOK_EVERY_MS);
  }
}

/** What a person does over HTTP, and what organizers do about them. */
export function actorsOf(world: World) {
  const { client, database, sandbox } = world;
  const send = (method: string, path: string, body: object) =>
    fetch(world.url + path, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });

  function someone(state: State, { event = 'conference', ticketType = 'regular', newsletter = true } = {}) {
    const id = randomUUID();
    const answers = event === 'conference' ? { answers: { diet: `None of ${id.slice(0, 4)}` } } : {};
    const form = { ...formOf(id, { ticketType, newsletter }), event, ...answers };
    const person: Person = { id, state, event, newsletter };
    let paypalOrderId: string | null = null;
    return {
      person,
      async hold(card = {}) {
        const answer = await send('PUT', `/api/checkouts/${id}`, form);
        if (!answer.ok) throw new Error(`A checkout was answered with ${answer.status}`);
        ({ paypalOrderId } = (await answer.json()) as { paypalOrderId: string | null });
        if (paypalOrderId !== null) sandbox.approve(paypalOrderId, card);
      },
      pay: () => send('POST', '/api/registrations', { ...form, id, paypalOrderId }),
      async register(card = {}) {
        await this.hold(card);
        return (await this.pay()).status;
      },
    };
  }

  const isOrdered = async (ids: string[]) =>
    (await database('orders').whereIn('id', ids)).length === ids.length;
  /** Registers people, and waits until they have their orders. */
  async function confirmed(state: State, count: number, options: Parameters<typeof someone>[1] = {}) {
    const people = Array.from({ length: count }, () => someone(state, options));
    for (const one of people) await one.register();
    const ids = people.map(({ person }) => person.id);
    await eventually(`${state} with an order`, () => isOrdered(ids));
    return people.map(({ person }) => person);
  }

  const about = (event = 'conference') => ({ event, ticketType: 'regular', status: 'confirmed' }) as const;
  const action = (registration: string) => ({
    registration,
    action: randomUUID(),
    organizer: ORGANIZER,
    reason: '',
  });
  const refund = async (id: string, minor: number | null, cancels = false) => {
    const amount = minor === null ? null : { minor, currency: 'EUR' };
    await startRefund(client, { ...action(id), amount, cancels }, about());
  };
  const change = async (id: string, made: Change) => {
    const { status } = await startChange(client, { ...action(id), change: made }, about());
    if (status !== 'changed') throw new Error(`A change was answered with ${status}`);
  };
  const cancel = (id: string) => startCancellation(client, action(id), about());

  async function addByHand(state: State, count: number, wait = true): Promise<Person[]> {
    const people: Person[] = [];
    for (let n = 0; n < count; n++) {
      const request = { registration: randomUUID(), action: randomUUID(), organizer: ORGANIZER };
      const person = {
        firstName: 'Ada',
        lastName: 'Example',
        email: emailOf(request.registration),
        language: 'en',
      };
      const amount = { minor: 0, currency: 'EUR' };
      const place = { event: 'conference', ticketType: 'regular' };
      await storeAdditions(database, [{ id: request.registration, ...request, ...place, ...person, amount }]);
      const started = startAddition(client, request, place);
      if (wait) await started;
      else started.catch(() => undefined);
      people.push({ id: request.registration, state, event: place.event, newsletter: false });
    }
    return people;
  }

  /** Imports a file of so many people. Its run goes on by itself. */
  async function importPeople(state: State, count: number): Promise<Person[]> {
    const rows = Array.from(
      { length: count },
      () => `Ada,Example,${emailOf(randomUUID())},Regular,complimentary`,
    );
    const file = readFile(['firstName,lastName,email,ticketType,payment', ...rows].join('\n'));
    const event = (await findOpenEvents(database)).find(({ id }) => id === 'conference');
    if (file.status !== 'read' || !event) throw new Error('The file cannot be read');
    const id = randomUUID();
    const check = { event, importId: id, organizer: ORGANIZER, language: 'en' } as const;
    const { report, additions } = await checkFile(database, file, check);
    await saveImport(database, { id, event: event.id, organizer: ORGANIZER, report }, additions);
    await beginImport(database, id, ORGANIZER);
    await startImport(client, { id, event: event.id });
    return additions.map((added) => ({ id: added.id, state, event: event.id, newsletter: false }));
  }

  return { someone, isOrdered, confirmed, refund, change, cancel, addByHand, importPeople };
}

/** Brings so many people into each state that stays as it is. */
export async function settledPeople(world: World, count: number): Promise<Person[]> {
  const { someone, isOrdered, confirmed, refund, change, cancel, addByHand, importPeople } = actorsOf(world);
  const withoutPayment = { ticketType: 'free', newsletter: false };

  async function unordered(): Promise<Person[]> {
    const people: Person[] = [];
    for (let n = 0; n < count; n++) {
      const [declined, held] = [someone('declined'), someone('held')];
      const unconfirmed = someone('unconfirmed', { ticketType: 'careful' });
      await declined.register({ number: DECLINED_CARD });
      await held.hold();
      await unconfirmed.register();
      people.push(declined.person, held.person, unconfirmed.person);
    }
    return people;
  }
  async function added(): Promise<Person[]> {
    const people = [...(await addByHand('added by hand', count)), ...(await importPeople('imported', count))];
    await eventually('added people have their orders', () => isOrdered(people.map(({ id }) => id)));
    return people;
  }
  const acted: [State, (id: string) => Promise<unknown>][] = [
    [
      'partly refunded',
      async (id) => {
        await refund(id, 2000);
        await refund(id, 1000);
      },
    ],
    ['refunded', (id) => refund(id, null, true)],
    ['moved', (id) => change(id, { kind: 'move', ticketType: 'balcony' })],
    [
      'corrected',
      (id) =>
        change(id, {
          ...{ kind: 'correct', firstName: 'Ada', lastName: 'Example' },
          email: `new-${emailOf(id)}`,
        }),
    ],
    ['answered anew', (id) => change(id, { kind: 'answers', answers: { diet: 'Vegan' } })],
  ];
  const actedOn = async (state: State, act: (id: string) => Promise<unknown>, options = {}) => {
    const some = await confirmed(state, count, options);
    for (const { id } of some) await act(id);
    return some;
  };
  const everybody = await Promise.all([
    confirmed('confirmed', count),
    confirmed('free', count, withoutPayment),
    unordered(),
    ...acted.map(([state, act]) => actedOn(state, act)),
    actedOn('cancelled', cancel, withoutPayment),
    ...FAIRS.map((event) => confirmed('at a fair', count, { event })),
    added(),
  ]);
  return everybody.flat();
}
