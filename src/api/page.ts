/** Whether an answer is a page for people or data for programs. */
import accepts from 'accepts';
import type { FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A page that people open from a link, perhaps with a client that does not say what it accepts. */
    isPage?: true;
  }
}

const JSON_TYPES = ['application/problem+json', 'application/json'];

/** Characters of an Accept header, five times what browsers send. Reading it takes time by the square of its length. */
const ACCEPT_LIMIT = 1000;

/** Whether an answer to this request is a page. */
export function prefersPage(request: FastifyRequest): boolean {
  if ((request.headers.accept?.length ?? 0) > ACCEPT_LIMIT) return false;
  const offers = request.routeOptions.config.isPage ? ['html', ...JSON_TYPES] : [...JSON_TYPES, 'html'];
  return accepts(request.raw).type(offers) === 'html';
}
