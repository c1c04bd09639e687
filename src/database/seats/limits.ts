/** How many seats one owner gets. The function `refused_by_limits` of the database decides (migrations/20261126000000_checkout_owners.ts). */
import type { Database } from '../connection.ts';
import type { Owner } from './owner.ts';

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

/** The owner, and what it may hold, as the functions `hold_new_seat` and `refused_by_limits` take it. */
export const ownerJson = (owner: Owner): string =>
  JSON.stringify({
    ...owner,
    ...(owner.holdsPerAddress === undefined ? {} : { fewSeats: FEW_SEATS, shareOfSeats: SHARE_OF_SEATS }),
  });

export type LimitReached = 'too-many-holds' | 'too-many-free';
/** `price` is in minor units; `free` are the seats that are left, null without a limit. */
type Asked = { id: string; event: string; ticketType: string; price: number; free: number | null };

/** Which limit forbids an owner to hold one more seat; null when none does. */
export async function refusedByLimits(
  trx: Database,
  { id, event, ticketType, price, free }: Asked,
  owner: Owner,
): Promise<LimitReached | null> {
  const { rows } = await trx.raw<{ rows: [{ refusal: LimitReached | null }] }>(
    'select refused_by_limits(?, ?, ?, ?, ?, ?) as refusal',
    [id, event, ticketType, price, free, ownerJson(owner)],
  );
  return rows[0].refusal;
}

/** Notes that a free ticket is held, which counts for a day once it is registered. */
export async function noteFree(
  trx: Database,
  { id, event, ticketType }: Asked,
  { addressKey, personKey }: Owner,
): Promise<void> {
  if (addressKey === undefined || personKey === undefined) return;
  await trx('free_registrations')
    .insert({
      ...{ id, event_id: event, ticket_type_id: ticketType },
      ...{ address_key: addressKey, person_key: personKey },
    })
    .onConflict('id')
    .merge();
}
