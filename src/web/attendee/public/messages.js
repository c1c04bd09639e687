// The messages of the page's language. The page contains them.
const messages = JSON.parse(document.querySelector('#messages').textContent);

/** A message with its `{placeholders}` filled in. */
export const message = (key, values = {}) =>
  messages[key].replaceAll(/\{(\w+)\}/g, (_placeholder, name) => values[name]);

export const hasMessage = (key) => key in messages;

/** How dates and amounts are written in the page's language. */
export const locale = { en: 'en-GB', de: 'de-DE' }[document.documentElement.lang];
