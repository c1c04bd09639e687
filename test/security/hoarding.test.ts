/** Somebody takes seats to keep them from others, with made-up ids, names and e-mail addresses. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { aForm } from '../../stage/person.ts';
import { buildApp } from '../../src/api/app.ts';
import type { App } from '../../src/api/dependencies.ts';
import { loadConfig } from '../../src/config.ts';
import { CARDS, startStack, type Stack } from '../stack.ts';

let stack: Stack;
let app: App;
beforeAll(async () => {
  stack = await startStack({ settings: { RATE_LIMIT: '100000', TRUST_PROXY: '1' } });
  ({ app } = stack);
  await stack.startWorker();
});
afterAll(() => stack.stop());

const SEATS = 40;
beforeEach(async () => {
  const { database } = stack;
  // The orders of the test before are saved.
  await vi.waitUntil(async () => (await database('seat_holds').whereNotNull('claimed_for')).length === 0);
  for (const table of ['seat_holds', 'free_registrations', 'orders', 'recipient_mails'])
    await database(table).delete();
  await database('ticket_types').update({ sold: 0 });
  await database('ticket_types').whereIn('id', ['limited', 'free']).update({ capacity: SEATS });
});

type Person = { at?: string; email?: string; ticketType?: string; id?: string };
const form = (id: string, { email = `${id}@example.org`, ticketType = 'limited' }: Person) =>
  aForm({ ticketType, newsletter: false, attendee: { ...aForm().attendee, email } });
/** Holds a seat from an IP address. */
async function hold(person: Person = {}, from = app) {
  const { at = '192.0.2.1', id = randomUUID() } = person;
  const response = await from.inject({
    ...{ method: 'PUT', url: `/api/checkouts/${id}`, body: form(id, person) },
    headers: { 'x-forwarded-for': at },
  });
  const body = response.json<{ type?: string; heldUntil: string; paypalOrderId: string | null }>();
  return { id, status: response.statusCode, retryAfter: Number(response.headers['retry-after']), ...body };
}
async function pay(person: Person & { id: string; paypalOrderId: string | null }) {
  const { id, paypalOrderId, at = '192.0.2.1' } = person;
  return app.inject({
    ...{ method: 'POST', url: '/api/registrations', body: { ...form(id, person), id, paypalOrderId } },
    headers: { 'x-forwarded-for': at },
  });
}
/** Holds until it is refused; returns how many seats that took. */
async function hoard(person: (n: number) => Person, most = 60): Promise<number> {
  for (let n = 0; n < most; n++) {
    const { status, type, retryAfter } = await hold(person(n));
    if (status === 201) continue;
    expect([status, type]).toEqual([429, '/problems/too-many-holds']);
    expect(retryAfter).toBeGreaterThan(0);
    return n;
  }
  return most;
}
const available = async (ticketType = 'limited') => {
  const [free] = await stack
    .database('ticket_availability')
    .where({ ticket_type_id: ticketType })
    .pluck<number[]>('free');
  return free;
};

describe('live holds', () => {
  it('one IP address cannot hold more than a quarter of the seats that are left', async () => {
    expect(await hoard(() => ({}))).toBe(SEATS / 4);
    expect(await available()).toBe(SEATS - SEATS / 4);
    expect((await hold({ at: '198.51.100.7' })).status).toBe(201);
  });

  it('addresses of one IPv6 network count as one, and addresses of others do not', async () => {
    expect(await hoard((n) => ({ at: `2001:db8:0:1::${n.toString(16)}` }))).toBe(SEATS / 4);
    expect((await hold({ at: '2001:db8:0:2::1' })).status).toBe(201);
    expect((await hold({ at: '::ffff:198.51.100.7' })).status).toBe(201);
  });

  it('many requests at once hold no more than one after the other', async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => hold()));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(SEATS / 4);
  });

  it('a class of thirty behind one IP address is not refused while there are seats', async () => {
    await stack.database('ticket_types').where({ id: 'limited' }).update({ capacity: 120 });
    expect(await hoard(() => ({}), 30)).toBe(30);
    expect(await hoard(() => ({ ticketType: 'free' }))).toBe(0);
  });

  it('a family of six gets the last six seats', async () => {
    await stack.database('ticket_types').where({ id: 'limited' }).update({ capacity: 6 });
    expect(await hoard(() => ({ email: 'family@example.org' }), 6)).toBe(6);
  });

  it('spellings of one mailbox count as one person, whose limit nobody elsewhere can use up', async () => {
    await stack.database('ticket_types').where({ id: 'limited' }).update({ capacity: 200 });
    const spelled = (n: number) => ['eve', 'E.v.E', `eve+${n}`, 'EVE'][n % 4] ?? '';
    expect(await hoard((n) => ({ email: `${spelled(n)}@gmail.com` }))).toBe(10);
    expect((await hold({ email: 'other@gmail.com' })).status).toBe(201);
    expect((await hold({ email: 'eve@gmail.com', at: '198.51.100.7' })).status).toBe(201);
  });

  it('a seat that is paid for no longer counts', async () => {
    await stack.database('ticket_types').where({ id: 'limited' }).update({ capacity: 6 });
    for (let n = 0; n < 6; n++) {
      const held = await hold();
      stack.sandbox.approve(held.paypalOrderId ?? '', {});
      expect((await pay(held)).statusCode).toBe(201);
    }
    expect((await hold()).type).toBe('/problems/sold-out');
  });

  it('RATE_LIMIT=0 turns the limits off, and each has a setting of its own', async () => {
    for (const settings of [{ RATE_LIMIT: '0' }, { HOLDS_PER_ADDRESS: '0' }]) {
      await stack.database('seat_holds').delete();
      const open = await buildApp({ ...stack, config: loadConfig({ ...stack.environment, ...settings }) });
      const answers = await Promise.all(Array.from({ length: SEATS }, () => hold({}, open)));
      expect(answers.every(({ status }) => status === 201)).toBe(true);
      await open.close();
    }
  });
});

describe('free tickets', () => {
  const register = async (person: Person = {}) => {
    const held = await hold({ ...person, ticketType: 'free' });
    if (held.status !== 201) return held.type;
    return (await pay({ ...person, ...held, ticketType: 'free' })).statusCode;
  };

  it('one IP address takes only a part of them in a day, and they come from others too', async () => {
    const answers: unknown[] = [];
    for (let n = 0; n < 12; n++) answers.push(await register());
    expect(answers.filter((answer) => answer === 201)).toHaveLength(8);
    expect(answers.at(-1)).toBe('/problems/too-many-holds');
    expect(await register({ at: '198.51.100.7' })).toBe(201);
    await stack
      .database('free_registrations')
      .update({ at: stack.database.raw("now() - interval '25 hours'") });
    expect(await register()).toBe(201);
  });

  it('a person has a limit in a day', async () => {
    await stack.database('ticket_types').where({ id: 'free' }).update({ capacity: null });
    for (let n = 0; n < 10; n++) expect(await register({ email: 'eve@example.org' })).toBe(201);
    expect(await register({ email: 'Eve+more@example.org' })).toBe('/problems/too-many-holds');
    expect(await register({ email: 'eve@example.org', at: '198.51.100.7' })).toBe(201);
  });
});

describe('the life of a hold', () => {
  const age = (id: string, minutes: number) =>
    stack
      .database('seat_holds')
      .where({ id })
      .update({ held_since: stack.database.raw(`held_since - make_interval(mins => ${minutes})`) });
  const minutesLeft = (heldUntil: string) => (Date.parse(heldUntil) - Date.now()) / 60_000;

  it('ends an hour after it began, however often it is renewed, and begins anew at the price of then', async () => {
    const { id } = await hold();
    await age(id, 50);
    expect(minutesLeft((await hold({ id })).heldUntil)).toBeGreaterThan(14);
    await age(id, 5);
    await stack
      .database('seat_holds')
      .where({ id })
      .update({ held_until: stack.database.raw("now() + interval '1 minute'") });
    const last = minutesLeft((await hold({ id })).heldUntil);
    expect(last).toBeGreaterThan(4);
    expect(last).toBeLessThan(5.1);
    await stack
      .database('seat_holds')
      .where({ id })
      .update({ held_until: new Date(0) });
    expect(minutesLeft((await hold({ id })).heldUntil)).toBeGreaterThan(14);
  });

  it('ends for payments that are declined again and again', async () => {
    const { id } = await hold();
    let attempts = 0;
    for (;;) {
      const held = await hold({ id });
      if (held.status === 429) {
        expect(held.type).toBe('/problems/too-many-orders');
        break;
      }
      stack.sandbox.approve(held.paypalOrderId ?? '', { number: CARDS.declined });
      expect((await pay({ ...held, id })).statusCode).toBe(402);
      attempts++;
    }
    expect(attempts).toBe(10);
  });
});

it('one declined payment counts once, however often its request is repeated', async () => {
  const declined = await hold();
  stack.sandbox.approve(declined.paypalOrderId ?? '', { number: CARDS.declined });
  for (let n = 0; n < 25; n++) expect((await pay(declined)).statusCode).toBe(402);
  expect((await hold()).status).toBe(201);
});

it('nobody is locked out by payments that were declined elsewhere with their e-mail address', async () => {
  await stack.database('ticket_types').where({ id: 'limited' }).update({ capacity: null });
  const email = 'victim@example.org';
  for (let n = 0; n < 10; n++) {
    const declined = await hold({ email });
    stack.sandbox.approve(declined.paypalOrderId ?? '', { number: CARDS.declined });
    expect((await pay({ ...declined, email })).statusCode).toBe(402);
  }
  expect((await hold({ email })).status).toBe(429);
  expect((await hold({ email, at: '198.51.100.7' })).status).toBe(201);
});

it('nobody can have more than twenty mails a day sent to a stranger for free, and none of them is lost', async () => {
  await stack.database('ticket_types').where({ id: 'free' }).update({ capacity: null });
  for (let n = 0; n < 22; n++) {
    const person = { email: 'bob@example.org', at: `203.0.113.${n}`, ticketType: 'free' };
    const held = await hold(person);
    expect((await pay({ ...person, ...held })).statusCode).toBe(201);
  }
  const mails = () =>
    stack.sandbox.ledger().mails.filter(({ to }) => to.some(({ email }) => email === 'bob@example.org'));
  await vi.waitUntil(() => mails().length >= 20, { timeout: 20_000 });
  const waiting = async () => {
    const ids = await stack.database('orders').where({ email: 'bob@example.org' }).pluck<string[]>('id');
    const states = await Promise.all(
      ids.map(async (id) => {
        const { steps } = (await app.inject(`/api/registrations/${id}`)).json<{
          steps: { name: string; state: string }[];
        }>();
        return steps.find(({ name }) => name === 'email')?.state;
      }),
    );
    return states.filter((state) => state !== 'done');
  };
  await vi.waitUntil(async () => (await waiting()).length === 2, { timeout: 20_000 });
  expect(mails()).toHaveLength(20);
});
