// One registration per person, and the requests it takes. Every request may be repeated: the id makes it happen once.
import { message } from './messages.js';

const TRIES = 5;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A problem that the server answered with. */
export class Refused extends Error {
  constructor(problem) {
    super(problem.title);
    this.problem = problem;
  }
  is(...names) {
    return names.some((name) => this.problem.type?.endsWith(`/${name}`));
  }
}

/** Asks the server. Times of a hold come back as this browser's clock would tell them (ms), which may well be wrong. */
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
 * The registration that this browser is at for an event, in all its tabs: kept until it is confirmed, so that a reload or
 * a second tab goes on with the same one. `heldUntil`: ms; `paying`: the PayPal order that the server was asked to take.
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

    /** How the registration stands at the server; undefined where it knows none or cannot tell. */
    async status() {
      const known = read();
      if (!known) return undefined;
      const asked = ask('GET', `/api/registrations/${known.id}`).catch(() => undefined);
      return (await asked)?.answer.status;
    },

    /** Holds a seat, or renews its hold. A registration that has ended gives way to a new one. */
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
     * Asks for the payment. A lost connection says nothing about it, so the same request is sent again.
     * @param again called before each further try
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
