// Frames and dialogs of PayPal's origin on the merchant's page.
import TEXTS from './texts.js';

export const { origin } = new URL(import.meta.url);

export const textsOf = (locale) => (/^de\b/i.test(locale) ? TEXTS.de : TEXTS.en);

/** Returns the URL of a page, with the merchant's origin and the session as parameters. */
export function pageUrl(path, session, locale, more = {}) {
  const query = new URLSearchParams({ session, merchant: location.origin, locale, ...more });
  return `${origin}${path}?${query}`;
}

export function createFrame(url, title) {
  const frame = document.createElement('iframe');
  frame.src = url;
  frame.title = title;
  return frame;
}

/** Listens to messages of one window of PayPal's origin. Returns a function that stops listening. */
export function listen(windowOf, heard) {
  const listener = ({ source, origin: from, data }) => {
    if (from === origin && source !== null && source === windowOf()) heard(data ?? {});
  };
  addEventListener('message', listener);
  return () => window.removeEventListener('message', listener);
}

/** Shows a frame in a modal dialog. Returns a function that closes it and restores the focus. */
export function openDialog(frame, onDismiss) {
  const before = document.activeElement;
  const dialog = document.createElement('dialog');
  dialog.setAttribute('aria-label', frame.title);
  // Set with the object model, because the merchant's policy may forbid inline styles.
  dialog.style.cssText =
    'width:min(32rem,calc(100vw - 2rem));height:min(36rem,calc(100vh - 2rem));padding:0;border:0;' +
    'border-radius:8px;overflow:hidden;box-shadow:0 0 0 100vmax rgb(0 0 0/.5)';
  frame.style.cssText = 'border:0;display:block;width:100%;height:100%';
  dialog.append(frame);
  dialog.addEventListener('cancel', (event) => {
    event.preventDefault();
    onDismiss();
  });
  document.body.append(dialog);
  dialog.showModal();
  frame.focus();
  return () => {
    dialog.close();
    dialog.remove();
    before?.focus();
  };
}
