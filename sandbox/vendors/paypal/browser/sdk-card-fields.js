// Card fields are frames of PayPal's origin, so the merchant's page never sees a card number.
import { createFrame, listen, openDialog, origin, pageUrl, textsOf } from './frames.js';

const EMPTY = { isEmpty: true, isFocused: false, isValid: false, isPotentiallyValid: true };
const EVENTS = 'blur cardtypechange change empty focus inputsubmit notempty validitychange'.split(' ');

/** Shows the 3-D Secure challenge over the page; resolves to the outcome of the submit. */
function askBank(challenge, orderId, session, locale) {
  const url = pageUrl('/sandbox/card/challenge', session, locale, { id: challenge });
  const frame = createFrame(url, textsOf(locale).challengeTitle);
  return new Promise((resolve) => {
    const end = (result) => {
      stop();
      close();
      resolve(result);
    };
    const stop = listen(
      () => frame.contentWindow,
      ({ challenge: answered, result }) => {
        if (answered === challenge) end({ ...result, data: { orderId, ...result.data } });
      },
    );
    const close = openDialog(frame, () => end({ state: 'canceled', data: { orderId } }));
  });
}

function createSession({ locale }) {
  const session = crypto.randomUUID();
  const texts = textsOf(locale);
  const handlers = new Map(EVENTS.map((name) => [name, []]));
  const states = { number: EMPTY, expiry: EMPTY, cvv: EMPTY };

  // A hidden frame collects the three fields and calls the server. It reports when it is ready.
  const vault = createFrame(pageUrl('/sandbox/card/vault', session, locale), texts.vault);
  vault.hidden = true;
  const ready = new Promise((resolve) => {
    listen(
      () => vault.contentWindow,
      (data) => data.ready === session && resolve(),
    );
  });
  document.body.append(vault);

  return {
    /** Returns a field to append to the page. It fills its parent element. */
    createCardFieldsComponent({ type, ...options }) {
      if (!texts.fields[type]) throw new Error(`The card field "${type}" does not exist`);
      const field = createFrame(
        pageUrl('/sandbox/card/field', session, locale, { type }),
        texts.fields[type],
      );
      field.style.cssText = 'border:0;display:block;width:100%;height:100%;color-scheme:inherit';
      field.addEventListener('load', () =>
        field.contentWindow.postMessage({ configure: JSON.parse(JSON.stringify(options)) }, origin),
      );
      listen(
        () => field.contentWindow,
        ({ field: from, event, state, cards }) => {
          if (from !== session) return;
          states[type] = state;
          for (const heard of handlers.get(event)) heard({ ...states, cards, emittedBy: type });
        },
      );
      return field;
    },

    async on(eventName, callback) {
      if (!handlers.has(eventName)) throw new Error(`The event "${eventName}" does not exist`);
      handlers.get(eventName).push(callback);
    },

    /** PayPal accepts an amount and a co-branding flag here. The sandbox ignores both. */
    update: () => undefined,

    /**
     * Resolves to `{ state, data: { orderId, message?, liabilityShift? } }`, where `state` is `succeeded`,
     * `failed` or `canceled`.
     */
    async submit(orderId, { name, billingAddress } = {}) {
      if (typeof orderId !== 'string') throw new TypeError('The order id must be a string');
      await ready;
      const outcome = await new Promise((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = ({ data }) => resolve(data);
        vault.contentWindow.postMessage({ orderId, name, billingAddress }, origin, [port2]);
      });
      return outcome.challenge ? askBank(outcome.challenge, orderId, session, locale) : outcome;
    },
  };
}

export const createCardFields = (current) => ({
  createCardFieldsOneTimePaymentSession: () => createSession({ ...current }),
});
