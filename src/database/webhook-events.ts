/**
 * Events of vendors that were acted on. This file owns the table `webhook_events`. An event is stored in the transaction of its
 * effect, so that a vendor that sends it again, up to 25 times, has one effect.
 */
import type { Database } from './connection.ts';
import { locked } from './seats/lock.ts';

/** An event: the vendor's own id for it, and what it is about, such as `PAYMENT.CAPTURE.REFUNDED`. No personal data. */
export type WebhookEvent = { vendor: 'PayPal' | 'SendGrid'; id: string; kind: string };

/** Whether an event was acted on before. */
export async function isKnownEvent(database: Database, { vendor, id }: WebhookEvent): Promise<boolean> {
  return (
    (await database('webhook_events').where({ vendor, id }).first<object | undefined>('id')) !== undefined
  );
}

/**
 * Acts on an event once, while holding the lock of the registration that it is about.
 * @param effect runs in the transaction that stores the event
 */
export async function onceForEvent(
  database: Database,
  { vendor, id, kind }: WebhookEvent,
  registration: string,
  effect: (trx: Database) => Promise<void>,
): Promise<void> {
  await locked(database, registration, async (trx) => {
    const stored = await trx('webhook_events')
      .insert({ vendor, id, kind, registration_id: registration })
      .onConflict(['vendor', 'id'])
      .ignore()
      .returning('id');
    if (stored.length > 0) await effect(trx);
  });
}

/** PayPal sends an event for three days, and SendGrid for one. Whoever sends an older one again changes nothing either. */
const KEPT_FOR = '90 days';

/** Deletes events that nobody sends any more. */
export async function purgeEvents(database: Database): Promise<void> {
  await database('webhook_events')
    .where('at', '<', database.raw(`now() - interval '${KEPT_FOR}'`))
    .delete();
}
