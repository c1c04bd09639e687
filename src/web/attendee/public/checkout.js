// The registration of one person and its requests. The id makes every request safe to repeat.
import { message } from './messages.js';

const TRIES = 5;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The server refused the request with this problem. */
export class Refused extends Error {
  constructor(problem) {
    super(problem.title);
    this.problem = problem;
  }
  is(...names) {
    return names.some((name) => this.problem.type?.endsWith(`/${name}`));
  }
}

/**
 * Sends a request to the server. The end of a hold is converted to this browser's clock (in ms), because that
 * clock may be wrong.
 */
export async function ask(method, url, body) {
  const response = await fetch(url, {
    method,
    headers: {
      'accept-language': document.documentElement.lang,
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const answer = await response.json();
  if (answer.heldUntil) {
    const now = Date.parse(response.headers.get('date')) || Date.now();
    answer.heldUntil = Date.now() + Date.parse(answer.heldUntil) - now;
  }
  if (!response.ok) throw new Refused(answer);
  return { status: response.status, answer };
}

export const statusPage = (id) => `/registrations/${id}`;

/**
 * The current registration for an event. All tabs share it until it is confirmed, so that a reload continues
 * with it. `heldUntil` is in ms. `paying` is the PayPal order that the server was asked to take.
 */
export function openCheckout(event) {
  const key = `registration:${event}`;
  const read = () => JSON.parse(localStorage.getItem(key) ?? 'null');
  const note = (changes) => localStorage.setItem(key, JSON.stringify({ ...read(), ...changes }));
  const forget = () => localStorage.removeItem(key);
  const id = () => {
    if (!read()) note({ id: crypto.randomUUID() });
    return read().id;
  };

  return {
    key,
    read,
    forget,

    /** The status on the server, or undefined if the server does not know it or cannot be reached. */
    async status() {
      const known = read();
      if (!known) return undefined;
      const asked = ask('GET', `/api/registrations/${known.id}`).catch(() => undefined);
      return (await asked)?.answer.status;
    },

    /** Holds a seat or renews the hold. If the registration has ended, a new one is started. */
    async hold(body) {
      const put = () => ask('PUT', `/api/checkouts/${id()}`, body);
      const { answer } = await put().catch((error) => {
        if (!(error instanceof Refused && error.is('registration-over'))) throw error;
        forget();
        return put();
      });
      note({ heldUntil: answer.heldUntil });
      return answer;
    },

    /**
     * Asks the server to take the payment. A lost connection leaves the outcome unknown, so the request is
     * repeated.
     * @param again called before each retry
     */
    async pay(body, again) {
      note({ paying: body.paypalOrderId ?? 'free', heldUntil: null });
      for (let tries = 1; ; tries++) {
        try {
          return await ask('POST', '/api/registrations', body);
        } catch (error) {
          if (error instanceof Refused) {
            note({ paying: null, heldUntil: error.problem.heldUntil ?? null });
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
