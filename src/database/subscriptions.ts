/** Who answers for an e-mail address in the audience, and since when: columns of the table `orders`. */
import type { Database } from './connection.ts';

/** An e-mail address, and since when this service may have added it to the audience. */
export type Subscription = { email: string; since: Date };
/** The address that an order had before the correction of an action. */
type FormerAddress = { action: string; email: string; since: string };

/** Since when an order answers for its address: an organizer may have corrected the address after the consent. */
const SINCE = 'least(greatest(newsletter_consent_at, email_since), in_audience_since)';

/**
 * The e-mail addresses that an order has, or had, in the audience; none when it does not want the newsletter. Undefined when there is
 * no order, or its person was erased.
 */
export async function findSubscriptions(database: Database, id: string): Promise<Subscription[] | undefined> {
  type Row = { email: string; since: Date | null; former: FormerAddress[] };
  const row = await database('orders')
    .where({ id })
    .whereNull('erased_at')
    .first<Row | undefined>('email', 'former_addresses as former', database.raw(`${SINCE} as since`));
  if (!row) return undefined;
  const former = row.former.map(({ email, since }) => ({ email, since: new Date(since) }));
  return row.since ? [{ email: row.email, since: row.since }, ...former] : former;
}

/**
 * Leaves an address in the audience to another confirmed registration that wants the newsletter there, if there is one. That
 * one then answers for it since the earlier of both consents.
 */
export async function leaveToAnother(
  database: Database,
  id: string,
  { email, since }: Subscription,
): Promise<boolean> {
  const others = await database('orders')
    .where({ status: 'confirmed' })
    .whereNot({ id })
    .whereNotNull('newsletter_consent_at')
    .whereRaw('lower(email) = lower(?)', [email])
    .update({ in_audience_since: database.raw('least(in_audience_since, ?::timestamptz)', [since]) });
  return others > 0;
}

/**
 * What an order keeps of the address that an action is about to correct, as columns of its update. Only somebody with a consent to
 * the newsletter was added to the audience.
 */
export const keepFormerAddress = (trx: Database, action: string) => ({
  former_addresses: trx.raw(
    `former_addresses || jsonb_build_array(jsonb_build_object('action', ?::text, 'email', email, 'since', ${SINCE}))`,
    [action],
  ),
  email_since: trx.fn.now(),
  in_audience_since: null,
});

/** The address that an action has corrected, as long as the audience has not followed. */
export async function findFormerAddress(
  database: Database,
  id: string,
  action: string,
): Promise<Subscription | undefined> {
  const row = await database('orders')
    .where({ id })
    .first<{ former: FormerAddress[] } | undefined>('former_addresses as former');
  const former = row?.former.find((other) => other.action === action);
  return former && { email: former.email, since: new Date(former.since) };
}

/** Drops the address that an action has corrected. Says whether it was still there. */
export async function dropFormerAddress(trx: Database, id: string, action: string): Promise<boolean> {
  const dropped = await trx('orders')
    .where({ id })
    .whereRaw('former_addresses @> ?::jsonb', [JSON.stringify([{ action }])])
    .update({
      former_addresses: trx.raw(
        `(select coalesce(jsonb_agg(each), '[]') from jsonb_array_elements(former_addresses) as each
          where each->>'action' <> ?)`,
        [action],
      ),
    });
  return dropped > 0;
}
