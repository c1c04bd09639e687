// The fields of the form: their values, their errors, and the draft that survives a reload.
import { openAddress } from './address.js';
import { hasMessage, message } from './messages.js';
import { openQuestions } from './questions.js';
import { tab } from './storage.js';
import { suggestion } from './suggestion.js';

/** How long after the last key what was typed is saved (ms). */
const SAVE_AFTER_MS = 300;

/**
 * @param isFree whether the chosen ticket is free, so that no billing address is needed
 * @param onCorrected called with the name of a field whose error was corrected
 */
export function openFields(form, { isFree, onCorrected }) {
  const { event } = form.dataset;
  const draftKey = `registration-draft:${event}`;
  const billing = form.querySelector('#billing');
  const suggestionBox = form.querySelector('#suggestion');
  const ticket = () => form.querySelector('[name=ticketType]:checked');
  const all = () => [...form.querySelectorAll('input[name*="/"], select')];
  /** The fields that count: without the address for a free ticket, and without what the country does not have. */
  const inputs = () => all().filter((field) => !field.closest('[hidden]'));

  const errorOf = (path) => document.getElementById(`error-${path}`);
  function showError(path, fault) {
    const error = errorOf(path);
    if (!error) return;
    if (!fault && error.textContent) onCorrected(path);
    error.textContent = fault;
    error.hidden = !fault;
    const field = form.elements[path];
    // Radio buttons are returned as a list, which has no attributes.
    if (!field?.labels) return;
    if (fault) field.setAttribute('aria-invalid', 'true');
    else field.removeAttribute('aria-invalid');
  }

  const isTick = ({ type }) => type === 'checkbox';
  const isAnswer = ({ name }) => name.startsWith('answers/');
  /** What is in a field; empty for a box that is not ticked. */
  const contentOf = (field) => (isTick(field) ? (field.checked ? 'on' : '') : field.value.trim());

  /** The message for a field, if it has one of its own. */
  const say = (key, { name }, values) => {
    const own = `${key}.${name.split('/')[1]}`;
    return message(hasMessage(own) ? own : key, values);
  };

  /** The error that the server would report for a field, or an empty text if there is none. */
  function faultOf(field) {
    const value = contentOf(field);
    if (!value && isAnswer(field))
      return field.required ? message(isTick(field) ? 'fault.answer.tick' : 'fault.answer.needed') : '';
    if (!value) return field.required ? say('fault.needed', field) : '';
    if (value.length > field.maxLength && field.maxLength > 0)
      return message('fault.too-long', { limit: field.maxLength });
    const { pattern, link } = field.dataset;
    if (pattern && !new RegExp(pattern, 'u').test(value))
      return message(field.type === 'email' ? 'fault.email' : 'fault.text');
    return link && new RegExp(link, 'u').test(value) ? message('fault.link') : '';
  }

  const address = openAddress(form, (field) => {
    if (!field.value.trim()) showError(field.name, '');
  });

  const questions = openQuestions(form);
  /** A free ticket needs no address, and each ticket has its questions. */
  function applyTicket() {
    billing.hidden = isFree();
    questions.showFor(ticket()?.value);
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

  // The entries survive a reload, but only in this tab, because they are personal data.
  let forgotten = false;
  function save() {
    if (forgotten) return;
    const values = all().map((field) => [field.name, isTick(field) ? contentOf(field) : field.value]);
    tab.set(draftKey, { values, ticketType: ticket()?.value, newsletter: form.elements.newsletter.checked });
  }
  function restoreFields(values) {
    for (const [name, value] of values) {
      const field = form.elements[name];
      if (!field) continue;
      if (isTick(field)) field.checked = value !== '';
      else field.value = value;
      // A choice that is not offered any more.
      if (field.value !== value && field.tagName === 'SELECT') field.selectedIndex = 0;
    }
  }
  function restore() {
    const { values = [], ticketType, newsletter } = tab.get(draftKey) ?? {};
    restoreFields(values);
    address.restore(new Map(values));
    if (newsletter !== undefined) form.elements.newsletter.checked = newsletter;
    const choices = [...form.querySelectorAll('[name=ticketType]:enabled')];
    const wanted = choices.find(({ value }) => value === ticketType) ?? (choices.length === 1 && choices[0]);
    if (wanted) wanted.checked = true;
  }

  // A new error moves the button, so errors wait until the pointer is released.
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
    // An empty field that is passed on the way to another one is no error yet.
    if (!inputs().includes(target) || !contentOf(target)) return;
    const judge = () => {
      showError(target.name, faultOf(target));
      if (target.type === 'email') suggest();
    };
    if (pressed) waiting.push(judge);
    else judge();
  });
  let saving;
  form.addEventListener('input', ({ target }) => {
    if (inputs().includes(target) && !faultOf(target)) showError(target.name, '');
    clearTimeout(saving);
    saving = setTimeout(save, SAVE_AFTER_MS);
  });
  form.addEventListener('change', ({ target }) => {
    if (target.name === 'ticketType') showError('ticketType', '');
    save();
  });
  addEventListener('pagehide', () => {
    clearTimeout(saving);
    save();
  });
  restore();

  return {
    showError,
    save,
    applyTicket,

    /** Shows the questions as they are on the server, with what was answered to those that stay. */
    async refreshQuestions() {
      save();
      const { values = [] } = tab.get(draftKey) ?? {};
      await questions.refresh();
      restoreFields(values.filter(([name]) => name.startsWith('answers/')));
      applyTicket();
    },

    forget() {
      forgotten = true;
      tab.remove(draftKey);
    },

    /** The request body. Field names are JSON pointers, and empty fields are omitted. */
    contents() {
      const body = { event, newsletter: form.elements.newsletter.checked, attendee: {} };
      if (!isFree()) body.billing = {};
      if (ticket()) body.ticketType = ticket().value;
      for (const field of inputs()) {
        const [part, name] = field.name.split('/');
        const value = isTick(field) ? field.checked : contentOf(field);
        if (value !== '') (body[part] ??= {})[name] = value;
      }
      return body;
    },

    /** The errors that the server would report: `{ pointer, detail }` for each field. */
    faults: () => [
      ...(ticket() ? [] : [{ pointer: '/ticketType', detail: message('fault.choose-ticket') }]),
      ...inputs()
        .map((field) => ({ pointer: `/${field.name}`, detail: faultOf(field) }))
        .filter(({ detail }) => detail),
    ],

    clearErrors() {
      for (const { id } of form.querySelectorAll('.error')) showError(id.slice('error-'.length), '');
    },

    /** Locks the fields while a payment is in progress. */
    lock(locked) {
      for (const part of form.querySelectorAll('[data-lock]')) part.inert = locked;
    },
  };
}
