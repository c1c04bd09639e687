// The messages in the language of the page. The server includes them in the page.
const messages = JSON.parse(document.querySelector('#messages').textContent);

/** Returns a message with its `{values}` filled in. */
export const message = (key, values = {}) =>
  messages[key].replaceAll(/\{(\w+)\}/g, (_placeholder, name) => values[name]);
