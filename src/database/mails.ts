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
  const { rows } = await database.raw<{ rows: [{ may: boolean }] }>(
    `with counted as (
       insert into recipient_mails (recipient, mail)
       select ?, ? where ? > (
         select count(*) from recipient_mails where recipient = ? and mail <> ? and at > now() - interval '1 day')
       on conflict (recipient, mail) do nothing
       returning 1)
     select exists (select from counted) or exists (
       select from recipient_mails where recipient = ? and mail = ?) as may`,
    [recipient, mail, most, recipient, mail, recipient, mail],
  );
  return rows[0].may;
}
