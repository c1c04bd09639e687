/** Who registered, for those who must find or forget them. */
import { reference } from '../reference.ts';
import type { Database } from './connection.ts';

/** Columns of an order that tell something of a person. */
const PERSONAL = [
  'first_name',
  'last_name',
  'email',
  'organization',
  'address_line1',
  'address_line2',
  'city',
  'region',
  'postal_code',
  'newsletter_consent_at',
  'newsletter_wording',
];

/** The id of the registration that has this reference, whatever became of it; undefined when there is none. */
export async function findByReference(database: Database, wanted: string): Promise<string | undefined> {
  // A hold becomes an order in one step: read in this order, it is found as one or the other. Nothing but an order keeps the
  // reference; it follows from the id.
  const others = await database('ended_registrations')
    .select<{ id: string }[]>('id')
    .unionAll(database('seat_holds').select('id'));
  const other = others.find(({ id }) => reference(id) === wanted);
  const order = await database('orders').where({ reference: wanted }).first<{ id: string } | undefined>('id');
  return order?.id ?? other?.id;
}

/** The e-mail address in an order; undefined when there is no order, or its person was erased. */
export async function findEmail(database: Database, id: string): Promise<string | undefined> {
  const row = await database('orders').where({ id }).first<{ email: string | null } | undefined>('email');
  return row?.email ?? undefined;
}

/** Whether another confirmed registration wants the newsletter at this address. */
export async function isWantedElsewhere(database: Database, id: string, email: string): Promise<boolean> {
  const other = await database('orders')
    .where({ status: 'confirmed' })
    .whereNot({ id })
    .whereNotNull('newsletter_consent_at')
    .whereRaw('lower(email) = lower(?)', [email])
    .first<{ id: string } | undefined>('id');
  return other !== undefined;
}

/**
 * Takes the person out of an order. What accounting needs stays: what was bought, for how much, when, from which country,
 * and PayPal's numbers of it.
 * @returns false when there was no person in it
 */
export async function eraseFromOrder(database: Database, id: string): Promise<boolean> {
  const erased = await database('orders')
    .where({ id, erased_at: null })
    .update({
      ...Object.fromEntries(PERSONAL.map((column) => [column, null])),
      erased_at: database.fn.now(),
      updated_at: database.fn.now(),
    });
  return erased > 0;
}
