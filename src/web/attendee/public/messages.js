// What is told to people, in the language of the page, which brings it along.
const messages = JSON.parse(document.querySelector('#messages').textContent);

/** A message with its `{values}` filled in. */
export const message = (key, values = {}) =>
  messages[key].replaceAll(/\{(\w+)\}/g, (_placeholder, name) => values[name]);
