/** Deletes what has served its purpose: holds that lapsed, what limits have counted, and sessions that are over. */
import { purgeActions } from './actions.ts';
import { purgeAdditions } from './additions.ts';
import { purgeAlerts } from './alerts.ts';
import { purgeLapsedHolds } from './checkouts.ts';
import type { Database } from './connection.ts';
import { purgeImports } from './imports.ts';
import { purgeRateLimits } from './rate-limits.ts';
import { purgeSessions } from './sessions.ts';
import { purgeEvents } from './webhook-events.ts';

/**
 * Deletes what is older than a day, and what organizers cannot use any more. A hold that lapsed is kept that long, because PayPal answers a repeated request id for six
 * hours with the order of the first one, and the count of a hold's PayPal orders makes each request id new.
 */
export async function purge(database: Database): Promise<void> {
  const aDayAgo = database.raw("now() - interval '1 day'");
  await purgeLapsedHolds(database);
  for (const table of ['free_registrations', 'recipient_mails'])
    await database(table).where('at', '<', aDayAgo).delete();
  await purgeAdditions(database);
  await purgeImports(database);
  await purgeSessions(database);
  await purgeActions(database);
  await purgeEvents(database);
  await purgeAlerts(database);
  await purgeRateLimits(database);
}

const EVERY_MS = 3_600_000;

/** Purges now and every hour. What fails is done the next time. Returns a function that stops it. */
export function purgeHourly(database: Database, onError: (error: unknown) => void): () => void {
  const again = () => void purge(database).catch(onError);
  again();
  const timer = setInterval(again, EVERY_MS);
  return () => {
    clearInterval(timer);
  };
}
