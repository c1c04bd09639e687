/** Whether a request was sent by a page of this service. */
import type { FastifyRequest } from 'fastify';
import type { Config } from '../../config.ts';

/** The names by which a machine calls itself. */
export const LOOPBACK = /^(localhost|127(\.\d+){3}|\[?::1\]?|::ffff:127(\.\d+){3})$/;

/** Whether a request asks for something and changes nothing. */
export const isSafe = ({ method }: Pick<FastifyRequest, 'method'>): boolean =>
  ['GET', 'HEAD'].includes(method);

/**
 * Browsers say where a POST comes from (WHATWG Fetch, `Origin` header), or else how far away that is (`Sec-Fetch-Site`). A request
 * that says neither is from no browser of today, and is refused.
 */
export function isFromHere(
  { headers }: Pick<FastifyRequest, 'headers'>,
  { publicUrl }: Pick<Config, 'publicUrl'>,
) {
  const { origin, host = '', 'sec-fetch-site': site } = headers;
  if (origin === undefined) return site === 'same-origin';
  const own = new URL(publicUrl);
  // `npm start` is reached by each name of its machine. A page of another site has a name of its own, wherever that leads.
  const isLocal = [own.hostname, host.replace(/:\d+$/, '')].every((name) => LOOPBACK.test(name));
  return origin === own.origin || (isLocal && origin === `http://${host}`);
}
