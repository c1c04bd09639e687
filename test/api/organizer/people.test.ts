/** Owners decide who has access, and with which role. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import {
  addOrganizer,
  changeOrganizer,
  decideOnPeople,
  listOrganizers,
} from '../../../src/database/organizers.ts';
import { startStack, type Stack } from '../../stack.ts';
import { aPerson, aSignedIn, signIn, type SignedIn } from './desk.ts';

let stack: Stack;
let ada: SignedIn & { id: string; email: string };
beforeAll(async () => {
  stack = await startStack();
});
beforeEach(async () => {
  await stack.database('organizers').delete();
  ada = await aSignedIn(stack, 'owner');
});
afterAll(() => stack.stop());

const PATH = '/organizer/people';
const people = () => listOrganizers(stack.database);
const roles = async () => (await people()).map(({ email, role }) => [email, role]);
const add = (fields: Record<string, string> = {}) => ({
  ...{ action: randomUUID(), do: 'add', email: 'grace@example.org', role: 'door' },
  ...fields,
});

it('adds somebody, who can sign in from then on', async () => {
  const form = add({ name: 'Grace <b>Example' });
  const answer = await ada.post(PATH, form);
  expect([answer.statusCode, answer.headers.location]).toEqual([303, `${PATH}?done=${form.action}`]);
  const page = await ada.get(String(answer.headers.location));
  expect(page.body).toContain('Grace &lt;b&gt;Example can sign in now.');
  expect(await roles()).toEqual([
    [ada.email, 'owner'],
    ['grace@example.org', 'door'],
  ]);
  const [, grace] = await people();
  const hers = await signIn(stack, grace?.id ?? '');
  expect((await hers.get('/organizer')).body).toContain('Check-in at the door');
  expect((await hers.get(PATH)).statusCode).toBe(403);
});

it('the same action twice has one effect and one answer, also at once', async () => {
  const form = add();
  const answers = await Promise.all(Array.from({ length: 5 }, () => ada.post(PATH, form)));
  const [first] = answers;
  for (const answer of answers)
    expect([answer.statusCode, answer.headers.location]).toEqual([303, first?.headers.location]);
  const [, grace] = await people();
  const remove = { action: randomUUID(), do: 'remove', person: grace?.id ?? '' };
  for (let n = 0; n < 2; n++) expect((await ada.post(PATH, remove)).statusCode).toBe(303);
  await ada.post(PATH, form);
  expect(await roles()).toEqual([[ada.email, 'owner']]);
});

it('an action of one person is not that of another', async () => {
  const eve = await aSignedIn(stack, 'owner');
  const form = add();
  await ada.post(PATH, form);
  expect((await eve.get(`${PATH}?done=${form.action}`)).body).not.toContain('can sign in now');
  expect((await eve.post(PATH, { ...form, email: 'other@example.org' })).statusCode).toBe(303);
  expect(await people()).toHaveLength(4);
});

it('an address belongs to one person, in any case of its letters, and can come back after a removal', async () => {
  await ada.post(PATH, add());
  const again = await ada.post(PATH, add({ email: 'GRACE@example.org' }));
  expect(again.statusCode).toBe(422);
  expect(again.body).toContain('This address has access already.');
  expect(again.body).toContain('value="GRACE@example.org"');
  const [, grace] = await people();
  await ada.post(PATH, { action: randomUUID(), do: 'remove', person: grace?.id ?? '' });
  expect((await ada.post(PATH, add({ role: 'owner' }))).statusCode).toBe(303);
  expect((await people())[1]?.id).not.toBe(grace?.id);
});

it('shows the form again with what was typed where a field is faulty, and adds nobody', async () => {
  for (const [faulty, text] of [
    [{ email: 'grace' }, 'id="error-email"'],
    [{ email: '' }, 'id="error-email"'],
    [{ role: 'king' }, 'id="error-role"'],
    [{ name: 'www.evil.example' }, 'id="error-name"'],
  ] as const) {
    const answer = await ada.post(PATH, add(faulty));
    expect([answer.statusCode, answer.body.includes(text)]).toEqual([422, true]);
  }
  for (const wrong of [{ action: 'x' }, { do: 'rule' }, { more: 'x' }, { do: 'role' }])
    expect((await ada.post(PATH, add(wrong))).statusCode).toBe(422);
  expect(await people()).toHaveLength(1);
  const json = await ada.post(PATH, add({ email: 'x' }), { accept: 'application/json' });
  expect(json.json()).toMatchObject({ errors: [{ pointer: '/email' }], status: 422 });
});

it('a changed role counts at once and ends the sessions of the person', async () => {
  const grace = await aSignedIn(stack, 'organizer');
  const role = (to: string) =>
    ada.post(PATH, { action: randomUUID(), do: 'role', person: grace.id, role: to });
  await role('organizer');
  expect((await grace.get('/organizer')).statusCode).toBe(200);
  const answer = await role('accountant');
  expect((await ada.get(String(answer.headers.location))).body).toContain('now has the role: Accountant.');
  expect((await grace.get('/organizer')).statusCode).toBe(303);
});

it('removal ends the sessions and the links of the person at once', async () => {
  const grace = await aSignedIn(stack, 'owner');
  const answer = await ada.post(PATH, { action: randomUUID(), do: 'remove', person: grace.id });
  expect((await ada.get(String(answer.headers.location))).body).toContain('has no access any more');
  expect((await grace.get('/organizer')).statusCode).toBe(303);
  const again = await ada.post(PATH, { action: randomUUID(), do: 'remove', person: grace.id });
  expect((await ada.get(String(again.headers.location))).body).toContain('was removed already');
});

it('the last owner can neither be removed nor get another role', async () => {
  for (const form of [
    { do: 'remove', person: ada.id },
    { do: 'role', person: ada.id, role: 'door' },
  ]) {
    const answer = await ada.post(PATH, { action: randomUUID(), ...form });
    expect([answer.statusCode, answer.body.includes('There must be an owner')]).toEqual([409, true]);
  }
  expect(await roles()).toEqual([[ada.email, 'owner']]);
});

it('two owners who remove or demote each other at once leave one', async () => {
  for (const form of [{ do: 'remove' }, { do: 'role', role: 'door' }])
    for (let round = 0; round < 3; round++) {
      await stack.database('organizers').delete();
      const [one, other] = [await aSignedIn(stack, 'owner'), await aSignedIn(stack, 'owner')];
      const [ofOne, ofOther] = [await one.csrf(), await other.csrf()];
      await Promise.all([
        one.post(PATH, { _csrf: ofOne, action: randomUUID(), person: other.id, ...form }),
        other.post(PATH, { _csrf: ofOther, action: randomUUID(), person: one.id, ...form }),
      ]);
      expect((await roles()).filter(([, role]) => role === 'owner')).toHaveLength(1);
    }
});

it('decisions about people wait for each other', async () => {
  const { database } = stack;
  const { id } = await aPerson(stack, 'owner');
  const events: string[] = [];
  const change = (person: string) =>
    decideOnPeople(database, async (trx) => {
      events.push('begins');
      await trx.raw('select pg_sleep(0.2)');
      const { outcome } = await changeOrganizer(trx, person, { role: 'door' });
      events.push(outcome);
    });
  await Promise.all([change(id), change(ada.id)]);
  expect(events.filter((event) => event !== 'begins').toSorted()).toEqual(['changed', 'last-owner']);
  expect(events[1]).not.toBe('begins');
});

it('an owner who lost the role while the request was on its way decides nothing', async () => {
  const grace = await aSignedIn(stack, 'owner');
  const csrf = await grace.csrf();
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  // The decision that takes the role is made first, and the request has passed the guard by then.
  const demotion = decideOnPeople(stack.database, async (trx) => {
    await held;
    await changeOrganizer(trx, grace.id, { role: 'door' });
  });
  const request = grace.post(PATH, { _csrf: csrf, ...add() });
  const { rows } = await waitForLock();
  expect(rows).toBeGreaterThan(0);
  release();
  await demotion;
  expect((await request).statusCode).toBe(403);
  expect((await roles()).map(([email]) => email)).not.toContain('grace@example.org');
});

/** Waits until a transaction waits for the lock of another one. */
async function waitForLock(): Promise<{ rows: number }> {
  for (;;) {
    const { rows } = await stack.database.raw<{ rows: [{ count: number }] }>(
      `select count(*)::integer as count from pg_locks where locktype = 'advisory' and not granted
         and database = (select oid from pg_database where datname = current_database())`,
    );
    if (rows[0].count > 0) return { rows: rows[0].count };
  }
}

it('the database refuses a second person with the address, whoever adds it', async () => {
  const person = { email: 'Grace@example.org', role: 'door', language: 'en' } as const;
  await addOrganizer(stack.database, person);
  const twin = stack.database('organizers').insert({ ...person, email: 'gracE@example.org' });
  await expect(twin).rejects.toMatchObject({ code: '23505' });
});
