/** How organizers are shown an error: as a page to a browser that asks for one, as problem+json to everybody else. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../../config.ts';
import { problemPage } from '../../web/organizer/pages.ts';
import { prefersPage } from '../page.ts';
import { problemBody, sendProblem, type Problem, type ShowProblem } from '../problem.ts';
import { organizerFrame } from './frame.ts';
import { PRIVATE } from './session.ts';

export const showToOrganizer =
  (config: Config): ShowProblem =>
  (request, reply, problem) =>
    prefersPage(request)
      ? showPage(request, reply, problem, config)
      : sendProblem(request, reply.headers(PRIVATE), problem, 'organizer');

function showPage(request: FastifyRequest, reply: FastifyReply, problem: Problem, config: Config) {
  const frame = organizerFrame(request, reply.headers(PRIVATE), config);
  const body = problemBody(problem, frame.speech.language, 'organizer');
  if (problem.extra.retryAfterSeconds) void reply.header('retry-after', problem.extra.retryAfterSeconds);
  return reply.code(body.status).send(problemPage(frame, body));
}
