/** Where a request comes from, as far as limits count it. */
import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import { hash } from '../hash.ts';
import { mailboxOf } from '../mailbox.ts';

/** The IP address that limits count: of IPv6 the first 64 bits, because one household has all that follow (RFC 6177). */
export function addressOf({ ip }: Pick<FastifyRequest, 'ip'>): string {
  if (!ipaddr.isValid(ip)) return ip;
  const address = ipaddr.process(ip);
  return address instanceof ipaddr.IPv6 ? address.parts.slice(0, 4).join(':') : address.toString();
}

/** The IP address and the mailbox together, so that nobody uses up the limits of somebody else's mailbox. */
export const personOf = (request: Pick<FastifyRequest, 'ip'>, email: string): string =>
  hash(addressOf(request), mailboxOf(email));
