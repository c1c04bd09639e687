/** How many mails a recipient gets. This file owns the table `recipient_mails`. */
import { createHash } from 'node:crypto';
import { mailboxOf } from '../mailbox.ts';
import type { Database } from './connection.ts';

/**
 * Counts a mail to an address, once for each name of a mail.
 * @returns whether it may be sent: it was counted before, or fewer than `most` others were within the last day
 */
export async function mayMail(
  database: Database,
  email: string,
  mail: string,
  most: number,
): Promise<boolean> {
  const recipient = createHash('sha256').update(mailboxOf(email)).digest('base64url');
  return database.transaction(async (trx) => {
    // Mails to one recipient are counted one after the other.
    await trx.raw('select pg_advisory_xact_lock(hashtextextended(?, 0))', [recipient]);
    const { rows } = await trx.raw<{ rows: [{ known: boolean; others: number }] }>(
      `select coalesce(bool_or(mail = ?), false) as known,
         (count(*) filter (where mail <> ? and at > now() - interval '1 day'))::integer as others
       from recipient_mails where recipient = ?`,
      [mail, mail, recipient],
    );
    const [{ known, others }] = rows;
    if (!known && others < most) await trx('recipient_mails').insert({ recipient, mail });
    return known || others < most;
  });
}
