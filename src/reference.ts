import { createHash } from 'node:crypto';
import { statusUrl } from './registration.ts';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const REFERENCE = new RegExp(`^[${CROCKFORD}]{10}$`);

/**
 * The short name of a registration: the first 50 bits of a hash of its id, as 10 characters of Crockford's base 32. The id
 * opens the status page, so a reference that is shown at the door must not reveal it.
 */
export function reference(registrationId: string): string {
  const hash = createHash('sha256').update(registrationId).digest();
  let bits = hash.readBigUInt64BE() >> 14n;
  let text = '';
  for (let i = 0; i < 10; i++, bits >>= 5n) text = CROCKFORD.charAt(Number(bits & 31n)) + text;
  return text;
}

/**
 * Reads a reference that somebody typed, in any case, with spaces or dashes in it. Crockford's base 32 has no I, L, O and U, and
 * reads the first three as the digits that they look like.
 * @returns undefined for what cannot be a reference
 */
export function readReference(typed: string): string | undefined {
  const read = typed.replaceAll(/[\s-]/g, '').toUpperCase().replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  return REFERENCE.test(read) ? read : undefined;
}

/** How attendees find their registration: its reference, and the address of its page. */
export const linksOf = (publicUrl: string, registrationId: string) => ({
  reference: reference(registrationId),
  statusUrl: statusUrl(publicUrl, registrationId),
});
