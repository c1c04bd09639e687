// The registrations of this browser, and the requests that they take. The id makes each request safe to repeat.
import { message } from './messages.js';
import { shared, tab } from './storage.js';

const TRIES = 5;
/** The longest wait for another tab's lock. The work under it takes less than a millisecond. */
const LOCK_MS = 1000;
const DAY_MS = 86_400_000;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A problem that the server reported, or that stops the form before the server is asked to take a payment. */
export class Refused extends Error {
  constructor(problem) {
    super(problem.title);
    this.problem = problem;
  }
  is(...names) {
    return names.some((name) => this.problem.type?.endsWith(`/${name}`));
  }
}

/** The clock of this browser (ms) when a time of the server comes, by the answer's own date: clocks may be wrong. */
function toLocalTime(time, response) {
  const now = Date.parse(response.headers.get('date')) || Date.now();
  return Date.now() + Date.parse(time) - now;
}

/**
 * Sends a request to the server. The end of a hold is converted to this browser's clock (ms).
 * @param secret makes a registration this browser's own
 */
export async function ask(method, url, body, secret) {
  const response = await fetch(url, {
    method,
    headers: {
      'accept-language': document.documentElement.lang,
      ...(body ? { 'content-type': 'application/json' } : {}),
      ...(secret ? { 'x-checkout-secret': secret } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const answer = await response.json();
  if (answer.heldUntil) answer.heldUntil = toLocalTime(answer.heldUntil, response);
  if (!response.ok) throw new Refused(answer);
  return { status: response.status, answer };
}

/** Problems after which a registration cannot go on in this browser. */
const OVER = ['registration-over', 'not-your-registration', 'too-many-orders'];

export const statusPage = (id) => `/registrations/${id}`;

/** One key for each registration, so that two tabs never overwrite each other's. */
const PREFIX = 'registration:';
const keyOf = (event, id) => `${PREFIX}${event}:${id}`;
const tabKeyOf = (event) => `${PREFIX}${event}`;
const draftKeyOf = (event) => `registration-draft:${event}`;

/** Forgets a registration that needs nothing more of this browser. */
export function forget(id) {
  for (const key of shared.keys().filter((name) => name.startsWith(PREFIX) && name.endsWith(`:${id}`))) {
    shared.remove(key);
    const event = key.slice(PREFIX.length, -id.length - 1);
    if (tab.get(tabKeyOf(event)) !== id) continue;
    tab.remove(tabKeyOf(event));
    tab.remove(draftKeyOf(event));
  }
}

/** Recognizes a person without storing who they are (FNV-1a, 32 bits). */
function hashOf({ attendee: { firstName = '', lastName = '', email = '' } }) {
  let hash = 0x811c9dc5;
  for (const letter of [firstName, lastName, email].join('\n').toLowerCase())
    hash = Math.imul(hash ^ letter.codePointAt(0), 0x01000193) >>> 0;
  return hash;
}

/**
 * Runs work that no other tab may do at the same time, where the browser has locks (Web Locks API). Chromium may lose
 * a request that is made while a window opens, so the request waits for the click to end, and goes on without
 * the lock after a second.
 */
async function exclusively(name, work) {
  if (!navigator.locks) return work();
  await pause(0);
  let done;
  const once = () => (done ??= { result: work() });
  await navigator.locks.request(name, { signal: AbortSignal.timeout(LOCK_MS) }, once).catch(once);
  return done.result;
}

/**
 * The registrations for an event in this browser. A tab goes on with its own registration; two tabs with the same person
 * share one, and another person has another. Of each is kept: `person` (a hash), `secret`, `at` and `heldUntil` (ms), `ticketType`,
 * `paying` (the PayPal order that the server was asked to take) and `declined` (the last reason).
 */
export function openCheckout(event) {
  const tabKey = tabKeyOf(event);
  const draftKey = `${draftKeyOf(event)}:sent`;
  const find = (id) => (id ? shared.get(keyOf(event, id)) : null);
  const note = (id, changes) => shared.set(keyOf(event, id), { ...find(id), ...changes });
  const ids = () =>
    shared
      .keys()
      .filter((key) => key.startsWith(`${tabKey}:`))
      .map((key) => key.slice(tabKey.length + 1));
  /** This tab's registration, or undefined. */
  function read() {
    const id = tab.get(tabKey);
    const known = find(id);
    return known ? { id, ...known } : undefined;
  }

  const identify = (body) =>
    exclusively(tabKey, () => {
      const person = hashOf(body);
      for (const id of ids()) {
        const { at = 0, paying, heldUntil } = find(id);
        if (!paying && (heldUntil ?? at) < Date.now() - DAY_MS) shared.remove(keyOf(event, id));
      }
      const id = read()?.id ?? ids().find((other) => find(other).person === person) ?? crypto.randomUUID();
      const { secret = crypto.randomUUID() } = find(id) ?? {};
      note(id, { person, secret, at: Date.now() });
      tab.set(tabKey, id);
      return id;
    });

  /** Notes what a refusal says of the seat. */
  function noteRefusal(id, { ticketType }, error) {
    if (error instanceof Refused && error.problem.heldUntil !== undefined)
      note(id, { heldUntil: error.problem.heldUntil, ticketType });
  }

  return {
    read,
    forget: () => {
      const { id } = read() ?? {};
      if (id) forget(id);
      tab.remove(draftKey);
    },

    /** Calls back when another tab has finished the registration that this tab was paying for. */
    onFinished(callback) {
      let last = read();
      addEventListener('storage', () => {
        const { id } = last ?? {};
        if (last?.paying && !find(id)) callback(id);
        last = read();
      });
    },

    /** Registrations of other tabs whose payment is in progress. */
    paidElsewhere: () => ids().filter((id) => id !== tab.get(tabKey) && find(id).paying),

    /** The status of a registration on the server, or undefined if the server does not know it or cannot be reached. */
    async status(id) {
      const asked = ask('GET', `/api/registrations/${id}`).catch(() => undefined);
      return (await asked)?.answer.status;
    },

    /** Holds a seat or renews the hold. If the registration has ended, or is not this browser's, a new one is started. */
    async hold(body) {
      const put = async () => {
        const id = await identify(body);
        return ask('PUT', `/api/checkouts/${id}`, body, find(id).secret).catch((error) => {
          noteRefusal(id, body, error);
          throw error;
        });
      };
      const { answer } = await put().catch((error) => {
        if (!(error instanceof Refused && error.is(...OVER))) throw error;
        forget(read().id);
        return put();
      });
      note(answer.id, { heldUntil: answer.heldUntil, ticketType: body.ticketType });
      tab.set(draftKey, body);
      return answer;
    },

    /** Renews the hold with the form as it was last accepted, whatever is in the fields now. */
    async renew() {
      const body = tab.get(draftKey);
      return body && read() ? this.hold(body) : undefined;
    },

    /**
     * Asks the server to take the payment. A lost connection leaves the outcome unknown, so the request is
     * repeated.
     * @param again called before each retry
     */
    async pay(body, again) {
      note(body.id, { paying: body.paypalOrderId ?? 'free', heldUntil: null, declined: null });
      for (let tries = 1; ; tries++) {
        try {
          return await ask('POST', '/api/registrations', body, find(body.id).secret);
        } catch (error) {
          if (error instanceof Refused) {
            const declined = error.is('declined') ? error.problem.detail : null;
            note(body.id, { paying: null, declined });
            noteRefusal(body.id, body, error);
            throw error;
          }
          if (tries > TRIES) throw error;
          again(message('browser.asking-again'));
          await pause(1000 * 2 ** (tries - 1));
        }
      }
    },
  };
}
