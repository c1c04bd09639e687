import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../../config.ts';
import { shownName } from '../../organizer.ts';
import type { OrganizerFrame } from '../../web/organizer/frame.ts';
import { frameOf } from '../frame.ts';
import { mayAct, mayOpen } from './access.ts';
import { csrfToken } from './forms.ts';

/** What every page of organizers shares: also who is signed in, and what this role may open. */
export function organizerFrame(request: FastifyRequest, reply: FastifyReply, config: Config): OrganizerFrame {
  const frame = frameOf(request, reply, config);
  const { session } = request;
  if (!session) return { ...frame, desk: null };
  const { organizer } = session;
  const { role } = organizer;
  const opens = (path: string) => mayOpen(role, path);
  const acts = (route: string) => mayAct(role, route);
  return { ...frame, desk: { name: shownName(organizer), role, csrf: csrfToken(session), opens, acts } };
}
