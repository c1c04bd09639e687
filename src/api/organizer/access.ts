/** Who may do what: each route of the organizers' plugin with the roles that may use it. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ROLES, type Role } from '../../organizer.ts';
import { isSafe } from './same-origin.ts';

/**
 * `anybody`: no session is needed. `fresh`: the sign-in must not be older than 12 hours, for what moves money or changes who has
 * access.
 */
export type Access = 'anybody' | { roles: readonly Role[]; fresh?: true };
type Method = 'GET' | 'POST' | 'OPTIONS';

const everyone = { roles: ROLES };
const owners = { roles: ['owner'] } as const;
const readers = { roles: ['owner', 'organizer', 'accountant'] } as const;
const organizers = { roles: ['owner', 'organizer'] } as const;

export const ACCESS: Record<string, Partial<Record<Method, Access>>> = {
  '/organizer/sign-in': { GET: 'anybody', POST: 'anybody' },
  '/organizer/sign-in/:token': { GET: 'anybody', POST: 'anybody' },
  '/organizer/sign-out': { POST: everyone },
  '/organizer': { GET: everyone },
  '/organizer/registrations': { GET: readers },
  '/organizer/registrations/new': { GET: organizers, POST: organizers },
  '/organizer/registrations/:id': { GET: readers },
  '/organizer/registrations/:id/refund': { POST: { ...organizers, fresh: true } },
  '/organizer/registrations/:id/retry': { POST: { ...organizers, fresh: true } },
  // Of a payment under way, it sends back what is taken.
  '/organizer/registrations/:id/cancel': { POST: { ...organizers, fresh: true } },
  '/organizer/registrations/:id/resend': { POST: organizers },
  '/organizer/registrations/:id/correct': { POST: organizers },
  '/organizer/registrations/:id/answers': { POST: organizers },
  '/organizer/registrations/:id/move': { POST: organizers },
  '/organizer/events/:event/questions': { GET: organizers, POST: organizers },
  '/organizer/events/:event/answers': { GET: organizers },
  '/organizer/registrations/:id/note': { POST: organizers },
  '/organizer/events/:event/cancel': {
    GET: { ...organizers, fresh: true },
    POST: { ...organizers, fresh: true },
  },
  '/organizer/import': { GET: organizers, POST: organizers },
  '/organizer/import/:id': { GET: organizers, POST: organizers },
  '/organizer/events': { GET: readers, POST: organizers },
  '/organizer/events/:event': { GET: organizers, POST: organizers },
  '/organizer/events/:event/preview': { GET: organizers },
  '/organizer/events/:event/picture': { GET: organizers },
  '/organizer/export': { GET: readers },
  '/organizer/export/registrations.csv': { GET: readers },
  '/organizer/export/money.csv': { GET: readers },
  '/organizer/people': { GET: { ...owners, fresh: true }, POST: { ...owners, fresh: true } },
  // The organizer password opens these, too. A browser asks without any credentials what it may send.
  '/codec': { GET: organizers },
  '/codec/decode': { POST: organizers, OPTIONS: 'anybody' },
  '/codec/encode': { POST: organizers, OPTIONS: 'anybody' },
};

/** The rule for a route. Fastify answers HEAD wherever it answers GET. */
export const accessTo = (url: string, method: string): Access | undefined =>
  ACCESS[url]?.[(method === 'HEAD' ? 'GET' : method) as Method];

/** The rule for the route of a request. @throws Error for a route without one, which {@link requireAccess} keeps from starting */
export function accessOf({ routeOptions: { url = '' }, method }: FastifyRequest): Access {
  const access = accessTo(url, method);
  if (!access) throw new Error(`There is no rule of access for ${method} ${url}`);
  return access;
}

const may = (role: Role, url: string, method: Method): boolean => {
  const access = accessTo(url, method);
  return access !== undefined && (access === 'anybody' || access.roles.includes(role));
};
/** Whether a role may open a page. */
export const mayOpen = (role: Role, path: string): boolean => may(role, path, 'GET');
/** Whether a role may send the form of a route. */
export const mayAct = (role: Role, route: string): boolean => may(role, route, 'POST');

/** Makes an app fail at its start when a route of this plugin has no rule. */
export function requireAccess(app: FastifyInstance): void {
  app.addHook('onRoute', ({ url, method }) => {
    for (const name of [method].flat())
      if (!accessTo(url, name))
        throw new Error(`${name} ${url} has no rule of access: add it to src/api/organizer/access.ts`);
  });
}

/**
 * The page to come back to after a sign-in: the one that was asked for, or the one that has the form, which is the nearest page
 * above the form's own address.
 */
export function pageFor(request: FastifyRequest): string {
  const { url, routeOptions } = request;
  if (isSafe(request)) return url;
  const [path = ''] = url.split('?');
  const [pattern, actual] = [(routeOptions.url ?? '').split('/'), path.split('/')];
  for (let length = pattern.length; length > 1; length--)
    if (ACCESS[pattern.slice(0, length).join('/')]?.GET) return actual.slice(0, length).join('/');
  return '/organizer';
}
