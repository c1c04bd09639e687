// Loads PayPal's SDK and mounts its card fields, which are frames of PayPal's origin, and the wallet button.
import { locale, message } from './messages.js';

const SLOW_MS = 4000;
const GIVE_UP_MS = 15_000;
const CARD = {
  number: ['form.card-number', '1234 1234 1234 1234'],
  expiry: ['form.card-expiry', 'MM/YY'],
  cvv: ['form.card-code', '123'],
};

/** Loads PayPal's script. Rejects at once when it is blocked, and after a while when it does not answer. */
async function loadSdk(url) {
  if (window.paypal) return window.paypal;
  const script = document.createElement('script');
  script.src = url;
  const loaded = new Promise((resolve, reject) => {
    script.addEventListener('load', resolve);
    script.addEventListener('error', reject);
    setTimeout(reject, GIVE_UP_MS);
  });
  document.head.append(script);
  await loaded.catch((error) => {
    script.remove();
    throw error;
  });
  return window.paypal;
}

/** PayPal's fields have the font of the form's own fields. Their colors are those of a light page in every theme. */
function styleOfFields() {
  const { color, fontSize, fontFamily } = getComputedStyle(document.querySelector('.hosted'));
  return { input: { color, 'font-size': fontSize, 'font-family': fontFamily, padding: '0 0.75rem' } };
}

/**
 * PayPal's part of the page. It says what it does, and offers another try when it fails.
 * @param wallet handles a wallet payment: `start()` returns a promise of the PayPal order, then one of
 *   `approved`, `cancelled` or `failed` is called
 */
export function openPayPal({ url, clientId, currency, wallet }) {
  const status = document.querySelector('#card-loading');
  const retry = document.querySelector('#card-retry');
  const fields = document.querySelector('#card');
  let card;
  let mounting;

  function show(key) {
    status.hidden = !key;
    status.textContent = key ? message(key) : '';
    retry.hidden = key !== 'browser.card-fields-away';
    fields.hidden = !retry.hidden;
  }

  async function mount() {
    show('form.card-loading');
    const slow = setTimeout(() => show('browser.card-fields-slow'), SLOW_MS);
    try {
      const sdk = await loadSdk(url);
      const paypal = await sdk.createInstance({
        clientId,
        components: ['card-fields', 'paypal-payments'],
        pageType: 'checkout',
        locale,
      });
      card = mountCard(paypal.createCardFieldsOneTimePaymentSession());
      // Without the wallet, the card fields still work.
      await mountWallet(paypal, currency, wallet).catch(() => undefined);
      show(null);
    } catch {
      mounting = undefined;
      show('browser.card-fields-away');
    } finally {
      clearTimeout(slow);
    }
  }
  retry.addEventListener('click', () => (mounting = mount()));

  return {
    /** Mounts the fields, once. */
    mount: () => (mounting ??= mount()),
    /** The session that submits the card fields; undefined while they are not there. */
    card: () => card,
  };
}

function mountCard(session) {
  for (const [type, [label, placeholder]] of Object.entries(CARD)) {
    const options = { type, placeholder, ariaLabel: message(label), style: styleOfFields() };
    document.querySelector(`#card-${type}`).replaceChildren(session.createCardFieldsComponent(options));
  }
  // The focus is inside PayPal's frames, where the page's own style does not reach.
  for (const event of ['focus', 'blur'])
    session.on(event, ({ emittedBy }) =>
      document.querySelector(`#card-${emittedBy}`)?.classList.toggle('focused', event === 'focus'),
    );
  return session;
}

async function mountWallet(paypal, currency, { start, approved, cancelled, failed }) {
  const methods = await paypal.findEligibleMethods({ currencyCode: currency });
  if (!methods.isEligible('paypal')) return;
  const session = paypal.createPayPalOneTimePaymentSession({
    onApprove: ({ orderId }) => approved(orderId),
    onCancel: cancelled,
    onError: failed,
  });
  const button = document.createElement('paypal-button');
  button.setAttribute('type', 'pay');
  button.addEventListener('click', async () => {
    const order = start();
    // The window must be opened by the click, or the browser blocks it. The order can follow later.
    if (order) await session.start({ presentationMode: 'auto' }, order).catch(failed);
  });
  document.querySelector('#wallet').replaceChildren(button);
  document.querySelector('#divider').hidden = false;
}
