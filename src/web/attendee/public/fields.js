// The fields of the form: their values, their errors, and the draft that survives a reload.
import { message } from './messages.js';

/** Common email domains. A domain that is almost the same as one of these is probably a typo. */
const DOMAINS =
  `gmail.com googlemail.com yahoo.com yahoo.de ymail.com outlook.com outlook.de hotmail.com hotmail.de live.com
icloud.com me.com aol.com mail.com msn.com gmx.de gmx.net gmx.at gmx.ch gmx.com web.de t-online.de freenet.de posteo.de
mailbox.org protonmail.com proton.me`.split(/\s+/);

/** The edit distance of two texts: changed, added, removed or swapped neighbouring letters. */
function distance(a, b) {
  const rows = [[...Array(b.length + 1).keys()]];
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      rows[i][j] = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + change);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        rows[i][j] = Math.min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows[a.length][b.length];
}

/** The address that the person probably meant, or undefined if the address looks correct. */
export function suggestion(email) {
  const [name, domain = ''] = email.toLowerCase().split('@');
  if (!name || !domain || DOMAINS.includes(domain)) return undefined;
  // Short domains differ by few letters from each other, so fewer typos are allowed for them.
  const near = DOMAINS.map((known) => [known, distance(domain, known)])
    .filter(([known, slips]) => slips <= (known.length < 9 ? 1 : 2))
    .sort(([, a], [, b]) => a - b)[0]?.[0];
  const meant = near ?? domain.replace(/\.(con|cmo|ocm|vom|comm)$/, '.com');
  return meant === domain ? undefined : `${email.slice(0, email.indexOf('@'))}@${meant}`;
}

export function openFields(form) {
  const { event } = form.dataset;
  const draftKey = `registration-draft:${event}`;
  const inputs = [...form.querySelectorAll('input[name*="/"], select')];
  const country = form.elements['billing/countryCode'];
  const suggestionBox = form.querySelector('#suggestion');
  const ticket = () => form.querySelector('[name=ticketType]:checked');

  const errorOf = (path) => document.getElementById(`error-${path}`);
  function showError(path, fault) {
    const error = errorOf(path);
    if (!error) return;
    error.textContent = fault;
    error.hidden = !fault;
    const field = form.elements[path];
    // Radio buttons are returned as a list, which has no attributes.
    if (!field?.labels) return;
    if (fault) field.setAttribute('aria-invalid', 'true');
    else field.removeAttribute('aria-invalid');
  }

  /** The error that the server would report for a field, or an empty text if there is none. */
  function faultOf(field) {
    const value = field.value.trim();
    if (!value && field.required) return message(field === country ? 'fault.choose' : 'fault.needed');
    if (!value) return '';
    if (value.length > field.maxLength && field.maxLength > 0)
      return message('fault.too-long', { limit: field.maxLength });
    const { pattern } = field.dataset;
    if (pattern && !new RegExp(pattern, 'u').test(value))
      return message(field.type === 'email' ? 'fault.email' : 'fault.text');
    return '';
  }

  /** Labels the address fields as the selected country does, and makes those it needs required. */
  function applyCountry() {
    const { postal, region, noPostal, needsRegion } = country.selectedOptions[0].dataset;
    const rules = {
      postalCode: [postal, noPostal === undefined],
      region: [region, needsRegion !== undefined],
    };
    if (!postal) return;
    for (const [name, [label, required]] of Object.entries(rules)) {
      const field = form.elements[`billing/${name}`];
      field.required = required;
      field.labels[0].textContent = label;
      if (!required && !field.value.trim()) showError(field.name, '');
    }
  }

  function suggest() {
    const field = form.elements['attendee/email'];
    const email = faultOf(field) ? undefined : suggestion(field.value.trim());
    suggestionBox.replaceChildren();
    if (!email) return;
    const accept = document.createElement('button');
    accept.type = 'button';
    accept.className = 'link';
    accept.textContent = message('browser.suggestion', { email });
    accept.addEventListener('click', () => {
      field.value = email;
      suggestionBox.replaceChildren();
      field.focus();
      save();
    });
    suggestionBox.append(accept);
  }

  // The draft survives a reload, but only in this tab, because it contains personal data.
  function save() {
    const values = inputs.map(({ name, value }) => [name, value]);
    const draft = { values, ticketType: ticket()?.value, newsletter: form.elements.newsletter.checked };
    sessionStorage.setItem(draftKey, JSON.stringify(draft));
  }
  function restore() {
    const { values = [], ticketType, newsletter } = JSON.parse(sessionStorage.getItem(draftKey) ?? '{}');
    for (const [name, value] of values) if (form.elements[name]) form.elements[name].value = value;
    if (newsletter !== undefined) form.elements.newsletter.checked = newsletter;
    const choices = [...form.querySelectorAll('[name=ticketType]:enabled')];
    const wanted = choices.find(({ value }) => value === ticketType) ?? (choices.length === 1 && choices[0]);
    if (wanted) wanted.checked = true;
  }

  // An error that appears while the button is pressed would move the button away from the pointer.
  let pressed = false;
  const waiting = [];
  addEventListener('pointerdown', () => (pressed = true));
  for (const end of ['pointerup', 'pointercancel'])
    addEventListener(end, () =>
      setTimeout(() => {
        pressed = false;
        for (const judge of waiting.splice(0)) judge();
      }),
    );
  form.addEventListener('focusout', ({ target }) => {
    if (!inputs.includes(target)) return;
    const judge = () => {
      showError(target.name, faultOf(target));
      if (target.type === 'email') suggest();
    };
    if (pressed) waiting.push(judge);
    else judge();
  });
  form.addEventListener('input', ({ target }) => {
    if (inputs.includes(target) && !faultOf(target)) showError(target.name, '');
  });
  form.addEventListener('change', ({ target }) => {
    if (target === country) applyCountry();
    if (target.name === 'ticketType') showError('ticketType', '');
    save();
  });
  restore();
  applyCountry();

  return {
    ticket,
    showError,
    save,
    forget: () => sessionStorage.removeItem(draftKey),

    /** The request body. Field names are JSON pointers, and empty fields are omitted. */
    contents() {
      const body = { event, newsletter: form.elements.newsletter.checked, attendee: {}, billing: {} };
      if (ticket()) body.ticketType = ticket().value;
      for (const field of inputs) {
        const [part, name] = field.name.split('/');
        const value = field.value.trim();
        if (value) body[part][name] = value;
      }
      return body;
    },

    /** The errors that the server would report for the form, as `{ pointer, detail }` for each field. */
    faults: () => [
      ...(ticket() ? [] : [{ pointer: '/ticketType', detail: message('fault.choose-ticket') }]),
      ...inputs
        .map((field) => ({ pointer: `/${field.name}`, detail: faultOf(field) }))
        .filter(({ detail }) => detail),
    ],

    clearErrors() {
      for (const { id } of form.querySelectorAll('.error')) showError(id.slice('error-'.length), '');
    },
  };
}
