// PayPal's script and what it adds to the page: card fields in PayPal's frames, and the wallet button.
import { message } from './messages.js';

const WAIT_MS = 15_000;
const LOCALES = { en: 'en-GB', de: 'de-DE' };
const CARD = {
  number: ['form.card-number', '1234 1234 1234 1234'],
  expiry: ['form.card-expiry', 'MM/YY'],
  cvv: ['form.card-code', '123'],
};

/** Waits for PayPal's script, which loads asynchronously so that it does not delay the page. */
async function paypalSdk() {
  for (let waited = 0; !window.paypal; waited += 100) {
    if (waited > WAIT_MS) throw new Error(message('browser.card-fields-away'));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return window.paypal;
}

/** The style of our own fields. PayPal's frames cannot use our style sheet, so it is passed to them. */
function look() {
  const { color, fontSize, fontFamily } = getComputedStyle(document.querySelector('.hosted'));
  return { input: { color, 'font-size': fontSize, 'font-family': fontFamily, padding: '0 0.75rem' } };
}

/**
 * Adds PayPal's card fields and wallet button to the page.
 * @param wallet callbacks of a wallet payment: `start()` returns a promise of the PayPal order id, and one of
 *   `approved`, `cancelled` and `failed` follows
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
  // If the wallet is not available, people can still pay by card.
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
    // The window must open during the click, or the browser blocks it. The order may follow later.
    if (order) await session.start({ presentationMode: 'auto' }, order).catch(failed);
  });
  document.querySelector('#wallet').replaceChildren(button);
  document.querySelector('#divider').hidden = false;
}
