/** The states of registrations as server-sent events (HTML standard, 9.2). All who follow the same one share a reader. */
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { canChange } from '../../registrations/status.ts';
import type { StatusBody } from './schemas.ts';

/** How often the status of a registration is read for its followers: often at first, then less and less. */
const READ_EVERY_MS = { first: 500, growth: 1.25, last: 5000 };
/** A proxy may end a connection that is silent for a minute. */
const KEEP_ALIVE_AFTER_MS = 15_000;

/** A registration that is followed, and its last known state. */
type Followed = { status: StatusBody; streams: Set<Readable> };

const told = (status: StatusBody) => `data: ${JSON.stringify(status)}\n\n`;

/**
 * @param read the status of a registration; what it throws for the first follower, that follower gets
 * @param closing ends all streams
 */
export function createFollowers(read: (id: string) => Promise<StatusBody>, closing: AbortSignal) {
  const followed = new Map<string, Followed>();
  const asked = new Map<string, Promise<StatusBody>>();

  /** All who come before the first answer share it. */
  function readOnce(id: string): Promise<StatusBody> {
    const reading = asked.get(id) ?? read(id).finally(() => asked.delete(id));
    asked.set(id, reading);
    return reading;
  }

  /** Each state of a registration that differs from the one before, until nothing can change any more. */
  async function follow(id: string): Promise<Readable> {
    const status = followed.get(id)?.status ?? (await readOnce(id));
    // Somebody else may have come first meanwhile.
    const registration = followed.get(id) ?? { status, streams: new Set() };
    const stream = new Readable({ read: () => undefined });
    registration.streams.add(stream);
    stream.once('close', () => registration.streams.delete(stream));
    stream.push(told(registration.status));
    if (!followed.has(id))
      // Should the reader fail, its followers connect again.
      watch(id, registration).catch(() => {
        for (const one of registration.streams) one.destroy();
      });
    return stream;
  }

  /** Reads the status while somebody follows it and it can change, and then ends all streams. */
  async function watch(id: string, registration: Followed): Promise<void> {
    const { streams } = registration;
    followed.set(id, registration);
    const goesOn = () => streams.size > 0 && !closing.aborted;
    let wait = READ_EVERY_MS.first;
    let toldAt = Date.now();
    try {
      while (canChange(registration.status) && goesOn()) {
        await sleep(wait, undefined, { signal: closing }).catch(() => undefined);
        wait = Math.min(wait * READ_EVERY_MS.growth, READ_EVERY_MS.last);
        if (!goesOn()) break;
        const before = told(registration.status);
        // While nobody can be asked, the last state stands.
        registration.status = await read(id).catch(() => registration.status);
        const now = told(registration.status);
        const silent = Date.now() - toldAt > KEEP_ALIVE_AFTER_MS;
        if (now === before && !silent) continue;
        tell(streams, now === before ? ': nothing new\n\n' : now);
        toldAt = Date.now();
      }
    } finally {
      followed.delete(id);
    }
    if (!canChange(registration.status)) tell(streams, 'event: done\ndata: {}\n\n');
    for (const stream of streams) stream.push(null);
  }

  return { follow };
}

/** A client that reads nothing of what it is sent is let go. */
function tell(streams: Set<Readable>, text: string): void {
  for (const stream of streams) if (!stream.push(text)) stream.destroy();
}
