import type { Database } from './connection.ts';

/** A seat that a payment attempt has claimed: only its run may give it up. */
export type Claim = { id: string; paypalOrderId: string };

/** Claims that are older than `minutes`, so that no request is on its way to start their run any more. */
export async function findClaims(database: Database, minutes: number): Promise<Claim[]> {
  const rows = await database('seat_holds')
    .whereNotNull('claimed_for')
    .andWhereRaw(`created_at < now() - make_interval(mins => ?)`, [minutes])
    .orderBy('created_at')
    .select<{ id: string; claimed_for: string }[]>('id', 'claimed_for');
  return rows.map(({ id, claimed_for }) => ({ id, paypalOrderId: claimed_for }));
}
