/** Whose a hold is. The database keeps hashes only, and only as long as the hold. */
import type { Database } from '../connection.ts';
import type { HoldRow } from './lock.ts';

/** Live holds at a time, and free registrations within a day; undefined: as many as there are seats. */
export type HoldLimits = {
  holdsPerAddress?: number | undefined;
  holdsPerEmail?: number | undefined;
  freePerAddress?: number | undefined;
  freePerEmail?: number | undefined;
};

/** Everybody may hold this many seats of a ticket type, however few are left: a family. */
const FEW_SEATS = 6;
/** Of more seats, one address may hold a quarter of those that are neither sold nor held by others. */
const SHARE_OF_SEATS = 4;

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

/** The owner as the functions `hold_new_seat` and `refused_by_limits` of the database take it. */
export const ownerJson = (owner: Owner): string =>
  JSON.stringify({
    ...owner,
    ...(owner.holdsPerAddress === undefined ? {} : { fewSeats: FEW_SEATS, shareOfSeats: SHARE_OF_SEATS }),
  });

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
