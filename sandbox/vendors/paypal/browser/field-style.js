// The merchant's style for a field. Only PayPal's selectors and properties are allowed. Values are set with
// the CSS object model, which accepts exactly one value per property and thereby prevents injection.
const SELECTORS = [
  ['input', 'input.disabled', 'input.focus', 'input.invalid', 'input.valid', 'input::placeholder'],
  ['label', 'label.disabled', 'label.focus', 'label.invalid', 'label.valid', 'label::placeholder'],
  ['.invalid', '.invalid.focus'],
].flat();
const PROPERTIES = (
  'appearance background border border-radius box-shadow color direction font font-family font-size ' +
  'font-size-adjust font-stretch font-style font-variant font-variant-alternates font-variant-caps ' +
  'font-variant-east-asian font-variant-ligatures font-variant-numeric font-weight height letter-spacing ' +
  'line-height opacity outline padding padding-bottom padding-left padding-right padding-top text-shadow transition'
).split(' ');

/** Applies a style in the format of `MerchantStyleObject`. Skips unsupported parts with a warning. */
export function applyStyle(style) {
  const sheet = new CSSStyleSheet();
  for (const [selector, properties] of Object.entries(style)) {
    if (!SELECTORS.includes(selector)) {
      console.warn(`Card fields: the selector "${selector}" is not supported`);
      continue;
    }
    const rule = sheet.cssRules[sheet.insertRule(`${selector} {}`, sheet.cssRules.length)];
    for (const [name, value] of Object.entries(properties)) {
      const property = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      if (PROPERTIES.includes(property)) rule.style.setProperty(property, String(value));
      else console.warn(`Card fields: the property "${name}" is not supported`);
    }
  }
  document.adoptedStyleSheets = [sheet];
}
