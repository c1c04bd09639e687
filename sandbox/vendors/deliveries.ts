/** Sends a vendor's events to the product, and again until they are accepted. Nothing is sent without an address. */
import type { Journal } from './journal.ts';

export type Delivery = {
  id: string;
  kind: string;
  /** The body, byte for byte. */
  body: string;
  attempts: number;
  state: 'waiting' | 'accepted' | 'given-up';
  /** The status of the last answer; null when there was none. */
  status: number | null;
  at: string;
};
export type Deliveries = ReturnType<typeof createDeliveries>;

type Vendor = {
  name: string;
  /** The signature of one delivery: an attempt has a signature of its own. */
  sign: (body: string) => Record<string, string>;
  /** How long to wait after each attempt, in milliseconds. After the last one, the event is given up. */
  waits: number[];
};
/** Where events go, and how long to wait instead of the vendor's own times, in milliseconds. */
export type Destination = { url: string; waitMs?: number };

const ANSWER_WITHIN_MS = 30_000;

export function createDeliveries(journal: Journal, { name, sign, waits }: Vendor) {
  const deliveries = journal.map<Delivery>(`${name}.deliveries`);
  const timers = new Set<NodeJS.Timeout>();
  const running = new Set<Promise<void>>();
  let destination: Destination | undefined;

  function later(id: string, ms: number): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      run(id);
    }, ms);
    timer.unref();
    timers.add(timer);
  }

  function run(id: string): void {
    const attempt = deliver(id).finally(() => running.delete(attempt));
    running.add(attempt);
  }

  async function deliver(id: string): Promise<void> {
    const before = deliveries.get(id);
    if (!before || !destination) return;
    const status = await post(destination.url, before.body);
    const attempts = (deliveries.get(id)?.attempts ?? 0) + 1;
    const accepted = status !== null && status >= 200 && status < 300;
    const wait = waits[attempts - 1];
    const state = accepted ? 'accepted' : wait === undefined ? 'given-up' : 'waiting';
    deliveries.set(id, { ...before, attempts, status, state });
    if (state === 'waiting' && wait !== undefined) later(id, destination.waitMs ?? wait);
  }

  async function post(url: string, body: string): Promise<number | null> {
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...sign(body) },
        body,
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      await answer.body?.cancel();
      return answer.status;
    } catch {
      return null;
    }
  }

  return {
    deliveries,
    /** Sends events to an address from now on, or to nobody. What waits from before a restart goes out as well. */
    sendTo(wanted: Destination | undefined): void {
      destination = wanted;
      if (wanted)
        for (const { id, state } of deliveries.values())
          if (state === 'waiting') later(id, wanted.waitMs ?? 1000);
    },
    /** Sends an event, and returns before it has arrived. */
    send(id: string, kind: string, body: object): void {
      if (!destination) return;
      deliveries.set(id, {
        ...{ id, kind, body: JSON.stringify(body), attempts: 0, status: null },
        ...{ state: 'waiting', at: new Date().toISOString() },
      });
      later(id, 0);
    },
    /** Sends an event once more, as a vendor's dashboard does. */
    again: (id: string): void => {
      if (deliveries.has(id)) later(id, 0);
    },
    /** The headers of a delivery of this body. */
    sign,
    async close(): Promise<void> {
      destination = undefined;
      for (const timer of timers) clearTimeout(timer);
      await Promise.allSettled(running);
    },
  };
}
