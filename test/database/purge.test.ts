import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mayMail } from '../../src/database/mails.ts';
import { addOrganizer, decideOnPeople } from '../../src/database/organizers.ts';
import { purge } from '../../src/database/purge.ts';
import { claimSeat } from '../../src/database/seats/claim.ts';
import { holdSeat } from '../../src/database/seats/hold.ts';
import { createDatabase } from '../store.ts';

let store: Awaited<ReturnType<typeof createDatabase>>;
beforeAll(async () => {
  store = await createDatabase();
});
afterAll(() => store.drop());

const OWNER = { emailHash: 'E', addressKey: 'A', personKey: 'P', freePerAddress: 5, freePerEmail: 5 };

it('deletes holds that lapsed a day ago and what limits counted, and keeps everything that is younger or claimed', async () => {
  const { database } = store;
  const [lapsedLongAgo, lapsed, live, claimed] = Array.from({ length: 4 }, () => randomUUID()) as [
    ...[string, string, string, string],
  ];
  for (const id of [lapsedLongAgo, lapsed, live, claimed])
    await holdSeat(database, id, 'conference', 'free', OWNER);
  await claimSeat(database, claimed, 'free');
  const hours = (count: number) => database.raw(`now() - make_interval(hours => ${count})`);
  await database('seat_holds')
    .where({ id: lapsedLongAgo })
    .update({ held_until: hours(25) });
  await database('seat_holds')
    .where({ id: lapsed })
    .update({ held_until: hours(23) });
  await database('seat_holds').update({ created_at: hours(100) });
  await database('free_registrations')
    .where({ id: lapsedLongAgo })
    .update({ at: hours(25) });
  await mayMail(database, 'ada@example.org', 'old', 1);
  await database('recipient_mails').update({ at: hours(25) });
  expect(await mayMail(database, 'ada@example.org', 'new', 1)).toBe(true);

  await purge(database);
  const ids = async (table: string) =>
    (await database(table).select<{ id: string }[]>('id')).map(({ id }) => id).toSorted();
  expect(await ids('seat_holds')).toEqual([lapsed, live, claimed].toSorted());
  expect(await ids('free_registrations')).toEqual([lapsed, live, claimed].toSorted());
  expect(await database('recipient_mails').pluck('mail')).toEqual(['new']);
});

it('deletes what rate limits counted when the time window is over', async () => {
  const { database } = store;
  const row = (key: string, ms: number) => ({ key, points: 3, expire: Date.now() + ms });
  await database('rate_limits').insert([row('over', -1000), row('goes-on', 60_000)]);
  await purge(database);
  expect(await database('rate_limits').pluck('key')).toEqual(['goes-on']);
});

it('deletes links and sessions of organizers that are over, and actions that no form can repeat', async () => {
  const { database } = store;
  const { id: organizer_id = '' } = await decideOnPeople(database, (people) =>
    addOrganizer(people, { email: 'ada@example.org', role: 'owner', language: 'en' }),
  );
  const from = (minutes: number) => database.raw(`now() + make_interval(mins => ${minutes})`);
  const [hour, day] = [60, 24 * 60];
  const link = (token_hash: string, age: number) => ({
    ...{ token_hash, organizer_id, created_at: from(-age), expires_at: from(15 - age) },
  });
  await database('sign_in_links').insert([link('old', hour + 1), link('young', hour - 1), link('new', 1)]);
  const session = (token_hash: string, unused: number, left: number) => ({
    ...{ token_hash, organizer_id, csrf_secret: 'x', last_seen_at: from(-unused), expires_at: from(left) },
  });
  await database('organizer_sessions').insert([
    ...[session('idle', 12 * hour + 1, day), session('over', 1, -1), session('live', 11 * hour, 1)],
  ]);
  const action = (age: number) => ({ organizer_id, action: randomUUID(), outcome: {}, at: from(-age) });
  await database('organizer_actions').insert([action(31 * day), action(29 * day)]);

  await purge(database);
  const tokens = (table: string) => database(table).orderBy('token_hash').pluck('token_hash');
  expect(await tokens('sign_in_links')).toEqual(['new', 'young']);
  expect(await tokens('organizer_sessions')).toEqual(['live']);
  expect(await database('organizer_actions')).toHaveLength(1);
});
