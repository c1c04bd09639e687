/** Whose a hold is. The database keeps hashes only, and only as long as the hold. */
import type { Database } from '../connection.ts';
import type { HoldLimits } from './limits.ts';
import type { HoldRow } from './lock.ts';

/**
 * Who asks for a hold. `secretHash` and `emailHash` say whose the hold is from now on. `addressKey` (the IP address) and
 * `personKey` (the IP address and the e-mail address together) are what limits count by; without them, none apply.
 */
export type Owner = {
  secretHash?: string;
  emailHash?: string;
  addressKey?: string;
  personKey?: string;
} & HoldLimits;

/** The columns of a hold that name its owner. */
export const ownerColumns = ({ emailHash, addressKey, personKey }: Owner) => ({
  email_hash: emailHash ?? null,
  address_key: addressKey ?? null,
  person_key: personKey ?? null,
});

/**
 * Whether somebody may change a hold: with its secret, or with a form that names its e-mail address. A hold from before there
 * were owners is everybody's who knows its id.
 */
export const isOwner = (hold: HoldRow, { secretHash, emailHash }: Owner): boolean =>
  hold.email_hash === null ||
  hold.email_hash === emailHash ||
  (hold.secret_hash !== null && hold.secret_hash === secretHash);

/** Takes back a secret that its browser was not told. */
export async function forgetSecret(database: Database, id: string, secretHash: string): Promise<void> {
  await database('seat_holds').where({ id, secret_hash: secretHash }).update({ secret_hash: null });
}
