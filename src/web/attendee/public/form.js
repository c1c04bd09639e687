// Registers one person: holds a seat, has the payment approved by PayPal, and asks the server to take it.
import { openCheckout, Refused, statusPage } from './checkout.js';
import { openFields } from './fields.js';
import { openHold } from './hold.js';
import { message } from './messages.js';
import { mountPayPal } from './paypal.js';

const form = document.querySelector('#form');
const button = document.querySelector('#submit');
const problemBox = document.querySelector('#problem');
const progress = document.querySelector('#progress');
const payment = document.querySelector('#payment');
const { event, currency, paypalClientId: clientId } = form.dataset;

const registeredKey = `registered:${event}`;
const checkout = openCheckout(event);
const fields = openFields(form);
const hold = openHold(document.querySelector('#hold'), () => attempt(() => keepSeat(fields.contents())));

const openStatusPage = (id) => location.assign(statusPage(id));
const tell = (text = '') => (progress.textContent = text);

// --- problems ----------------------------------------------------------------------------------------------
/** Shows a problem above the form and next to each field that it names. The entered values are kept. */
function showProblem({ title, detail, errors = [] }) {
  const heading = document.createElement('h2');
  heading.textContent = title;
  const text = document.createElement('p');
  text.textContent = detail;
  const list = document.createElement('ul');
  for (const { pointer, detail: fault } of errors) {
    const path = pointer.slice(1);
    fields.showError(path, fault);
    const label = form.elements[path]?.labels?.[0] ?? document.querySelector(`#${CSS.escape(path)} > legend`);
    const link = document.createElement('a');
    link.href = `#${path}`;
    link.textContent = message('browser.problem', { label: label?.textContent.trim() ?? path, fault });
    list.append(document.createElement('li'));
    list.lastChild.append(link);
  }
  problemBox.replaceChildren(heading, text, list);
  problemBox.hidden = false;
  problemBox.focus();
}

function clearProblem() {
  problemBox.hidden = true;
  fields.clearErrors();
}

function showCardError(text) {
  fields.showError('card', text);
  document.querySelector('#error-card').scrollIntoView({ block: 'center' });
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

// --- registration ------------------------------------------------------------------------------------------
const isValid = () => {
  const errors = fields.faults();
  if (errors.length)
    showProblem({
      title: message('problem.invalid-fields'),
      detail: message('problem.invalid-fields.detail'),
      errors,
    });
  return errors.length === 0;
};

async function keepSeat(body) {
  tell(message('browser.holding'));
  const held = await checkout.hold(body);
  hold.show(held.heldUntil);
  return held;
}

/** Asks the server to take the approved payment, and opens the status page. */
async function finish(body, { id, paypalOrderId }) {
  tell(message(paypalOrderId ? 'browser.paying' : 'browser.registering'));
  hold.show(null);
  try {
    const { status } = await checkout.pay({ ...body, id, paypalOrderId }, tell);
    if (status === 201) {
      checkout.forget();
      fields.forget();
      addEventListener('pagehide', () => form.reset());
      sessionStorage.setItem(registeredKey, id);
    }
  } catch (error) {
    hold.show(checkout.read()?.heldUntil);
    if (error instanceof Refused) throw error;
    // The outcome is unknown here, but the status page will show it.
  }
  openStatusPage(id);
}

/** Runs one step at a time and shows its failure. */
let busy = false;
async function attempt(step) {
  if (busy) return;
  busy = true;
  button.setAttribute('aria-disabled', 'true');
  clearProblem();
  fields.save();
  try {
    if (isValid()) await step();
  } catch (error) {
    showFailure(error);
  } finally {
    busy = false;
    button.removeAttribute('aria-disabled');
    tell();
  }
}

function showFailure(error) {
  if (!(error instanceof Refused)) {
    const away = error instanceof TypeError || error instanceof SyntaxError;
    const text = away ? message(navigator.onLine ? 'browser.unreadable' : 'browser.offline') : error.message;
    showProblem({ title: message('browser.failed'), detail: text });
  } else if (error.is('already-registered', 'payment-in-flight')) {
    openStatusPage(checkout.read().id);
  } else {
    if (error.is('hold-expired')) hold.show(null);
    showProblem(error.problem);
  }
}

let card;
async function register() {
  const body = fields.contents();
  const held = await keepSeat(body);
  if (held.paypalOrderId === null) return finish(body, held);
  // Without an end of the hold, a payment is in flight, perhaps from another tab.
  if (held.heldUntil === null) return openStatusPage(held.id);
  tell(message('browser.checking-card'));
  const session = await card;
  if (!session) throw new Error(message('browser.card-fields-away'));
  const { postalCode, countryCode, addressLine1, city, region } = body.billing;
  const { state, data } = await session.submit(held.paypalOrderId, {
    billingAddress: { postalCode, countryCode, addressLine1, adminArea2: city, adminArea1: region },
  });
  if (state === 'succeeded') return finish(body, held);
  // If another tab has paid in the meantime, "not charged" would be wrong.
  if (await isPaidFor(body)) return undefined;
  if (state === 'canceled') return showCardError(message('browser.not-authenticated'));
  return showCardError(
    message('browser.card-failed', { reason: data?.message ?? message('browser.card-unusable') }),
  );
}

form.addEventListener('submit', (submitted) => {
  submitted.preventDefault();
  attempt(register);
});

// --- wallet ------------------------------------------------------------------------------------------------
/** One wallet payment is one attempt, from the click until PayPal reports the outcome. */
function walletPayment() {
  let settle;
  let opened;
  return {
    start() {
      if (busy) return undefined;
      let order;
      attempt(async () => {
        const body = fields.contents();
        order = keepSeat(body).then((held) => {
          if (held.heldUntil === null) openStatusPage(held.id);
          opened = held;
          tell(message('browser.waiting-for-paypal'));
          return { orderId: held.paypalOrderId };
        });
        const outcome = new Promise((resolve) => (settle = resolve));
        // If no seat can be held, the attempt ends, whatever happens in PayPal's window.
        await order;
        const ending = await outcome;
        if (ending === 'approved') await finish(body, opened);
        else if (!(await isPaidFor(body))) showCardError(message(ending));
      });
      return order;
    },
    approved: () => settle?.('approved'),
    cancelled: () => settle?.('browser.cancelled'),
    failed: () => settle?.('browser.wallet-failed'),
  };
}

function showTicket() {
  const chosen = fields.ticket();
  button.textContent = chosen?.dataset.action ?? message('form.choose-ticket');
  payment.hidden = !chosen || chosen.hasAttribute('data-free');
  if (payment.hidden) return;
  card ??= mountPayPal({ clientId, currency, wallet: walletPayment() }).catch((error) => {
    card = undefined;
    document.querySelector('#card-loading').hidden = true;
    fields.showError('card', error.message);
  });
}
form.addEventListener('change', ({ target }) => {
  if (target.name === 'ticketType') showTicket();
});

// --- resuming after a reload -------------------------------------------------------------------------------
async function resume() {
  const before = sessionStorage.getItem(registeredKey);
  const banner = document.querySelector('#registered');
  banner.hidden = !before;
  if (before) banner.querySelector('a').href = statusPage(before);
  const known = checkout.read();
  hold.show(known?.heldUntil);
  if (!known?.paying) return;
  const status = await checkout.status();
  if (busy) return;
  if (status === 'processing' || status === 'confirmed') location.replace(statusPage(known.id));
  else if (['expired', 'cancelled', 'refunded'].includes(status)) checkout.forget();
  else if (status === 'declined') fields.showError('card', message('browser.declined-before'));
}
// The Back button restores the old page, whose registration may be complete by now.
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) location.reload();
});
// Another tab has completed this registration.
addEventListener('storage', ({ key, oldValue, newValue }) => {
  const { id, paying } = JSON.parse((key === checkout.key && oldValue) || '{}');
  if (paying && newValue === null) openStatusPage(id);
});
showTicket();
resume();
// The button starts disabled, because the form does not work without this script.
button.disabled = false;
