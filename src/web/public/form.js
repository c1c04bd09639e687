// Registers one person: holds a seat, hands the card to PayPal's own fields, then asks the server to take the payment.
// Every request may be repeated: the id of the registration makes each of them happen once.

const form = document.querySelector('#form');
const button = document.querySelector('#submit');
const problemBox = document.querySelector('#problem');
const progress = document.querySelector('#progress');
const payment = document.querySelector('#payment');
const { event, paypalClientId } = form.dataset;

const UNKNOWN_RETRIES = 5;
const draftKey = `registration-draft:${event}`;
const idKey = `registration-id:${event}`;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// --- one id per person to register, kept until that registration is confirmed -------------------------------------
const registrationId = () => {
  const id = localStorage.getItem(idKey) ?? crypto.randomUUID();
  localStorage.setItem(idKey, id);
  return id;
};
const forgetRegistration = () => localStorage.removeItem(idKey);

// --- the form's contents ------------------------------------------------------------------------------------------
const ticket = () => form.querySelector('[name=ticketType]:checked');
const isFree = () => ticket()?.hasAttribute('data-free') ?? false;

/** The fields as the server takes them: names are JSON pointers, empty ones are left out. */
function contents() {
  const body = { event, newsletter: form.elements.newsletter.checked };
  if (ticket()) body.ticketType = ticket().value;
  for (const field of form.querySelectorAll('input[name*="/"], select')) {
    const [part, name] = field.name.split('/');
    body[part] ??= {};
    const value = field.value.trim();
    if (value) body[part][name] = value;
  }
  return body;
}

// What was typed survives a reload, in this tab only: it is personal.
function saveDraft() {
  const fields = [...form.querySelectorAll('input[name*="/"], select')].map(({ name, value }) => [
    name,
    value,
  ]);
  sessionStorage.setItem(draftKey, JSON.stringify({ fields, ticketType: ticket()?.value }));
}
function restoreDraft() {
  const { fields = [], ticketType } = JSON.parse(sessionStorage.getItem(draftKey) ?? '{}');
  for (const [name, value] of fields) if (form.elements[name]) form.elements[name].value = value;
  const chosen = [...form.querySelectorAll('[name=ticketType]:enabled')];
  const wanted =
    chosen.find(({ value }) => value === ticketType) ?? (chosen.length === 1 ? chosen[0] : undefined);
  if (wanted) wanted.checked = true;
}

// --- PayPal's card fields -----------------------------------------------------------------------------------------
let cardFields;

/** Puts PayPal's fields into the page, once its script is there; resolves to the session that submits them. */
async function loadCardFields() {
  const sdk = await paypalSdk();
  const paypal = await sdk.createInstance({ clientId: paypalClientId, components: ['card-fields'] });
  const session = paypal.createCardFieldsOneTimePaymentSession();
  const placeholders = { number: '1234 1234 1234 1234', expiry: 'MM/YY', cvv: '123' };
  for (const [type, placeholder] of Object.entries(placeholders))
    document.querySelector(`#card-${type}`).append(session.createCardFieldsComponent({ type, placeholder }));
  return session;
}

/** PayPal's script is loaded beside the page, which does not wait for it. */
async function paypalSdk() {
  for (let waited = 0; !window.paypal; waited += 100) {
    if (waited > 15_000)
      throw new Error("PayPal's card fields could not be loaded. Please check your connection and reload.");
    await pause(100);
  }
  return window.paypal;
}

function showTicket() {
  const chosen = ticket();
  button.disabled = !chosen;
  button.textContent = chosen?.dataset.action ?? 'Choose a ticket';
  payment.hidden = !chosen || isFree();
  if (!payment.hidden)
    cardFields ??= loadCardFields().catch((error) => {
      cardFields = undefined;
      showError('error-card', error.message);
    });
}

// --- what went wrong ----------------------------------------------------------------------------------------------
function showError(id, text) {
  const element = document.getElementById(id);
  if (!element) return;
  element.textContent = text;
  element.hidden = !text;
}

function clearProblem() {
  problemBox.hidden = true;
  for (const error of form.querySelectorAll('.error')) error.hidden = true;
  for (const field of form.querySelectorAll('[aria-invalid]')) field.removeAttribute('aria-invalid');
}

/** A problem of the server's, above the form and at each field it names. What was entered stays. */
function showProblem({ title, detail, errors = [] }) {
  const heading = document.createElement('h2');
  heading.textContent = title;
  const text = document.createElement('p');
  text.textContent = detail;
  const list = document.createElement('ul');
  for (const { pointer, detail: fault } of errors) {
    const path = pointer.slice(1);
    const field = document.getElementById(path) ?? form.querySelector(`[name="${CSS.escape(path)}"]`);
    const label = field?.labels?.[0]?.textContent.trim() ?? path;
    field?.setAttribute('aria-invalid', 'true');
    showError(`error-${path}`, fault);
    const link = document.createElement('a');
    link.href = `#${field?.id || 'form'}`;
    link.textContent = path === 'ticketType' ? `Ticket: ${fault}` : `${label}: ${fault}`;
    list.append(document.createElement('li'));
    list.lastChild.append(link);
  }
  problemBox.replaceChildren(heading, text, list);
  problemBox.hidden = false;
  problemBox.focus();
}

// --- the sequence -------------------------------------------------------------------------------------------------
class Refused extends Error {
  constructor(problem) {
    super(problem.title);
    this.problem = problem;
  }
  is(name) {
    return this.problem.type?.endsWith(`/${name}`) ?? false;
  }
}

async function send(method, url, body) {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Refused(answer);
  return { status: response.status, answer };
}

/** Holds the seat. A registration that has ended needs a new id; one that succeeded has its page. */
async function hold(body) {
  try {
    return (await send('PUT', `/api/checkouts/${registrationId()}`, body)).answer;
  } catch (error) {
    if (!(error instanceof Refused) || !error.is('registration-over')) throw error;
    forgetRegistration();
    return (await send('PUT', `/api/checkouts/${registrationId()}`, body)).answer;
  }
}

/** Asks for the payment. A lost connection says nothing about it, so the same request is sent again. */
async function pay(body) {
  for (let tries = 0; ; tries++) {
    try {
      return await send('POST', '/api/registrations', body);
    } catch (error) {
      if (error instanceof Refused || tries >= UNKNOWN_RETRIES) throw error;
      progress.textContent = 'The connection was lost. We are asking again: you will not be charged twice.';
      await pause(1000 * 2 ** tries);
    }
  }
}

const openStatusPage = (id) => location.assign(`/registrations/${id}`);

async function register() {
  const body = contents();
  progress.textContent = 'Holding your seat…';
  const checkout = await hold(body);
  if (checkout.paypalOrderId) {
    progress.textContent = 'Checking your card…';
    const session = await cardFields;
    if (!session) throw new Error("PayPal's card fields are not there yet. You have not been charged.");
    const { postalCode, countryCode, addressLine1, city, region } = body.billing;
    const { state, data } = await session.submit(checkout.paypalOrderId, {
      billingAddress: { postalCode, countryCode, addressLine1, adminArea2: city, adminArea1: region },
    });
    if (state === 'canceled') return;
    if (state !== 'succeeded') {
      showError('error-card', `${data?.message ?? 'The card could not be used.'} You have not been charged.`);
      document.querySelector('#error-card').scrollIntoView({ block: 'center' });
      return;
    }
  }
  progress.textContent = checkout.paypalOrderId ? 'Paying…' : 'Registering…';
  const { status } = await pay({ ...body, id: checkout.id, paypalOrderId: checkout.paypalOrderId }).catch(
    (error) => {
      // Not known, and nobody here can tell: the status page will.
      if (!(error instanceof Refused)) openStatusPage(checkout.id);
      throw error;
    },
  );
  if (status === 201) {
    forgetRegistration();
    sessionStorage.removeItem(draftKey);
  }
  openStatusPage(checkout.id);
}

let busy = false;
form.addEventListener('submit', async (submitted) => {
  submitted.preventDefault();
  if (busy) return;
  busy = button.disabled = true;
  clearProblem();
  saveDraft();
  try {
    await register();
  } catch (error) {
    if (error instanceof Refused && error.is('already-registered')) {
      const id = registrationId();
      forgetRegistration();
      openStatusPage(id);
    } else if (error instanceof Refused) showProblem(error.problem);
    else
      showProblem({
        title: 'That did not work',
        detail: navigator.onLine ? error.message : 'There is no connection. Please try again.',
      });
  } finally {
    busy = button.disabled = false;
    progress.textContent = '';
  }
});

form.addEventListener('change', (changed) => {
  if (changed.target.name === 'ticketType') showTicket();
  saveDraft();
});
restoreDraft();
showTicket();
