/** Two deliveries of an event at the same moment have one effect. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Database } from '../../src/database/connection.ts';
import { enterDispute, type Dispute } from '../../src/database/disputes.ts';
import { cancelReversal, noteRefundsByHand, noteReversal } from '../../src/database/refunds.ts';
import {
  isKnownEvent,
  onceForEvent,
  purgeEvents,
  type WebhookEvent,
} from '../../src/database/webhook-events.ts';
import { createDatabase } from '../store.ts';
import { heldUp } from './held-up.ts';

let store: Awaited<ReturnType<typeof createDatabase>>;
beforeEach(async () => {
  store = await createDatabase({ min: 0, max: 20 });
});
afterEach(() => store.drop());

const AT = '2026-11-01T10:00:00.000Z';
const LATER = '2026-11-02T10:00:00.000Z';
const aDispute = (changes: Partial<Dispute> = {}): Dispute => ({
  ...{ id: 'PP-D-1', reason: 'UNAUTHORISED', amount: { minor: 12_000, currency: 'EUR' }, status: 'OPEN' },
  ...{ outcome: null, openedAt: AT, closedAt: null, changedAt: AT },
  ...changes,
});
const CLOSED = { status: 'RESOLVED', outcome: 'RESOLVED_BUYER_FAVOUR', closedAt: LATER, changedAt: LATER };
const anEvent = (id = 'WH-1'): WebhookEvent => ({ vendor: 'PayPal', id, kind: 'CUSTOMER.DISPUTE.CREATED' });
const kinds = (registration: string) =>
  store
    .database('registration_events')
    .where({ registration_id: registration })
    .orderBy('position')
    .pluck<string[]>('kind');
const enter =
  (registration: string, dispute = aDispute()) =>
  (trx: Database) =>
    enterDispute(trx, { registration, captureId: 'CAPTURE' }, dispute);

it('tells of a dispute twice without the lock, when two deliveries come at the same moment, and once with it', async () => {
  const [without, withLock] = [randomUUID(), randomUUID()];
  // Both have looked before one of them can write.
  await heldUp(store.database, 'lock table disputes in share mode', 2, () =>
    Promise.all([1, 2].map(() => store.database.transaction(enter(without)))),
  );
  expect(await kinds(without)).toEqual(['dispute-opened', 'dispute-opened']);
  await store.database('disputes').delete();
  await heldUp(store.database, 'lock table disputes in share mode', 2, () =>
    Promise.all(
      ['WH-1', 'WH-2'].map((id) => onceForEvent(store.database, anEvent(id), withLock, enter(withLock))),
    ),
  );
  expect(await kinds(withLock)).toEqual(['dispute-opened']);
});

it('acts once on an event that comes 25 times at once, and stores it with its effect or not at all', async () => {
  const registration = randomUUID();
  let effects = 0;
  const act = () =>
    onceForEvent(store.database, anEvent(), registration, () => {
      effects++;
      return Promise.resolve();
    });
  const fail = () => Promise.reject(new Error('The effect fails'));
  await expect(onceForEvent(store.database, anEvent(), registration, fail)).rejects.toThrow(
    'The effect fails',
  );
  expect(await isKnownEvent(store.database, anEvent())).toBe(false);
  await Promise.all(Array.from({ length: 25 }, act));
  expect(effects).toBe(1);
  expect(await isKnownEvent(store.database, anEvent())).toBe(true);
  // Another vendor may use the same id.
  expect(await isKnownEvent(store.database, { ...anEvent(), vendor: 'SendGrid' })).toBe(false);
});

it('does not open a dispute again by an older reading', async () => {
  const registration = randomUUID();
  await store.database.transaction(enter(registration, aDispute(CLOSED)));
  await store.database.transaction(enter(registration, aDispute()));
  expect(await store.database('disputes')).toMatchObject([{ status: 'RESOLVED' }]);
  expect(await kinds(registration)).toEqual(['dispute-opened', 'dispute-resolved']);
  // An appeal is newer.
  const appeal = { status: 'UNDER_REVIEW', changedAt: '2026-11-03T10:00:00.000Z' };
  await store.database.transaction(enter(registration, aDispute(appeal)));
  expect(await store.database('disputes')).toMatchObject([{ status: 'UNDER_REVIEW', closed_at: null }]);
  expect((await kinds(registration)).at(-1)).toBe('dispute-opened');
});

it('has one entry for money that was taken back, whichever event comes first', async () => {
  const paid = { registration: randomUUID(), captureId: 'CAPTURE', paypalOrderId: null };
  const reversal = { refundId: 'REVERSAL', amount: { minor: 12_000, currency: 'EUR' }, at: AT };
  await noteRefundsByHand(store.database, paid, [reversal]);
  await Promise.all([1, 2, 3].map(() => noteReversal(store.database, paid, reversal)));
  await noteRefundsByHand(store.database, paid, [reversal]);
  expect(await store.database('refunds')).toMatchObject([{ reversed: true, state: 'done' }]);
  expect(await kinds(paid.registration)).toEqual(['refunded-at-paypal', 'payment-reversed']);
  for (let n = 0; n < 2; n++) await cancelReversal(store.database, paid.registration, 'REVERSAL');
  expect(await store.database('refunds')).toMatchObject([{ reversed: true, state: 'refused' }]);
  expect((await kinds(paid.registration)).slice(2)).toEqual(['reversal-cancelled']);
});

it('forgets events that nobody sends any more', async () => {
  const registration = randomUUID();
  for (const id of ['WH-OLD', 'WH-NEW'])
    await onceForEvent(store.database, anEvent(id), registration, () => Promise.resolve());
  const old = store.database.raw("now() - interval '91 days'");
  await store.database('webhook_events').where({ id: 'WH-OLD' }).update({ at: old });
  await purgeEvents(store.database);
  expect(await store.database('webhook_events').pluck('id')).toEqual(['WH-NEW']);
});
