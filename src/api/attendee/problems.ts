/** How attendees are shown an error: as a page to a browser that asks for one, as problem+json to everybody else. */
import accepts from 'accepts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../../config.ts';
import { problemPage } from '../../web/attendee/pages.ts';
import { problemBody, sendProblem, type Problem, type ShowProblem } from '../problem.ts';
import { frameOf } from './frame.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A page that people open from a link, perhaps with a client that does not say what it accepts. */
    isPage?: true;
  }
}

/** An error page loads its stylesheet and nothing else. */
const PAGE_HEADERS = {
  'cache-control': 'no-store',
  'x-robots-tag': 'noindex',
  'content-security-policy':
    "default-src 'none';style-src 'self';img-src 'self' data:;base-uri 'none';form-action 'none';frame-ancestors 'none'",
};
const JSON_TYPES = ['application/problem+json', 'application/json'];

/** Characters of an Accept header, five times what browsers send. Reading it takes time by the square of its length. */
const ACCEPT_LIMIT = 1000;

/** Whether an answer to this request is a page. */
export function prefersPage(request: FastifyRequest): boolean {
  if ((request.headers.accept?.length ?? 0) > ACCEPT_LIMIT) return false;
  const offers = request.routeOptions.config.isPage ? ['html', ...JSON_TYPES] : [...JSON_TYPES, 'html'];
  return accepts(request.raw).type(offers) === 'html';
}

export const showToAttendee =
  (config: Config): ShowProblem =>
  (request, reply, problem) =>
    prefersPage(request) ? showPage(request, reply, problem, config) : sendProblem(request, reply, problem);

function showPage(request: FastifyRequest, reply: FastifyReply, problem: Problem, config: Config) {
  const frame = frameOf(request, reply, config);
  const body = problemBody(problem, frame.speech.language);
  if (problem.extra.retryAfterSeconds) void reply.header('retry-after', problem.extra.retryAfterSeconds);
  return reply.code(body.status).headers(PAGE_HEADERS).send(problemPage(frame, body));
}
