// One card field in its own frame. It sends its value only to the vault frame of the same session.
import { digitsOf, FORMATS } from './field-format.js';
import { cardsOf, stateOf } from './field-state.js';
import { applyStyle } from './field-style.js';

const input = document.querySelector('input');
const label = document.querySelector('label');
const { type, session, merchant } = document.body.dataset;
const channel = new BroadcastChannel(`card-${session}`);

channel.onmessage = ({ data }) => {
  if (data === 'collect') channel.postMessage({ type, value: input.value });
};

/** Sets the text of a paragraph and makes an ARIA attribute of the field refer to it. */
function refer(attribute, id, text) {
  if (text === undefined) return;
  document.getElementById(id).textContent = text;
  input.setAttribute(attribute, id);
}

/** Applies the options of `createCardFieldsComponent`, which the embedding page sends. */
function configure({ placeholder, label: text, style, ariaLabel, ariaDescription, ariaInvalidErrorMessage }) {
  if (placeholder !== undefined) input.placeholder = placeholder;
  if (text !== undefined) {
    label.textContent = text;
    label.hidden = false;
    input.removeAttribute('aria-label');
  }
  if (ariaLabel !== undefined) input.setAttribute('aria-label', ariaLabel);
  refer('aria-describedby', 'description', ariaDescription);
  refer('aria-errormessage', 'error', ariaInvalidErrorMessage);
  if (style !== undefined) applyStyle(style);
}
addEventListener('message', ({ source, origin, data }) => {
  if (source === parent && origin === merchant && data?.configure) configure(data.configure);
});

let told = stateOf(type, input);
let brands = '[]';

/** Reports an event to the page, and sets the field's CSS classes for the page's style. */
function tell(event) {
  const state = stateOf(type, input);
  const cards = type === 'number' ? cardsOf(input.value) : [];
  const say = (name) => parent.postMessage({ field: session, type, event: name, state, cards }, merchant);
  say(event);
  if (state.isEmpty !== told.isEmpty) say(state.isEmpty ? 'empty' : 'notempty');
  if (state.isValid !== told.isValid || state.isPotentiallyValid !== told.isPotentiallyValid)
    say('validitychange');
  if (type === 'number' && JSON.stringify(cards) !== brands) say('cardtypechange');
  brands = JSON.stringify(cards);
  told = state;
  // Incomplete input is not invalid while the field has the focus.
  const invalid = !state.isEmpty && !(state.isFocused ? state.isPotentiallyValid : state.isValid);
  for (const element of [input, label]) {
    element.classList.toggle('focus', state.isFocused);
    element.classList.toggle('valid', state.isValid);
    element.classList.toggle('invalid', invalid);
  }
  input.setAttribute('aria-invalid', String(invalid));
}

function format() {
  const formatted = FORMATS[type](input.value);
  if (formatted === input.value) return;
  // Setting the value moves the cursor to the end, so the position after a corrected digit is restored.
  const behind = digitsOf(input.value.slice(input.selectionEnd)).length;
  input.value = formatted;
  let cursor = formatted.length;
  for (let left = behind; left > 0; cursor--) if (/\d/.test(formatted[cursor - 1])) left--;
  input.setSelectionRange(cursor, cursor);
}

input.addEventListener('input', () => {
  format();
  tell('change');
});
input.addEventListener('focus', () => tell('focus'));
input.addEventListener('blur', () => tell('blur'));
input.addEventListener('keydown', ({ key }) => {
  if (key === 'Enter') tell('inputsubmit');
});
// When the page focuses the frame, the focus moves to the field.
addEventListener('focus', () => input.focus());
// Formats input that was entered before this script was loaded.
format();
