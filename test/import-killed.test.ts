/** All workers die in the middle of an import: it goes on, and everybody is added once and gets one mail. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startWorld, type World } from '../stage/world.ts';
import { importWorkflowId } from '../src/addition.ts';
import { findOpenEvents } from '../src/database/desk/open-events.ts';
import { beginImport, saveImport } from '../src/database/imports.ts';
import { checkFile } from '../src/imports/check.ts';
import { readFile } from '../src/imports/file.ts';
import { startImport } from '../src/temporal/runs.ts';

const PEOPLE = 300;

let world: World;
beforeAll(async () => {
  world = await startWorld({
    tickets: [{ id: 'regular', name: 'Regular', price_minor: 12_000, capacity: PEOPLE }],
  });
}, 120_000);
afterAll(() => world.stop(false));

const counted = async (state: string) => (await world.database('additions').where({ state })).length;

it('adds everybody once, with one mail each, although the workers are killed in the middle', async () => {
  const emails = Array.from({ length: PEOPLE }, (_, n) => `person${n}@example.org`);
  const rows = emails.map((email) => `Ada,Example,${email},Regular,complimentary`);
  const file = readFile(['firstName,lastName,email,ticketType,payment', ...rows].join('\n'));
  const [event] = await findOpenEvents(world.database);
  if (file.status !== 'read' || !event) throw new Error('The file and the event are as they should be');
  const [id, organizer] = [randomUUID(), randomUUID()];
  const check = { event, importId: id, organizer, language: 'en' } as const;
  const { report, additions } = await checkFile(world.database, file, check);
  await saveImport(world.database, { id, event: event.id, organizer, report }, additions);
  await beginImport(world.database, id, organizer);

  // A mail that SendGrid has taken when a worker dies is sent again, so none is taken before.
  world.sandbox.faults.set('sendgrid', { mode: 'failing' });
  await startImport(world.client, { id, event: event.id });
  await vi.waitUntil(async () => (await counted('added')) >= 40, { timeout: 60_000, interval: 20 });
  expect(await world.kill('worker', 'all')).toHaveLength(2);
  const atKill = await counted('added');
  expect(atKill).toBeGreaterThan(0);
  expect(atKill).toBeLessThan(PEOPLE);
  await world.reviveAll();
  world.sandbox.faults.clear();

  await world.client.workflow.getHandle(importWorkflowId(id)).result();
  const orders = await world.database('orders').select<{ email: string }[]>('email');
  expect(orders.map(({ email }) => email).toSorted()).toEqual(emails.toSorted());
  const { sold } = await world.database('ticket_types').first<{ sold: number }>('sold');
  expect(sold).toBe(PEOPLE);
  const mails = () => world.sandbox.ledger().mails.map(({ to }) => to[0]?.email ?? '');
  await vi.waitUntil(() => new Set(mails()).size === PEOPLE, { timeout: 120_000, interval: 500 });
  expect(mails().toSorted()).toEqual(emails.toSorted());
  expect(world.revealing()).toEqual([]);
}, 300_000);
