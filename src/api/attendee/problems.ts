/** How attendees are shown an error: as a page to a browser that asks for one, as problem+json to everybody else. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../../config.ts';
import { problemPage } from '../../web/attendee/pages.ts';
import { problemBody, sendProblem, type Problem, type ShowProblem } from '../problem.ts';
import { frameOf } from '../frame.ts';
import { prefersPage } from '../page.ts';

/** An error page loads its stylesheet and nothing else. */
const PAGE_HEADERS = {
  'cache-control': 'no-store',
  'x-robots-tag': 'noindex',
  'content-security-policy':
    "default-src 'none';style-src 'self';img-src 'self' data:;base-uri 'none';form-action 'none';frame-ancestors 'none'",
};

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
