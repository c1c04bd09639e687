// What the form remembers. Where the browser blocks storage, it is remembered as long as the page is open.

/** Storage with values of JSON, by the name of a property of `window`. */
function open(name) {
  let storage;
  try {
    storage = window[name];
    storage.setItem('registration-probe', '');
    storage.removeItem('registration-probe');
  } catch {
    storage = undefined;
  }
  const items = new Map();
  return {
    isKept: storage !== undefined,
    get: (key) => JSON.parse((storage ? storage.getItem(key) : items.get(key)) ?? 'null'),
    set(key, value) {
      const text = JSON.stringify(value);
      if (storage) storage.setItem(key, text);
      else items.set(key, text);
    },
    remove(key) {
      storage?.removeItem(key);
      items.delete(key);
    },
    keys: () => (storage ? Object.keys(storage) : [...items.keys()]),
  };
}

/** Shared by all tabs of the browser. */
export const shared = open('localStorage');
/** Of this tab only. */
export const tab = open('sessionStorage');
