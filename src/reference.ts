import { createHash } from 'node:crypto';
import { statusUrl } from './registration.ts';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

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

/** How attendees find their registration: its reference, and the address of its page. */
export const linksOf = (publicUrl: string, registrationId: string) => ({
  reference: reference(registrationId),
  statusUrl: statusUrl(publicUrl, registrationId),
});
