// <paypal-button>: a native button for keyboard access, in a shadow root that isolates it from the page's
// style.
import { textsOf } from './frames.js';

const STYLE = `
  :host { display: block; min-height: 44px }
  :host([hidden]) { display: none }
  button { width: 100%; min-height: 44px; padding: 0 1rem; border: 0; border-radius: 4px; background: #ffc439;
    color: #001435; font: 600 16px system-ui, sans-serif; cursor: pointer }
  button:hover { background: #f2ba36 }
  button:focus-visible { outline: 3px solid #0b57d0; outline-offset: 2px; box-shadow: 0 0 0 2px #fff }
  button:disabled { opacity: .5; cursor: not-allowed }
`;
const buttons = new Set();
let texts = textsOf('en-GB');

class PayPalButton extends HTMLElement {
  static observedAttributes = ['type', 'disabled'];
  #button = document.createElement('button');

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open', delegatesFocus: true });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    this.#button.type = 'button';
    root.append(this.#button);
  }
  connectedCallback() {
    buttons.add(this);
    this.render();
  }
  disconnectedCallback() {
    buttons.delete(this);
  }
  attributeChangedCallback() {
    this.render();
  }
  render() {
    this.#button.lang = texts.language;
    this.#button.textContent = texts.buttons[this.type] ?? texts.buttons.pay;
    this.#button.disabled = this.disabled;
  }
  /** Forwards scripted clicks to the native button, which ignores them while it is disabled. */
  click() {
    this.#button.click();
  }
  get type() {
    return this.getAttribute('type') ?? 'pay';
  }
  set type(value) {
    this.setAttribute('type', value);
  }
  get disabled() {
    return this.hasAttribute('disabled');
  }
  set disabled(value) {
    this.toggleAttribute('disabled', Boolean(value));
  }
}

/** Updates all buttons of the page to the language of a locale. */
export function setButtonLocale(locale) {
  texts = textsOf(locale);
  for (const button of buttons) button.render();
}

export function defineButton(locale) {
  setButtonLocale(locale);
  if (!customElements.get('paypal-button')) customElements.define('paypal-button', PayPalButton);
}
