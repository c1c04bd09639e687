/** Alerts are decided once, and each of their mails has one sender at a time. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { decideAlerts, settleAlertMail, takeAlertMail } from '../../src/database/alerts.ts';
import { addOrganizer, decideOnPeople } from '../../src/database/organizers.ts';
import { anOrder, aRefund } from '../api/organizer/orders.ts';
import { createDatabase } from '../store.ts';

let store: Awaited<ReturnType<typeof createDatabase>>;
beforeEach(async () => {
  store = await createDatabase({ min: 0, max: 20 });
  for (const [email, role] of [
    ['ada@example.org', 'owner'],
    ['grace@example.org', 'organizer'],
  ] as const)
    await decideOnPeople(store.database, (people) => addOrganizer(people, { email, role, language: 'en' }));
  await aRefund(store.database, await anOrder(store.database), { state: 'refused', word: 'X' });
  await decideAlerts(store.database);
  await store.database('attention_items').update({ since: new Date(Date.now() - 3_700_000) });
});
afterEach(() => store.drop());

const times = <T>(count: number, work: () => Promise<T>) =>
  Promise.all(Array.from({ length: count }, () => work()));
const alerts = () => store.database('alerts').pluck<string[]>('condition');

it('begin once when ten workers decide at once, and would begin ten times without the index', async () => {
  await store.database.raw('drop index alerts_one_at_a_time');
  // As if each worker had looked before any of them had decided.
  await times(10, () => store.database('alerts').insert({ condition: 'refund-refused', count: 1 }));
  expect(await alerts()).toHaveLength(10);
  await store.database('alerts').delete();
  await store.database.raw('create unique index on alerts (condition) where over_at is null');
  await times(10, () => decideAlerts(store.database));
  expect(await alerts()).toEqual(['refund-refused']);
  expect(await store.database('alert_mails').pluck('kind')).toEqual(['begun']);

  await store.database('refunds').delete();
  await times(10, () => decideAlerts(store.database));
  expect(await store.database('alert_mails').orderBy('kind').pluck('kind')).toEqual(['begun', 'over']);
});

it('have one sender for each mail: without taking it, ten workers would find the same one', async () => {
  await decideAlerts(store.database);
  const naive = await times(10, () => store.database('alert_mails').whereNull('settled_at').pluck('kind'));
  expect(naive.flat()).toHaveLength(10);
  const taken = (await times(10, () => takeAlertMail(store.database))).filter(Boolean);
  expect(taken).toHaveLength(1);
  const [mail] = taken;
  if (mail) await settleAlertMail(store.database, mail);
  await store.database('alert_mails').update({ tried_at: new Date(0) });
  expect(await takeAlertMail(store.database)).toBeUndefined();
});
