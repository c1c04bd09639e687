/** How many mails a recipient gets. This file owns the table `recipient_mails`. */
import { hash } from '../hash.ts';
import { mailboxOf } from '../mailbox.ts';
import type { Database } from './connection.ts';
import { locked } from './seats/lock.ts';

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
  const recipient = hash(mailboxOf(email));
  // Mails to one recipient are counted one after the other.
  return locked(database, recipient, async (trx) => {
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
