/** Who asks for a hold: the browser's secret, the form's e-mail address and the client's IP address, as hashes. */
import type { FastifyRequest } from 'fastify';
import type { Config } from '../../config.ts';
import type { Owner } from '../../database/seats/owner.ts';
import { hash } from '../../hash.ts';
import { addressOf, personOf } from '../origin.ts';

const SECRET_HEADER = 'x-checkout-secret';
/** Long enough that nobody guesses it: a UUID has 36 characters. */
const SECRET = /^[\w-]{32,128}$/;

/** The secret that came with a request, if there is one. */
export function secretIn({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
  const given = headers[SECRET_HEADER];
  return typeof given === 'string' && SECRET.test(given) ? given : undefined;
}

/** Recognizes the e-mail address of a form. The id makes the hash another one for each registration. */
export const emailHashOf = (id: string, email: string): string => hash(id, email.toLowerCase());

/** The owner that a request comes from. Without limits, its IP address is not noted. */
export function ownerOf(
  request: Pick<FastifyRequest, 'ip'>,
  { id, email, secret }: { id: string; email: string; secret: string },
  { mailsPerRecipient: _ofMails, ...limits }: Config['limits'],
): Owner & { secretHash: string } {
  const isLimited = Object.values(limits).some((most) => most !== undefined);
  return {
    secretHash: hash(secret),
    emailHash: emailHashOf(id, email),
    ...(isLimited && {
      ...limits,
      addressKey: hash(addressOf(request)),
      personKey: personOf(request, email),
    }),
  };
}
