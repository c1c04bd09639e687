/** How many may follow registrations at once. */
import type { FastifyRequest } from 'fastify';
import { addressOf } from '../origin.ts';
import { Problem, unavailable } from '../problem.ts';

/**
 * Each follower costs memory, and each registration that is followed costs requests to Temporal. The page polls when there is
 * no place. Behind one address there can be an office; those of one registration are a person's tabs and devices.
 */
export const PLACES = { inAll: 500, perAddress: 50, perRegistration: 10 };

/** Takes a place until the connection closes. What it returns gives the place back before that. */
export type TakePlace = (request: FastifyRequest, id: string) => () => void;

/** @param limited whether there is a bound for one address and for one registration, too */
export function createPlaces(limited: boolean): TakePlace {
  const taken = new Map<string, number>();
  const count = (key: string) => taken.get(key) ?? 0;

  return (request, id) => {
    const { socket } = request.raw;
    const [all, address, registration] = [
      'all',
      `address ${addressOf(request)}`,
      `registration ${id}`,
    ] as const;
    if (count(all) >= PLACES.inAll) throw unavailable();
    if (limited && (count(address) >= PLACES.perAddress || count(registration) >= PLACES.perRegistration))
      throw new Problem('too-many-requests', { retryAfterSeconds: 10 });
    const keys = new Set([all, address, registration]);
    for (const key of keys) taken.set(key, count(key) + 1);

    function leave() {
      socket.off('close', leave);
      for (const key of keys) {
        if (count(key) > 1) taken.set(key, count(key) - 1);
        else taken.delete(key);
      }
      keys.clear();
    }
    // A client can be gone at any time, also before its answer begins; after the last event the api closes the connection.
    socket.once('close', leave);
    return leave;
  };
}
