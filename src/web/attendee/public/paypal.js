// PayPal's own script, and what it puts into our page: card fields in frames of PayPal's origin, and the wallet's button.
import { message } from './messages.js';

const WAIT_MS = 15_000;
const LOCALES = { en: 'en-GB', de: 'de-DE' };
const CARD = {
  number: ['form.card-number', '1234 1234 1234 1234'],
  expiry: ['form.card-expiry', 'MM/YY'],
  cvv: ['form.card-code', '123'],
};

/** PayPal's script is loaded beside the page, which does not wait for it. */
async function paypalSdk() {
  for (let waited = 0; !window.paypal; waited += 100) {
    if (waited > WAIT_MS) throw new Error(message('browser.card-fields-away'));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return window.paypal;
}

/** The look of the form's own fields, for those that are not ours to style. */
function look() {
  const { color, fontSize, fontFamily } = getComputedStyle(document.querySelector('.hosted'));
  return { input: { color, 'font-size': fontSize, 'font-family': fontFamily, padding: '0 0.75rem' } };
}

/**
 * Puts PayPal's fields and button into the page.
 * @param wallet what happens to a payment by wallet: `start()` answers the promise of a PayPal order's id, then one of
 *   `approved`, `cancelled` or `failed` is called
 * @returns the session that submits the card fields
 */
export async function mountPayPal({ clientId, currency, wallet }) {
  const sdk = await paypalSdk();
  const paypal = await sdk.createInstance({
    clientId,
    components: ['card-fields', 'paypal-payments'],
    pageType: 'checkout',
    locale: LOCALES[document.documentElement.lang],
  });
  const card = paypal.createCardFieldsOneTimePaymentSession();
  for (const [type, [label, placeholder]] of Object.entries(CARD))
    document
      .querySelector(`#card-${type}`)
      .replaceChildren(
        card.createCardFieldsComponent({ type, placeholder, ariaLabel: message(label), style: look() }),
      );
  document.querySelector('#card-loading').hidden = true;
  // Whoever cannot have the wallet here still has the card.
  await mountWallet(paypal, currency, wallet).catch(() => undefined);
  return card;
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
    // PayPal opens its window during the click, or the browser would block it; the order may follow.
    if (order) await session.start({ presentationMode: 'auto' }, order).catch(failed);
  });
  document.querySelector('#wallet').replaceChildren(button);
  document.querySelector('#divider').hidden = false;
}
