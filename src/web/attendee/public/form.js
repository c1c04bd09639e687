// Registers one person: holds a seat, has the payment approved by PayPal, and asks the server to take it.
import { openCheckout, Refused, statusPage } from './checkout.js';
import { openFields } from './fields.js';
import { openHold } from './hold.js';
import { message } from './messages.js';
import { openPayPal } from './paypal.js';
import { openProblems } from './problems.js';
import { shared, tab } from './storage.js';
import { openTickets } from './tickets.js';
import { openWallet } from './wallet.js';

const element = (id) => document.getElementById(id);
const form = element('form');
const button = element('submit');
const progress = element('progress');
const { event, currency, paypalClientId: clientId, paypalSdk: url } = form.dataset;

const registeredKey = `registered:${event}`;
const checkout = openCheckout(event);
const problems = openProblems(form, element('problem'));
const tickets = openTickets(form);
const fields = openFields(form, { isFree: tickets.isFree, onCorrected: problems.corrected });
const hold = openHold(element('hold'), () => attempt(renew, { anyFields: true }));

const openStatusPage = (id) => location.assign(statusPage(id));

/** Says what is going on, in the button and to screen readers. */
function tell(text = '') {
  progress.textContent = text;
  button.classList.toggle('busy', text !== '');
  button.querySelector('.label').textContent = text || tickets.action();
}

function showCardError(text) {
  fields.showError('card', text);
  const error = element('error-card');
  error.scrollIntoView({ block: 'center' });
  error.focus();
}

function showHold(heldUntil) {
  hold.show(heldUntil);
  tickets.holdFor(heldUntil > Date.now() ? checkout.read()?.ticketType : undefined);
}

/** Shows why an attempt failed, where the attendee can do something about it. */
async function showFailure(error) {
  if (!(error instanceof Refused)) {
    const away = error instanceof TypeError || error instanceof SyntaxError;
    const text = away ? message(navigator.onLine ? 'browser.unreadable' : 'browser.offline') : error.message;
    return problems.show({ title: message('browser.failed'), detail: text });
  }
  const { problem } = error;
  if (error.is('already-registered', 'payment-in-flight')) return openStatusPage(checkout.read().id);
  showHold(error.is('hold-expired') ? null : checkout.read()?.heldUntil);
  if (error.is('declined')) return showCardError(problem.detail);
  // The organizers may have changed their questions since the page was loaded.
  if (problem.errors?.some(({ pointer }) => pointer.startsWith('/answers'))) await fields.refreshQuestions();
  if (!error.is('sold-out')) return problems.show(problem, fields.showError);
  const left = await tickets.refresh();
  showTicket();
  const names = new Intl.ListFormat(document.documentElement.lang).format(left);
  const still = left.length ? ` ${message('browser.still-available', { tickets: names })}` : '';
  return problems.show({ ...problem, detail: problem.detail + still });
}

// --- one attempt at a time -----------------------------------------------------------------------------------
let busy = false;
/** Runs the steps of an attempt, and returns its end; undefined if the form has faults or another attempt is running. */
function attempt(steps, { anyFields = false } = {}) {
  if (busy) return undefined;
  problems.clear();
  fields.clearErrors();
  fields.save();
  const errors = anyFields ? [] : fields.faults();
  if (errors.length) {
    const title = message('problem.invalid-fields');
    problems.show({ title, detail: message('browser.invalid-fields'), errors }, fields.showError);
    return undefined;
  }
  busy = true;
  button.setAttribute('aria-disabled', 'true');
  fields.lock(true);
  return steps()
    .catch(showFailure)
    .finally(() => {
      busy = false;
      button.removeAttribute('aria-disabled');
      fields.lock(false);
      tell();
    });
}

/** Holds the seat at the price that is shown; refuses another price, which is shown then. */
async function keepSeat(body) {
  tell(message('browser.holding'));
  const held = await checkout.hold(body);
  showHold(held.heldUntil);
  const price = tickets.priceChange(held.amount);
  if (price)
    throw new Refused({
      title: message('browser.price-changed'),
      detail: message('browser.price-changed.detail', { amount: price }),
    });
  return held;
}

async function renew() {
  tell(message('browser.holding'));
  showHold((await checkout.renew())?.heldUntil);
}

/** Asks the server to take the payment, and opens the status page. */
async function finish(body, { id, paypalOrderId }) {
  tell(message(paypalOrderId ? 'browser.paying' : 'browser.registering'));
  hold.show(null);
  try {
    const { status } = await checkout.pay({ ...body, id, paypalOrderId }, tell);
    if (status === 201) {
      checkout.forget();
      fields.forget();
      addEventListener('pagehide', () => form.reset());
      tab.set(registeredKey, id);
    }
  } catch (error) {
    if (error instanceof Refused) throw error;
    // The outcome is unknown here. The status page shows it.
  }
  openStatusPage(id);
}

/**
 * Another tab may have paid for this registration. If so, opens the status page and returns true. Otherwise
 * renews the hold and returns false.
 */
async function isPaidFor(body) {
  const held = await keepSeat(body);
  if (held.heldUntil !== null) return false;
  openStatusPage(held.id);
  return true;
}

// --- the ways to pay -----------------------------------------------------------------------------------------
let body;
const wallet = openWallet({
  attempt,
  async hold() {
    body = fields.contents();
    const held = await keepSeat(body);
    if (held.heldUntil === null) openStatusPage(held.id);
    tell(message('browser.waiting-for-paypal'));
    return held;
  },
  finish: (held) => finish(body, held),
  failed: async (key) => (await isPaidFor(body)) || showCardError(message(key)),
});
const paypal = openPayPal({ url, clientId, currency, wallet });

async function register() {
  const card = tickets.isFree() ? undefined : paypal.card();
  // Nothing is held for a payment that cannot be made yet.
  if (!tickets.isFree() && !card) return showCardError(message('browser.card-fields-not-ready'));
  const sent = fields.contents();
  const held = await keepSeat(sent);
  if (held.paypalOrderId === null) return finish(sent, held);
  // Without an end, a payment is in flight, for example in another tab.
  if (held.heldUntil === null) return openStatusPage(held.id);
  tell(message('browser.checking-card'));
  const { postalCode, countryCode, addressLine1, city, region } = sent.billing;
  const { state, data } = await card.submit(held.paypalOrderId, {
    billingAddress: { postalCode, countryCode, addressLine1, adminArea2: city, adminArea1: region },
  });
  if (state === 'succeeded') return finish(sent, held);
  // If another tab has paid meanwhile, the attendee has been charged.
  if (await isPaidFor(sent)) return undefined;
  if (state === 'canceled') return showCardError(message('browser.not-authenticated'));
  const reason = data?.message ?? message('browser.card-unusable');
  return showCardError(message('browser.card-failed', { reason }));
}

form.addEventListener('submit', (submitted) => {
  submitted.preventDefault();
  attempt(register);
});

function showTicket() {
  const paid = tickets.chosen() && !tickets.isFree();
  element('payment').hidden = !paid;
  fields.applyTicket();
  tickets.showSummary();
  if (!busy) tell();
  if (paid) paypal.mount();
}
form.addEventListener('change', ({ target }) => {
  if (target.name === 'ticketType') showTicket();
});

// --- continuing an earlier visit -----------------------------------------------------------------------------
/** Links to a registration of this browser, in one of the notices above the form. */
function notice(id, registration) {
  element(id).hidden = !registration;
  if (registration) element(id).querySelector('a').href = statusPage(registration);
}

async function resume() {
  element('storage').hidden = shared.isKept && tab.isKept;
  notice('registered', tab.get(registeredKey));
  const [elsewhere] = checkout.paidElsewhere();
  if (elsewhere && (await checkout.status(elsewhere)) === 'processing') notice('in-progress', elsewhere);
  const known = checkout.read();
  showHold(known?.heldUntil);
  if (known?.declined) fields.showError('card', known.declined);
  if (!known?.paying) return;
  const status = await checkout.status(known.id);
  if (busy) return;
  if (['processing', 'unconfirmed', 'confirmed'].includes(status)) location.replace(statusPage(known.id));
  else if (['expired', 'cancelled', 'refunded'].includes(status)) checkout.forget();
  else if (status === 'declined') {
    fields.showError('card', message('browser.declined-before'));
    // The decline made the seat a hold again. Its end is known once it is renewed.
    await checkout.renew().then((held) => showHold(held?.heldUntil), showFailure);
  }
}
// The browser may restore the page when the attendee goes back, although the registration has changed.
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) location.reload();
});
checkout.onFinished(openStatusPage);
showTicket();
resume();
// The form does not work without this script, so it says so until here.
element('starting').remove();
button.disabled = false;
